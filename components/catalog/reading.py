"""Reads the catalogue's files, and a project's own, and refuses what is wrong in them."""

import functools
import math
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from .hardware import Accelerator, Machine, OciRegion, Record, Region, Shape, Topologies, Zone
from .models import Assumption, Model, Quantization

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

OWN_FILE = "llm-serving-catalog.toml"
"""A project's own entries, in the folder that its program runs in."""

OWN_FILE_VARIABLE = "LLM_SERVING_CATALOG"
"""Environment variable that names another place of that file."""

Tables = dict[str, dict[str, dict[str, Any]]]
"""Records as read, by kind and name. Any: TOML values, checked by the records' types."""


class CatalogError(ValueError):
    """The catalogue's files, or the project's own, are wrong: says which table of which file, and what is wrong."""


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
    added: tuple[str, ...] = ()
    """Entries of the project's own file that the catalogue lacks, such as `models.someone/something`."""
    overridden: tuple[str, ...] = ()
    """Entries of the catalogue that the project's own file changes."""

    def zone(self, name: str) -> Zone | None:
        """The zone of that name in any region; None if there is none, as with a name that is a region's."""
        return next((region.zones[name] for region in self.regions.values() if name in region.zones), None)


def chips_of(topology: str) -> int:
    """Return how many chips a slice of that topology has, for example 8 for `2x4`."""
    return math.prod(int(side) for side in topology.split("x"))


@functools.cache
def load_catalog() -> Catalog:
    """Return the catalogue that comes with this package, with the project's own entries.

    Raises:
        CatalogError: a file is wrong, or the one that `LLM_SERVING_CATALOG` names cannot be read.
    """
    folder = Path(__file__).parent
    texts = {kind: folder.joinpath(f"{kind}.toml").read_text(encoding="utf-8") for kind in KINDS}
    named = os.environ.get(OWN_FILE_VARIABLE)
    own = Path(named or OWN_FILE)
    try:
        return read_catalog(texts, own.read_text(encoding="utf-8") if named or own.is_file() else None)
    except OSError as missing:
        raise CatalogError(f"catalogue: {OWN_FILE_VARIABLE} names '{own}': {missing.strerror}.") from None


def read_catalog(texts: Mapping[str, str], own: str | None = None) -> Catalog:
    """Return the catalogue that the TOML `texts`, by kind, and a project's `own` file hold.

    Raises:
        CatalogError: a text is no TOML, lacks something, or names what is nowhere described.
    """
    tables: Tables = {kind: _records(kind, texts[kind]) for kind in KINDS}
    places = {(kind, name): f"{kind}.toml" for kind, records in tables.items() for name in records}
    added, overridden = _merge(tables, _own_records(own)) if own is not None else ((), ())
    for entry in (*added, *overridden):
        kind, _, name = entry.partition(".")
        places[kind, name] = OWN_FILE
    prices = tables.pop("prices")
    for name in prices.keys() ^ tables["machines"].keys():
        raise CatalogError(f"catalogue: '{name}' must be both in machines and in prices.")
    for name, price in prices.items():
        origin = {key: price.pop(key) for key in ("source", "date") if key in price}
        tables["machines"][name] = {**price, **tables["machines"][name], "prices": origin}
    for name, region in tables["regions"].items():
        region["zones"] = {
            zone: {"name": zone, "region": name, "accelerators": accelerators}
            for zone, accelerators in region.get("zones", {}).items()
        }
    fields = {kind.replace("-", "_"): records for kind, records in tables.items()}
    try:
        catalog = Catalog.model_validate({**fields, "added": added, "overridden": overridden})
    except ValidationError as invalid:
        problems = [_problem(detail["loc"], detail["msg"], places) for detail in invalid.errors()]
        raise CatalogError(f"catalogue: {'; '.join(problems)}.") from None
    checks = {
        "machines": _machine_problems,
        "topologies": _topology_problems,
        "regions": _zone_problems,
        "shapes": _shape_problems,
        "models": _model_problems,
    }
    if problems := [
        f"{message} ({places.get((kind, name), f'{kind}.toml')})"
        for kind, check in checks.items()
        for name, message in check(catalog)
    ]:
        raise CatalogError(f"catalogue: {'; '.join(problems)}.")
    return catalog


def _problem(location: tuple[int | str, ...], message: str, places: Mapping[tuple[str, str], str]) -> str:
    """Tell of a wrong value in which table it is, and in which file."""
    field, name, *rest = (str(part) for part in location)
    kind = field.replace("_", "-")
    if kind == "machines" and rest and rest[0] in ("prices", "hourly_usd", "spot_hourly_usd"):
        kind = "prices"
    return f"{'.'.join((field, name, *rest))}: {message} ({places.get((kind, name), f'{kind}.toml')})"


