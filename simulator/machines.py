"""The Node objects of a node pool: what the real machines would register."""

from __future__ import annotations

import functools
import hashlib
import json
import tomllib
from collections.abc import Iterable
from importlib.resources import files
from typing import Any

from components.catalog import Machine, load_catalog
from components.gke.nodes import allocatable
from simulator.nodes import DEFAULT_MACHINE, Pool, region_of
from simulator.pods import objects
from simulator.values import Properties, at

POOL = "cloud.google.com/gke-nodepool"
"""Label of a node with the name of its pool."""
TEMPLATE = "simulator/template"
"""Annotation of a node with the digest of what it was made from."""
RESPECTS_BUDGETS = "simulator/respects-disruption-budgets"
"""Annotation of a node that is drained as disruption budgets allow even when its whole pool is deleted."""
_GIB = 2**30
_DISK_GB = 10**9


@functools.cache
def _facts() -> dict[str, Any]:  # Any: TOML
    return tomllib.loads(files("simulator").joinpath("gke-nodes.toml").read_text(encoding="utf-8"))


def knows_machine(pool: Pool) -> bool:
    """Whether the catalogue tells what the pool's machines have; if not, their nodes get a generous guess."""
    return _machine_type(pool) in load_catalog().machines


def _machine_type(pool: Pool) -> str:
    return str(at(pool.inputs, "nodeConfig", "machineType") or DEFAULT_MACHINE)


def template_digest(pool: Pool) -> str:
    """Tells apart nodes made before and after a change of their pool."""
    template = json.dumps([pool.inputs.get("nodeConfig"), pool.labels], sort_keys=True)
    return hashlib.sha256(template.encode()).hexdigest()[:16]


def node_of(pool: Pool, cluster: str, project: str, zone: str, index: int) -> Properties:
    """The Node object of the pool's machine number `index`."""
    facts = _facts()
    group = hashlib.sha256(f"{cluster} {pool.name} {template_digest(pool)}".encode()).hexdigest()[:8]
    digits = hashlib.sha256(f"{group} {zone} {index}".encode()).hexdigest()[:4]
    # GKE shortens both, so that the name stays a label's value
    name = f"gke-{cluster[:20].strip('-')}-{pool.name[:20].strip('-')}-{group}-{digits}"
    machine = load_catalog().machines.get(_machine_type(pool))
    accelerators = {name: str(int(count)) for name, count in pool.capacity.items() if count and "/" in name}
    has = {"pods": str(facts["pods"])} | accelerators
    storage, storage_left = _ephemeral_storage(pool, machine)
    unknown = facts["unknown_machine"]
    cpus, memory = (machine.cpus, machine.memory_gib) if machine else (unknown["cpus"], unknown["memory_gib"])
    cpus_left, memory_left = allocatable(machine) if machine else (cpus, memory)
    annotations = {TEMPLATE: template_digest(pool)}
    if any(each.get("respectPdbDuringNodePoolDeletion") for each in objects(pool.inputs.get("nodeDrainConfigs"))):
        annotations[RESPECTS_BUDGETS] = "true"
    labels = {
        **facts["labels"],
        "kubernetes.io/hostname": name,
        "node.kubernetes.io/instance-type": _machine_type(pool),
        "cloud.google.com/machine-family": _machine_type(pool).partition("-")[0],
        "topology.kubernetes.io/region": region_of(zone),
        "topology.kubernetes.io/zone": zone,
        "topology.gke.io/zone": zone,
    }
    if machine and machine.accelerator:
        labels["cloud.google.com/gke-accelerator-count"] = str(machine.accelerator_count)
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": labels | pool.labels,
            "annotations": annotations,
        },
        "spec": {
            "providerID": f"gce://{project}/{zone}/{name}",
            "taints": _taints(pool, accelerators),
        },
        "status": {
            "capacity": _resources(cpus, memory, storage) | has,
            "allocatable": _resources(cpus_left, memory_left, storage_left) | has,
        },
    }


def _ephemeral_storage(pool: Pool, machine: Machine | None) -> tuple[float, float]:
    """Bytes that a node has, and that it leaves to pods."""
    facts = _facts()["ephemeral_storage"]
    disks = int(at(pool.inputs, "nodeConfig", "ephemeralStorageLocalSsdConfig", "localSsdCount") or 0)
    if disks and machine:
        size = disks * machine.local_ssd_gb * _DISK_GB
        reserved = facts["local_ssd_gib"][min(disks, 3) - 1] * _GIB
    else:
        size = int(at(pool.inputs, "nodeConfig", "diskSizeGb") or _facts()["boot_disk_gb"]) * _DISK_GB
        boot = facts["boot_disk"]
        reserved = min(
            boot["most_share"] * size, boot["gib"] * _GIB + boot["share"] * size, boot["most_gib"] * _GIB
        )  # fmt: skip
    return size, size - reserved - facts["eviction_share"] * size


def _resources(cpus: float, memory_gib: float, storage: float) -> dict[str, str]:
    return {
        "cpu": f"{int(cpus * 1000)}m",
        "memory": f"{int(memory_gib * 2**20)}Ki",
        "ephemeral-storage": str(int(storage)),
    }


def _taints(pool: Pool, accelerators: Iterable[str]) -> list[Properties]:
    """Those of the pool, and those with which GKE keeps away what asks for no accelerator."""
    taints = [_taint(taint) for taint in pool.taints]
    own = {taint["key"] for taint in taints}
    return taints + [
        {"key": resource, "value": "present", "effect": "NoSchedule"}
        for resource in accelerators
        if resource not in own
    ]


def _taint(taint: Properties) -> Properties:
    """A taint as GKE's API has it, in Kubernetes' words: `NO_SCHEDULE` is `NoSchedule`."""
    effect = "".join(word.capitalize() for word in str(taint.get("effect")).split("_"))
    return {"key": taint.get("key"), "value": taint.get("value"), "effect": effect}
