"""Records of hardware: accelerators, machines, regions and shapes."""

import datetime
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat


class Record(BaseModel):
    """Base of all records: unknown keys are refused, nothing changes after loading."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Fact(Record):
    """A record that says where it comes from."""

    source: str = Field(pattern=r"^https://")
    """Public page or file that says so."""
    date: datetime.date
    """When the source was read."""


class Partition(Record):
    """One size of Multi-Instance GPU (MIG)."""

    count: int = Field(gt=0)
    """Partitions of this size that one GPU makes."""
    memory_gib: float = Field(gt=0)
    """Memory of one, GiB."""


class Accelerator(Fact):
    """One kind of GPU or TPU chip."""

    name: str
    """Value of the node label `selector`; for a GPU also the accelerator type of a node pool."""
    title: str
    """Name for people."""
    kind: Literal["gpu", "tpu"]
    resource: str
    """What a container requests them as: `nvidia.com/gpu` or `google.com/tpu`. Also the key of their nodes' taint."""
    selector: str
    """Label of the nodes that have it."""
    memory_gib: float = Field(gt=0)
    """Memory by the data sheet, GiB."""
    usable_gib: float = Field(gt=0)
    """Memory that a process can allocate from, GiB: the capacity that CUDA reports, or that XLA counts with."""
    bandwidth_gb_per_second: float = Field(gt=0)
    """Memory bandwidth by the data sheet, 10^9 bytes per second."""
    quota: str | None = None
    """Regional quota metric that it counts against on demand, one for each GPU or chip; None: GKE has none."""
    spot_quota: str | None = None
    """Regional quota metric that it counts against on spot machines."""
    peak_tflops: Mapping[Literal["bfloat16", "float16", "int8", "float8"], PositiveFloat] = Field(min_length=1)
    """Dense matrix products by type of number, 10^12 operations per second. A type that it cannot compute in is left
    out."""
    link: Literal["NVLink", "ICI", "PCIe"]
    """What connects the accelerators of one host."""
    link_gb_per_second: float = Field(gt=0)
    """What one of them can send and receive together over it, 10^9 bytes per second."""
    partitions: Mapping[str, Partition] = Field(default_factory=dict[str, Partition])
    """Sizes into which MIG cuts one GPU, by their name, for example `1g.5gb`. None of them: it has no MIG."""

    @property
    def bfloat16(self) -> bool:
        """Whether it computes in bfloat16. NVIDIA's does from compute capability 8.0 on."""
        return "bfloat16" in self.peak_tflops


class Machine(Fact):
    """One Compute Engine machine type."""

    name: str
    cpus: int = Field(gt=0)
    """Virtual CPUs."""
    memory_gib: float = Field(gt=0)
    """Memory, GiB."""
    accelerator: str | None = None
    """Key of the accelerator that comes with the machine; None if none does."""
    accelerator_count: int = Field(default=0, ge=0)
    """How many of them."""
    local_ssd_counts: tuple[int, ...]
    """Allowed counts of local SSD disks. (0,): none can be added. One other count: that many always come with it."""
    local_ssd_gb: int = Field(gt=0)
    """Size of one local SSD, as Google counts it."""
    quota: str | None = None
    """Regional quota metric that its CPUs count against; None for machines that only their accelerators count for."""
    hourly_usd: Mapping[str, PositiveFloat]
    """Price on demand by region, US dollars per hour: with its accelerators, without the disks that were added. None of
    them: it is not sold on demand."""
    spot_hourly_usd: Mapping[str, PositiveFloat]
    """Spot price by region, likewise. It moves often."""
    prices: Fact
    """Where the prices come from."""


class Topologies(Fact):
    """Which slices one TPU machine type can make."""

    name: str
    """The machine type."""
    shapes: tuple[Annotated[str, Field(pattern=r"^[1-9]\d*(x[1-9]\d*){1,2}$")], ...] = Field(min_length=1)
    """Arrangements of chips, such as `2x4` or `2x2x1`, the smallest first."""


class Zone(Record):
    """One zone of a region."""

    name: str
    region: str
    accelerators: tuple[str, ...]
    """Keys of the accelerators that the zone offers."""


class Region(Fact):
    """One Google Cloud region."""

    name: str
    zones: Mapping[str, Zone] = Field(min_length=1)
    """All its zones by name, with or without accelerators."""


class Shape(Fact):
    """One compute shape of Oracle Cloud with GPUs."""

    name: str
    ocpus: int = Field(gt=0)
    """Physical cores."""
    memory_gib: float = Field(gt=0)
    """Memory, GiB. Oracle calls them GB."""
    accelerator: str
    """Key of the accelerator that comes with the shape."""
    accelerator_count: int = Field(gt=0)
    """How many of them."""
    nvme_count: int = Field(ge=0)
    """Local NVMe drives. What is on them is gone when the instance is terminated."""
    nvme_gb: int = Field(ge=0)
    """Size of one such drive, 10^9 bytes; 0 where there is none."""
    platform: str | None = None
    """Value of `platformConfig.type`; None: the shape takes no platform configuration that is known here."""
    bare_metal: bool
    """Whether an instance is a whole machine."""
    limit: str
    """Service limit that it counts against in an availability domain, one for each GPU."""
    hourly_usd: float | None = Field(default=None, gt=0)
    """List price on demand, US dollars per hour for the whole shape, alike in all regions; None: not published."""
    prices: Fact
    """Where the price comes from."""


class OciRegion(Fact):
    """One Oracle Cloud region."""

    name: str
    availability_domains: int = Field(gt=0)
    """How many availability domains it has. Their names differ from tenancy to tenancy."""
    shapes: tuple[str, ...] | None = None
    """The shapes of this catalogue that the region may offer; None: any, since nothing is published."""
