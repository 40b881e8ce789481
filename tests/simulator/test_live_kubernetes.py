"""Programs on a real control plane: what it admits, schedules and awaits. `make test-cluster` runs these."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest

from engine import find_control_plane
from simulator.api import Api, ApiError
from simulator.control_plane import ControlPlane
from tests.simulator.harness import Program, Rehearsal, changes, steps
from tests.simulator.programs import Platform
from tests.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.cluster


@pytest.fixture
def live(tmp_path: Path) -> Rehearsal:
    return Rehearsal(tmp_path, find_control_plane())


def look(live: Rehearsal, *paths: str) -> list[list[dict[str, Any]]]:
    """What another client lists in the one cluster that there is."""
    (folder,) = [each for each in (live.folder / "clouds" / "control-planes").iterdir() if each.is_dir()]
    with ControlPlane(find_control_plane(), folder, persist=True) as cluster:
        return [cluster.request("GET", path)["items"] for path in paths]


def gpus(count: int) -> dict[str, Any]:
    return {"container": {"resources": {"limits": {"nvidia.com/gpu": str(count)}}}}


def own(objects: list[dict[str, Any]]) -> list[str]:
    """Names of what a new cluster does not hold."""
    names = [each["metadata"]["name"] for each in objects]
    return [name for name in names if name not in ("kubernetes", "kube-root-ca.crt", "default")]


def test_a_pod_that_does_not_fit_is_told_at_once_with_the_scheduler_s_reason(
    live: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    # it would be waited for
    monkeypatch.setattr("simulator.live_kubernetes._PATIENCE_SECONDS", 3 * PATIENCE_SECONDS)
    start = time.monotonic()
    output = live.fails(Platform(deployments={"server": gpus(8)}))
    assert "[MinimumReplicasUnavailable] Deployment does not have minimum availability." in output
    assert '[ProgressDeadlineExceeded] ReplicaSet "server-' in output
    assert "Minimum number of live Pods was not attained" in output
    assert "0/1 nodes are available: 1 Insufficient nvidia.com/gpu." in output
    assert "pod didn't trigger scale-up: 1 Insufficient nvidia.com/gpu" in output
    assert time.monotonic() - start < PATIENCE_SECONDS

    # mended by the next run
    live.up(Platform())


def test_a_create_timeout_before_the_deadline_of_the_rollout_ends_the_wait(live: Rehearsal) -> None:
    output = live.fails(Platform(deployments={"server": {"timeout": "5m", **gpus(8)}}))
    assert "timed out waiting to be Ready" in output
    assert "[MinimumReplicasUnavailable] Deployment does not have minimum availability." in output
    assert "ProgressDeadlineExceeded" not in output


def test_who_does_not_await_gets_no_error(live: Rehearsal) -> None:
    waiting = {"annotations": {"pulumi.com/skipAwait": "true"}} | gpus(8)
    live.up(Platform(deployments={"server": waiting}))
    (pods,) = look(live, "/api/v1/pods")
    assert [pod["status"]["phase"] for pod in pods] == ["Pending"]


def test_a_load_balancer_is_awaited_for_ten_seconds_at_least(live: Rehearsal) -> None:
    live.up(Platform(workload=False))
    start = time.monotonic()
    live.up(Platform(deployments={}, service={"selector": None}), time_scale=10)
    assert time.monotonic() - start > 10 / 10


def test_a_pool_grows_up_to_its_maximum(live: Rehearsal) -> None:
    pool = {"autoscaling": {"totalMinNodeCount": 1, "totalMaxNodeCount": 2}, "node_count": 1}
    two = {name: gpus(4) for name in ("server", "second")}
    live.up(Platform(pool=pool, deployments=two))
    nodes, pods = look(live, "/api/v1/nodes", "/api/v1/pods")
    assert len(nodes) == 2
    assert {pod["spec"]["nodeName"] for pod in pods} == {node["metadata"]["name"] for node in nodes}

    output = live.fails(Platform(pool=pool, deployments={**two, "third": gpus(4)}))
    assert "0/2 nodes are available: 2 Insufficient nvidia.com/gpu." in output
    assert "pod didn't trigger scale-up: 1 max node group size reached" in output


def test_what_is_deleted_is_gone_from_the_cluster(live: Rehearsal) -> None:
    live.up(Platform())
    live.up(Platform(workload=False))
    kinds = ["/apis/apps/v1/deployments", "/apis/apps/v1/replicasets"]
    kinds += [f"/api/v1/{kind}" for kind in ("pods", "services", "secrets", "namespaces")]
    found = {name for objects in look(live, *kinds) for name in own(objects)}
    assert {name for name in found if not name.startswith(("kube-", "gke-", "gmp-"))} == set()
    live.destroy(Platform(workload=False))
    assert not [each for each in (live.folder / "clouds" / "control-planes").iterdir() if each.is_dir()]


def test_nodes_follow_the_size_of_their_pool(live: Rehearsal) -> None:
    for count in (2, 1):
        live.up(Platform(pool={"node_count": count}))
        (nodes,) = look(live, "/api/v1/nodes")
        assert len(nodes) == count


def test_an_ephemeral_volume_is_made_and_goes_with_its_pod(live: Rehearsal) -> None:
    claim = {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "150Gi"}}}}
    claim["spec"]["storageClassName"] = "premium-rwo"
    volume = {"name": "weights", "ephemeral": {"volumeClaimTemplate": claim}}
    server = {"pod": {"volumes": [volume]}, **gpus(4)}
    live.up(Platform(deployments={"server": server}))
    pods, volumes = look(live, "/api/v1/pods", "/api/v1/persistentvolumes")
    assert [pod["status"]["phase"] for pod in pods] == ["Running"]
    assert [each["status"]["phase"] for each in volumes] == ["Bound"]
    (term,) = volumes[0]["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert term["matchExpressions"][0]["values"] == ["us-central1-a"]


def on_any_cluster(make: Callable[[pulumi.ResourceOptions], None]) -> Program:
    def program() -> None:
        make(pulumi.ResourceOptions(provider=kubernetes.Provider("current")))

    return program


def deployment(**spec: Any) -> Program:
    template = {
        "metadata": {"labels": {"app": "server"}},
        "spec": {"containers": [{"name": "server", "image": "example.com/server:1"}]},
    }
    whole = {"selector": {"matchLabels": {"app": "server"}}, "template": template, **spec}
    return on_any_cluster(lambda opts: kubernetes.apps.v1.Deployment("server", spec=whole, opts=opts) and None)


def custom(api_version: str, spec: dict[str, Any]) -> Program:
    return on_any_cluster(
        lambda opts: (
            kubernetes.apiextensions.CustomResource(
                "custom", api_version=api_version, kind="PodMonitoring", spec=spec, opts=opts
            )
            and None
        )
    )


def autoscaler(**spec: Any) -> Program:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "server"}
    v2 = kubernetes.autoscaling.v2
    return on_any_cluster(
        lambda opts: v2.HorizontalPodAutoscaler("scaler", spec={"scaleTargetRef": target, **spec}, opts=opts) and None
    )


def service(port: int, **metadata: str) -> Program:
    return on_any_cluster(
        lambda opts: (
            kubernetes.core.v1.Service(
                "server", metadata=metadata, spec={"ports": [{"port": port}], "selector": {"app": "server"}}, opts=opts
            )
            and None
        )
    )


@pytest.mark.parametrize(
    ("program", "says"),
    [
        pytest.param(deployment(replicass=2), ".spec.replicass: field not declared in schema", id="misspelled"),
        pytest.param(
            autoscaler(minReplicas=5, maxReplicas=2),
            "spec.maxReplicas: Invalid value: 2: must be greater than or equal to `minReplicas`",
            id="autoscaler",
        ),
        pytest.param(service(70_000), "must be between 1 and 65535, inclusive", id="value"),
    ],
)
def test_the_api_server_refuses_in_its_own_words_in_a_preview_too(
    live: Rehearsal, program: Program, says: str
) -> None:  # fmt: skip
    assert says in live.fails(program, preview=True)
    assert says in live.fails(program)
    (deployments,) = look(live, "/apis/apps/v1/deployments")
    assert deployments == []
    with live.clouds() as clouds:
        assert clouds.empty


def test_a_preview_does_not_look_where_the_namespace_is_missing_as_yet(live: Rehearsal) -> None:
    live.preview(service(70_000, namespace="later"))
    assert 'namespaces "later" not found' in live.fails(service(80, namespace="later"))


def test_a_custom_resource_without_its_definition_passes_preview_and_fails_up(live: Rehearsal) -> None:
    program = custom("example.com/v1", {})
    live.preview(program)
    start = time.monotonic()
    with live.open(program, time_scale=10) as (stack, _), pytest.raises(pulumi.automation.CommandError):
        live._log(stack.up)
    # it is looked for during 62 s of simulated time
    assert time.monotonic() - start > 62 / 10
    output = live.output
    assert 'no matches for kind "PodMonitoring" in version "example.com/v1"' in output
    assert "Verify that any required CRDs have been created" in output


def test_gke_s_own_custom_resources_are_checked(live: Rehearsal) -> None:
    right = {"selector": {"matchLabels": {"app": "server"}}, "endpoints": [{"port": "http", "interval": "15s"}]}
    live.up(Platform(deployments={}, monitoring=right))
    wrong = Platform(deployments={}, monitoring={**right, "endpoint": []})
    assert ".spec.endpoint: field not declared in schema" in live.fails(wrong, preview=True)
    assert ".spec.endpoint: field not declared in schema" in live.fails(wrong)


def test_a_compute_class_is_checked_by_its_published_schema(live: Rehearsal) -> None:
    gpu = {"type": "nvidia-l4", "count": 1, "driverVersion": "latest"}
    priority = {"machineType": "g2-standard-12", "gpu": gpu, "spot": True}
    right = {"priorities": [priority], "nodePoolAutoCreation": {"enabled": True}}
    live.up(Platform(workload=False, compute_class=right))
    (classes,) = look(live, "/apis/cloud.google.com/v1/computeclasses")
    assert [each["spec"]["priorities"] for each in classes] == [[priority]]
    # a default of the schema
    assert classes[0]["spec"]["whenUnsatisfiable"] == "DoNotScaleUp"
    assert not steps(live.preview(Platform(workload=False, compute_class=right)))

    misspelled = Platform(workload=False, compute_class={"priorities": [{**priority, "gpuu": {}}]})
    assert ".spec.priorities[0].gpuu: field not declared in schema" in live.fails(misspelled, preview=True)
    invalid = Platform(workload=False, compute_class={**right, "whenUnsatisfiable": "Wait"})
    assert 'Unsupported value: "Wait"' in live.fails(invalid, preview=True)


AUTOPILOT_POD = {
    "container": {"resources": {"limits": {"nvidia.com/gpu": "1"}, "requests": {"cpu": "2", "memory": "10Gi"}}},
    "pod": {"nodeSelector": {"cloud.google.com/gke-accelerator": "nvidia-l4", "cloud.google.com/gke-spot": "true"}},
}


def test_autopilot_makes_the_nodes_that_pods_ask_for(live: Rehearsal) -> None:
    live.up(Platform(autopilot=True, deployments={"server": AUTOPILOT_POD}))
    nodes, pods = look(live, "/api/v1/nodes", "/api/v1/pods")
    (node,), (pod,) = nodes, pods
    assert node["metadata"]["labels"]["node.kubernetes.io/instance-type"] == "g2-standard-4"
    assert node["metadata"]["labels"]["cloud.google.com/gke-spot"] == "true"
    assert (pod["status"]["phase"], pod["spec"]["nodeName"]) == ("Running", node["metadata"]["name"])
    assert pod["spec"]["containers"][0]["resources"]["requests"]["ephemeral-storage"] == "1Gi"
    # what Autopilot has set is no drift
    assert not changes(live.refresh(Platform(autopilot=True, deployments={"server": AUTOPILOT_POD})))
    assert not steps(live.preview(Platform(autopilot=True, deployments={"server": AUTOPILOT_POD})))


def test_autopilot_tells_what_it_does_not_have(live: Rehearsal) -> None:
    output = live.fails(Platform(autopilot=True, deployments={"server": {**AUTOPILOT_POD, "pod": {}, **gpus(3)}}))
    assert "0/0 nodes are available" in output or "no nodes available to schedule pods" in output
    assert "Autopilot has no machine with what the pod selects and requests" in output
    storage = {"container": {"resources": {"requests": {"ephemeral-storage": "20Gi"}}}}
    output = live.fails(Platform(autopilot=True, deployments={"server": storage}), preview=True)
    assert "Total ephemeral-storage requested by containers for workload 'server-" in output
    assert "is higher than the Autopilot maximum of '10Gi'" in output.replace("\\'", "'")


def test_a_field_that_another_client_has_set_is_in_conflict(live: Rehearsal) -> None:
    def program(least: int, **annotations: str) -> Program:
        metadata = {"name": "shared", "annotations": annotations}
        spec = {"minAvailable": least, "selector": {"matchLabels": {"app": "server"}}}
        budget = kubernetes.policy.v1.PodDisruptionBudget
        return on_any_cluster(lambda opts: budget("shared", metadata=metadata, spec=spec, opts=opts) and None)

    def least() -> int:
        (budgets,) = look(live, "/apis/policy/v1/poddisruptionbudgets")
        return budgets[0]["spec"]["minAvailable"]

    live.up(program(1))
    (folder,) = [each for each in (live.folder / "clouds" / "control-planes").iterdir() if each.is_dir()]
    with ControlPlane(find_control_plane(), folder, persist=True) as cluster:
        path = "/apis/policy/v1/namespaces/default/poddisruptionbudgets/shared?fieldManager=kubectl-edit"
        cluster.request("PATCH", path, {"spec": {"minAvailable": 2}}, content="application/merge-patch+json")
    for preview in (True, False):
        assert 'conflict with "kubectl-edit" using policy/v1: .spec.minAvailable' in live.fails(
            program(3), preview=preview
        )
    assert least() == 2
    live.up(program(3, **{"pulumi.com/patchForce": "true"}))
    assert least() == 3


def registry(credentials: object, *, encoded: bool = False) -> Program:
    text = credentials if isinstance(credentials, str) else json.dumps(credentials)
    content = base64.b64encode(text.encode()).decode() if encoded else text

    def make(opts: pulumi.ResourceOptions) -> None:
        given = {"data" if encoded else "string_data": {".dockerconfigjson": pulumi.Output.secret(content)}}
        kubernetes.core.v1.Secret("registry", type="kubernetes.io/dockerconfigjson", **given, opts=opts)

    return on_any_cluster(make)


@pytest.mark.parametrize("encoded", [False, True])
def test_a_registry_s_credentials_are_checked_and_not_written_down(live: Rehearsal, encoded: bool) -> None:
    login = {"auths": {"registry.example.com": {"auth": "bmV2ZXJfb25fZGlzaw=="}}}
    assert "data[.dockerconfigjson]: Invalid value" in live.fails(registry("user:password", encoded=encoded))
    live.up(registry(login, encoded=encoded))
    assert not steps(live.preview(registry(login, encoded=encoded)))
    written = b"".join(file.read_bytes() for file in (live.folder / "clouds").rglob("*") if file.is_file())
    for spelled in (b"bmV2ZXJfb25fZGlzaw", base64.b64encode(json.dumps(login).encode())):
        assert spelled not in written


def test_strict_validation_refuses_where_the_api_server_would_drop(tmp_path: Path) -> None:
    with ControlPlane(find_control_plane(), tmp_path) as cluster:
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node"}, "spec": {"taintss": []}}
        with pytest.raises(ApiError, match=r'strict decoding error: unknown field "spec\.taintss"'):
            Api(cluster).create(node)
        assert Api(cluster).list("v1", "Node") == []


def test_what_another_client_has_made_is_not_taken_over(live: Rehearsal) -> None:
    program = on_any_cluster(
        lambda opts: kubernetes.core.v1.ConfigMap("taken", metadata={"name": "taken"}, opts=opts) and None
    )
    live.preview(program)
    (folder,) = [each for each in (live.folder / "clouds" / "control-planes").iterdir() if each.is_dir()]
    with ControlPlane(find_control_plane(), folder, persist=True) as cluster:
        taken = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "taken"}}
        cluster.request("POST", "/api/v1/namespaces/default/configmaps", taken)
    assert 'configmaps "taken" already exists' in live.fails(program)


def test_a_job_completes_and_no_secret_is_written_down(live: Rehearsal) -> None:
    def program(opts: pulumi.ResourceOptions) -> None:
        secret = pulumi.Output.secret("hf_never_on_disk")
        token = kubernetes.core.v1.Secret("token", string_data={"token": secret}, opts=opts)
        container = {"name": "job", "image": "example.com/job:1"}
        template = {"spec": {"containers": [container], "restartPolicy": "Never"}}
        job = kubernetes.batch.v1.Job("job", spec={"template": template}, opts=opts)
        pulumi.export("succeeded", job.status.succeeded)
        pulumi.export("token", token.string_data)

    result = live.up(on_any_cluster(program))
    assert result.outputs["succeeded"].value == 1
    assert result.outputs["token"].value == {"token": "hf_never_on_disk"}
    assert not steps(live.preview(on_any_cluster(program)))
    written = b"".join(file.read_bytes() for file in (live.folder / "clouds").rglob("*") if file.is_file())
    assert b"hf_never_on_disk" not in written
