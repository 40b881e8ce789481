"""What accelerators, machines, regions and models are, as published: facts in TOML files, read into typed records.

Every table of those files names its `source` and the `date` on which the source was read. Prices and zones age: they
are there to catch mistakes and to estimate, not to promise capacity or to bill.
"""

import datetime
import functools
import math
import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, ValidationError

KINDS = (
    "accelerators",
    "machines",
    "topologies",
    "regions",
    "prices",
    "shapes",
    "oci-regions",
    "models",
    "quantizations",
    "assumptions",
)
"""The catalogue's files, each with one table of that name that holds one table per record."""


class CatalogError(ValueError):
    """The catalogue's own files are wrong: says which table of which file, and what is wrong with it."""


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
    bfloat16: bool = True
    """Whether it computes in bfloat16. NVIDIA's does from compute capability 8.0 on."""
    partitions: Mapping[str, Partition] = Field(default_factory=dict[str, Partition])
    """Sizes into which MIG cuts one GPU, by their name, for example `1g.5gb`. None of them: it has no MIG."""


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
    """Price on demand by region, US dollars per hour: with its accelerators, without the disks that were added."""
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


class JetStreamNames(Record):
    """What JetStream's guide calls a model."""

    model_name: Literal["llama-2", "llama-3", "gemma"]
    """Value of the server's `--model_name`, and of the converter's `-n`."""
    size: str
    """Value of the server's `--size`."""
    folder: str
    """Folder of its converted checkpoint in the bucket."""


class Model(Fact):
    """One published model, as far as serving it needs to know."""

    name: str
    """Repository on Hugging Face."""
    parameters: int = Field(gt=0)
    """Count of weights."""
    active_parameters: int = Field(gt=0)
    """Count of weights that one token goes through; fewer than `parameters` for a mixture of experts."""
    layers: int = Field(gt=0)
    heads: int = Field(gt=0)
    """Attention heads of one layer."""
    kv_heads: int = Field(gt=0)
    """Key and value heads of one layer."""
    head_dim: int = Field(gt=0)
    """Width of one head."""
    hidden: int = Field(gt=0)
    """Width of the model."""
    vocabulary: int = Field(gt=0)
    """Count of tokens known to the model."""
    tied_embeddings: bool
    """Whether the output head shares the embedding's weights."""
    context: int = Field(gt=0)
    """Longest context that it was made for, tokens."""
    dtype: str
    """Type of the published weights: `bfloat16`, `float16`, or the GGUF name of a quantization."""
    gated: bool
    """Whether a Hugging Face token with accepted terms is needed to download it."""
    licence: str
    """As Hugging Face names it."""
    file: str | None = None
    """The one file of the repository that is used; None: the repository's safetensors files."""
    weight_bytes: int = Field(gt=0)
    """Bytes of the weight files that a server downloads."""
    jetstream: JetStreamNames | None = None
    """None: the guide does not serve it with JetStream."""


class Quantization(Fact):
    """How weights are kept in the memory of accelerators."""

    name: str
    """Value that a model server takes, for example TGI's `--quantize`."""
    bits: float = Field(gt=0)
    """Bits of one quantized weight."""
    overhead_bits: float = Field(ge=0)
    """Bits for each quantized weight that its block's scales add."""
    embeddings: bool = False
    """Whether embedding and output head are quantized too; otherwise they stay in 16 bits."""


class Assumption(Fact):
    """A number that was chosen, not measured by this project."""

    name: str
    value: float = Field(gt=0)
    why: str


class Catalog(Record):
    """All facts, each kind by name."""

    accelerators: Mapping[str, Accelerator]
    machines: Mapping[str, Machine]
    topologies: Mapping[str, Topologies]
    """By machine type; those with TPUs only."""
    regions: Mapping[str, Region]
    shapes: Mapping[str, Shape]
    oci_regions: Mapping[str, OciRegion]
    models: Mapping[str, Model]
    quantizations: Mapping[str, Quantization]
    assumptions: Mapping[str, Assumption]

    def zone(self, name: str) -> Zone | None:
        """The zone of that name in any region; None if there is none, as with a name that is a region's."""
        return next((region.zones[name] for region in self.regions.values() if name in region.zones), None)


def chips_of(topology: str) -> int:
    """Return how many chips a slice of that topology has, for example 8 for `2x4`."""
    return math.prod(int(side) for side in topology.split("x"))


@functools.cache
def load_catalog() -> Catalog:
    """Return the catalogue that comes with this package.

    Raises:
        CatalogError: one of its files is wrong.
    """
    folder = files(__name__)
    return read_catalog({kind: folder.joinpath(f"{kind}.toml").read_text(encoding="utf-8") for kind in KINDS})


