"""What the cloud's own controllers do in a cluster: nodes follow their pools, pools grow, volumes are made."""

from __future__ import annotations

import collections
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from simulator.api import Api, ApiError
from simulator.clock import Clock
from simulator.fitting import free_on, misfit, requests_of, take
from simulator.machines import POOL, TEMPLATE, node_of, template_digest
from simulator.nodes import Pool
from simulator.rules import load_rules
from simulator.values import Properties, at
from simulator.volumes import provide_volumes

_PAUSE_SECONDS = 0.25


@dataclass(frozen=True)
class ClusterMachines:
    """A cluster as its controllers see it now."""

    name: str
    project: str
    pools: Sequence[Pool]


@dataclass(frozen=True)
class _Starting:
    due: float
    node: Properties


class Controllers:
    """The controllers of one cluster, in a thread of their own once started."""

    def __init__(self, api: Api, machines: Callable[[], ClusterMachines | None], clock: Clock) -> None:
        """Set up.

        Args:
            api: of the cluster.
            machines: the cluster's pools now; None for a cluster whose nodes are not made from pools.
            clock: by which machines start.
        """
        self._api = api
        self._machines = machines
        self._clock = clock
        self._starting: list[_Starting] = []
        self._hopeless: dict[str, str] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Make the nodes that there are to begin with, and go on from there. Raises ApiError."""
        self._step()
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def hopeless(self, pod: Properties) -> str | None:
        """Why no pool grows for a pod that finds no node, in the autoscaler's words; None where that is not clear."""
        return self._hopeless.get(str(at(pod, "metadata", "uid")))

    def _run(self) -> None:
        while not self._stop.wait(_PAUSE_SECONDS):
            # what another client changed meanwhile is seen in the next step
            with suppress(ApiError):
                self._step()

    def _step(self) -> None:
        machines = self._machines()
        pods = self._api.list("v1", "Pod")
        waiting = [pod for pod in pods if unschedulable(pod)]
        if machines is None:
            self._hopeless = {pod["metadata"]["uid"]: "" for pod in waiting}
        else:
            nodes = self._follow(machines, pods)
            self._grow(machines, nodes, pods, waiting)
        provide_volumes(self._api)

    def _follow(self, machines: ClusterMachines, pods: list[Properties]) -> list[Properties]:
        """Makes nodes as many as the pools have, takes away those that they no longer have, and returns the rest."""
        due = [each for each in self._starting if each.due <= time.monotonic()]
        self._starting = [each for each in self._starting if each not in due]
        nodes = self._api.list("v1", "Node")
        pools = {pool.name: pool for pool in machines.pools}
        kept: list[Properties] = []
        counts: collections.Counter[str] = collections.Counter()
        for node in nodes:
            pool = pools.get(str(at(node, "metadata", "labels", POOL)))
            current = pool and at(node, "metadata", "annotations", TEMPLATE) == template_digest(pool)
            if pool and current and counts[pool.name] < pool.max_nodes:
                counts[pool.name] += 1
                kept.append(node)
            else:
                self._take_away(node, pods)
        for pool in machines.pools:
            while counts[pool.name] < pool.current_nodes:
                counts[pool.name] += 1
                kept.append(self._api.create(_next_node(machines, pool, kept)))
        kept += [self._api.create(each.node) for each in due]
        return kept

    def _take_away(self, node: Properties, pods: list[Properties]) -> None:
        self._api.delete(_reference("Node", node), at_once=True)
        for pod in pods:
            if at(pod, "spec", "nodeName") == node["metadata"]["name"]:
                self._api.delete(_reference("Pod", pod), at_once=True)

    def _grow(
        self,
        machines: ClusterMachines,
        nodes: list[Properties],
        pods: list[Properties],
        waiting: list[Properties],
    ) -> None:
        """Adds a node for each pod that waits for one, unless one is free, is about to start, or no pool can grow."""
        free = {node["metadata"]["name"]: free_on(node, pods) for node in nodes}
        coming = [each.node for each in self._starting]
        free |= {node["metadata"]["name"]: free_on(node, ()) for node in coming}
        hopeless: dict[str, str] = {}
        for pod in waiting:
            room = next((node for node in [*nodes, *coming] if not misfit(pod, node, free[_name(node)])), None)
            reasons: collections.Counter[str] = collections.Counter()
            for pool in machines.pools if room is None else ():
                candidate, reason = _candidate(machines, pool, [*nodes, *coming], pod)
                if candidate:
                    room = candidate
                    coming.append(candidate)
                    free[_name(candidate)] = free_on(candidate, ())
                    seconds = load_rules("kubernetes").data["speeds"]["node_start_seconds"]
                    self._starting.append(_Starting(time.monotonic() + self._clock.real(seconds), candidate))
                    break
                reasons[reason] += 1
            if room:
                take(free[_name(room)], requests_of(pod))
            else:
                told = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
                hopeless[pod["metadata"]["uid"]] = f"pod didn't trigger scale-up: {told}"
        self._hopeless = hopeless


def _candidate(
    machines: ClusterMachines, pool: Pool, nodes: list[Properties], pod: Properties
) -> tuple[Properties | None, str]:
    """A node that the pool would add for the pod, or why it adds none."""
    mine = [node for node in nodes if at(node, "metadata", "labels", POOL) == pool.name]
    zones = collections.Counter(_zone(node) for node in mine)
    reason = "max node group size reached"
    full = len(mine) >= pool.max_nodes
    for zone in sorted(pool.zones, key=lambda zone: zones[zone]):
        node = _node(machines, pool, zone, mine)
        problem = misfit(pod, node, free_on(node, ()))
        if problem:
            reason = problem
        elif not full and zones[zone] < pool.max_per_zone:
            return node, ""
        else:
            return None, "max node group size reached"
    return None, reason


def _next_node(machines: ClusterMachines, pool: Pool, nodes: list[Properties]) -> Properties:
    """The node that the pool adds next, in the zone that has the fewest of it."""
    mine = [node for node in nodes if at(node, "metadata", "labels", POOL) == pool.name]
    zones = collections.Counter(_zone(node) for node in mine)
    return _node(machines, pool, min(pool.zones, key=lambda zone: zones[zone]), mine)


def _node(machines: ClusterMachines, pool: Pool, zone: str, others: list[Properties]) -> Properties:
    taken = {_name(node) for node in others}
    index = 0
    while (node := node_of(pool, machines.name, machines.project, zone, index)) and _name(node) in taken:
        index += 1
    return node


def unschedulable(pod: Properties) -> str:
    """What the scheduler says of a pod that it finds no node for; empty for any other."""
    for condition in at(pod, "status", "conditions") or ():
        if condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable":
            return str(condition.get("message") or "Unschedulable")
    return ""


def _zone(node: Properties) -> str:
    return str(at(node, "metadata", "labels", "topology.kubernetes.io/zone"))


def _name(thing: Properties) -> str:
    return str(thing["metadata"]["name"])


def _reference(kind: str, thing: Properties) -> Properties:
    """Names an object of the core group; what a list returns does not tell its kind."""
    return {"apiVersion": "v1", "kind": kind, "metadata": thing["metadata"]}
