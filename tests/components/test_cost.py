"""What a cluster's nodes cost."""

from typing import Any

import pytest

from components.catalog import load_catalog
from components.cost import hourly_cost
from components.gke_gpu_cluster_args import GkeGpuClusterArgs
from tests.components.guide import GONE, cluster_args


def cost_of(cluster: GkeGpuClusterArgs) -> dict[str, float | str] | None:
    return hourly_cost(cluster.location, [cluster.cpu_pool, *(cluster.gpu_pools or {}).values()])


def test_the_guide() -> None:
    # by hand from prices.toml: 3 to 6 n2d-standard-8 and 1 to 2 g2-standard-48 in us-central1
    machines = load_catalog().machines
    cpu, gpu = (machines[name].hourly_usd["us-central1"] for name in ("n2d-standard-8", "g2-standard-48"))
    assert (cpu, gpu) == (pytest.approx(0.338, abs=0.0005), 4.0017)
    cost = cost_of(cluster_args())
    assert cost == {
        "minimum": pytest.approx(5.0157),
        "maximum": pytest.approx(10.0314),
        "unit": "USD per hour, nodes only",
        "pricesOf": "2026-07-30",
    }


def bounds(**changes: Any) -> tuple[float, float]:
    cost = cost_of(cluster_args(**changes))
    assert cost is not None
    return float(cost["minimum"]), float(cost["maximum"])


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
