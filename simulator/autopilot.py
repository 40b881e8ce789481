"""What GKE Autopilot makes of pods: requests that they leave open, and nodes for those that find none."""

from __future__ import annotations

import copy
import functools
import hashlib
import json
import math
import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

from components.catalog import Accelerator, Machine, load_catalog
from simulator.cloud import CloudResource
from simulator.errors import CloudError
from simulator.fitting import requests_of
from simulator.nodes import Pool, cluster_zones, pool_of
from simulator.pods import objects, quantity
from simulator.values import Properties, at

_CLASS = "cloud.google.com/compute-class"
_SPOT = "cloud.google.com/gke-spot"
_COUNT = "cloud.google.com/gke-accelerator-count"
_OF_MACHINE = {"cloud.google.com/machine-family", "node.kubernetes.io/instance-type", "kubernetes.io/arch"}
_CLIENTS = "cloud.google.com/gke-max-shared-clients-per-gpu"
_TOPOLOGY = "cloud.google.com/gke-tpu-topology"
_ZONE = "topology.kubernetes.io/zone"
_TEMPLATES = {
    "Pod": (),
    "Deployment": ("template",),
    "StatefulSet": ("template",),
    "DaemonSet": ("template",),
    "Job": ("template",),
    "CronJob": ("jobTemplate", "spec", "template"),
}
"""Where the spec of each kind of workload has its pods' template."""
_GIB = 2**30
_MOST_ON_A_NODE = 64
"""Nodes that one pool of an on-demand node may have; what is asked for decides, not the pool."""


@functools.cache
def _facts() -> dict[str, Any]:  # Any: TOML
    return tomllib.loads(files("simulator").joinpath("autopilot.toml").read_text(encoding="utf-8"))


def admitted(manifest: Properties) -> Properties:
    """The object as Autopilot's webhooks leave it.

    Raises:
        CloudError: they refuse it.
    """
    path = _TEMPLATES.get(str(manifest.get("kind")))
    if path is None or not at(manifest, "spec", *path):
        return manifest
    changed = copy.deepcopy(manifest)
    pod: Properties = at(changed, "spec", *path)
    spec: Properties = pod if not path else pod.get("spec") or {}
    general = not _chips(spec) and not _selector(spec).get(_CLASS)
    _fill(spec, daemon_set=manifest["kind"] == "DaemonSet")
    if general:
        _balance(spec)
        _check_most(spec, str(at(manifest, "metadata", "name")))
    _tolerate(spec)
    return changed


def _fill(spec: Properties, *, daemon_set: bool) -> None:
    defaults: dict[str, str] = _facts()["requests"]["daemon_set" if daemon_set else "workload"]
    wanted = {"ephemeral-storage"} if _chips(spec) else set(defaults)
    for container in objects(spec.get("containers")):
        resources: Properties = container.setdefault("resources", {})
        requests: Properties = resources.get("requests") or {}
        limits: Properties = resources.get("limits") or {}
        added = {name: defaults[name] for name in wanted - requests.keys() - limits.keys()}
        resources["requests"] = {**requests, **added}


def _balance(spec: Properties) -> None:
    """Raises, in the first container, what the pod asks too little of beside the other."""
    ratio = _facts()["memory_per_cpu"]
    asked = requests_of({"spec": {**spec, "initContainers": []}})
    cpus, gib = asked.get("cpu", 0), asked.get("memory", 0) / _GIB
    if gib < ratio["least"] * cpus:
        _raise(spec, "memory", f"{math.ceil((ratio['least'] * cpus - gib) * 1024)}Mi")
    elif gib > ratio["most"] * cpus:
        _raise(spec, "cpu", f"{math.ceil((gib / ratio['most'] - cpus) * 1000)}m")


def _raise(spec: Properties, name: str, by: str) -> None:
    resources: Properties = objects(spec["containers"])[0]["resources"]
    for kind in ("requests", "limits"):
        present = at(resources, kind, name)
        if present is not None:
            total = quantity(present) + quantity(by)
            resources[kind][name] = f"{round(total * 1000)}m" if name == "cpu" else f"{round(total)}"


def _check_most(spec: Properties, name: str) -> None:
    asked = requests_of({"spec": spec})
    for resource, most in _facts()["most"].items():
        if asked.get(resource, 0) > quantity(most):
            raise CloudError(
                400,
                'admission webhook "warden-validating.common-webhooks.networking.gke.io" denied the request: GKE '
                "Warden rejected the request because it violates one or more constraints. Violations details: "
                f'{{"[denied by autogke-pod-limit-constraints]":["Total {resource} requested by containers for '
                f"workload '{name}' is higher than the Autopilot maximum of '{most}'.\"]}}",
            )


def _tolerate(spec: Properties) -> None:
    """The taints of the nodes that are made for what the pod selects."""
    for key, value in _taints(_selector(spec)).items():
        toleration = {"key": key, "operator": "Equal", "value": value, "effect": "NoSchedule"}
        if toleration not in spec.setdefault("tolerations", []):
            spec["tolerations"].append(toleration)


def _taints(selector: Mapping[str, str]) -> dict[str, str]:
    """Keep those away from a node that do not select what is special about it."""
    return {key: selector[key] for key in (_CLASS, _SPOT) if key in selector}


