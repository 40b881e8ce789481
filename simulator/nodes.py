"""The machines of a simulated GKE cluster: where they can be, what they have, and which pods they can hold."""

from __future__ import annotations

import re
from dataclasses import dataclass

from components.catalog import chips_of, load_catalog
from simulator.cloud import CloudResource
from simulator.errors import CloudError
from simulator.values import Properties, at, is_list, is_object

_ZONE = re.compile(r"[a-z]+-[a-z]+\d+-[a-z]")
_REGION = re.compile(r"[a-z]+-[a-z]+\d+")
DEFAULT_MACHINE = "e2-medium"
"""Of a pool that names none."""
_CHIPS = ("nvidia.com/gpu", "google.com/tpu")
_GPU_LABEL = "cloud.google.com/gke-accelerator"
_ZONES_OF_REGIONAL_CLUSTER = 3


@dataclass(frozen=True)
class Pool:
    """A node pool as the scheduler sees it."""

    name: str
    labels: dict[str, str]
    taints: list[Properties]
    capacity: dict[str, float]
    """By resource of one node. What the catalogue does not know is left out, and then not checked."""
    current_nodes: int
    max_nodes: int
    zones: list[str]
    max_per_zone: int
    inputs: Properties
    """Of the resource that makes it, a pool or, for its default pool, a cluster."""


def region_of(location: str) -> str:
    """The region of a region or zone."""
    return location.rpartition("-")[0] if _ZONE.fullmatch(location) else location


def zones_of(region: str) -> list[str]:
    """The zones of a region by the catalogue; a region that it lacks is taken to have -a, -b and -c."""
    known = load_catalog().regions.get(region)
    return sorted(known.zones) if known else [f"{region}-{letter}" for letter in "abc"]


def cluster_zones(inputs: Properties) -> list[str]:
    """The zones of a cluster's nodes, sorted."""
    location = str(inputs["location"])
    named = _strings(inputs.get("nodeLocations"))
    if _ZONE.fullmatch(location):
        return sorted({location, *named})
    return sorted(named) or zones_of(location)[:_ZONES_OF_REGIONAL_CLUSTER]


def pool_zones(inputs: Properties, cluster: CloudResource) -> list[str]:
    """The zones of a pool's nodes."""
    location = cluster.id.split("/")[3]
    return _strings(inputs.get("nodeLocations")) or cluster_zones({**cluster.inputs, "location": location})


def check_cluster_location(inputs: Properties) -> None:
    """Raise CloudError unless the cluster's locations exist and belong together."""
    location = str(inputs["location"])
    region = region_of(location)
    if not _REGION.fullmatch(region):
        raise CloudError(400, f"googleapi: Error 400: Location {location!r} does not exist., badRequest")
    _check_zones([*([location] if location != region else []), *_strings(inputs.get("nodeLocations"))], region)


def _check_zones(zones: list[str], region: str) -> None:
    for zone in zones:
        if not _ZONE.fullmatch(zone):
            raise CloudError(
                400,
                f"googleapi: Error 400: Invalid node location {zone!r}: it has to be a zone of {region}., badRequest",
            )
        if region_of(zone) != region:
            raise CloudError(
                400,
                f"googleapi: Error 400: Node location {zone!r} is not in {region!r}: the nodes of a cluster cannot "
                "leave its region., badRequest",
            )
        if zone not in zones_of(region) and region in load_catalog().regions:
            raise CloudError(400, f"googleapi: Error 400: Location {zone!r} does not exist., badRequest")


def accelerator_types(inputs: Properties) -> list[str]:
    """The kinds of accelerator that a pool asks for."""
    return [str(item.get("type")) for item in _accelerators(inputs)]


