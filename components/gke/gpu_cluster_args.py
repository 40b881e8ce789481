"""Arguments of GkeGpuCluster."""

from enum import StrEnum

from ..args import ComponentArgs, Input
from .node_pool import GpuPoolArgs, NodePoolArgs

CPU_POOL = "cpu"
"""Name of the first pool in maps and outputs. Pulumi appends to the name that it has in the cluster."""


class ReleaseChannel(StrEnum):
    """How soon GKE upgrades the cluster."""

    RAPID = "rapid"
    """Newest versions first."""
    REGULAR = "regular"
    """Versions that the rapid channel has proved."""
    STABLE = "stable"
    """Versions that the regular channel has proved."""


class Addons(ComponentArgs):
    """Parts of GKE that can be left out."""

    horizontal_pod_autoscaling: bool | None = None
    """Horizontal pod autoscaling. Default: true."""
    http_load_balancing: bool | None = None
    """Controller of Ingress and of container-native load balancing. Default: true."""
    persistent_disk_csi: bool | None = None
    """Compute Engine persistent disk CSI driver, which provides `premium-rwo`. Default: true."""
    gcs_fuse_csi: bool | None = None
    """Cloud Storage FUSE CSI driver, which mounts buckets. Default: true."""


class MaintenanceWindow(ComponentArgs):
    """When GKE may upgrade. It asks for at least 48 hours in every 32 days, in pieces of at least 4 hours."""

    start: str
    """First start, RFC 3339 in UTC, for example `2026-01-03T03:00:00Z`."""
    end: str
    """First end, RFC 3339 in UTC."""
    recurrence: str
    """RFC 5545 rule, for example `FREQ=WEEKLY;BYDAY=SA,SU`."""


class GkeGpuClusterArgs(ComponentArgs):
    """Arguments of GkeGpuCluster."""

    location: str
    """Region of a regional cluster, or zone of a zonal one."""
    autopilot: bool | None = None
    """Let GKE make the nodes that pods ask for, and run them. Then there are no pools, no `node_locations` and no
    `addons` to set, and the location is a region. Default: false."""
    cpu_pool: NodePoolArgs | None = None
    """Nodes for everything that needs no GPU, GKE's own pods among them. Required unless `autopilot`."""
    gpu_pools: dict[str, GpuPoolArgs] | None = None
    """GPU node pools by name. A pool that is replaced is deleted first, since scarce GPUs rarely suffice for two.
    Default: none."""
    cpu_pools: dict[str, NodePoolArgs] | None = None
    """Further pools without accelerators, by name: with `minNodes` 0 they have nodes only while pods want them.
    Default: none."""
    project: Input[str] | None = None
    """Google Cloud project ID. Default: that of the gcp provider, `gcp:project`."""
    node_locations: list[str] | None = None
    """Zones of the nodes. Default: for a region, the three that GKE takes first; for a zone, that zone."""
    release_channel: ReleaseChannel | None = None
    """Which versions GKE upgrades the cluster to. Default: `regular`."""
    network: Input[str] | None = None
    """Name or self link of the VPC network. Default: `default`."""
    subnetwork: Input[str] | None = None
    """Name or self link of the subnetwork in the cluster's region. Default: `default`."""
    private_nodes: bool | None = None
    """Nodes without public addresses. Default: true."""
    nat: bool | None = None
    """Create a Cloud NAT for the region of the network, through which private nodes pull images and weights.
    Set false when the network has one already. Default: as `private_nodes`."""
    authorized_networks: dict[str, str] | None = None
    """CIDR ranges, by a name for each, from which the control plane can be reached. Default: anywhere, with IAM's
    authentication, as with `--no-enable-master-authorized-networks`."""
    addons: Addons | None = None
    """Parts of GKE that are installed. Default: all of them."""
    logging: list[str] | None = None
    """Components whose logs are collected. Default: `SYSTEM_COMPONENTS` and `WORKLOADS`; with `autopilot` GKE's own."""
    monitoring: list[str] | None = None
    """Components whose metrics are collected. Default: `SYSTEM_COMPONENTS`; with `autopilot` GKE's own."""
    managed_prometheus: bool | None = None
    """Managed Service for Prometheus, which collects the model servers' metrics. Autopilot always has it. Default:
    true."""
    tags: list[str] | None = None
    """Network tags of the nodes, for firewall rules. Default: none."""
    labels: dict[str, str] | None = None
    """Labels of the cluster, for billing. Default: none."""
    maintenance_window: MaintenanceWindow | None = None
    """When GKE may upgrade. Default: 03:00 to 09:00 UTC on Saturdays and Sundays."""
    node_roles: list[str] | None = None
    """Project roles of the nodes besides the least that GKE needs, for example `roles/artifactregistry.reader` to pull
    private images. Default: none."""
    deletion_protection: bool | None = None
    """Let the provider refuse to delete the cluster. Default: false, so that `pulumi destroy` works."""


def node_pools(args: GkeGpuClusterArgs) -> dict[str, NodePoolArgs]:
    """Return all pools of a cluster by name, the CPU pool first."""
    first = {} if args.cpu_pool is None else {CPU_POOL: args.cpu_pool}
    return {**first, **(args.cpu_pools or {}), **(args.gpu_pools or {})}
