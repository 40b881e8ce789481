"""Ways in which several pods use one GPU: time-sharing, MPS, and MIG partitions.

Sources: cloud.google.com/kubernetes-engine/docs/concepts/timesharing-gpus, .../how-to/nvidia-mps-gpus and
.../how-to/gpus-multi, 2026-11-21.
"""

from enum import StrEnum

from pydantic import Field

from ..args import ComponentArgs
from ..catalog import Accelerator, load_catalog
from ..findings import Finding, error, join

MOST_CLIENTS = 48
"""Containers that GKE lets share one GPU."""


class SharingStrategy(StrEnum):
    """How the containers that share a GPU take turns."""

    TIME_SHARING = "time-sharing"
    """One after another, each with the whole GPU for its turn. No container's memory is kept from the others."""
    MPS = "mps"
    """Side by side through NVIDIA's Multi-Process Service. Each has an equal part of memory and of compute."""


class GpuSharingArgs(ComponentArgs):
    """Several containers on one GPU."""

    strategy: SharingStrategy
    """How they take turns."""
    clients: int = Field(ge=2)
    """Containers that share one GPU, at most 48. A container then asks for one GPU, and gets a share of it."""


def sharing_labels(sharing: GpuSharingArgs | None, partition: str | None) -> dict[str, str]:
    """Return the labels that GKE gives to nodes whose GPUs are shared so, and by which pods find them."""
    labels: dict[str, str] = {}
    if partition is not None:
        labels["cloud.google.com/gke-gpu-partition-size"] = partition
    if sharing is not None:
        labels["cloud.google.com/gke-gpu-sharing-strategy"] = sharing.strategy.value
        labels["cloud.google.com/gke-max-shared-clients-per-gpu"] = str(sharing.clients)
    return labels


def shares(sharing: GpuSharingArgs | None, partition: str | None, accelerator: Accelerator) -> int:
    """Return how many pods can each have a part of one GPU. A partition that the GPU lacks counts as all of it."""
    found = accelerator.partitions.get(partition or "")
    return (found.count if found else 1) * (sharing.clients if sharing else 1)


def memory_share(sharing: GpuSharingArgs | None, partition: str | None, accelerator: Accelerator) -> float:
    """Return the part of a GPU's memory that one pod can count on. A partition that it lacks counts as all of it."""
    found = accelerator.partitions.get(partition or "")
    part = min(1.0, found.memory_gib / accelerator.usable_gib) if found else 1.0
    return part / (sharing.clients if sharing else 1)


def check_gpu_sharing(
    sharing: GpuSharingArgs | None, partition: str | None, accelerator: Accelerator, path: str = ""
) -> list[Finding]:
    """Return what is wrong with sharing `accelerator` so. `path` is where the settings stand."""
    findings: list[Finding] = []
    if partition is not None and partition not in accelerator.partitions:
        sizes = ", ".join(accelerator.partitions)
        cut = [name for name, other in load_catalog().accelerators.items() if other.partitions]
        findings.append(
            error(
                "partition-unknown",
                join(path, "partition"),
                f"{accelerator.title} has no partition '{partition}'."
                if sizes
                else f"{accelerator.title} cannot be cut into partitions (MIG).",
                f"Sizes: {sizes}." if sizes else f"Share it by time-sharing or MPS, or choose one of {', '.join(cut)}.",
            )
        )
    if sharing is not None and sharing.clients > MOST_CLIENTS:
        findings.append(
            error(
                "sharing-clients",
                join(path, "sharing", "clients"),
                f"GKE lets at most {MOST_CLIENTS} containers share a GPU, not {sharing.clients}.",
                f"Set at most {MOST_CLIENTS}.",
            )
        )
    return findings


def check_shared_request(
    accelerators: int, sharing: GpuSharingArgs | None, partition: str | None, path: str = "accelerators"
) -> list[Finding]:
    """Return what is wrong with a container that asks for so many `accelerators`, each a part of a GPU."""
    if accelerators == 1 or (sharing is None and partition is None):
        return []
    if sharing is None:
        return [
            error(
                "partitions-apart",
                path,
                f"{accelerators} partitions do not make one larger GPU: CUDA sees one of them in each process.",
                "Set 1, and a larger partition.",
            )
        ]
    return [
        error(
            "sharing-one-gpu",
            path,
            f"a container can ask for one shared GPU, not {accelerators}: GKE refuses the pod.",
            "Set 1, or do not share the GPUs.",
        )
    ]