def check_pool(inputs: Properties, cluster: CloudResource) -> None:
    """Raise CloudError unless every zone of the pool offers its machine with its accelerators and disks."""
    zones = pool_zones(inputs, cluster)
    _check_zones(zones, region_of(cluster.id.split("/")[3]))
    machine_type = str(at(inputs, "nodeConfig", "machineType") or DEFAULT_MACHINE)
    machine = load_catalog().machines.get(machine_type)
    for accelerator in _accelerators(inputs):
        kind, count = accelerator.get("type"), accelerator.get("count")
        for zone in zones:
            offered = load_catalog().zone(zone)
            if offered and kind not in offered.accelerators:
                raise CloudError(
                    400, f'googleapi: Error 400: Accelerator type "{kind}" does not exist in zone {zone}., badRequest'
                )
        if machine is None and machine_type == DEFAULT_MACHINE:
            raise CloudError(
                400,
                f"googleapi: Error 400: Cannot use default machine type ({DEFAULT_MACHINE}) with GPUs; choose a "
                "different machine type., badRequest",
            )
        if machine and (kind, count) != (machine.accelerator, machine.accelerator_count):
            has = f"{machine.accelerator_count} x {machine.accelerator}" if machine.accelerator else "no accelerator"
            raise CloudError(
                400,
                f"googleapi: Error 400: Machine type {machine_type} cannot have {count} x {kind}: it comes with {has}"
                "., badRequest",
            )
    if machine:
        _check_disks(inputs, machine_type, machine.local_ssd_counts)


def _check_disks(inputs: Properties, machine_type: str, allowed: tuple[int, ...]) -> None:
    for path in ("ephemeralStorageLocalSsdConfig", "localNvmeSsdBlockConfig"):
        count = at(inputs, "nodeConfig", path, "localSsdCount")
        # 0 and nothing: as many as the machine always comes with
        if count and count not in allowed:
            raise CloudError(
                400,
                f"googleapi: Error 400: The number of local SSDs for machine type {machine_type} has to be one of "
                f"{', '.join(map(str, allowed))}, not {count}., badRequest",
            )


def nodes_per_zone(inputs: Properties) -> int:
    """How many nodes each zone starts with."""
    wanted = inputs.get("nodeCount", inputs.get("initialNodeCount"))
    if wanted is None:
        wanted = 0 if is_object(inputs.get("autoscaling")) else 1
    return max(int(wanted), int(at(inputs, "autoscaling", "minNodeCount") or 0))


def _first_nodes(inputs: Properties, zones: int) -> int:
    return max(nodes_per_zone(inputs) * zones, int(at(inputs, "autoscaling", "totalMinNodeCount") or 0))


def quota_of_pool(inputs: Properties, cluster: CloudResource) -> dict[str, int]:
    """Quota that the pool's first nodes take, by metric, accelerators first. The autoscaler asks for more later."""
    count = _first_nodes(inputs, len(pool_zones(inputs, cluster)))
    catalog = load_catalog()
    spot = at(inputs, "nodeConfig", "spot") is True or at(inputs, "nodeConfig", "preemptible") is True
    demand: dict[str, int] = {}
    for item in _accelerators(inputs):
        accelerator = catalog.accelerators.get(str(item.get("type")))
        metric = accelerator and (accelerator.spot_quota if spot else accelerator.quota)
        if metric:
            demand[metric] = demand.get(metric, 0) + int(item.get("count") or 0) * count
    machine = catalog.machines.get(str(at(inputs, "nodeConfig", "machineType")))
    if machine and machine.quota:
        demand[machine.quota] = machine.cpus * count
    return demand


def pools_of(cluster: CloudResource, children: list[CloudResource]) -> list[Pool]:
    """The node pools of a cluster, its default pool included unless it was removed."""
    pools = [pool_of(child.name, child.inputs, cluster) for child in children if child.type.endswith(":NodePool")]
    if cluster.inputs.get("removeDefaultNodePool") is not True:
        pools.append(pool_of("default-pool", cluster.inputs, cluster))
    return pools


