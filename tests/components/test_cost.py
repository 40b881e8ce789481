"""What a cluster's nodes cost."""

from typing import Any

import pytest

from components.catalog import load_catalog
from components.cost import Cost, hourly_cost, hourly_cost_of_hosts, hourly_cost_of_pods
from components.gke.gpu_cluster_args import GkeGpuClusterArgs, node_pools
from tests.components.guide import CPU_SERVICE, GONE, cluster_args, service_args
from tests.components.inference.vllm_guide import vllm_args


def cost_of(cluster: GkeGpuClusterArgs) -> Cost | None:
    return hourly_cost(cluster.location, node_pools(cluster).values())


def test_the_guide() -> None:
    # by hand from prices.toml: 3 to 6 n2d-standard-8 and 1 to 2 g2-standard-48 in us-central1
    machines = load_catalog().machines
    cpu, gpu = (machines[name].hourly_usd["us-central1"] for name in ("n2d-standard-8", "g2-standard-48"))
    assert (cpu, gpu) == (pytest.approx(0.338, abs=0.0005), 4.0017)
    cost = cost_of(cluster_args())
    assert cost == {
        "minimum": pytest.approx(5.0157),
        "maximum": pytest.approx(10.0314),
        "onDemand": {"minimum": pytest.approx(5.0157), "maximum": pytest.approx(10.0314)},
        # the CPU nodes stay as they are
        "spot": {
            "minimum": pytest.approx(5.0157 - 4.0017 + 2.2496),
            "maximum": pytest.approx(10.0314 - 2 * (4.0017 - 2.2496)),
        },
        "unit": "USD per hour, nodes only",
        "pricesOf": "2026-07-30",
    }


def bounds(**changes: Any) -> tuple[Any, Any]:
    cost = cost_of(cluster_args(**changes))
    assert cost is not None
    return cost["minimum"], cost["maximum"]


def test_what_is_configured_does_not_change_what_it_would_cost_otherwise() -> None:
    on_demand, spot = cost_of(cluster_args()), cost_of(cluster_args(gpuPools__l4__spot=True))
    assert on_demand
    assert spot
    assert (spot["onDemand"], spot["spot"]) == (on_demand["onDemand"], on_demand["spot"])
    assert {name: spot[name] for name in ("minimum", "maximum")} == spot["spot"]


def test_a_cpu_pool_on_spot_counts_so_in_both() -> None:
    cost = cost_of(cluster_args(cpuPool__spot=True))
    assert cost
    assert cost["minimum"] < bounds()[0]
    assert isinstance(cost["onDemand"], dict)
    assert cost["onDemand"]["minimum"] == bounds()[0]


def test_where_there_are_no_spot_prices_there_are_none() -> None:
    cost = hourly_cost_of_hosts("BM.GPU4.8", 2)
    assert cost == {
        "minimum": 48.8,
        "maximum": 48.8,
        "onDemand": {"minimum": 48.8, "maximum": 48.8},
        "unit": "USD per hour, hosts only",
        "pricesOf": "2026-11-21",
    }
    assert hourly_cost_of_hosts("BM.GPU5", 1) is None


def test_spot_is_cheaper() -> None:
    minimum, maximum = bounds(gpuPools__l4__spot=True)
    assert (minimum, maximum) == (
        pytest.approx(5.0157 - 4.0017 + 2.2496),
        pytest.approx(10.0314 - 2 * (4.0017 - 2.2496)),
    )


def test_every_pool_counts() -> None:
    minimum, maximum = bounds(gpuPools__more={"machineType": "g2-standard-48", "minNodes": 0, "maxNodes": 1})
    assert (minimum, maximum) == (pytest.approx(5.0157), pytest.approx(10.0314 + 4.0017))


def test_a_zonal_cluster_has_the_prices_of_its_region() -> None:
    assert bounds(location="us-central1-a") == bounds()


@pytest.mark.parametrize(
    "changes",
    [
        {"cpuPool.machineType": "n2d-standard-80"},
        {"location": "mars-north1", "nodeLocations": GONE},
        # a region where the GPU is not for sale
        {"location": "us-west2", "nodeLocations": GONE},
    ],
)
def test_without_a_price_there_is_no_sum(changes: dict[str, Any]) -> None:
    assert cost_of(cluster_args(**changes)) is None


UNIT = "USD per hour, machines of the model's pods only, without Autopilot's premium"


def test_pods_of_autopilot_cost_the_machines_that_hold_them() -> None:
    # 6 CPUs and 24 GiB beside one L4: a g2-standard-8, in prices.toml
    machine = load_catalog().machines["g2-standard-8"]
    price, spot = machine.hourly_usd["us-central1"], machine.spot_hourly_usd["us-central1"]
    assert spot < price < load_catalog().machines["g2-standard-12"].hourly_usd["us-central1"]
    scaling = {"autoscaling": {"minReplicas": 1, "maxReplicas": 3, "adapter": True}}
    assert hourly_cost_of_pods("us-central1", vllm_args(scaling)) == {
        "minimum": pytest.approx(price, abs=1e-4),
        "maximum": pytest.approx(3 * price, abs=1e-4),
        "onDemand": {"minimum": pytest.approx(price, abs=1e-4), "maximum": pytest.approx(3 * price, abs=1e-4)},
        "spot": {"minimum": pytest.approx(spot, abs=1e-4), "maximum": pytest.approx(3 * spot, abs=1e-4)},
        "unit": UNIT,
        "pricesOf": machine.prices.date.isoformat(),
    }
    two = hourly_cost_of_pods("us-central1", vllm_args({"replicas": 2, "spot": True}))
    assert two
    assert (two["minimum"], two["maximum"]) == (pytest.approx(2 * spot, abs=1e-4),) * 2


def test_pods_without_accelerators_have_machines_without() -> None:
    cost = hourly_cost_of_pods("us-central1", service_args(CPU_SERVICE, autopilot=True))
    cheapest = min(
        machine.hourly_usd["us-central1"]
        for machine in load_catalog().machines.values()
        if machine.accelerator is None and machine.cpus > 2
    )
    assert cost
    assert cost["minimum"] == pytest.approx(cheapest, abs=1e-4)


@pytest.mark.parametrize(
    ("location", "changes"),
    [
        ("mars-north1", {}),
        # nowhere does one machine have them
        ("us-central1", {"accelerators": 16}),
        ("us-central1", {"resources.cpu": "400"}),
        ("us-central1", {"resources.cpu": "x"}),
        ("us-central1", {"accelerator": "nvidia-tesla-t4"}),
    ],
)
def test_without_a_machine_or_a_price_pods_have_no_cost(location: str, changes: dict[str, Any]) -> None:
    assert hourly_cost_of_pods(location, vllm_args(changes)) is None
