"""Whether an object of a cluster is ready, by the rules of pulumi-kubernetes 4.x (provider/pkg/await)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simulator.api import Api
from simulator.controllers import unschedulable
from simulator.values import Properties, at

Hopeless = Callable[[Properties], str | None]
"""Why no node comes for a pod that waits for one; None where one may."""


@dataclass(frozen=True)
class Readiness:
    """What an object's status says now."""

    ready: bool
    stuck: bool = False
    """Whether it does not become ready by waiting."""
    problems: Sequence[str] = ()
    """What is in the way."""


READY = Readiness(ready=True)


def readiness(api: Api, live: Properties, hopeless: Hopeless) -> Readiness:
    """Tell from the live object, and from its pods, whether it is ready. Raises ApiError."""
    match f"{live['apiVersion']} {live['kind']}":
        case "apps/v1 Deployment":
            return _deployment(api, live, hopeless)
        case "apps/v1 StatefulSet" | "apps/v1 DaemonSet":
            return _replicated(api, live, hopeless)
        case "batch/v1 Job":
            return _job(api, live, hopeless)
        case "v1 Pod":
            return _pods([live], [], hopeless) if not _is_true(live, "Ready") else READY
        case "v1 Service":
            return _service(api, live)
        case "v1 PersistentVolumeClaim":
            return _claim(api, live)
        case _:
            return READY


def _deployment(api: Api, live: Properties, hopeless: Hopeless) -> Readiness:
    wanted = int(live["spec"].get("replicas", 1))
    status: Properties = live.get("status") or {}
    counts = [int(status.get(key) or 0) for key in ("replicas", "updatedReplicas", "availableReplicas")]
    if _observed(live) and counts == [wanted] * 3 and (_is_true(live, "Available") or not wanted):
        return READY
    problems = [
        f"[{condition['reason']}] {condition['message']}"
        for condition in status.get("conditions") or ()
        if condition["status"] == ("True" if condition["type"] == "ReplicaFailure" else "False")
    ]
    attained = "Minimum number of live Pods was not attained"
    if _is_true(live, "Available"):
        attained = (
            "Attempted to roll forward to new ReplicaSet, but minimum number of Pods did not become live"
            if len(_owned(api, live, "apps/v1", "ReplicaSet")) > 1
            else "Minimum number of Pods to consider the application live was not attained"
        )
    pods = [
        pod
        for replica_set in _owned(api, live, "apps/v1", "ReplicaSet")
        for pod in _owned(api, replica_set, "v1", "Pod")
        if not _is_true(pod, "Ready")
    ]
    found = _pods(pods, [*problems, attained], hopeless)
    return Readiness(ready=False, stuck=found.stuck or _is_true(live, "ReplicaFailure"), problems=found.problems)


def _replicated(api: Api, live: Properties, hopeless: Hopeless) -> Readiness:
    status: Properties = live.get("status") or {}
    if live["kind"] == "DaemonSet":
        wanted, done = status.get("desiredNumberScheduled") or 0, ("updatedNumberScheduled", "numberReady")
    else:
        wanted, done = live["spec"].get("replicas", 1), ("updatedReplicas", "readyReplicas")
    if _observed(live) and all(int(status.get(key) or 0) == wanted for key in done):
        return READY
    pods = [pod for pod in _owned(api, live, "v1", "Pod") if not _is_true(pod, "Ready")]
    return _pods(pods, [f"{wanted} pods are wanted, and {status.get(done[1]) or 0} are ready"], hopeless)


def _job(api: Api, live: Properties, hopeless: Hopeless) -> Readiness:
    if _is_true(live, "Complete") or at(live, "spec", "suspend"):
        return READY
    failed = [each for each in at(live, "status", "conditions") or () if each["type"] == "Failed"]
    if failed:
        return Readiness(ready=False, stuck=True, problems=[f"[{each['reason']}] {each['message']}" for each in failed])
    return _pods(_owned(api, live, "v1", "Pod"), ["The Job has not completed"], hopeless)


def _service(api: Api, live: Properties) -> Readiness:
    spec: Properties = live["spec"]
    if spec.get("type") == "LoadBalancer" and not at(live, "status", "loadBalancer", "ingress"):
        problem = "Service was not allocated an IP address; does your cloud provider support this?"
        return Readiness(ready=False, problems=[problem])
    if not spec.get("selector") or spec.get("clusterIP") == "None" or spec.get("type") == "ExternalName":
        return READY
    endpoints = api.get({**live, "kind": "Endpoints"})
    if endpoints is not None and not any(subset.get("notReadyAddresses") for subset in endpoints.get("subsets") or ()):
        return READY
    problem = (
        "Service does not target any Pods. Selected Pods may not be ready, or field '.spec.selector' may not match "
        "labels on any Pods"
    )
    return Readiness(ready=False, problems=[problem])


def _claim(api: Api, live: Properties) -> Readiness:
    if at(live, "status", "phase") == "Bound":
        return READY
    name = at(live, "spec", "storageClassName")
    storage = name and api.get({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name}})
    if storage and storage.get("volumeBindingMode") == "WaitForFirstConsumer":
        return READY
    missing = "" if storage else f': there is no storage class "{name or ""}"'
    return Readiness(ready=False, stuck=not storage, problems=[f"PersistentVolumeClaim is not bound{missing}"])


def _pods(pods: Sequence[Properties], problems: Sequence[str], hopeless: Hopeless) -> Readiness:
    told, stuck = list(problems), False
    for pod in pods:
        reason = unschedulable(pod)
        why = hopeless(pod) if reason else None
        stuck = stuck or why is not None
        if reason:
            name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
            told.append(f"[Pod {name}]: " + ". ".join(part.rstrip(". ") for part in (reason, why) if part))
    return Readiness(ready=False, stuck=stuck, problems=told)


def _owned(api: Api, owner: Properties, api_version: str, kind: str) -> list[Properties]:
    """Objects of a kind that this one has made."""
    return [
        each
        for each in api.list(api_version, kind, str(owner["metadata"]["namespace"]))
        if any(by["uid"] == owner["metadata"]["uid"] for by in each["metadata"].get("ownerReferences") or ())
    ]


def _observed(live: Properties) -> bool:
    return at(live, "status", "observedGeneration") == at(live, "metadata", "generation")


def _is_true(thing: Properties, condition: str) -> bool:
    found = at(thing, "status", "conditions") or ()
    return any(each["type"] == condition and each["status"] == "True" for each in found)
