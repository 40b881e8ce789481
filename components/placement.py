"""Pods against the nodes that a stack makes for them."""

import math
from collections.abc import Mapping

from .args import given
from .catalog import Machine, load_catalog
from .findings import Finding, error
from .gke.gpu_sharing import shares, sharing_labels
from .gke.node_pool import NODE_DISK_GB, GpuPoolArgs, NodePoolArgs, TpuPoolArgs, initial_nodes, is_multi_host
from .gke.node_pool_checks import machine_of
from .gke.nodes import allocatable, ephemeral_gib, local_ssd_gib
from .inference.derived import TOPOLOGY_LABEL, fewest_replicas, node_selector, server_of
from .inference.inference_service_args import InferenceServiceArgs, StorageKind
from .quantities import quantity

LOCAL_SSD_PATH = "/mnt/stateful_partition/kube-ephemeral-ssd"
"""Where GKE mounts the local SSDs that hold a node's ephemeral storage."""


UNSCHEDULABLE = frozenset({"placement-multi-host", "placement-accelerators", "placement-resources"})
"""What keeps a pod from a node. The others are wrong with pods that run."""

AcceleratorPools = Mapping[str, GpuPoolArgs | TpuPoolArgs]
"""Pools with accelerators, by name."""


def pools_for(pools: AcceleratorPools, service: InferenceServiceArgs) -> AcceleratorPools:
    """Return those of `pools` whose nodes the pods of `service` select."""
    wanted = node_selector(service).items()
    return {name: pool for name, pool in pools.items() if wanted <= _node_labels(name, pool).items()}


def _node_labels(name: str, pool: GpuPoolArgs | TpuPoolArgs) -> dict[str, str]:
    """Return the pool's own labels and those that GKE gives its nodes."""
    catalog = load_catalog()
    labels = {"cloud.google.com/gke-nodepool": name, "node.kubernetes.io/instance-type": pool.machine_type}
    machine = machine_of(pool)
    if machine is not None and machine.accelerator is not None:
        labels[catalog.accelerators[machine.accelerator].selector] = machine.accelerator
    if pool.spot:
        labels["cloud.google.com/gke-spot"] = "true"
    if isinstance(pool, TpuPoolArgs):
        labels[TOPOLOGY_LABEL] = pool.topology
    else:
        labels |= sharing_labels(pool.sharing, pool.partition)
    return {**labels, **(pool.labels or {})}


