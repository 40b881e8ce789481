"""What GKE leaves of a node for pods.

Source: cloud.google.com/kubernetes-engine/docs/concepts/plan-node-sizes, 2026-11-21. DaemonSets take their share of
what is left, and the kernel a few percent of the memory before it is counted.
"""

import math

from ..catalog import Machine

MEMORY_TIERS = ((4, 0.25), (4, 0.20), (8, 0.10), (112, 0.06), (math.inf, 0.02))
"""GKE reserves such a share of the first, the next, ... so many GiB."""
CPU_TIERS = ((1, 0.06), (1, 0.01), (2, 0.005), (math.inf, 0.0025))
"""Likewise of CPUs."""
EVICTION_GIB = 100 / 1024
"""Memory below which the kubelet evicts pods, which it therefore does not give away."""


def allocatable(machine: Machine) -> tuple[float, float]:
    """Return the CPUs and the GiB of memory that pods on a node of this machine type can request."""
    cpus = machine.cpus - _reserved(machine.cpus, CPU_TIERS)
    memory = machine.memory_gib - _reserved(machine.memory_gib, MEMORY_TIERS) - EVICTION_GIB
    return cpus, memory


def _reserved(amount: float, tiers: tuple[tuple[float, float], ...]) -> float:
    reserved = 0.0
    for size, share in tiers:
        reserved += share * min(amount, size)
        amount = max(0.0, amount - size)
    return reserved


def ephemeral_gib(disk_size_gb: int) -> float:
    """Return the GiB that pods on a node can request as ephemeral storage, by the size of its boot disk as GKE counts.

    The share of the system's own partitions is that of the source's example, in which 100 GB leave 43.8 GiB.
    """
    capacity = 0.9425 * disk_size_gb
    return 0.9 * capacity - min(0.5 * disk_size_gb, 6 + 0.35 * disk_size_gb, 100)


LOCAL_SSD_RESERVED_GIB = (50, 75, 100)
"""GKE keeps so much of the ephemeral storage on one, two, and more local SSDs."""


def local_ssd_gib(disks: int, disk_gb: int) -> float:
    """Return the GiB that pods on a node can request as ephemeral storage, where that is on so many local SSDs."""
    capacity = disks * disk_gb * 1e9 / 1024**3
    return 0.9 * capacity - LOCAL_SSD_RESERVED_GIB[min(disks, len(LOCAL_SSD_RESERVED_GIB)) - 1]
