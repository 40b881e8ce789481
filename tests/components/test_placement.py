"""Pods against the nodes that are made for them."""

from typing import Any

import pytest

from components.catalog import load_catalog
from components.gke.node_pool import initial_nodes
from components.gke.nodes import allocatable
from components.placement import check_placement, grown, pool_accelerators, pools_for
from tests.components.guide import CLUSTER, GONE, cluster_args, service_args

SMALL: dict[str, Any] = {"machineType": "g2-standard-24", "minNodes": 0, "maxNodes": 3}


def found(cluster: dict[str, Any] | None = None, **service: Any) -> list[tuple[str, str]]:
    findings = check_placement(service_args(**service), cluster_args(**(cluster or {})).gpu_pools or {})
    assert all(finding.severity == "error" for finding in findings)
    return [(finding.path, finding.code) for finding in findings]


def test_the_guide_finds_its_nodes() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("cluster", "service", "path", "code"),
    [
        ({"gpuPools": {}}, {}, "nodeSelector", "placement-no-pool"),
        ({}, {"accelerator": "nvidia-tesla-t4"}, "nodeSelector", "placement-no-pool"),
        ({}, {"nodeSelector": {"accelerator": "other"}}, "nodeSelector", "placement-no-pool"),
        ({"gpuPools.l4.labels": GONE}, {}, "nodeSelector", "placement-no-pool"),
        ({}, {"accelerators": 8}, "accelerators", "placement-accelerators"),
        # a g2-standard-48 has 48 CPUs and 192 GiB, of which GKE keeps some
        ({}, {"resources.cpu": "48"}, "resources.cpu", "placement-resources"),
        ({}, {"resources.memory": "190Gi"}, "resources.memory", "placement-resources"),
        ({"gpuPools.l4.localSsds": GONE}, {}, "storage.hostPath", "placement-local-ssd"),
        ({"gpuPools.l4.localSsds": 0}, {}, "storage.hostPath", "placement-local-ssd"),
        ({}, {"storage.size": "1500Gi"}, "storage.hostPath", "placement-local-ssd"),
        # by hand: of 4 x 375 GB a tenth is for eviction, and 100 GiB are GKE's: 1157.3 GiB
        ({}, {"resources.ephemeralStorage": "1158Gi"}, "resources.ephemeralStorage", "placement-resources"),
        ({}, {"storage": {"kind": "empty-dir", "size": "1158Gi"}}, "storage.size", "placement-resources"),
        # GKE's own example: a boot disk of 100 GB leaves 43.8 GiB
        (
            {"gpuPools.l4.localSsds": GONE},
            {"storage": {"kind": "empty-dir", "size": "44Gi"}},
            "storage.size",
            "placement-resources",
        ),
        (
            {"gpuPools.l4.localSsds": GONE, "gpuPools.l4.diskSizeGb": 200},
            {"storage": {"kind": "empty-dir", "size": "94Gi"}},
            "storage.size",
            "placement-resources",
        ),
    ],
)
def test_one_mistake_is_one_error(cluster: dict[str, Any], service: dict[str, Any], path: str, code: str) -> None:
    assert found(cluster, **service) == [(path, code)]


@pytest.mark.parametrize(
    "service",
    [
        {"resources.cpu": "47", "resources.memory": "180Gi"},
        {"storage.size": "1300Gi"},
        {"resources.ephemeralStorage": "1157Gi"},
        {"storage": {"kind": "empty-dir", "size": "1157Gi"}},
        # a disk of its own, whatever its size
        {"storage": {"kind": "ephemeral-volume", "size": "2000Gi"}},
        {"accelerators": 1},
        {"nodeSelector": GONE},
        # labels that GKE itself gives the nodes
        {"nodeSelector": {"cloud.google.com/gke-nodepool": "l4"}},
        {"nodeSelector": {"node.kubernetes.io/instance-type": "g2-standard-48"}},
    ],
)
def test_what_fits(service: dict[str, Any]) -> None:
    assert found(**service) == []


@pytest.mark.parametrize("service", [{"resources.cpu": "x"}, {"resources.memory": "x"}, {"storage.size": "x"}])
def test_what_is_no_quantity_is_said_elsewhere(service: dict[str, Any]) -> None:
    assert found(**service) == []


def test_another_folder_needs_no_local_ssd() -> None:
    assert found({"gpuPools.l4.localSsds": GONE}, storage__hostPath="/var/lib/weights") == []


def test_where_no_pool_can_take_the_pod_all_are_told() -> None:
    cluster = {
        "gpuPools.l4.machineType": "g2-standard-12",
        "gpuPools.l4.localSsds": 1,
        "gpuPools.l4.acceleratorCount": 1,
    }
    assert found({**cluster, "gpuPools.small": {**SMALL, "labels": {"accelerator": "nvidia-gpu"}}}) == [
        ("accelerators", "placement-accelerators"),
        ("resources.cpu", "placement-resources"),
        ("resources.memory", "placement-resources"),
        ("accelerators", "placement-accelerators"),
        ("resources.cpu", "placement-resources"),
        ("resources.memory", "placement-resources"),
        ("storage.hostPath", "placement-local-ssd"),
    ]


