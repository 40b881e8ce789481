"""Pools of accelerators and maintenance of clusters."""

from typing import Any

import pytest
from llm_serving_policy.pools import CLUSTERS_MAINTAINED, POOLS_BOUNDED

from components.catalog import load_catalog
from tests.policy.judging import UNKNOWN, judge, paths

POOL = "gcp:container/nodePool:NodePool"
CLUSTER = "gcp:container/cluster:Cluster"
L4 = {"machineType": "g2-standard-48"}
T4 = {"machineType": "n1-standard-8", "guestAccelerators": [{"type": "nvidia-tesla-t4", "count": 1}]}
TOTAL = {"totalMinNodeCount": 0, "totalMaxNodeCount": 2}


@pytest.mark.parametrize(
    ("resource_type", "inputs", "path"),
    [
        (POOL, {"nodeConfig": L4, "nodeCount": 2}, "autoscaling"),
        (POOL, {"nodeConfig": T4}, "autoscaling"),
        (POOL, {"nodeConfig": {"machineType": "ct5lp-hightpu-8t"}, "initialNodeCount": 2}, "autoscaling"),
        (POOL, {"nodeConfig": L4, "autoscaling": {"totalMinNodeCount": 0}}, "autoscaling"),
        (POOL, {"nodeConfig": L4, "autoscaling": {"maxNodeCount": 3}}, "autoscaling"),
        (POOL, {"nodeConfig": L4, "autoscaling": {"minNodeCount": 0, "totalMaxNodeCount": 3}}, "autoscaling"),
        (CLUSTER, {"nodePools": [{"nodeConfig": {}}, {"nodeConfig": L4}]}, "nodePools[1].autoscaling"),
        (CLUSTER, {"nodeConfig": L4}, "nodeConfig"),
        (CLUSTER, {"nodeConfig": L4, "removeDefaultNodePool": False}, "nodeConfig"),
    ],
)
def test_unbounded_pools_are_found(resource_type: str, inputs: dict[str, Any], path: str) -> None:
    assert paths(POOLS_BOUNDED, resource_type, inputs) == [path]


@pytest.mark.parametrize(
    ("resource_type", "inputs"),
    [
        (POOL, {"nodeConfig": L4, "autoscaling": TOTAL}),
        (POOL, {"nodeConfig": T4, "autoscaling": {"minNodeCount": 0, "maxNodeCount": 1}}),
        (POOL, {"nodeConfig": L4, "autoscaling": UNKNOWN}),
        (POOL, {"nodeConfig": {"machineType": "n2d-standard-8"}, "nodeCount": 3}),
        (POOL, {"nodeConfig": {"machineType": UNKNOWN}}),
        (CLUSTER, {"nodePools": [{"nodeConfig": L4, "autoscaling": TOTAL}]}),
        (CLUSTER, {"nodeConfig": L4, "removeDefaultNodePool": True}),
        (CLUSTER, {"enableAutopilot": True}),
    ],
)
def test_bounded_pools_pass(resource_type: str, inputs: dict[str, Any]) -> None:
    assert judge(POOLS_BOUNDED, resource_type, inputs) == []


def test_every_machine_of_the_catalogue_with_accelerators_is_known_by_its_name() -> None:
    machines = load_catalog().machines.values()
    found = {each.name for each in machines if judge(POOLS_BOUNDED, POOL, {"nodeConfig": {"machineType": each.name}})}
    with_own_accelerators = {each.name for each in machines if each.accelerator and not each.name.startswith("n1-")}
    assert found == with_own_accelerators


@pytest.mark.parametrize("inputs", [{}, {"maintenancePolicy": {}}, {"enableAutopilot": True}])
def test_clusters_without_maintenance_windows_are_found(inputs: dict[str, Any]) -> None:
    assert paths(CLUSTERS_MAINTAINED, CLUSTER, inputs) == ["maintenancePolicy"]


@pytest.mark.parametrize(
    "policy",
    [
        {"recurringWindow": {"startTime": "2026-01-03T03:00:00Z"}},
        {"dailyMaintenanceWindow": {"startTime": "03:00"}},
        UNKNOWN,
    ],
)
def test_clusters_with_maintenance_windows_pass(policy: Any) -> None:
    assert judge(CLUSTERS_MAINTAINED, CLUSTER, {"maintenancePolicy": policy}) == []