def _own_records(text: str) -> Tables:
    try:
        read = tomllib.loads(text)
    except tomllib.TOMLDecodeError as broken:
        raise CatalogError(f"catalogue: {OWN_FILE} is not valid TOML: {broken}") from None
    for kind, records in read.items():
        if kind not in KINDS:
            raise CatalogError(f"catalogue: {OWN_FILE} has '{kind}', which is none of {', '.join(KINDS)}.")
        for name, record in _entries(kind, records).items():
            if not {"source", "date"} <= _entries(f"{kind}.{name}", record).keys():
                raise CatalogError(f"catalogue: {kind}.{name} in {OWN_FILE} must say its source and its date.")
    return read


def _entries(place: str, value: Any) -> dict[str, Any]:  # Any: TOML values
    if not isinstance(value, dict):
        raise CatalogError(f"catalogue: {place} in {OWN_FILE} must be a table.")
    return cast("dict[str, Any]", value)


def _merge(tables: Tables, own: Tables) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Put the entries of `own` into `tables`; what an entry does not say stays. Return those new, and those changed."""
    added: list[str] = []
    overridden: list[str] = []
    for kind, records in own.items():
        for name, record in records.items():
            (overridden if name in tables[kind] else added).append(f"{kind}.{name}")
            tables[kind][name] = {"name": name, **tables[kind].get(name, {}), **record}
    return tuple(added), tuple(overridden)


def _machine_problems(catalog: Catalog) -> Iterator[tuple[str, str]]:
    for name, machine in catalog.machines.items():
        if (machine.accelerator is None) != (machine.accelerator_count == 0):
            yield name, f"machine {name}: accelerator and accelerator_count must come together"
        if machine.accelerator not in (None, *catalog.accelerators):
            yield name, f"machine {name}: unknown accelerator {machine.accelerator}"
        for region in {*machine.hourly_usd, *machine.spot_hourly_usd} - catalog.regions.keys():
            yield name, f"machine {name}: price in an unknown region {region}"


def _topology_problems(catalog: Catalog) -> Iterator[tuple[str, str]]:
    tpus = {name for name, accelerator in catalog.accelerators.items() if accelerator.kind == "tpu"}
    with_tpus = {name for name, machine in catalog.machines.items() if machine.accelerator in tpus}
    for name in sorted(with_tpus ^ catalog.topologies.keys()):
        yield name, f"machine {name}: it must have TPUs and be in topologies.toml, or neither"
    for name in sorted(with_tpus & catalog.topologies.keys()):
        shapes, chips = catalog.topologies[name].shapes, catalog.machines[name].accelerator_count
        if len(set(shapes)) < len(shapes):
            yield name, f"topologies of {name}: one is named twice"
        for shape in shapes:
            if chips and chips_of(shape) % chips:
                yield name, f"topologies of {name}: {shape} is no multiple of the machine's {chips} chips"


def _zone_problems(catalog: Catalog) -> Iterator[tuple[str, str]]:
    for name, region in catalog.regions.items():
        for zone in region.zones.values():
            if zone.name.rpartition("-")[0] != name:
                yield name, f"region {name}: zone {zone.name} is not in it"
            for accelerator in set(zone.accelerators) - catalog.accelerators.keys():
                yield name, f"zone {zone.name}: unknown accelerator {accelerator}"


def _shape_problems(catalog: Catalog) -> Iterator[tuple[str, str]]:
    for name, shape in catalog.shapes.items():
        if shape.accelerator not in catalog.accelerators:
            yield name, f"shape {name}: unknown accelerator {shape.accelerator}"
        if (shape.nvme_count == 0) != (shape.nvme_gb == 0):
            yield name, f"shape {name}: nvme_count and nvme_gb must come together"
        if shape.bare_metal != name.startswith("BM."):
            yield name, f"shape {name}: its name says whether it is bare metal"
    for region in catalog.oci_regions.values():
        for shape_name in set(region.shapes or ()) - catalog.shapes.keys():
            yield shape_name, f"region {region.name}: unknown shape {shape_name}"


def _model_problems(catalog: Catalog) -> Iterator[tuple[str, str]]:
    for name, model in catalog.models.items():
        experts = model.layers * model.experts * model.expert_parameters
        if not experts < model.parameters:
            yield name, f"model {name}: its feed-forward blocks alone have {experts} weights, and it {model.parameters}"
        idle = experts - model.layers * model.active_experts * model.expert_parameters
        if idle < 0 or abs(model.parameters - idle - model.active_parameters) > 0.01 * model.active_parameters:
            yield name, f"model {name}: experts and active_experts do not agree with active_parameters"
        if (model.window is None) != (model.windowed_layers == 0) or model.windowed_layers > model.layers:
            yield name, f"model {name}: window and windowed_layers must come together"


def _records(kind: str, text: str) -> dict[str, dict[str, Any]]:  # Any: TOML values, checked by the records' types
    """Return the records of one file by name. What stands above its tables holds for each that says nothing else."""
    try:
        shared = tomllib.loads(text)
    except tomllib.TOMLDecodeError as broken:
        raise CatalogError(f"catalogue: {kind}.toml is not valid TOML: {broken}") from None
    records: dict[str, dict[str, Any]] = shared.pop(kind, {})
    return {name: {"name": name, **shared, **record} for name, record in records.items()}