def pool_of(name: str, inputs: Properties, cluster: CloudResource) -> Pool:
    """The pool that a node pool's inputs describe."""
    zones = pool_zones(inputs, cluster)
    config: Properties = at(inputs, "nodeConfig") or {}
    given: Properties = config.get("labels") or {}
    labels = {key: str(value) for key, value in given.items()}
    labels["cloud.google.com/gke-nodepool"] = name
    capacity: dict[str, float] = {}
    machine = load_catalog().machines.get(str(config.get("machineType") or DEFAULT_MACHINE))
    if machine:
        labels["node.kubernetes.io/instance-type"] = machine.name
        capacity = {"cpu": machine.cpus, "memory": machine.memory_gib * 2**30}
    capacity |= dict.fromkeys(_CHIPS, 0.0)
    for item in _accelerators(inputs):
        accelerator = load_catalog().accelerators.get(str(item.get("type")))
        labels[accelerator.selector if accelerator else _GPU_LABEL] = str(item.get("type"))
        labels |= _labels_of_gpus(item)
        count = int(item.get("count") or 0) * int(at(item, "gpuSharingConfig", "maxSharedClientsPerGpu") or 1)
        partition = accelerator and accelerator.partitions.get(str(item.get("gpuPartitionSize")))
        count *= partition.count if partition else 1
        capacity[accelerator.resource if accelerator else _CHIPS[0]] += count
    if topology := _topology(inputs):
        labels["cloud.google.com/gke-tpu-topology"] = topology
    if config.get("spot") is True:
        labels["cloud.google.com/gke-spot"] = "true"
    if at(config, "ephemeralStorageLocalSsdConfig", "localSsdCount"):
        labels["cloud.google.com/gke-ephemeral-storage-local-ssd"] = "true"
    per_zone = int(at(inputs, "autoscaling", "maxNodeCount") or 0)
    most = int(at(inputs, "autoscaling", "totalMaxNodeCount") or len(zones) * per_zone)
    first = _first_nodes(inputs, len(zones))
    taints = config.get("taints")
    return Pool(
        name,
        labels,
        [item for item in taints if is_object(item)] if is_list(taints) else [],
        capacity,
        current_nodes=first,
        max_nodes=max(most, first),
        zones=zones,
        max_per_zone=per_zone or max(most, first),
        inputs=inputs,
    )


def _labels_of_gpus(guest: Properties) -> dict[str, str]:
    """How a node's GPUs are shared and which driver they have, by which GKE's own pods and others find the node."""
    driver = at(guest, "gpuDriverInstallationConfig", "gpuDriverVersion")
    found = {
        "gke-gpu-driver-version": driver if driver in ("DEFAULT", "LATEST") else None,
        "gke-gpu-partition-size": guest.get("gpuPartitionSize"),
        "gke-gpu-sharing-strategy": at(guest, "gpuSharingConfig", "gpuSharingStrategy"),
        "gke-max-shared-clients-per-gpu": at(guest, "gpuSharingConfig", "maxSharedClientsPerGpu"),
    }
    return {
        f"cloud.google.com/{name}": str(value).lower().replace("_", "-") for name, value in found.items() if value
    }  # fmt: skip


def _accelerators(inputs: Properties) -> list[Properties]:
    """GPUs that the pool asks for, or TPUs, which come with their machine type."""
    found = at(inputs, "nodeConfig", "guestAccelerators")
    asked = [item for item in found if is_object(item)] if is_list(found) else []
    machine = load_catalog().machines.get(str(at(inputs, "nodeConfig", "machineType")))
    if asked or machine is None or machine.name not in load_catalog().topologies:
        return asked
    return [{"type": machine.accelerator, "count": machine.accelerator_count}]


def _topology(inputs: Properties) -> str | None:
    """Topology of a pool's TPU slices: where it says none, the one that a single machine makes."""
    asked = at(inputs, "placementPolicy", "tpuTopology")
    if asked:
        return str(asked)
    catalog, name = load_catalog(), str(at(inputs, "nodeConfig", "machineType"))
    shapes = catalog.topologies[name].shapes if name in catalog.topologies else ()
    return next((shape for shape in shapes if chips_of(shape) == catalog.machines[name].accelerator_count), None)


def _strings(value: object) -> list[str]:
    return [str(item) for item in value] if is_list(value) else []