def pool_accelerators(pools: AcceleratorPools, service: InferenceServiceArgs) -> int | None:
    """Return how many accelerators the pods of `service` can find at the most, or None if no pool can take them.

    Of a GPU that is shared or cut into partitions, each part counts as one, as it does for a pod that asks for it.
    """
    each = service.accelerators or 1
    # what is left over on a node is of no use to a pod
    usable = [pool.max_nodes * (_node_accelerators(pool) // each) * each for pool in pools_for(pools, service).values()]
    return sum(usable) or None


def _node_accelerators(pool: GpuPoolArgs | TpuPoolArgs) -> int:
    catalog = load_catalog()
    machine = catalog.machines[pool.machine_type]
    if isinstance(pool, TpuPoolArgs) or machine.accelerator is None:
        return machine.accelerator_count
    return machine.accelerator_count * shares(pool.sharing, pool.partition, catalog.accelerators[machine.accelerator])


def grown(pools: AcceleratorPools, service: InferenceServiceArgs) -> AcceleratorPools:
    """Return `pools` with the nodes that the pods of `service`, at their fewest, make them have."""
    result, missing = dict(pools), fewest_replicas(service)
    for name, pool in pools_for(pools, service).items():
        pods = max(1, _node_accelerators(pool) // (service.accelerators or 1))
        least = min(max(pool.min_nodes, math.ceil(missing / pods)), pool.max_nodes)
        nodes = max(least, initial_nodes(pool))
        result[name] = pool.model_copy(update={"min_nodes": least, "nodes": nodes})
        missing = max(0, missing - pods * nodes)
    return result


def check_placement(service: InferenceServiceArgs, offered: AcceleratorPools) -> list[Finding]:
    """Return why pods of `service` would find no node of the pools, by path within the service's arguments."""
    if service.accelerator is not None and service.accelerator not in load_catalog().accelerators:
        return []  # said by the service's own check
    pools = pools_for(offered, service)
    if not pools:
        if any(getattr(machine_of(pool), "accelerator", None) is None for pool in offered.values()):
            return []  # said by the pools' own check
        listed = "; ".join(f"{name} with {_node_labels(name, pool)}" for name, pool in offered.items())
        return [
            error(
                "placement-no-pool",
                "nodeSelector",
                f"no pool has nodes with {node_selector(service)}.",
                f"Pools: {listed or 'none'}.",
            )
        ]
    by_pool = [_check_node(service, name, pool) for name, pool in pools.items()]
    # one pool is enough; on those where the pod may land, what the scheduler does not count must be right, too
    landing = [found for found in by_pool if UNSCHEDULABLE.isdisjoint(finding.code for finding in found)]
    return [finding for found in landing or by_pool for finding in found]


def _ephemeral(service: InferenceServiceArgs) -> dict[str, str]:
    """Return what the service's pods write to their node, by the setting that says so. More than one may."""
    storage = service.storage
    return given(
        **{
            "resources.ephemeralStorage": service.resources.ephemeral_storage,
            "storage.size": storage.size if storage.kind is StorageKind.EMPTY_DIR else None,
        }
    )


def _ephemeral_gib(pool: NodePoolArgs, machine: Machine) -> float:
    """Return the ephemeral storage that a node of the pool leaves to pods."""
    disks = (pool.local_ssds or 0) if isinstance(pool, GpuPoolArgs) else 0
    return local_ssd_gib(disks, machine.local_ssd_gb) if disks else ephemeral_gib(pool.disk_size_gb or NODE_DISK_GB)


def _check_node(service: InferenceServiceArgs, name: str, pool: GpuPoolArgs | TpuPoolArgs) -> list[Finding]:
    machine = load_catalog().machines[pool.machine_type]
    findings: list[Finding] = []
    if isinstance(pool, TpuPoolArgs) and is_multi_host(pool):
        return [
            error(
                "placement-multi-host",
                "topology",
                f"a {pool.topology} slice of pool '{name}' is several {machine.name}, and a pod is on one.",
                "Set the topology of a slice on one node, and its machineType.",
            )
        ]
    if isinstance(pool, GpuPoolArgs):
        labels = sharing_labels(pool.sharing, pool.partition)
        if labels != sharing_labels(service.sharing, service.partition):
            findings.append(
                error(
                    "placement-shared",
                    "sharing" if pool.sharing else "partition",
                    f"what a pod gets of pool '{name}' is a part of a GPU, by {labels}, and this one counts on more.",
                    "Set sharing and partition as the pool has them, or select another pool.",
                )
            )
    # of TPU chips, the topology says how many
    if isinstance(pool, GpuPoolArgs) and (service.accelerators or 0) > machine.accelerator_count:
        findings.append(
            error(
                "placement-accelerators",
                "accelerators",
                f"a pod wants {service.accelerators} GPUs, and a {machine.name} of pool '{name}' has"
                f" {machine.accelerator_count}.",
                f"Set at most {machine.accelerator_count}, or a larger machineType.",
            )
        )
    cpus, memory_gib = allocatable(machine)
    sidecar = server_of(service).sidecar
    if sidecar:
        cpus -= quantity(sidecar.cpu)
        memory_gib -= quantity(sidecar.memory) / 1024**3
    disk_gib, scratch = _ephemeral_gib(pool, machine), _ephemeral(service)
    for path, wanted, left, unit in (
        ("resources.cpu", service.resources.cpu, cpus, 1),
        ("resources.memory", service.resources.memory, memory_gib, 1024**3),
        *((path, wanted, disk_gib, 1024**3) for path, wanted in scratch.items()),
    ):
        try:
            amount = quantity(wanted) / unit
        except ValueError:
            continue  # said by the service's own check
        if amount > left:
            findings.append(
                error(
                    "placement-resources",
                    path,
                    f"a {machine.name} of pool '{name}' leaves {left:.1f}{' GiB' if unit > 1 else ' CPUs'} to pods.",
                    "Set less, or a larger diskSizeGb or localSsds of the pool." if path in scratch else "Set less.",
                )
            )
    storage = service.storage
    if storage.kind is StorageKind.HOST_PATH and (storage.host_path or "").startswith(LOCAL_SSD_PATH):
        have = (pool.local_ssds or 0 if isinstance(pool, GpuPoolArgs) else 0) * machine.local_ssd_gb * 1e9
        try:
            needed = quantity(storage.size or "")
        except ValueError:
            return findings
        if needed > have:
            findings.append(
                error(
                    "placement-local-ssd",
                    "storage.hostPath",
                    f"the nodes of pool '{name}' have {have / 1e9:.0f} GB of local SSD, and {storage.size} are needed.",
                    f"Set cluster.gpuPools.{name}.localSsds, or another kind of storage.",
                )
            )
    return findings
