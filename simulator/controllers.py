"""What the cloud's own controllers do in a cluster: nodes follow their pools, pools grow, volumes are made."""

from __future__ import annotations

import collections
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from simulator.api import Api, ApiError
from simulator.clock import Clock
from simulator.draining import Draining
from simulator.fitting import free_on, misfit, requests_of, take
from simulator.machines import POOL, RESPECTS_BUDGETS, TEMPLATE, node_of, template_digest
from simulator.nodes import Pool
from simulator.rules import load_rules
from simulator.values import Properties, at
from simulator.volumes import provide_volumes

_PAUSE_SECONDS = 0.25
_LAST_SECONDS = 5.0
"""How long an end is put off for drains that are under way."""


@dataclass(frozen=True)
class ClusterMachines:
    """A cluster as its controllers see it now."""

    name: str
    project: str
    pools: Sequence[Pool]
    on_demand: Callable[[Properties], Iterable[Pool]] | None = None
    """Of an Autopilot cluster, which has no pools but those that it makes for pods: which it may make for a pod."""


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
        self._draining = Draining(api, clock)
        self._starting: list[_Starting] = []
        self._hopeless: dict[str, str] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Make the nodes that there are to begin with, and go on from there. Raises ApiError."""
        self._step()
        self._thread.start()

    def stop(self) -> None:
        """End, after what the latest changes of pools bring about: a real cluster goes on when `up` has ended."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        end = time.monotonic() + _LAST_SECONDS
        with suppress(ApiError):
            while self._machines() is not None:
                self._step()
                if not self._draining.under_way or time.monotonic() > end:
                    break
                time.sleep(_PAUSE_SECONDS)

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
        pools = {pool.name: pool for pool in machines.pools}
        kept: list[Properties] = []
        counts: collections.Counter[str] = collections.Counter()
        nodes = self._api.list("v1", "Node")
        for node in nodes:
            pool = pools.get(str(at(node, "metadata", "labels", POOL)))
            current = pool and at(node, "metadata", "annotations", TEMPLATE) == template_digest(pool)
            if machines.on_demand or (pool and current and counts[pool.name] < pool.max_nodes):
                kept.append(node)
                counts.update([pool.name] if pool else [])
            elif pool or at(node, "metadata", "annotations", RESPECTS_BUDGETS):
                self._draining.drain(node, pods)
                # with no surge its successor comes when it has gone
                counts.update([pool.name] if pool and at(pool.inputs, "upgradeSettings", "maxSurge") == 0 else [])
            else:
                self._draining.take_away(node, pods)
        present = {_name(node) for node in nodes}
        for pod in pods:
            # it was put there while the node was taken away
            if at(pod, "spec", "nodeName") and pod["spec"]["nodeName"] not in present:
                self._api.delete({"apiVersion": "v1", "kind": "Pod", "metadata": pod["metadata"]}, at_once=True)
        for pool in machines.pools:
            while counts[pool.name] < pool.current_nodes:
                counts[pool.name] += 1
                kept.append(self._api.create(_next_node(machines, pool, kept)))
        kept += [self._api.create(each.node) for each in due]
        return kept

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
            pools = machines.on_demand(pod) if machines.on_demand else machines.pools
            for pool in pools if room is None else ():
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
                told = [f"{count} {reason}" for reason, count in reasons.items()]
                told = told or ["Autopilot has no machine with what the pod selects and requests"]
                hopeless[pod["metadata"]["uid"]] = f"pod didn't trigger scale-up: {', '.join(told)}"
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
