"""Takes nodes away as GKE does: no new pods, and the present ones evicted as their disruption budgets allow."""

from __future__ import annotations

import time
from collections.abc import Sequence

from simulator.api import Api
from simulator.clock import Clock
from simulator.values import Properties, at

_LONGEST_SECONDS = 3600
"""Simulated seconds for which GKE respects budgets. Source:
https://cloud.google.com/kubernetes-engine/docs/concepts/node-pool-upgrade-strategies (2026-11-21)."""
_LEAST_SECONDS = 10.0
"""Real seconds for which they are respected whatever the time scale: what replaces a pod starts in real time."""


class Draining:
    """The nodes of one cluster that are to go."""

    def __init__(self, api: Api, clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self._since: dict[str, float] = {}

    @property
    def under_way(self) -> bool:
        """Whether a node still waits for the end of its pods."""
        return bool(self._since)

    def drain(self, node: Properties, pods: Sequence[Properties]) -> None:
        """Evict what may be evicted now; delete the node once nothing is left, or its time is over. Raises ApiError."""
        name = node["metadata"]["name"]
        since = self._since.setdefault(name, time.monotonic())
        if not at(node, "spec", "unschedulable"):
            self._api.merge({**_node(node), "spec": {"unschedulable": True}})
        left = [pod for pod in _on(node, pods) if not _may_stay(pod)]
        longest = max(_LEAST_SECONDS, self._clock.real(_LONGEST_SECONDS))
        if not left or time.monotonic() - since > longest:
            self.take_away(node, pods)
            return
        for pod in left:
            if "deletionTimestamp" not in pod["metadata"]:
                self._api.evict(pod)

    def take_away(self, node: Properties, pods: Sequence[Properties]) -> None:
        """Delete the node and what is on it, as if its machine were gone. Raises ApiError."""
        self._api.delete(_node(node), at_once=True)
        for pod in _on(node, pods):
            self._api.delete({"apiVersion": "v1", "kind": "Pod", "metadata": pod["metadata"]}, at_once=True)
        self._since.pop(node["metadata"]["name"], None)


def _node(node: Properties) -> Properties:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": node["metadata"]["name"]}}


def _on(node: Properties, pods: Sequence[Properties]) -> list[Properties]:
    return [pod for pod in pods if at(pod, "spec", "nodeName") == node["metadata"]["name"]]


def _may_stay(pod: Properties) -> bool:
    """Whether a drain leaves the pod alone: one of a DaemonSet, or one that has ended."""
    owners = {owner["kind"] for owner in pod["metadata"].get("ownerReferences") or ()}
    return "DaemonSet" in owners or at(pod, "status", "phase") in ("Succeeded", "Failed")