def read_catalog(texts: Mapping[str, str]) -> Catalog:
    """Return the catalogue that the TOML `texts`, by kind, hold.

    Raises:
        CatalogError: a text is no TOML, lacks something, or names what is nowhere described.
    """
    tables = {kind.replace("-", "_"): _records(kind, texts[kind]) for kind in KINDS}
    prices = tables.pop("prices")
    for name in prices.keys() ^ tables["machines"].keys():
        raise CatalogError(f"catalogue: '{name}' must be both in machines.toml and in prices.toml.")
    for name, price in prices.items():
        origin = {key: price.pop(key) for key in ("source", "date") if key in price}
        tables["machines"][name] = {**price, **tables["machines"][name], "prices": origin}
    for name, region in tables["regions"].items():
        region["zones"] = {
            zone: {"name": zone, "region": name, "accelerators": accelerators}
            for zone, accelerators in region.get("zones", {}).items()
        }
    try:
        catalog = Catalog.model_validate(tables)
    except ValidationError as invalid:
        problems = [f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}" for detail in invalid.errors()]
        raise CatalogError(f"catalogue: {'; '.join(problems)}.") from None
    checks = (_machine_problems, _topology_problems, _zone_problems, _shape_problems)
    if problems := [problem for check in checks for problem in check(catalog)]:
        raise CatalogError(f"catalogue: {'; '.join(problems)}.")
    return catalog


def _machine_problems(catalog: Catalog) -> Iterator[str]:
    for machine in catalog.machines.values():
        if (machine.accelerator is None) != (machine.accelerator_count == 0):
            yield f"machine {machine.name}: accelerator and accelerator_count must come together"
        if machine.accelerator not in (None, *catalog.accelerators):
            yield f"machine {machine.name}: unknown accelerator {machine.accelerator}"
        for region in {*machine.hourly_usd, *machine.spot_hourly_usd} - catalog.regions.keys():
            yield f"machine {machine.name}: price in an unknown region {region}"


def _topology_problems(catalog: Catalog) -> Iterator[str]:
    tpus = {name for name, accelerator in catalog.accelerators.items() if accelerator.kind == "tpu"}
    with_tpus = {name for name, machine in catalog.machines.items() if machine.accelerator in tpus}
    for name in sorted(with_tpus ^ catalog.topologies.keys()):
        yield f"machine {name}: it must have TPUs and be in topologies.toml, or neither"
    for name in sorted(with_tpus & catalog.topologies.keys()):
        shapes, chips = catalog.topologies[name].shapes, catalog.machines[name].accelerator_count
        if len(set(shapes)) < len(shapes):
            yield f"topologies of {name}: one is named twice"
        for shape in shapes:
            if chips and chips_of(shape) % chips:
                yield f"topologies of {name}: {shape} is no multiple of the machine's {chips} chips"


def _zone_problems(catalog: Catalog) -> Iterator[str]:
    for region in catalog.regions.values():
        for zone in region.zones.values():
            if zone.name.rpartition("-")[0] != region.name:
                yield f"region {region.name}: zone {zone.name} is not in it"
            for accelerator in set(zone.accelerators) - catalog.accelerators.keys():
                yield f"zone {zone.name}: unknown accelerator {accelerator}"


def _shape_problems(catalog: Catalog) -> Iterator[str]:
    for shape in catalog.shapes.values():
        if shape.accelerator not in catalog.accelerators:
            yield f"shape {shape.name}: unknown accelerator {shape.accelerator}"
        if (shape.nvme_count == 0) != (shape.nvme_gb == 0):
            yield f"shape {shape.name}: nvme_count and nvme_gb must come together"
        if shape.bare_metal != shape.name.startswith("BM."):
            yield f"shape {shape.name}: its name says whether it is bare metal"
    for region in catalog.oci_regions.values():
        for name in set(region.shapes or ()) - catalog.shapes.keys():
            yield f"region {region.name}: unknown shape {name}"


def _records(kind: str, text: str) -> dict[str, dict[str, Any]]:  # Any: TOML values, checked by the records' types
    """Return the records of one file by name. What stands above its tables holds for each that says nothing else."""
    try:
        shared = tomllib.loads(text)
    except tomllib.TOMLDecodeError as broken:
        raise CatalogError(f"catalogue: {kind}.toml is not valid TOML: {broken}") from None
    records: dict[str, dict[str, Any]] = shared.pop(kind, {})
    return {name: {"name": name, **shared, **record} for name, record in records.items()}
