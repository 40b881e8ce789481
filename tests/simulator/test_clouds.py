"""What the simulated clouds refuse and how long they take."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pulumi
import pulumi_gcp as gcp
import pulumi_kubernetes as kubernetes
import pytest

from simulator import SimulatedClouds
from simulator.nodes import Pool
from simulator.pods import Outlook, outlook, quantity
from tests.simulator.harness import Rehearsal
from tests.simulator.programs import MODEL, Platform

L4 = {"machineType": "g2-standard-48", "guestAccelerators": [{"type": "nvidia-l4", "count": 4}]}
IN_ZONE_A: dict[str, Any] = {"node_locations": ["us-central1-a"], "node_config": L4}
POOLS: dict[str, tuple[dict[str, Any], str]] = {
    "other-region": (IN_ZONE_A | {"node_locations": ["us-west4-a"]}, "'us-west4-a' is not in 'us-central1'"),
    "no-zone": (IN_ZONE_A | {"node_locations": ["us-central1"]}, "Invalid node location 'us-central1'"),
    "not-offered": (
        IN_ZONE_A | {"node_locations": ["us-central1-f"]},
        'Accelerator type "nvidia-l4" does not exist in zone us-central1-f',
    ),
    "gpu-count": (
        IN_ZONE_A | {"node_config": L4 | {"guestAccelerators": [{"type": "nvidia-l4", "count": 2}]}},
        "Machine type g2-standard-48 cannot have 2 x nvidia-l4: it comes with 4 x nvidia-l4",
    ),
    "disks": (
        IN_ZONE_A | {"node_config": L4 | {"ephemeralStorageLocalSsdConfig": {"localSsdCount": 8}}},
        "The number of local SSDs for machine type g2-standard-48 has to be one of",
    ),
    "quota": (
        IN_ZONE_A | {"node_count": 9},
        """resource "NVIDIA_L4_GPUS": request requires '36.0' and is short '4.0'.""",
    ),
    "no-cluster": (
        IN_ZONE_A | {"cluster": "elsewhere"},
        "Error 404: Not found: projects/example-project/locations/us-central1/clusters/elsewhere",
    ),
}
CLUSTERS: dict[str, tuple[dict[str, Any], str]] = {
    "nowhere": ({"location": "central"}, "Location 'central' does not exist"),
    "torn": (
        {"location": "us-central1", "node_locations": ["europe-west4-a"]},
        "'europe-west4-a' is not in 'us-central1'",
    ),
}


def test_what_google_cloud_refuses(rehearsal: Rehearsal) -> None:
    def program() -> None:
        apis = [gcp.projects.Service(api, service=f"{api}.googleapis.com") for api in ("compute", "container")]
        ready = pulumi.ResourceOptions(depends_on=apis)
        cluster = gcp.container.Cluster("cluster", location="us-central1", deletion_protection=False, opts=ready)
        for name, (pool, _) in POOLS.items():
            gcp.container.NodePool(
                name, **{"location": "us-central1", "cluster": cluster.name, "node_count": 1} | pool, opts=ready
            )
        for name, (refused, _) in CLUSTERS.items():
            gcp.container.Cluster(name, **refused, opts=ready)

    output = rehearsal.fails(program, all_of_it=True)

    for _, told in [*POOLS.values(), *CLUSTERS.values()]:
        assert told in output
    with rehearsal.clouds() as clouds:
        assert {found.type.rpartition(":")[2] for found in clouds.resources()} == {"Service", "Cluster"}


def test_an_api_has_to_be_enabled_first_and_stays_enabled(rehearsal: Rehearsal) -> None:
    def network() -> None:
        gcp.compute.Network("net")

    def api() -> None:
        gcp.projects.Service("compute", service="compute.googleapis.com", disable_on_destroy=False)

    output = rehearsal.fails(network)
    assert "Compute Engine API has not been used in project example-project before or it is disabled" in output
    assert "accessNotConfigured" in output
    rehearsal.up(api)
    rehearsal.destroy(api)
    rehearsal.up(network)


def test_a_namespace_has_to_exist(rehearsal: Rehearsal) -> None:
    output = rehearsal.fails(lambda: kubernetes.core.v1.ConfigMap("a", metadata={"namespace": "nowhere"}))
    assert 'namespaces "nowhere" not found' in output


def test_an_object_that_exists_is_not_made_again(rehearsal: Rehearsal) -> None:
    def program() -> None:
        for name in ("one", "two"):
            kubernetes.core.v1.ConfigMap(name, metadata={"name": "settings"})

    assert 'configmaps "settings" already exists' in rehearsal.fails(program)


def test_a_load_balancer_takes_only_a_reserved_address(rehearsal: Rehearsal) -> None:
    output = rehearsal.fails(Platform(service={"loadBalancerIP": "198.51.100.1"}))
    assert 'requested ip "198.51.100.1" is neither static nor assigned to the LB' in output


DEPLOYMENTS: dict[str, tuple[dict[str, Any], str]] = {
    "selector": (
        {"pod": {"nodeSelector": {"cloud.google.com/gke-accelerator": "nvidia-h100-80gb"}}},
        "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
    ),
    "gpus": (
        {"container": {"resources": {"limits": {"nvidia.com/gpu": "8"}}}},
        "0/1 nodes are available: 1 Insufficient nvidia.com/gpu.",
    ),
    "replicas": ({"deployment": {"replicas": 2}}, "1 Insufficient nvidia.com/gpu, and its pools cannot grow further."),
    "timeout": ({"timeout": "1m"}, "raise spec.progressDeadlineSeconds and the resource's custom_timeouts"),
    "deadline": ({"deployment": {"progressDeadlineSeconds": 60}}, '[ProgressDeadlineExceeded] ReplicaSet "deadline'),
    "probe": (
        {"container": {"livenessProbe": {"httpGet": {"path": "/", "port": 80}}}},
        "Give its startupProbe a larger failureThreshold",
    ),
}


def test_deployments_that_never_serve(rehearsal: Rehearsal) -> None:
    program = Platform(deployments={name: changed for name, (changed, _) in DEPLOYMENTS.items()})

    output = rehearsal.fails(program, all_of_it=True)

    for _, told in DEPLOYMENTS.values():
        assert told in output
    assert "[MinimumReplicasUnavailable] Deployment does not have minimum availability." in output
    with rehearsal.clouds() as clouds:
        states = [found.state for found in clouds.resources() if found.type.endswith(":Deployment")]
    assert states == ["tainted"] * len(DEPLOYMENTS)


def test_await_can_be_skipped(rehearsal: Rehearsal) -> None:
    def program() -> None:
        kubernetes.apps.v1.Deployment(
            "server",
            metadata={"annotations": {"pulumi.com/skipAwait": "true"}},
            spec={
                "progressDeadlineSeconds": 1,
                "selector": {"matchLabels": {"app": "server"}},
                "template": {
                    "metadata": {"labels": {"app": "server"}},
                    "spec": {"containers": [{"name": "server", "image": "vllm", "args": ["--model", MODEL]}]},
                },
            },
        )

    rehearsal.up(program)


CONTAINER: dict[str, Any] = {"name": "server", "image": "tgi", "env": [{"name": "MODEL_ID", "value": MODEL}]}


def pool(**changes: Any) -> Pool:
    """A pool of one machine with 4 GPUs."""
    facts: dict[str, Any] = {
        "name": "gpu",
        "labels": {"cloud.google.com/gke-accelerator": "nvidia-l4"},
        "taints": [],
        "capacity": {"cpu": 48, "memory": 192 * 2**30, "nvidia.com/gpu": 4},
        "current_nodes": 1,
        "max_nodes": 1,
        "zones": ["us-central1-a"],
        "max_per_zone": 1,
        "inputs": {},
    }
    return Pool(**(facts | changes))


def with_gpus(count: int) -> dict[str, Any]:
    """A pod that asks for GPUs."""
    return {"containers": [{**CONTAINER, "resources": {"limits": {"nvidia.com/gpu": str(count)}}}]}


@pytest.mark.parametrize(
    ("pod", "replicas", "pools", "fits"),
    [
        (with_gpus(4), 1, [pool()], True),
        (with_gpus(2), 2, [pool()], True),
        (with_gpus(2), 3, [pool()], False),
        (with_gpus(2), 3, [pool(max_nodes=2)], True),
        (with_gpus(4), 2, [pool(), pool()], True),
        (with_gpus(1), 1, [pool(capacity={"cpu": 1, "nvidia.com/gpu": 0})], False),
        (with_gpus(1) | {"nodeSelector": {"a": "b"}}, 1, [pool()], False),
        (with_gpus(1) | {"nodeSelector": {"a": "b"}}, 1, [pool(labels={"a": "b"})], True),
        (with_gpus(1), 1, [pool(taints=[{"key": "k", "value": "v", "effect": "NO_SCHEDULE"}])], False),
        (with_gpus(1), 1, [pool(taints=[{"key": "k", "value": "v", "effect": "PREFER_NO_SCHEDULE"}])], True),
        (
            with_gpus(1) | {"tolerations": [{"key": "k", "value": "v"}]},
            1,
            [pool(taints=[{"key": "k", "value": "v", "effect": "NO_SCHEDULE"}])],
            True,
        ),
        (with_gpus(4), 0, [], True),
        (with_gpus(4), 1, [], False),
        (with_gpus(400), 9, None, True),
    ],
)
def test_where_pods_fit(pod: dict[str, Any], replicas: int, pools: list[Pool] | None, fits: bool) -> None:
    assert (outlook(pod, replicas, pools).problem == "") == fits


def test_weights_take_time_and_so_do_new_nodes() -> None:
    small = {"containers": [{"name": "server", "image": "tgi"}]}
    without, with_weights = outlook(small, 1, None), outlook({"containers": [CONTAINER]}, 1, None)
    assert with_weights.seconds - without.seconds > 90e9 / 1e9  # 93 GB at more than 1 GB/s would be less
    assert outlook(small, 1, [pool(current_nodes=0)]).seconds > outlook(small, 1, [pool()]).seconds
    other = {"containers": [{"name": "server", "image": "tgi", "args": [f"{MODEL}-GPTQ"]}]}
    assert outlook(other, 1, None) == Outlook(without.seconds)


@pytest.mark.parametrize(
    ("text", "value"), [("500m", 0.5), ("42Gi", 42 * 2**30), (4, 4), ("4", 4), (None, 0), ("1e", 1)]
)
def test_quantities(text: object, value: float) -> None:
    assert quantity(text) == value


@pytest.mark.parametrize("scale", [0, -1, math.nan])
def test_time_passes(tmp_path: Path, scale: float) -> None:
    with pytest.raises(ValueError, match="time_scale has to be above 0"):
        SimulatedClouds(tmp_path, time_scale=scale)


def test_an_ambiguous_name_is_refused(rehearsal: Rehearsal) -> None:
    with rehearsal.clouds() as clouds, pytest.raises(KeyError, match="0 resources are called 'nothing'"):
        clouds.change("nothing", a=1)


def test_two_clusters_are_two_places(rehearsal: Rehearsal) -> None:
    def program() -> None:
        for name in ("one", "two"):
            provider = kubernetes.Provider(
                name, kubeconfig=f'{{"clusters": [{{"cluster": {{"server": "https://{name}"}}}}]}}'
            )
            kubernetes.core.v1.ConfigMap(
                name, metadata={"name": "settings"}, data={"is": name}, opts=pulumi.ResourceOptions(provider=provider)
            )

    rehearsal.up(program)
    with rehearsal.clouds() as clouds:
        assert {(found.scope, found.inputs["data"]["is"]) for found in clouds.resources()} == {
            ("one", "one"),
            ("two", "two"),
        }