def pools_for(pod: Properties, cluster: CloudResource) -> Iterator[Pool]:
    """The pools that GKE would make for a pod that finds no node, the one with the smallest machine first.

    None where it asks for what Autopilot does not have.
    """
    selector = _selector(pod["spec"])
    accelerator = _accelerator(pod["spec"], selector)
    if not _known(selector, accelerator) or (_chips(pod["spec"]) and not accelerator):
        return
    zones = [zone for zone in cluster_zones(cluster.inputs) if selector.get(_ZONE) in (None, zone)]
    offering = [zone for zone in zones if accelerator is None or _offers(zone, accelerator)]
    for machine in _machines(pod, selector, accelerator) if offering else ():
        config = _node_config(pod, selector, machine)
        digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:8]
        autoscaling = {"totalMinNodeCount": 0, "totalMaxNodeCount": _MOST_ON_A_NODE}
        inputs = {"nodeConfig": config, "nodeLocations": offering, "autoscaling": autoscaling}
        if _TOPOLOGY in selector:
            inputs["placementPolicy"] = {"tpuTopology": selector[_TOPOLOGY]}
        yield pool_of(f"nap-{machine.name}-{digest}", inputs, cluster)


def _selector(spec: Properties) -> dict[str, str]:
    """The labels that a pod requires of its node, those of affinity that name their values included."""
    required = at(spec, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    terms = objects(at(required, "nodeSelectorTerms"))
    expressions = objects(terms[0].get("matchExpressions")) if terms else []
    named = {each["key"]: each["values"][0] for each in expressions if each["operator"] == "In"}
    return {**named, **(spec.get("nodeSelector") or {})}


def _chips(spec: Properties) -> dict[str, int]:
    """How many accelerators the pod asks for, by resource."""
    resources = {accelerator.resource for accelerator in load_catalog().accelerators.values()}
    return {name: int(count) for name, count in requests_of({"spec": spec}).items() if name in resources and count}


def _accelerator(spec: Properties, selector: Mapping[str, str]) -> Accelerator | None:
    asked = _chips(spec)
    return next(
        (
            accelerator
            for accelerator in load_catalog().accelerators.values()
            if accelerator.resource in asked and selector.get(accelerator.selector) == accelerator.name
        ),
        None,
    )


def _known(selector: Mapping[str, str], accelerator: Accelerator | None) -> bool:
    facts: dict[str, list[str]] = _facts()["selectors"]
    known = {*_OF_MACHINE, _ZONE, *((_COUNT, _TOPOLOGY, accelerator.selector) if accelerator else ())}
    for key, value in selector.items():
        if key not in known and (key not in facts or (facts[key] and value not in facts[key])):
            return False
        if key in (_COUNT, _CLIENTS) and not value.isdecimal():
            return False
    return selector.get(_CLASS, "") in _facts()["families"]


def _offers(zone: str, accelerator: Accelerator) -> bool:
    known = load_catalog().zone(zone)
    return known is None or accelerator.name in known.accelerators


def _machines(pod: Properties, selector: Mapping[str, str], accelerator: Accelerator | None) -> list[Machine]:
    """Those of the pod's compute class, or those with as many accelerators as it asks for; the smallest first."""
    catalog = load_catalog()
    families: list[str] = _facts()["families"][selector.get(_CLASS, "")]
    asked = max(_chips(pod["spec"]).values(), default=0)
    # of a shared GPU the pod asks for a part
    count = int(selector.get(_COUNT) or (1 if _CLIENTS in selector else asked))

    def fits(machine: Machine) -> bool:
        if accelerator is None:
            return machine.accelerator is None and machine.name.partition("-")[0] in families
        slices = catalog.topologies.get(machine.name)
        makes_slice = slices is None or selector.get(_TOPOLOGY) in slices.shapes
        return makes_slice and (machine.accelerator, machine.accelerator_count) == (accelerator.name, count)

    return sorted(filter(fits, catalog.machines.values()), key=lambda machine: (machine.cpus, machine.memory_gib))


def _node_config(pod: Properties, selector: Mapping[str, str], machine: Machine) -> Properties:
    """Of a node pool with this machine, so that its nodes have what the pod selects."""
    asked = requests_of(pod).get("ephemeral-storage", 0)
    config: Properties = {
        "machineType": machine.name,
        # GKE leaves pods more than two fifths of a boot disk, whatever its size
        "diskSizeGb": max(100, math.ceil(asked / 0.4 / 1e9)),
        "taints": [{"key": key, "value": value, "effect": "NO_SCHEDULE"} for key, value in _taints(selector).items()],
    }
    if _CLASS in selector:
        config["labels"] = {_CLASS: selector[_CLASS]}
    if _SPOT in selector:
        config["spot"] = True
    counts = [count for count in machine.local_ssd_counts if count]
    if counts and ("cloud.google.com/gke-ephemeral-storage-local-ssd" in selector or 0 not in machine.local_ssd_counts):
        config["ephemeralStorageLocalSsdConfig"] = {"localSsdCount": counts[0]}
    if machine.accelerator and machine.name not in load_catalog().topologies:
        config["guestAccelerators"] = [_guest_accelerator(selector, machine)]
    return config


def _guest_accelerator(selector: Mapping[str, str], machine: Machine) -> Properties:
    guest: Properties = {"type": machine.accelerator, "count": machine.accelerator_count}
    driver = selector.get("cloud.google.com/gke-gpu-driver-version")
    if driver:
        guest["gpuDriverInstallationConfig"] = {"gpuDriverVersion": driver.upper()}
    strategy = selector.get("cloud.google.com/gke-gpu-sharing-strategy")
    if strategy:
        guest["gpuSharingConfig"] = {
            "gpuSharingStrategy": strategy.replace("-", "_").upper(),
            "maxSharedClientsPerGpu": int(selector.get(_CLIENTS) or _facts()["sharing"]["clients"]),
        }
    return guest
