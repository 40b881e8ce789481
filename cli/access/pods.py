"""What the pods of a service are waiting for, in words.

Sources: kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle; reasons of events: pkg/kubelet/events/event.go of
github.com/kubernetes/kubernetes, and clusterstate/ and core/ of the cluster autoscaler, whose words GKE's has, too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Object = Mapping[str, Any]
"""A Kubernetes object, as JSON."""

SCALING = ("TriggeredScaleUp", "NotTriggerScaleUp", "FailedScaleUp")
"""What the cluster autoscaler says to a pod that has no node."""

SHOWN = 400
"""Characters of a message that are shown."""


@dataclass(frozen=True)
class PodsState:
    """How far the pods are."""

    ready: str | None
    """Name of a pod that takes requests. None: there is none yet."""
    waits_for: str
    """What the pod that is furthest waits for, if none is ready."""


def pods_state(selector: Mapping[str, str], objects: Sequence[Object], now: datetime | None = None) -> PodsState:
    """Return the state of the pods that `selector` is for.

    Args:
        selector: labels.
        objects: the pods and events of the namespace.
        now: when they were read. Default: now.
    """
    events = sorted((each for each in objects if each["kind"] == "Event"), key=_when)
    pods = [
        each
        for each in objects
        if each["kind"] == "Pod"
        and selector.items() <= each["metadata"].get("labels", {}).items()
        and "deletionTimestamp" not in each["metadata"]
        and each["status"].get("phase") not in ("Succeeded", "Failed")
    ]
    for pod in pods:
        if _condition(pod, "Ready").get("status") == "True":
            return PodsState(pod["metadata"]["name"], "")
    if not pods:
        refused = [each["message"] for each in events if each["reason"] == "FailedCreate"]
        return PodsState(None, f"there is no pod yet{_why(refused[-1] if refused else '')}")
    # the one that has come furthest is the one that will be ready first
    furthest = max(pods, key=_progress)
    name = furthest["metadata"]["name"]
    own = [each for each in events if each["involvedObject"].get("name") == name]
    return PodsState(None, f"pod {name}: {_pod_waits_for(furthest, own, now or datetime.now(UTC))}")


def _progress(pod: Object) -> tuple[bool, int]:
    running = sum("running" in each["state"] for each in _statuses(pod))
    return _condition(pod, "PodScheduled").get("status") == "True", running


def _pod_waits_for(pod: Object, events: Sequence[Object], now: datetime) -> str:
    scheduled = _condition(pod, "PodScheduled")
    if scheduled.get("status") != "True":
        said = [each for each in events if each["reason"] in SCALING]
        scaling = f"; {said[-1]['reason']}: {_short(said[-1]['message'])}" if said else ""
        return f"pending, no node takes it{_why(scheduled.get('message', ''))}{scaling}"
    for status in _statuses(pod, "initContainerStatuses"):
        finished = status["state"].get("terminated", {}).get("exitCode") == 0
        sidecar = "running" in status["state"] and status.get("started")
        if not finished and not sidecar:
            return f"init container {status['name']}: {_container_waits_for(status, events, now)}"
    for status in _statuses(pod):
        if not status.get("ready"):
            return f"container {status['name']}: {_container_waits_for(status, events, now)}"
    if not _statuses(pod):
        return _making(events)
    return "its containers are ready; it takes requests once its conditions are met"


def _container_waits_for(status: Object, events: Sequence[Object], now: datetime) -> str:
    state: Object = status["state"]
    if "running" in state:
        seconds = (now - _time(state["running"]["startedAt"])).total_seconds()
        again = f", after {status['restartCount']} restarts{_last_end(status)}" if status.get("restartCount") else ""
        probes = [each["message"] for each in events if each["reason"] == "Unhealthy"]
        probe = f"; its probe says: {_short(probes[-1])}" if probes else ""
        return f"runs since {max(0, seconds):.0f} s{again} and is not ready: it loads the weights or warms up{probe}"
    waiting: Object = state.get("waiting") or {}
    reason = waiting.get("reason", "")
    if reason in ("ContainerCreating", "PodInitializing", ""):
        return _making(events) + _last_end(status)
    if reason in ("ErrImagePull", "ImagePullBackOff", "InvalidImageName"):
        return f"its image cannot be pulled{_why(waiting.get('message', ''))}"
    if reason == "CrashLoopBackOff":
        return f"it ends again and again{_last_end(status)}. `kubectl logs --previous` tells why"
    return f"{reason}{_why(waiting.get('message', ''))}"


def _making(events: Sequence[Object]) -> str:
    """Tell what happens before the first container starts."""
    for event in reversed(events):
        if event["reason"] == "Pulling":
            return f"pulls the image{_why(event['message'])}"
        if event["reason"] in ("FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox"):
            return f"{event['reason']}{_why(event['message'])}"
        if event["reason"] in ("Pulled", "Created", "Started"):
            break
    return "is being made"


def _last_end(status: Object) -> str:
    ended: Object | None = status.get("lastState", {}).get("terminated") or status["state"].get("terminated")
    if not ended:
        return ""
    return f"; it last ended with {ended.get('reason', 'Error')}, exit code {ended['exitCode']}"


def _statuses(pod: Object, of: str = "containerStatuses") -> Sequence[Object]:
    return pod["status"].get(of) or []


def _condition(pod: Object, kind: str) -> Object:
    conditions: Sequence[Object] = pod["status"].get("conditions") or []
    return next((each for each in conditions if each["type"] == kind), dict[str, Any]())


def _when(event: Object) -> datetime:
    series: Object = event.get("series") or {}
    times: list[str | None] = [event.get("lastTimestamp"), series.get("lastObservedTime"), event.get("eventTime")]
    return _time(next((each for each in times if each), event["metadata"]["creationTimestamp"]))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else f"{line[:SHOWN]} ..."


def _why(message: str) -> str:
    return f": {_short(message)}" if message else ""
