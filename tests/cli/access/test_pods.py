"""What the pods wait for, told from what the cluster's API gives."""

from datetime import UTC, datetime
from typing import Any

import pytest

from cli.access.pods import pods_state
from tests.cli.access.cluster import RUNNING, container, event, pod, waiting

NOW = datetime(2026, 11, 21, 10, 1, 30, tzinfo=UTC)
QUOTA = "Node scale up in zones us-central1-a failed: GCE quota exceeded. Pod is at risk of not being scheduled."


def waits_for(*objects: dict[str, Any]) -> str:
    state = pods_state({"app": "dev"}, objects, NOW)
    assert state.ready is None
    return state.waits_for


def test_a_ready_pod() -> None:
    other = pod(container(RUNNING), name="dev-older")
    state = pods_state({"app": "dev"}, [other, pod(container(RUNNING, ready=True), ready=True)], NOW)
    assert state.ready == "dev-5c9"


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": {"name": "dev-5c9", "labels": {"app": "other"}}},
        {"metadata": {"name": "dev-5c9"}},
        {"metadata": {"name": "dev-5c9", "labels": {"app": "dev"}, "deletionTimestamp": "2026-11-21T10:00:00Z"}},
        {"status": {"phase": "Failed", "reason": "Evicted"}},
    ],
)
def test_pods_that_do_not_count(change: dict[str, Any]) -> None:
    assert waits_for({**pod(ready=True), **change}) == "there is no pod yet"


def test_no_pod_because_the_quota_of_the_namespace_is_used_up() -> None:
    refused = event("FailedCreate", 'pods "dev-" is forbidden: exceeded quota: gpus', of="dev", kind="ReplicaSet")
    assert waits_for(refused) == 'there is no pod yet: pods "dev-" is forbidden: exceeded quota: gpus'


def test_no_node_and_what_the_autoscaler_says_last() -> None:
    unschedulable = "pod dev-5c9: pending, no node takes it: 0/3 nodes are available: 3 Insufficient nvidia.com/gpu."
    assert waits_for(pod(node=False)) == unschedulable
    up = event("TriggeredScaleUp", "pod triggered scale-up: [{pool 0->1 (max: 2)}]", 1)
    failed = event("FailedScaleUp", QUOTA, 2)
    others = event("FailedScaleUp", "another pod's", 3, of="web-1")
    assert waits_for(pod(node=False), up) == (
        f"{unschedulable}; TriggeredScaleUp: pod triggered scale-up: [{{pool 0->1 (max: 2)}}]"
    )
    assert waits_for(others, failed, pod(node=False), up) == f"{unschedulable}; FailedScaleUp: {QUOTA}"


def test_the_image_is_pulled() -> None:
    creating = pod(container(waiting("ContainerCreating")))
    assert waits_for(creating) == "pod dev-5c9: container dev: is being made"
    pulling = event("Pulling", 'Pulling image "ghcr.io/ggml-org/llama.cpp:server"', 1)
    assert waits_for(creating, pulling) == (
        'pod dev-5c9: container dev: pulls the image: Pulling image "ghcr.io/ggml-org/llama.cpp:server"'
    )
    assert waits_for(creating, pulling, event("Pulled", "Successfully pulled image", 2)).endswith("is being made")


def test_a_volume_that_does_not_come() -> None:
    mount = event("FailedMount", 'MountVolume.SetUp failed for volume "weights" : rpc error', 1)
    assert waits_for(pod(container(waiting("ContainerCreating"))), mount) == (
        'pod dev-5c9: container dev: FailedMount: MountVolume.SetUp failed for volume "weights" : rpc error'
    )


@pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff"])
def test_an_image_that_is_not_there(reason: str) -> None:
    text = waits_for(pod(container(waiting(reason, 'Back-off pulling image "x:1"'))))
    assert text == 'pod dev-5c9: container dev: its image cannot be pulled: Back-off pulling image "x:1"'


def test_a_container_that_ends_again_and_again() -> None:
    ended = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
    text = waits_for(pod(container(waiting("CrashLoopBackOff", "back-off 5m0s"), lastState=ended, restartCount=4)))
    assert text == (
        "pod dev-5c9: container dev: it ends again and again; it last ended with OOMKilled, exit code 137. "
        "`kubectl logs --previous` tells why"
    )


def test_the_weights_are_loaded() -> None:
    loading = "pod dev-5c9: container dev: runs since 90 s and is not ready: it loads the weights or warms up"
    assert waits_for(pod(container(RUNNING))) == loading
    probe = event("Unhealthy", "Startup probe failed: HTTP probe failed with statuscode: 503", 9)
    assert waits_for(pod(container(RUNNING)), probe) == (
        f"{loading}; its probe says: Startup probe failed: HTTP probe failed with statuscode: 503"
    )


def test_the_container_that_is_not_ready_is_the_one_that_is_told() -> None:
    sidecar = container(RUNNING, ready=True, name="jetstream-http")
    assert waits_for(pod(sidecar, container(RUNNING))).startswith("pod dev-5c9: container dev: runs since")


def test_init_containers_come_first_unless_they_are_sidecars() -> None:
    main = container(waiting("PodInitializing"))
    fuse = container(RUNNING, name="gke-gcsfuse-sidecar", started=True)
    done = container({"terminated": {"exitCode": 0}}, name="fetch")
    under_way = container(RUNNING, name="fetch")
    assert waits_for(pod(main, initContainerStatuses=[fuse, under_way])).startswith(
        "pod dev-5c9: init container fetch: runs since 90 s"
    )
    assert waits_for(pod(main, initContainerStatuses=[fuse, done])) == "pod dev-5c9: container dev: is being made"


def test_another_reason_is_told_as_it_is() -> None:
    text = waits_for(pod(container(waiting("CreateContainerConfigError", 'secret "dev-token" not found'))))
    assert text == 'pod dev-5c9: container dev: CreateContainerConfigError: secret "dev-token" not found'


def test_of_several_pods_the_one_that_has_come_furthest() -> None:
    pending = pod(node=False, name="dev-new")
    assert waits_for(pending, pod(container(RUNNING))).startswith("pod dev-5c9: container dev: runs")


def test_long_messages_are_cut() -> None:
    text = waits_for(pod(container(waiting("CreateContainerError", "x" * 5000))))
    assert text.endswith("x ...")
    assert len(text) < 500


def test_times_of_newer_events() -> None:
    series = {"lastTimestamp": None, "eventTime": None, "series": {"lastObservedTime": "2026-11-21T10:00:09.5Z"}}
    newest = {**event("FailedScaleUp", QUOTA), **series}
    only = {**event("NotTriggerScaleUp", "max size reached"), "lastTimestamp": None}
    older = event("TriggeredScaleUp", "scale-up", 8)
    assert waits_for(newest, pod(node=False), older, only).endswith(QUOTA)
