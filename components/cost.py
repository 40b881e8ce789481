"""What a stack costs."""

from collections.abc import Iterable

from components.catalog import load_catalog
from components.gke_node_pool import NodePoolArgs
from components.node_pool_checks import region_of


def hourly_cost(location: str, pools: Iterable[NodePoolArgs]) -> dict[str, float | str] | None:
    """Return what the nodes of `pools` cost in US dollars per hour, at their fewest and at their most.

    Without disks, addresses, traffic and the fee of the cluster itself. None where the catalogue lacks a price.
    """
    region, machines = region_of(location), load_catalog().machines
    minimum = maximum = 0.0
    dates: set[str] = set()
    for pool in pools:
        machine = machines.get(pool.machine_type)
        if machine is None:
            return None
        prices = machine.spot_hourly_usd if pool.spot else machine.hourly_usd
        if region not in prices:
            return None
        minimum += pool.min_nodes * prices[region]
        maximum += pool.max_nodes * prices[region]
        dates.add(machine.prices.date.isoformat())
    return {
        "minimum": round(minimum, 4),
        "maximum": round(maximum, 4),
        "unit": "USD per hour, nodes only",
        "pricesOf": min(dates),
    }
