"""Arguments of OciGpuHost."""

from enum import StrEnum

from pydantic import Field

from ..args import ComponentArgs, Input
from ..triton.args import TritonArgs

BOOT_VOLUME_GB = 1000
"""The guide's size."""


class OperatingSystem(StrEnum):
    """What the hosts boot."""

    ORACLE_LINUX = "oracle-linux"
    """Oracle Linux Gen2 GPU, an image of Oracle's that has the NVIDIA driver."""
    UBUNTU = "ubuntu"
    """Ubuntu, into which the set-up installs the driver."""


class BalancerExposure(StrEnum):
    """Who can reach the load balancer."""

    INTERNAL = "internal"
    """The VCN alone."""
    PUBLIC = "public"
    """The given ranges of the internet."""


class SshAccess(StrEnum):
    """How people reach a shell on the hosts."""

    BASTION = "bastion"
    """Through sessions of OCI Bastion, which IAM grants and which end by themselves. Hosts have no public address."""
    PUBLIC = "public"
    """Hosts have public addresses, and port 22 is open for the given ranges."""
    NONE = "none"
    """Not at all."""


class EngineStoreKind(StrEnum):
    """Where built engines are kept, so that a new host does not build them again."""

    BLOCK_VOLUME = "block-volume"
    """One block volume for each host, in its availability domain."""
    BUCKET = "bucket"
    """One bucket for all hosts, which does not mind where they are."""


class OciImageArgs(ComponentArgs):
    """The image that hosts boot: the newest of an operating system, or one that is pinned by name or OCID.

    A newer image does not replace a running host. A change of a pinned one does.
    """

    operating_system: OperatingSystem | None = None
    """Operating system, of which the newest image is taken. Default: `oracle-linux`."""
    version: str | None = None
    """Version of the operating system, of which the newest image is taken. Default: `8` of Oracle Linux, `22.04` of
    Ubuntu."""
    name: str | None = None
    """Name of one image, for example `Oracle-Linux-8.9-Gen2-GPU-2024.04.19-0`. Default: the newest."""
    id: Input[str] | None = None
    """OCID of one image, also of one of yours. Default: the newest."""


class OciNetworkArgs(ComponentArgs):
    """The network: made by the component, or one that exists."""

    cidr: str | None = None
    """Range of the VCN, also of one that exists: what counts as inside. The first half of one that is made is for the
    hosts, the second for the load balancer. Default: `10.0.0.0/16`."""
    vcn_id: Input[str] | None = None
    """OCID of a VCN that exists, with gateways, routes and security lists. Default: one is made."""
    host_subnet_id: Input[str] | None = None
    """OCID of a regional subnet of it for the hosts, with a route to the internet. Required with `vcn_id`."""
    balancer_subnet_id: Input[str] | None = None
    """OCID of a regional subnet of it for the load balancer. Required with `vcn_id`."""


class SshArgs(ComponentArgs):
    """Access of people to the hosts."""

    access: SshAccess | None = None
    """The way there. Default: `bastion`."""
    source_ranges: list[str] | None = None
    """CIDR ranges that may use the bastion, or port 22. Default: `source_ranges` of the component."""
    public_key: str | None = None
    """Public SSH key that the hosts accept. Required for `public`. Default: none; the bastion's sessions bring one."""


class EngineStoreArgs(ComponentArgs):
    """Where built engines are kept. It stays when a host is replaced."""

    kind: EngineStoreKind | None = None
    """What it is. Default: `block-volume`."""
    size_gb: int | None = Field(default=None, ge=50, le=32768)
    """Size of a block volume, in GB. Default: 500."""
    keep: bool | None = None
    """Leave it, and what it costs, when the component is destroyed. Default: false."""


class OciHostArgs(ComponentArgs):
    """Hosts, their network and their access, without what they serve."""

    shape: str
    """Shape with GPUs, for example `BM.GPU4.8`."""
    hosts: int | None = Field(default=None, ge=1, le=100)
    """Hosts behind the load balancer, each of which serves the whole model. Default: 1."""
    availability_domains: list[str] | None = None
    """Availability domains to try in order, by full name or by its end, such as `AD-2`, which is the same in every
    tenancy. The first in which Oracle reports capacity is taken, and kept. One that is the only one is taken without
    asking. Default: all of the region."""
    fault_domain: str | None = None
    """Fault domain, for example `FAULT-DOMAIN-1`. Default: Oracle chooses."""
    capacity_reservation_id: Input[str] | None = None
    """OCID of a capacity reservation that the hosts come from. Its availability domain must be the only one of
    `availability_domains`. Default: none."""
    image: OciImageArgs | None = None
    """Image that the hosts boot. Default: the newest Oracle Linux 8 Gen2 GPU."""
    boot_volume_gb: int | None = Field(default=None, ge=50, le=32768)
    """Size of the boot volume, in GB. The set-up grows the root file system to it. Default: 1000."""
    nvme: bool | None = None
    """Keep weights and checkpoints on the local NVMe drives, whose content goes with the host. Default: false."""
    engine_store: EngineStoreArgs | None = None
    """Where built engines are kept. Default: a block volume of 500 GB for each host."""
    key_id: Input[str] | None = None
    """OCID of a Vault key of yours that encrypts boot and block volumes. Default: Oracle's own keys."""
    network: OciNetworkArgs | None = None
    """Network of hosts and load balancer. Default: a VCN of its own."""
    exposure: BalancerExposure | None = None
    """Who can reach the load balancer. Default: `internal`."""
    ssh: SshArgs | None = None
    """How people reach a shell on the hosts. Default: through a bastion."""
    token_secret_id: Input[str] | None = None
    """OCID of a Vault secret that holds the Hugging Face token. Default: one is made from `token`, if that is set."""
    grant_rights: bool | None = None
    """Make the dynamic group of the hosts and its policy, in the tenancy. False: an administrator has made them.
    Default: true."""
    home_region: str | None = None
    """Home region of the tenancy, where alone Oracle takes changes of dynamic groups and policies. Default: the region
    of the hosts."""
    tags: dict[str, str] | None = None
    """Free-form tags of all resources. Default: none."""


class OciGpuHostArgs(OciHostArgs):
    """Arguments of OciGpuHost."""

    triton: TritonArgs
    """What the hosts serve."""
    compartment_id: Input[str]
    """OCID of the compartment in which everything but dynamic group and policy is made."""
    tenancy_id: Input[str] | None = None
    """OCID of the tenancy. Default: that of the oci provider, `oci:tenancyOcid`."""
    region: str | None = None
    """Region of the oci provider. Default: `oci:region`."""
    token: Input[str] | None = None
    """Hugging Face token, a secret, from which a Vault secret is made. Default: none."""
    source_ranges: list[str] | None = None
    """CIDR ranges that may reach a public load balancer, and the bastion. Default: none."""
