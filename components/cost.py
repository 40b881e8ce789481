"""What a stack costs, by the dated prices of the catalogue."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from .catalog import Machine, load_catalog
from .gke.autopilot_checks import autopilot_machines
from .gke.node_pool import GpuPoolArgs, NodePoolArgs, TpuPoolArgs
from .gke.node_pool_checks import region_of
from .inference.derived import fewest_replicas, most_replicas
from .inference.inference_service_args import InferenceServiceArgs

Cost = dict[str, float | str | dict[str, float]]
"""US dollars per hour: `minimum` and `maximum` as configured; the same on demand and, where there are such prices, with
accelerators on Spot VMs, under `onDemand` and `spot`; what it is of, `unit`; and the date of the prices, `pricesOf`."""

Bounds = tuple[float, float]
"""Price at the fewest machines, and at the most."""


def hourly_cost(location: str, pools: Iterable[NodePoolArgs]) -> Cost | None:
    """Return what the nodes of `pools` cost, at their fewest and at their most.

    Without disks, addresses, traffic and the fee of the cluster itself. None where the catalogue lacks a price.
    """
    region, pools, machines = region_of(location), list(pools), load_catalog().machines

    def bounds(on_spot: Callable[[NodePoolArgs], bool]) -> Bounds | None:
        prices = [_price(machines.get(pool.machine_type), region, spot=on_spot(pool)) for pool in pools]
        known = [price for price in prices if price is not None]
        if len(known) < len(pools):
            return None
        fewest = sum(pool.min_nodes * price for pool, price in zip(pools, known, strict=True))
        return fewest, sum(pool.max_nodes * price for pool, price in zip(pools, known, strict=True))

    return _cost(
        bounds(lambda pool: pool.spot is True),
        bounds(lambda _: False),
        # nodes without accelerators are there for what must not be taken back
        bounds(lambda pool: pool.spot is True or isinstance(pool, GpuPoolArgs | TpuPoolArgs)),
        "USD per hour, nodes only",
        [machines[pool.machine_type] for pool in pools if pool.machine_type in machines],
    )


def hourly_cost_of_pods(location: str, service: InferenceServiceArgs) -> Cost | None:
    """Return what the pods of `service` cost on Autopilot, at their fewest and at their most.

    That is the price of the cheapest machine that holds a pod; what Autopilot adds to it is not in the catalogue. None
    where no machine holds it, or the catalogue lacks its price.
    """
    region, machines = region_of(location), autopilot_machines(service)
    fewest, most = fewest_replicas(service), most_replicas(service)

    def bounds(*, spot: bool) -> Bounds | None:
        prices = [price for machine in machines if (price := _price(machine, region, spot=spot)) is not None]
        return (fewest * min(prices), most * min(prices)) if prices else None

    return _cost(
        bounds(spot=service.spot is True),
        bounds(spot=False),
        bounds(spot=True),
        "USD per hour, machines of the model's pods only, without Autopilot's premium",
        machines,
    )


def _price(machine: Machine | None, region: str, *, spot: bool) -> float | None:
    if machine is None:
        return None
    prices: Mapping[str, float] = machine.spot_hourly_usd if spot else machine.hourly_usd
    return prices.get(region)


def _cost(
    configured: Bounds | None, on_demand: Bounds | None, spot: Bounds | None, unit: str, machines: Sequence[Machine]
) -> Cost | None:
    if configured is None or not machines:
        return None
    cost: Cost = {**_rounded(configured)}
    for name, bounds in (("onDemand", on_demand), ("spot", spot)):
        if bounds is not None:
            cost[name] = _rounded(bounds)
    # of several dates the oldest, which says how far off it may be
    return {**cost, "unit": unit, "pricesOf": min(machine.prices.date for machine in machines).isoformat()}


def _rounded(bounds: Bounds) -> dict[str, float]:
    return {"minimum": round(bounds[0], 4), "maximum": round(bounds[1], 4)}


def hourly_cost_of_hosts(shape_name: str, hosts: int) -> Cost | None:
    """Return what `hosts` hosts of a shape of Oracle Cloud cost, by the list price. Of spot prices there are none.

    Without disks, addresses and traffic. None where the catalogue lacks a price.
    """
    shape = load_catalog().shapes.get(shape_name)
    if shape is None or shape.hourly_usd is None:
        return None
    bounds = _rounded((hosts * shape.hourly_usd, hosts * shape.hourly_usd))
    return {
        **bounds,
        "onDemand": bounds,
        "unit": "USD per hour, hosts only",
        "pricesOf": shape.prices.date.isoformat(),
    }
