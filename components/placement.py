"""Pods against the nodes that a stack makes for them."""

from components.catalog import load_catalog
from components.findings import Finding, error
from components.gke_gpu_cluster_args import GkeGpuClusterArgs
from components.gke_node_pool import GpuPoolArgs
from components.inference_service_args import InferenceServiceArgs, StorageKind
from components.nodes import allocatable
from components.quantities import quantity

LOCAL_SSD_PATH = "/mnt/stateful_partition/kube-ephemeral-ssd"
"""Where GKE mounts the local SSDs that hold a node's ephemeral storage."""


def pools_for(cluster: GkeGpuClusterArgs, service: InferenceServiceArgs) -> dict[str, GpuPoolArgs]:
    """Return the GPU pools whose nodes the pods of `service` select."""
    machines = load_catalog().machines
    return {
        name: pool
        for name, pool in cluster.gpu_pools.items()
        if pool.machine_type in machines
        and machines[pool.machine_type].accelerator == service.accelerator
        and (service.node_selector or {}).items() <= (pool.labels or {}).items()
    }


def pool_accelerators(cluster: GkeGpuClusterArgs, service: InferenceServiceArgs) -> int | None:
    """Return how many GPUs the pods of `service` can find at the most, or None if no pool is for them."""
    machines = load_catalog().machines
    pools = pools_for(cluster, service)
    return sum(pool.max_nodes * machines[pool.machine_type].accelerator_count for pool in pools.values()) or None


def check_placement(service: InferenceServiceArgs, cluster: GkeGpuClusterArgs) -> list[Finding]:
    """Return why pods of `service` would find no node of `cluster`, by path within the service's arguments."""
    pools = pools_for(cluster, service)
    if not pools:
        machines = load_catalog().machines
        if any(
            getattr(machines.get(pool.machine_type), "accelerator", None) is None for pool in cluster.gpu_pools.values()
        ):
            return []  # said by the cluster's own check
        offered = ", ".join(
            f"{name} ({pool.machine_type}, labels {pool.labels or {}})" for name, pool in cluster.gpu_pools.items()
        )
        return [
            error(
                "placement-no-pool",
                "nodeSelector",
                f"no GPU pool has {service.accelerator} and the labels {service.node_selector or {}}.",
                f"Pools: {offered or 'none'}.",
            )
        ]
    return [finding for name, pool in pools.items() for finding in _check_node(service, name, pool)]


def _check_node(service: InferenceServiceArgs, name: str, pool: GpuPoolArgs) -> list[Finding]:
    machine = load_catalog().machines[pool.machine_type]
    findings: list[Finding] = []
    if (service.accelerators or 0) > machine.accelerator_count:
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
    for path, wanted, left, unit in (
        ("resources.cpu", service.resources.cpu, cpus, 1),
        ("resources.memory", service.resources.memory, memory_gib, 1024**3),
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
                    "Set less.",
                )
            )
    storage = service.storage
    if storage.kind is StorageKind.HOST_PATH and (storage.host_path or "").startswith(LOCAL_SSD_PATH):
        have = (pool.local_ssds or 0) * machine.local_ssd_gb * 1e9
        try:
            needed = quantity(storage.size)
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
