"""Rehearsals on a real Kubernetes control plane. `make test-cluster` runs them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.errors import RefusedError
from cli.rehearsal import Rehearsal
from cli.result import Outcome, Result
from engine import find_control_plane
from simulator import SimulatedClouds
from simulator.control_plane import ControlPlane
from simulator.pods import quantity
from stacks import RECIPES
from tests.simulator.harness import pass_over_abandoned_programs
from tests.waiting import wait_until

pytestmark = pytest.mark.cluster

MIXTRAL = "mixtral-tgi-gke-l4"
GPU_POOL = "cluster.gpuPools.mixtral-moe-gpu-pool"
POOL_LABEL = "cloud.google.com/gke-nodepool"


def rehearsal(stack: str, project: Path, *overrides: str) -> Rehearsal:
    return Rehearsal(stack, folder=project, control_plane=True, overrides=overrides)


def told(result: Result) -> str:
    return "\n".join(each.message for each in result.diagnostics if each.severity == "error")


def operations(result: Result) -> dict[str, str]:
    return {each.name: each.operation for each in result.resources if each.operation != "same"}


@contextlib.contextmanager
def another_client(cloud: Path) -> Iterator[ControlPlane]:
    """What anybody else sees and does in the one cluster of a rehearsal that has ended."""
    (folder,) = [each for each in (cloud / "control-planes").iterdir() if each.is_dir()]
    with ControlPlane(find_control_plane(), folder, persist=True) as cluster:
        yield cluster


def items(cluster: ControlPlane, path: str) -> list[dict[str, Any]]:
    return cluster.request("GET", path)["items"]


def processes(folder: Path) -> list[str]:
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "cwd").readlink().is_relative_to(folder):
                found.append(process.name)
    return found


def accelerators_of(resources: dict[str, str]) -> dict[str, float]:
    return {name: quantity(amount) for name, amount in resources.items() if name.endswith(("/gpu", "/tpu"))}


@pytest.mark.parametrize("stack", RECIPES)
def test_a_stack_comes_up_on_the_nodes_meant_for_it_stays_and_goes(project: Path, stack: str) -> None:
    up = rehearsal(stack, project).up()
    assert up.outcome is Outcome.SUCCEEDED, told(up)
    assert not up.diagnostics
    if any(each.type.startswith("kubernetes:") for each in up.resources):
        check_pods(stack, project)

    # the mode is remembered
    again = Rehearsal(stack, folder=project).up()
    assert set(again.changes) == {"same"}
    assert set(Rehearsal(stack, folder=project).refresh().changes) == {"same"}
    destroyed = Rehearsal(stack, folder=project).destroy()
    assert destroyed.outcome is Outcome.SUCCEEDED, told(destroyed)
    assert not rehearsal(stack, project).home.folder.exists()
    wait_until(lambda: not processes(project))


def check_pods(stack: str, project: Path) -> None:
    """Every pod that there has to be runs, on a node that is meant for it."""
    with another_client(rehearsal(stack, project).home.cloud) as cluster:
        nodes = {node["metadata"]["name"]: node for node in items(cluster, "/api/v1/nodes")}
        # a Job's pod has done its work and gone
        pods = [pod for pod in items(cluster, "/api/v1/pods") if pod["status"]["phase"] != "Succeeded"]
        deployments = items(cluster, "/apis/apps/v1/deployments")
    assert len(pods) == sum(each["spec"]["replicas"] for each in deployments)
    for pod in pods:
        assert pod["status"]["phase"] == "Running"
        node = nodes[pod["spec"]["nodeName"]]
        asked = accelerators_of(pod["spec"]["containers"][0]["resources"]["requests"])
        has = accelerators_of(node["status"]["allocatable"])
        assert asked.keys() == has.keys()
        assert all(count <= has[name] for name, count in asked.items())
        assert pod["spec"].get("nodeSelector", {}).items() <= node["metadata"]["labels"].items()


def test_mixtral_gets_the_machines_and_the_address_of_its_settings(project: Path) -> None:
    rehearsed = rehearsal(MIXTRAL, project)
    up = rehearsed.up()
    with another_client(rehearsed.home.cloud) as cluster:
        nodes = items(cluster, "/api/v1/nodes")
        service = cluster.request("GET", "/api/v1/namespaces/default/services/mixtral8x7b-service")
    gpu = [node for node in nodes if node["metadata"]["labels"][POOL_LABEL] == "mixtral-moe-gpu-pool"]
    assert len(gpu) == 1
    assert len(nodes) == 1 + 4
    labels = gpu[0]["metadata"]["labels"]
    assert labels["topology.kubernetes.io/zone"] == "us-central1-a"
    assert labels["node.kubernetes.io/instance-type"] == "g2-standard-48"
    assert {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"} in gpu[0]["spec"]["taints"]
    assert gpu[0]["status"]["allocatable"]["nvidia.com/gpu"] == "4"
    assert 47 < quantity(gpu[0]["status"]["allocatable"]["cpu"]) < 48
    assert service["status"]["loadBalancer"]["ingress"][0]["ip"] == up.outputs["loadBalancerIp"].value
    zones = sorted(node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in nodes if node not in gpu)
    assert zones == ["us-central1-a"] * 2 + ["us-central1-c"] * 2


SURGE = """
import pulumi
import pulumi_kubernetes as kubernetes
import stacks

