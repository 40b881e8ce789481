"""What machines cost, by the dated catalogue of the components."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from components.catalog import load_catalog
    from components.gke.nodes import allocatable
else:
    try:
        from pulumi_llm_serving.catalog import load_catalog
        from pulumi_llm_serving.gke.nodes import allocatable
    except ModuleNotFoundError:  # a checkout, whose components are not installed
        from components.catalog import load_catalog
        from components.gke.nodes import allocatable


@dataclass(frozen=True)
class Price:
    """What one machine costs."""

    usd: float | None
    """US dollars per hour; None: the catalogue lacks it."""
    machine: str
    """What it is of, for people."""


def region_of(location: str) -> str:
    """Return the region of a zone or region of Google Cloud."""
    return re.sub(r"-[a-z]$", "", location)


def price_of_machine(machine_type: str, location: str, *, spot: bool) -> Price:
    """Return the price of a machine of Google Cloud, without disks that were added."""
    region, machine = region_of(location), load_catalog().machines.get(machine_type)
    what = f"{machine_type} in {region}{' on Spot' if spot else ''}"
    if machine is None:
        return Price(None, what)
    return Price((machine.spot_hourly_usd if spot else machine.hourly_usd).get(region), what)


def price_of_pod(accelerator: str, count: int, cpus: float, location: str, *, spot: bool) -> Price:
    """Return the price of the cheapest machine of Google Cloud that holds such a pod: about what Autopilot charges."""
    machines = [
        each.name
        for each in load_catalog().machines.values()
        if (each.accelerator, each.accelerator_count) == (accelerator, count) and allocatable(each)[0] >= cpus
    ]
    prices = [price_of_machine(name, location, spot=spot).usd for name in machines]
    known = [price for price in prices if price is not None]
    what = f"a machine with {count} {accelerator} in {region_of(location)}{' on Spot' if spot else ''}"
    return Price(min(known, default=None), what)


def price_of_shape(shape_name: str) -> Price:
    """Return the list price of a shape of Oracle Cloud."""
    shape = load_catalog().shapes.get(shape_name)
    return Price(shape.hourly_usd if shape else None, shape_name)
