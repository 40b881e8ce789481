"""The ceiling on what a stack costs."""

from typing import Any

import pytest
from llm_serving_policy.cost import COST_CEILING
from pulumi_policy import PolicyResource

from components.catalog import load_catalog
from tests.policy.judging import UNKNOWN, judge_stack, resource

POOL = "gcp:container/nodePool:NodePool"
CLUSTER = "gcp:container/cluster:Cluster"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
G2 = "g2-standard-48"
PRICE = load_catalog().machines[G2].hourly_usd["us-central1"]
SPOT = load_catalog().machines[G2].spot_hourly_usd["us-central1"]


def cost(*resources: PolicyResource) -> float:
    """What the policy takes the resources to cost, told by the ceiling that they break."""
    (report,) = judge_stack(COST_CEILING, list(resources), {"maximumUsd": 0})
    return float(report.partition("up to ")[2].partition(" USD")[0])


def pool(cluster: dict[str, Any] | None = None, machine: str = G2, **inputs: Any) -> list[PolicyResource]:
    made_by = resource(CLUSTER, "cluster", {"location": "us-central1", **(cluster or {})})
    given = {"cluster": UNKNOWN, "location": UNKNOWN, "nodeConfig": {"machineType": machine}, **inputs}
    return [made_by, resource(POOL, "gpus", given, made_by)]


@pytest.mark.parametrize(
    ("resources", "nodes"),
    [
        (pool(autoscaling={"totalMinNodeCount": 1, "totalMaxNodeCount": 2}), 2),
        (pool(autoscaling={"minNodeCount": 0, "maxNodeCount": 2}, nodeLocations=["us-central1-a", "us-central1-c"]), 4),
        (pool({"nodeLocations": ["us-central1-a"]}, autoscaling={"maxNodeCount": 2}), 2),
        (pool(autoscaling={"maxNodeCount": 2}), 6),  # in three zones of the region
        (pool({"location": "us-central1-a"}, autoscaling={"maxNodeCount": 2}), 2),
        (pool({"location": "us-central1-a"}, nodeCount=3), 3),
        (pool({"location": "us-central1-a"}, initialNodeCount=1.0), 1),
        (pool({"location": UNKNOWN}, nodeLocations=["us-central1-a"], nodeCount=1), 1),
        ([resource(POOL, "gpus", {"cluster": "projects/p/locations/us-central1/clusters/c", "nodeCount": 1,
                                  "nodeConfig": {"machineType": G2}})], 3),
        ([resource("gcp:compute/instance:Instance", "vm", {"machineType": f"zones/us-central1-a/machineTypes/{G2}",
                                                           "zone": "us-central1-a"})], 1),
    ],
)  # fmt: skip
def test_machines_count_at_their_most(resources: list[PolicyResource], nodes: int) -> None:
    assert cost(*resources) == pytest.approx(nodes * PRICE, abs=0.01)


@pytest.mark.parametrize("mark", ["spot", "preemptible"])
def test_machines_on_spot_have_their_own_price(mark: str) -> None:
    node = {"machineType": G2, mark: True}
    assert cost(*pool(nodeConfig=node, autoscaling={"totalMaxNodeCount": 2})) == pytest.approx(2 * SPOT, abs=0.01)


def test_hosts_of_oracle_cloud_count_by_their_shape() -> None:
    shape = "BM.GPU4.8"
    hourly = load_catalog().shapes[shape].hourly_usd
    assert hourly is not None
    hosts = [resource("oci:Core/instance:Instance", name, {"shape": shape}) for name in ("one", "two")]
    nodes = resource(
        "oci:ContainerEngine/nodePool:NodePool", "pool", {"nodeShape": shape, "nodeConfigDetails": {"size": 3}}
    )
    assert cost(*hosts, nodes) == pytest.approx(5 * hourly, abs=0.01)


def pods(name: str, cpu: str = "4", count: str = "1", **spec: Any) -> dict[str, Any]:
    limits = {"nvidia.com/gpu": count, "cpu": cpu}
    template = {
        "nodeSelector": {"cloud.google.com/gke-accelerator": "nvidia-l4"},
        "containers": [{"name": name, "resources": {"limits": limits}}],
    }
    return {"metadata": {"name": name}, "spec": {"template": {"spec": template}, **spec}}


AUTOPILOT = resource(CLUSTER, "cluster", {"location": "us-central1", "enableAutopilot": True})


@pytest.mark.parametrize(
    ("resources", "copies", "machine"),
    [
        ([resource(DEPLOYMENT, "llm", pods("llm"))], 1, "g2-standard-8"),  # g2-standard-4 has not all of its CPUs free
        ([resource(DEPLOYMENT, "llm", pods("llm", cpu="3500m"))], 1, "g2-standard-4"),
        ([resource(DEPLOYMENT, "llm", pods("llm", replicas=3))], 3, "g2-standard-8"),
        ([resource(DEPLOYMENT, "llm", pods("llm", count="4"))], 1, G2),
        ([resource("kubernetes:batch/v1:Job", "train", pods("train", parallelism=2))], 2, "g2-standard-8"),
        (
            [
                resource(DEPLOYMENT, "llm", pods("llm")),
                resource(
                    "kubernetes:autoscaling/v2:HorizontalPodAutoscaler",
                    "scaler",
                    {"spec": {"maxReplicas": 4, "scaleTargetRef": {"name": "llm"}}},
                ),
            ],
            4,
            "g2-standard-8",
        ),
    ],
)
def test_pods_on_autopilot_count_by_the_cheapest_machine_that_holds_them(
    resources: list[PolicyResource], copies: int, machine: str
) -> None:
    hourly = load_catalog().machines[machine].hourly_usd["us-central1"]
    assert cost(AUTOPILOT, *resources) == pytest.approx(copies * hourly, abs=0.01)


def test_pods_on_nodes_of_a_pool_cost_nothing_beside_it() -> None:
    assert judge_stack(COST_CEILING, [resource(DEPLOYMENT, "llm", pods("llm"))], {"maximumUsd": 0}) == []


def test_a_stack_below_its_ceiling_passes_and_one_above_is_told_what_costs_most() -> None:
    resources = pool(autoscaling={"totalMaxNodeCount": 2})
    assert judge_stack(COST_CEILING, resources, {"maximumUsd": 2 * PRICE + 0.01}) == []
    assert judge_stack(COST_CEILING, resources) == []  # below the ceiling that holds where none is set
    (report,) = judge_stack(COST_CEILING, resources, {"maximumUsd": 2 * PRICE - 0.01})
    assert f"gpus 2 x {G2} in us-central1 = {2 * PRICE:.2f}" in report
    assert "raise maximumUsd" in report


@pytest.mark.parametrize(
    "unpriced",
    [
        pool(machine="a4-highgpu-8g", nodeCount=1)[-1],
        pool(machine="n1-standard-8", nodeConfig={"machineType": "n1-standard-8", "guestAccelerators": [{}]})[-1],
        resource("oci:Core/instance:Instance", "host", {"shape": "BM.GPU.MI300X.8"}),
    ],
)
def test_accelerators_without_a_price_are_refused(unpriced: PolicyResource) -> None:
    (report,) = judge_stack(COST_CEILING, [unpriced])
    assert "is not in the catalogue" in report


def test_machines_without_accelerators_need_no_price() -> None:
    assert judge_stack(COST_CEILING, pool(machine="c4-standard-96", nodeCount=9), {"maximumUsd": 0}) == []
    host = resource("oci:Core/instance:Instance", "host", {"shape": "VM.Standard.E5.Flex"})
    assert judge_stack(COST_CEILING, [host], {"maximumUsd": 0}) == []
