"""Whether a pod fits a node, for the simulated cluster autoscaler. Where it runs is the real scheduler's to say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from simulator.pods import as_list, objects, quantity, requested
from simulator.values import Properties, at


def requests_of(pod: Properties) -> dict[str, float]:
    """What the pod asks a node for, itself included."""
    spec: Properties = pod["spec"]
    containers, init = objects(spec.get("containers")), objects(spec.get("initContainers"))
    names = {
        name
        for container in [*containers, *init]
        for kind in ("requests", "limits")
        for name in at(container, "resources", kind) or ()
    }
    return {"pods": 1.0} | {
        name: max([requested(containers, name), *(requested([each], name) for each in init)]) for name in names
    }


def free_on(node: Properties, pods: Iterable[Properties]) -> dict[str, float]:
    """What the node has left beside the pods that run on it."""
    name = node["metadata"]["name"]
    free = {resource: quantity(amount) for resource, amount in node["status"]["allocatable"].items()}
    for pod in pods:
        ending = "deletionTimestamp" in pod["metadata"] or at(pod, "status", "phase") in ("Succeeded", "Failed")
        if at(pod, "spec", "nodeName") == name and not ending:
            take(free, requests_of(pod))
    return free


def take(free: dict[str, float], wanted: Mapping[str, float]) -> None:
    """Take what a pod asks for from what is free."""
    for resource, amount in wanted.items():
        free[resource] = free.get(resource, 0) - amount


def misfit(pod: Properties, node: Properties, free: Mapping[str, float]) -> str:
    """Why the pod does not fit the node, in the scheduler's words; empty: it does."""
    labels: Properties = node["metadata"].get("labels") or {}
    for taint in objects(at(node, "spec", "taints")):
        # a node that has just been made is not ready for a moment
        passing = str(taint.get("key")).startswith("node.kubernetes.io/")
        if taint.get("effect") != "PreferNoSchedule" and not passing and not _tolerates(pod, taint):
            return f"node(s) had untolerated taint {{{taint.get('key')}: {taint.get('value') or ''}}}"
    if not _selected(pod, labels):
        return "node(s) didn't match Pod's node affinity/selector"
    lacking = [name for name, amount in requests_of(pod).items() if amount > free.get(name, 0) and amount > 0]
    return f"Insufficient {', '.join(sorted(lacking))}" if lacking else ""


def _tolerates(pod: Properties, taint: Properties) -> bool:
    return any(
        toleration.get("key") in (None, "", taint.get("key"))
        and toleration.get("effect") in (None, "", taint.get("effect"))
        and (
            toleration.get("operator") == "Exists"
            or (toleration.get("key") and (toleration.get("value") or "") == (taint.get("value") or ""))
        )
        for toleration in objects(at(pod, "spec", "tolerations"))
    )


def _selected(pod: Properties, labels: Properties) -> bool:
    selector: Properties = at(pod, "spec", "nodeSelector") or {}
    if any(labels.get(key) != value for key, value in selector.items()):
        return False
    required = at(pod, "spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    terms = objects(at(required, "nodeSelectorTerms"))
    return not terms or any(
        all(_matches(each, labels) for each in objects(term.get("matchExpressions"))) for term in terms
    )


def _matches(expression: Properties, labels: Properties) -> bool:
    value: Any = labels.get(str(expression.get("key")))  # Any: a label or nothing
    values = as_list(expression.get("values"))
    match expression.get("operator"):
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt":
            return value is not None and float(value) > float(values[0])
        case "Lt":
            return value is not None and float(value) < float(values[0])
        case _:
            return False