def test_nodes_that_cannot_take_the_pod_do_not_count() -> None:
    small = {"gpuPools.small": {**SMALL, "labels": {"accelerator": "nvidia-gpu"}}}
    assert pool_accelerators(cluster_args(**small).gpu_pools or {}, service_args()) == 2 * 4
    both = service_args(accelerators=1, shards=1, resources__cpu="10", resources__memory="40Gi")
    assert pool_accelerators(cluster_args(**small).gpu_pools or {}, both) == 2 * 4 + 3 * 2


def test_the_pool_at_its_largest() -> None:
    assert pool_accelerators(cluster_args().gpu_pools or {}, service_args()) == 2 * 4
    assert pool_accelerators(cluster_args(gpuPools__l4__maxNodes=5).gpu_pools or {}, service_args()) == 5 * 4
    both = cluster_args(gpuPools__small=SMALL).gpu_pools or {}
    assert pool_accelerators(both, service_args()) == 2 * 4
    assert pool_accelerators(both, service_args(nodeSelector=GONE)) == 2 * 4
    small = service_args(nodeSelector=GONE, accelerators=2, shards=2)
    assert pool_accelerators(both, small) == 2 * 4 + 3 * 2
    assert set(pools_for(both, service_args(nodeSelector=GONE))) == {"l4", "small"}
    assert pool_accelerators(cluster_args(gpuPools={}).gpu_pools or {}, service_args()) is None


@pytest.mark.parametrize("machine", ["n2d-standard-8", "g2-standard-47"])
def test_a_machine_without_gpus_is_said_elsewhere(machine: str) -> None:
    assert found({"gpuPools.l4.machineType": machine}) == []


LARGE = {"machineType": "g2-standard-96", "minNodes": 0, "maxNodes": 1, "labels": {"accelerator": "nvidia-gpu"}}
PATH = "/var/lib/weights"


def test_one_pool_that_holds_the_pod_is_enough() -> None:
    more = {"gpuPools.more": LARGE}
    assert found(more, accelerators=8, shards=8, storage__hostPath=PATH) == []
    assert found(more, resources__cpu="90", storage__hostPath=PATH) == []
    # nowhere
    codes = found(more, resources__cpu="96", storage__hostPath=PATH)
    assert codes == [("resources.cpu", "placement-resources")] * 2
    # where it may land, it finds its local SSDs or it does not
    assert found(more) == [("storage.hostPath", "placement-local-ssd")]
    assert found({"gpuPools.more": {**LARGE, "machineType": "g2-standard-12"}}) == []


def test_the_remedy_names_the_pools_there_are() -> None:
    (finding,) = check_placement(service_args(nodeSelector={"a": "b"}), cluster_args().gpu_pools or {})
    assert "l4 with {" in finding.remedy
    assert "'accelerator': 'nvidia-gpu'" in finding.remedy
    (finding,) = check_placement(service_args(), cluster_args(gpuPools={}).gpu_pools or {})
    assert finding.remedy == "Pools: none."


def test_what_gke_leaves_of_a_node() -> None:
    # by hand: 0.06 + 0.01 + 2 * 0.005 + 44 * 0.0025 CPUs;
    # 4 * 0.25 + 4 * 0.2 + 8 * 0.1 + 112 * 0.06 + 64 * 0.02 GiB and 100 MiB
    cpus, memory = allocatable(load_catalog().machines[CLUSTER["gpuPools"]["l4"]["machineType"]])
    assert cpus == pytest.approx(48 - 0.19)
    assert memory == pytest.approx(192 - 10.6 - 100 / 1024)


@pytest.mark.parametrize(
    ("pools", "service", "nodes"),
    [
        # none is needed beyond those that there are
        ({}, {}, {"l4": (1, 1)}),
        ({"gpuPools.l4.nodes": 0, "gpuPools.l4.minNodes": 0}, {}, {"l4": (1, 1)}),
        ({"gpuPools.l4.nodes": 2, "gpuPools.l4.minNodes": 0}, {}, {"l4": (1, 2)}),
        ({"gpuPools.l4.nodes": 0, "gpuPools.l4.minNodes": 0}, {"replicas": 2}, {"l4": (2, 2)}),
        (
            {"gpuPools.l4.nodes": 0, "gpuPools.l4.minNodes": 0},
            {"autoscaling": {"minReplicas": 2, "maxReplicas": 2}},
            {"l4": (2, 2)},
        ),
        # four pods of one GPU share a node of four
        (
            {"gpuPools.l4.nodes": 0, "gpuPools.l4.minNodes": 0},
            {"accelerators": 1, "shards": 1, "replicas": 5},
            {"l4": (2, 2)},
        ),
        # one pool is enough
        (
            {"gpuPools.more": {**SMALL, "machineType": "g2-standard-48", "labels": {"accelerator": "nvidia-gpu"}}},
            {},
            {"l4": (1, 1), "more": (0, 0)},
        ),
        ({"gpuPools.more": SMALL}, {}, {"l4": (1, 1), "more": (0, 0)}),
    ],
)
def test_pods_make_their_pools_grow(
    pools: dict[str, Any], service: dict[str, Any], nodes: dict[str, tuple[int, int]]
) -> None:
    found = grown(cluster_args(**pools).gpu_pools or {}, service_args(**service))
    assert {name: (pool.min_nodes, initial_nodes(pool)) for name, pool in found.items()} == nodes
