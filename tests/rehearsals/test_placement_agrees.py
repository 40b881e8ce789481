"""What placement says of a pod, and what Kubernetes' own scheduler does with it, on random nodes and pods."""

import contextlib
import itertools
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.catalog import load_catalog
from components.placement import UNSCHEDULABLE, check_placement
from engine import find_control_plane
from simulator.cloud import CloudResource
from simulator.control_plane import ControlPlane
from simulator.machines import node_of
from simulator.nodes import pool_of
from tests.components.guide import cluster_args, record_cluster, record_service, service_args
from tests.waiting import wait_until

pytestmark = pytest.mark.cluster

MACHINES = ("g2-standard-12", "g2-standard-24", "g2-standard-48", "a2-highgpu-1g")
ACCELERATORS = ("nvidia-l4", "nvidia-tesla-a100")
NODES, PODS = "/api/v1/nodes", "/api/v1/namespaces/default/pods"
LABELS = ({}, {"accelerator": "nvidia-gpu"}, {"accelerator": "other"}, {"cloud.google.com/gke-nodepool": "l4"})
NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with ControlPlane(find_control_plane(), Path(tmp_path_factory.mktemp("control-plane"))) as running:
        yield running


@st.composite
def pools(draw: st.DrawFn) -> dict[str, Any]:
    """One or two pools of GPUs, shared, on Spot VMs or with local SSDs."""

    def pool() -> dict[str, Any]:
        name = draw(st.sampled_from(MACHINES))
        made: dict[str, Any] = {
            "machineType": name,
            "minNodes": 0,
            "maxNodes": 1,
            "labels": draw(st.sampled_from(({}, {"accelerator": "nvidia-gpu"}))),
            "diskSizeGb": draw(st.sampled_from((60, 100, 300))),
            "spot": draw(st.booleans()),
        }
        ssds = draw(st.sampled_from(load_catalog().machines[name].local_ssd_counts))
        if draw(st.booleans()):
            made["sharing"] = {"strategy": "time-sharing", "clients": 2}
        return {**made, "localSsds": ssds} if ssds else made

    return {name: pool() for name in ("l4", "more")[: draw(st.integers(1, 2))]}


@st.composite
def services(draw: st.DrawFn) -> dict[str, Any]:
    """A pod that asks for more or less than such nodes have."""
    shared = draw(st.booleans())
    count = 1 if shared else draw(st.sampled_from((1, 2, 4)))
    return {
        "model": "mistralai/Mistral-7B-Instruct-v0.3",
        "accelerator": draw(st.sampled_from(ACCELERATORS)),
        "accelerators": count,
        "shards": count,
        "nodeSelector": draw(st.sampled_from(LABELS)),
        "spot": draw(st.sampled_from((None, True))),
        "sharing": {"strategy": "time-sharing", "clients": 2} if shared else None,
        "resources": {
            "cpu": str(draw(st.integers(1, 50))),
            "memory": f"{draw(st.integers(4, 200))}Gi",
            "ephemeralStorage": f"{draw(st.integers(1, 400))}Gi",
        },
        "sharedMemory": "1Gi",
        # no local SSD, whose files the scheduler does not count
        "storage": {"kind": "host-path", "hostPath": "/var/lib/weights", "size": "150Gi"},
    }


def nodes_of(changes: dict[str, Any]) -> list[dict[str, Any]]:
    """The Node objects of the pools that the cluster's component makes."""
    recording = record_cluster(gpuPools=changes)
    assert recording.error is None
    (made,) = recording.of(":Cluster")
    place = "projects/p/locations/us-central1/clusters/c"
    known = CloudResource(
        type=made.type, id=place, name="c", urn="", state="ready", inputs=made.inputs, outputs={}, scope="", created=""
    )
    found = {pool.inputs.get("name"): pool.inputs for pool in recording.of("container/nodePool:NodePool")}
    return [
        dict(node_of(pool_of(name, inputs, known), "c", "p", inputs["nodeLocations"][0], next(NUMBERS)))
        for name, inputs in found.items()
        if name is not None
    ]


def wait_until_used(cluster: ControlPlane, node: dict[str, Any]) -> None:
    """Return once the scheduler has put a pod on the node, of which it hears later than the API server."""
    name = node["metadata"]["name"]

    def is_ready() -> bool:
        taints = cluster.request("GET", f"{NODES}/{name}")["spec"].get("taints", ())
        # those of Kubernetes' own controllers
        return not any(taint["key"].startswith("node.kubernetes.io/") for taint in taints)

    wait_until(is_ready)
    spec = {
        "containers": [{"name": "probe", "image": "example.com/probe:1"}],
        "tolerations": [{"key": taint["key"], "operator": "Exists"} for taint in node["spec"].get("taints", ())],
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
            {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [name]}]}
        ]}}},
    }  # fmt: skip
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
    cluster.request("POST", PODS, body)
    wait_until(lambda: cluster.request("GET", f"{PODS}/{name}")["spec"].get("nodeName"))
    cluster.request("DELETE", f"{PODS}/{name}?gracePeriodSeconds=0")


def is_placed(cluster: ControlPlane, nodes: list[dict[str, Any]], spec: dict[str, Any]) -> bool:
    """What the scheduler does with a pod on these nodes alone."""
    name = f"pod-{next(NUMBERS)}"

    def decided() -> dict[str, Any]:
        conditions = cluster.request("GET", f"{PODS}/{name}").get("status", {}).get("conditions", ())
        found = next((each for each in conditions if each["type"] == "PodScheduled"), {})
        return found if found.get("status") == "True" or found.get("reason") == "Unschedulable" else {}

    for node in nodes:
        cluster.request("POST", NODES, node)
    try:
        for node in nodes:
            wait_until_used(cluster, node)
        spec = {key: value for key, value in spec.items() if key != "serviceAccountName"}
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
        cluster.request("POST", PODS, body)
        wait_until(decided)
        return decided()["status"] == "True"
    finally:
        with contextlib.suppress(urllib.error.HTTPError):
            cluster.request("DELETE", f"{PODS}/{name}?gracePeriodSeconds=0")
        for node in nodes:
            cluster.request("DELETE", f"{NODES}/{node['metadata']['name']}")


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(pools(), services())
def test_placement_says_what_the_scheduler_does(
    cluster: ControlPlane, offered: dict[str, Any], wanted: dict[str, Any]
) -> None:
    wanted = {key: value for key, value in wanted.items() if value is not None}
    recording = record_service(service_args(**wanted))
    assert recording.error is None
    spec = recording["Deployment", "llm"].inputs["spec"]["template"]["spec"]
    findings = check_placement(service_args(**wanted), cluster_args(gpuPools=offered).gpu_pools or {})
    against = [str(finding) for finding in findings if finding.code in {*UNSCHEDULABLE, "placement-no-pool"}]
    assert is_placed(cluster, nodes_of(offered), spec) is (not against), against
