"""Pods of a workload: where they fit, how long they take to serve, and why they never do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from components.catalog import load_catalog
from simulator.nodes import Pool
from simulator.rules import load_rules
from simulator.values import Properties, at, is_list, is_object

_UNITS = {"m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_GPU = "nvidia.com/gpu"


@dataclass(frozen=True)
class Outlook:
    """What becomes of the pods."""

    seconds: float
    """Until they serve, were nothing in the way."""
    problem: str = ""
    """What is in the way for good, in the words of the scheduler or the kubelet."""


def outlook(pod: Properties, replicas: int, pools: Sequence[Pool] | None) -> Outlook:
    """Tell what becomes of `replicas` pods with this spec on these pools; None: on nodes that nothing is known of."""
    if replicas == 0:
        return Outlook(0)
    speeds = load_rules("kubernetes").data["speeds"]
    containers = objects(pod.get("containers"))
    weights = sum(_weight_bytes(container) for container in containers)
    pull = sum(_image_bytes(container) for container in containers) / speeds["download_bytes_per_second"]
    fetch = weights / speeds["download_bytes_per_second"]
    load = weights / speeds["load_bytes_per_second"] + speeds["start_seconds"]
    for container in containers:
        budget, name = _probe_budget(container), container.get("name")
        if budget is not None and budget < fetch + load:
            return Outlook(
                pull + fetch + load,
                f'containers with unready status: [{name}]: Container "{name}" failed '
                f"its probe for {budget:.0f} s and was restarted, but needs {fetch + load:.0f} s to fetch and load its "
                "weights (CrashLoopBackOff). Give its startupProbe a larger failureThreshold.",
            )
    if pools is None:
        return Outlook(pull + fetch + load)
    fitting = [pool for pool in pools if not _misfit(pod, containers, pool)]
    room = sum(pool.max_nodes * _per_node(containers, pool) for pool in fitting)
    if room < replicas:
        return Outlook(pull + fetch + load, _unschedulable(pod, containers, pools, fitting))
    ready_room = sum(pool.current_nodes * _per_node(containers, pool) for pool in fitting)
    grow = speeds["node_start_seconds"] if ready_room < replicas else 0
    return Outlook(grow + pull + fetch + load)


def _image_bytes(container: Properties) -> int:
    images = load_rules("kubernetes").data["images"]
    image = str(container.get("image"))
    return next((size for part, size in images["bytes"].items() if part in image), images["default"])


def _weight_bytes(container: Properties) -> int:
    """Bytes of the models that the container's command line and environment name."""
    words = [str(word) for key in ("command", "args") for word in as_list(container.get(key))]
    words += [str(variable.get("value")) for variable in objects(container.get("env"))]
    text = "\n".join(words)
    return sum(model.weight_bytes for name, model in load_catalog().models.items() if _names(name, text))


def _names(model: str, text: str) -> bool:
    return re.search(rf"(?<![\w/.-]){re.escape(model)}(?![\w/.-])", text) is not None


def _probe_budget(container: Properties) -> float | None:
    """Seconds that the kubelet gives the container to come up; None: for ever."""
    probe = container.get("startupProbe") or container.get("livenessProbe")
    if not is_object(probe):
        return None
    return probe.get("initialDelaySeconds", 0) + probe.get("failureThreshold", 3) * probe.get("periodSeconds", 10)


def _misfit(pod: Properties, containers: list[Properties], pool: Pool) -> str:
    """Why no node of the pool takes such a pod; empty: it does."""
    selector: Properties = pod.get("nodeSelector") or {}
    if any(pool.labels.get(key) != str(value) for key, value in selector.items()):
        return "didn't match Pod's node affinity/selector"
    for taint in pool.taints:
        if taint.get("effect") != "PREFER_NO_SCHEDULE" and not _tolerates(pod, taint):
            return f"had untolerated taint {{{taint.get('key')}: {taint.get('value')}}}"
    for resource, available in pool.capacity.items():
        if requested(containers, resource) > available:
            return f"Insufficient {resource}"
    return ""


def _tolerates(pod: Properties, taint: Properties) -> bool:
    key = taint.get("key")
    return any(
        toleration.get("key") in (key, None)
        and (toleration.get("operator") == "Exists" or toleration.get("value") == taint.get("value"))
        for toleration in objects(pod.get("tolerations"))
    )


def _per_node(containers: list[Properties], pool: Pool) -> int:
    """How many such pods a node holds; at least one, since the pool was found to fit."""
    counts = [
        int(available // wanted)
        for resource, available in pool.capacity.items()
        if (wanted := requested(containers, resource)) > 0
    ]
    return max(1, min(counts, default=1))


def _unschedulable(
    pod: Properties, containers: list[Properties], pools: Sequence[Pool], fitting: Sequence[Pool]
) -> str:
    reasons: dict[str, int] = {}
    nodes = 0
    for pool in pools:
        count = max(1, pool.current_nodes)
        nodes += count
        reason = _misfit(pod, containers, pool) or f"Insufficient {_GPU if requested(containers, _GPU) else 'cpu'}"
        reasons[reason] = reasons.get(reason, 0) + count
    told = ", ".join(
        f"{count} {reason if reason[0] == 'I' else f'node(s) {reason}'}" for reason, count in reasons.items()
    )
    grown = ", and its pools cannot grow further" if fitting else ""
    return f"0/{nodes} nodes are available: {told}{grown}. Pod didn't trigger scale-up."


def requested(containers: list[Properties], resource: str) -> float:
    """What the pod's containers ask for together; a limit counts where there is no request."""
    total = 0.0
    for container in containers:
        amount = at(container, "resources", "requests", resource)
        total += quantity(at(container, "resources", "limits", resource) if amount is None else amount)
    return total


def quantity(value: Any) -> float:  # Any: a number, a string or nothing
    """Read a Kubernetes quantity such as `500m` or `42Gi`. What is none counts as 0."""
    match = re.fullmatch(r"([\d.]+)([A-Za-z]*)", str(value))
    return float(match.group(1)) * _UNITS.get(match.group(2), 1) if match else 0


def as_list(value: Any) -> list[Any]:  # Any: any JSON
    """The list; an empty one where it is none."""
    return value if is_list(value) else []


def objects(value: Any) -> list[Properties]:  # Any: any JSON
    """The objects in a list; empty where it is none."""
    return [item for item in as_list(value) if is_object(item)]