def surge(args):
    if args.type_ == "kubernetes:apps/v1:Deployment":
        args.props["spec"].strategy = kubernetes.apps.v1.DeploymentStrategyArgs(
            rolling_update=kubernetes.apps.v1.RollingUpdateDeploymentArgs(max_surge=1, max_unavailable=0)
        )
    return pulumi.ResourceTransformationResult(args.props, args.opts)

pulumi.runtime.register_stack_transformation(surge)
stacks.main()
"""


def test_a_rollout_that_needs_gpus_that_there_are_not_ends_in_a_deadlock(project: Path) -> None:
    full = f"{GPU_POOL}.maxNodes=1"
    assert rehearsal(MIXTRAL, project, full).up().outcome is Outcome.SUCCEEDED
    rolled = rehearsal(MIXTRAL, project, full, "service.environment.A=one").up()
    assert rolled.outcome is Outcome.SUCCEEDED, told(rolled)

    (project / "__main__.py").write_text(SURGE)
    locked = rehearsal(MIXTRAL, project, full, "service.environment.A=two").up()
    pass_over_abandoned_programs()
    assert locked.outcome is Outcome.FAILED
    assert "[ProgressDeadlineExceeded] ReplicaSet " in told(locked)
    assert "1 Insufficient nvidia.com/gpu" in told(locked)
    assert "max node group size reached" in told(locked)
    (diagnostic,) = [each for each in locked.diagnostics if "Insufficient" in each.message]
    assert (diagnostic.urn or "").endswith("kubernetes:apps/v1:Deployment::mixtral8x7b")

    # with room for it the pool grows
    grown = rehearsal(MIXTRAL, project, f"{GPU_POOL}.maxNodes=2", "service.environment.A=two").up()
    assert grown.outcome is Outcome.SUCCEEDED, told(grown)
    with another_client(rehearsal(MIXTRAL, project).home.cloud) as cluster:
        nodes = [node["metadata"]["labels"][POOL_LABEL] for node in items(cluster, "/api/v1/nodes")]
    assert nodes.count("mixtral-moe-gpu-pool") == 2


def test_autoscaling_is_accepted(project: Path) -> None:
    rehearsed = rehearsal(
        MIXTRAL, project, "service.autoscaling.minReplicas=1", "service.autoscaling.maxReplicas=2"
    )  # fmt: skip
    up = rehearsed.up()
    assert up.outcome is Outcome.SUCCEEDED, told(up)
    with another_client(rehearsed.home.cloud) as cluster:
        (autoscaler,) = items(cluster, "/apis/autoscaling/v2/horizontalpodautoscalers")
        (monitoring,) = items(cluster, "/apis/monitoring.googleapis.com/v1/podmonitorings")
    assert autoscaler["spec"]["scaleTargetRef"]["name"] == "mixtral8x7b"
    assert monitoring["spec"]["endpoints"][0]["interval"] == "15s"


def test_a_drain_honours_the_disruption_budget(project: Path) -> None:
    rehearsed = rehearsal("dev", project, "service.replicas=2")
    assert rehearsed.up().outcome is Outcome.SUCCEEDED
    with another_client(rehearsed.home.cloud) as cluster:
        cordon = {"spec": {"unschedulable": True}}
        cluster.request("PATCH", "/api/v1/nodes/node", cordon, content="application/merge-patch+json")
        first, second = (pod["metadata"]["name"] for pod in items(cluster, "/api/v1/namespaces/default/pods"))
        evict(cluster, first)
        with pytest.raises(urllib.error.HTTPError) as refused:
            evict(cluster, second)
        assert refused.value.code == 429
        assert "would violate the pod's disruption budget" in json.load(refused.value)["message"]


def evict(cluster: ControlPlane, pod: str) -> None:
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": "default"}}
    cluster.request("POST", f"/api/v1/namespaces/default/pods/{pod}/eviction", eviction)


def test_a_refresh_sees_what_another_client_removed(project: Path) -> None:
    rehearsed = rehearsal("dev", project)
    rehearsed.up()
    with another_client(rehearsed.home.cloud) as cluster:
        cluster.request("DELETE", "/apis/policy/v1/namespaces/default/poddisruptionbudgets/dev")
    refreshed = Rehearsal("dev", folder=project).refresh()
    assert refreshed.outcome is Outcome.SUCCEEDED, told(refreshed)
    assert operations(refreshed) == {"dev-budget": "delete"}
    planned = Rehearsal("dev", folder=project).preview()
    assert planned.outcome is Outcome.SUCCEEDED, told(planned)
    assert operations(planned) == {"dev-budget": "create"}


def test_what_another_client_has_taken_over_is_a_conflict(project: Path) -> None:
    rehearsed = rehearsal("dev", project)
    rehearsed.up()
    with another_client(rehearsed.home.cloud) as cluster:
        path = "/apis/apps/v1/namespaces/default/deployments/dev"
        cluster.request("PATCH", path, {"spec": {"replicas": 3}}, content="application/merge-patch+json")
    refreshed = Rehearsal("dev", folder=project).refresh()
    assert refreshed.outcome is Outcome.SUCCEEDED, told(refreshed)
    assert operations(refreshed) == {"dev": "update"}
    # the real provider does not take a field back either, unless pulumi.com/patchForce says so
    planned = Rehearsal("dev", folder=project).preview()
    assert planned.outcome is Outcome.FAILED
    assert 'conflict with "Python-urllib"' in told(planned)
    assert ".spec.replicas" in told(planned)


def test_what_is_up_without_a_control_plane_is_not_moved_to_one(project: Path) -> None:
    Rehearsal("dev", folder=project).up()
    with pytest.raises(RefusedError, match="was brought up without --control-plane"):
        rehearsal("dev", project).up()
    assert set(Rehearsal("dev", folder=project).up().changes) == {"same"}


def test_a_preview_does_not_choose_the_mode(project: Path) -> None:
    assert rehearsal("dev", project).preview().outcome is Outcome.SUCCEEDED
    assert not SimulatedClouds.on_control_planes(rehearsal("dev", project).home.cloud)


def test_a_run_that_is_killed_is_gone_on_with_and_leaves_no_process(project: Path) -> None:
    run = subprocess.Popen(
        [sys.executable, "-m", "cli", "rehearse", "up", MIXTRAL, "--control-plane", "--time-scale", "300"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert run.stdout is not None
    for line in run.stdout:
        if "Deployment" in line:
            break
    run.send_signal(signal.SIGKILL)
    run.wait()
    run.stdout.close()
    # no process outlives its run
    wait_until(lambda: not processes(rehearsal(MIXTRAL, project).home.cloud))

    up = Rehearsal(MIXTRAL, folder=project).up()
    assert up.outcome is Outcome.SUCCEEDED, told(up)
    assert set(Rehearsal(MIXTRAL, folder=project).up().changes) == {"same"}
    assert Rehearsal(MIXTRAL, folder=project).destroy().outcome is Outcome.SUCCEEDED
