"""What can be known to be wrong with a pod on GKE Autopilot before it is asked for.

Sources: cloud.google.com/kubernetes-engine/docs/how-to/autopilot-gpus, .../concepts/autopilot-resource-requests,
.../concepts/autopilot-compute-classes, .../concepts/autopilot-security and .../how-to/nvidia-mps-gpus, 2026-11-21. The
most that a pod can ask for is what the largest machine of the catalogue leaves to pods.
"""

from collections.abc import Mapping

from ..catalog import Machine, load_catalog
from ..findings import Finding, error, warning
from ..inference.derived import server_of
from ..inference.inference_service_args import InferenceServiceArgs, StorageKind
from ..inference.volumes import mounts_bucket
from ..quantities import quantity
from ..storage.gcs_fuse import AUTOPILOT_CPU, AUTOPILOT_MEMORY
from .gpu_sharing import SharingStrategy
from .nodes import allocatable

ACCELERATOR_CLASS = "Accelerator"
"""Compute class of nodes that one GPU pod has to itself."""

WITHOUT_GPUS = ("autopilot", "autopilot-spot", "Balanced", "Performance", "Scale-Out")
"""Compute classes of GKE's own whose machines have no GPUs."""

MOST_EPHEMERAL = "10Gi"
"""Ephemeral storage of a pod without a compute class. Also GoogleCloudPlatform/gcs-fuse-csi-driver#57."""

DEFAULT_EPHEMERAL = "1Gi"
"""What a container gets that asks for none."""

OWN_LABELS = ("cloud.google.com", "kubernetes.io", "iam.gke.io")
"""Domains of the labels that nodes have there. Others need node pools of one's own."""


def check_autopilot(args: InferenceServiceArgs) -> list[Finding]:
    """Return what Autopilot would not run of a service's pods, by path within `args`."""
    if args.autopilot is not True:
        return []
    return [
        *_check_labels(args),
        *_check_class(args),
        *_check_sharing(args),
        *_check_machine(args),
        *_check_storage(args),
    ]


def _check_labels(args: InferenceServiceArgs) -> list[Finding]:
    return [
        error(
            "autopilot-node-selector",
            f"nodeSelector.{key}",
            f"nodes of Autopilot have no label '{key}', so GKE refuses the pod.",
            "Remove it.",
        )
        for key in args.node_selector or {}
        if not key.partition("/")[0].endswith(OWN_LABELS)
    ]


def _check_class(args: InferenceServiceArgs) -> list[Finding]:
    name, accelerated = args.compute_class, bool(args.accelerators)
    if name is None or (name == ACCELERATOR_CLASS and accelerated) or (name in WITHOUT_GPUS and not accelerated):
        return []
    if name in WITHOUT_GPUS:
        message, remedy = f"machines of class {name} have no GPUs.", f"Remove it, or set {ACCELERATOR_CLASS}."
    elif name == ACCELERATOR_CLASS:
        message, remedy = "this class is for pods with GPUs.", "Remove it, or set accelerators."
    elif name.lower().startswith(("gke", "autopilot")):
        message, remedy = f"GKE has no compute class '{name}', and keeps such names for its own.", "Remove it."
    else:
        return [
            warning(
                "compute-class-unknown",
                "computeClass",
                f"'{name}' is none of GKE's own compute classes: the pod waits until the cluster has a ComputeClass of"
                " that name.",
                "Make sure that it is there.",
            )
        ]
    return [error("compute-class", "computeClass", message, remedy)]


def _check_sharing(args: InferenceServiceArgs) -> list[Finding]:
    if args.sharing is None or args.sharing.strategy is not SharingStrategy.MPS:
        return []
    return [
        error(
            "autopilot-mps",
            "sharing.strategy",
            "Autopilot's nodes have no MPS, for which pods use the node's own IPC.",
            "Set time-sharing, or a partition.",
        )
    ]


def autopilot_machines(args: InferenceServiceArgs) -> list[Machine]:
    """Return the machine types of the catalogue that hold a pod of the service."""
    try:
        wanted = _requested(args)
    except ValueError:
        return []  # said by the service's own check
    return [machine for machine in _machines(args) if _holds(machine, wanted)]


def _holds(machine: Machine, wanted: Mapping[str, float]) -> bool:
    cpus, gib = allocatable(machine)
    return wanted["cpu"] <= cpus and wanted["memory"] <= gib * 1024**3


def _machines(args: InferenceServiceArgs) -> list[Machine]:
    """Return the machine types that have the accelerators of a pod."""
    return [
        machine
        for machine in load_catalog().machines.values()
        if machine.accelerator == args.accelerator and machine.accelerator_count == (args.accelerators or 0)
    ]


def _check_machine(args: InferenceServiceArgs) -> list[Finding]:
    if args.accelerator not in load_catalog().accelerators or not args.accelerators:
        return []
    machines = _machines(args)
    if not machines:
        all_machines = load_catalog().machines.values()
        counts = {machine.accelerator_count for machine in all_machines if machine.accelerator == args.accelerator}
        if not counts:
            return [
                warning(
                    "machine-unknown",
                    "accelerator",
                    f"the catalogue knows no machine type with {args.accelerator}; how many of them a pod can have, and"
                    " how much memory, is not checked.",
                    "Check that Autopilot offers it.",
                )
            ]
        return [
            error(
                "placement-accelerators",
                "accelerators",
                f"no machine has {args.accelerators} {args.accelerator}.",
                f"Set one of {', '.join(map(str, sorted(counts)))}.",
            )
        ]
    try:
        wanted = _requested(args)
    except ValueError:
        return []  # said by the service's own check
    if any(_holds(machine, wanted) for machine in machines):
        return []
    largest = max(machines, key=lambda machine: (machine.memory_gib, machine.cpus))
    cpus, gib = allocatable(largest)
    return [
        error(
            "placement-resources",
            f"resources.{resource}",
            f"the largest machine with {args.accelerators} {args.accelerator}, {largest.name}, leaves {most} to pods,"
            f" and this one asks for {asked}, sidecars included.",
            "Set less.",
        )
        for resource, most, asked, too_much in (
            ("cpu", f"{cpus:.1f} CPUs", f"{wanted['cpu']:.1f}", wanted["cpu"] > cpus),
            ("memory", f"{gib:.1f} GiB", f"{wanted['memory'] / 1024**3:.1f}", wanted["memory"] > gib * 1024**3),
        )
        if too_much
    ]


def _requested(args: InferenceServiceArgs) -> Mapping[str, float]:
    """Return what all containers of a pod ask for together.

    Raises:
        ValueError: a quantity that is none.
    """
    cpu, memory = quantity(args.resources.cpu), quantity(args.resources.memory)
    sidecar = server_of(args).sidecar
    if sidecar:
        cpu, memory = cpu + quantity(sidecar.cpu), memory + quantity(sidecar.memory)
    if mounts_bucket(args):
        cpu, memory = cpu + quantity(AUTOPILOT_CPU), memory + quantity(AUTOPILOT_MEMORY)
    return {"cpu": cpu, "memory": memory}


def _check_storage(args: InferenceServiceArgs) -> list[Finding]:
    storage, set_aside = args.storage, args.resources.ephemeral_storage or DEFAULT_EPHEMERAL
    if storage.kind is StorageKind.HOST_PATH:
        return [
            error(
                "autopilot-host-path",
                "storage.kind",
                "Autopilot lets no pod write to its node.",
                "Set kind to ephemeral-volume or bucket.",
            )
        ]
    if storage.bucket_claim:
        return [
            error(
                "autopilot-bucket-claim",
                "storage.bucketClaim",
                "a BucketVolumeClaim keeps its cache in memory, of which Autopilot gives the driver too little.",
                "Set kind to bucket, which is then read without a cache.",
            )
        ]
    try:
        ephemeral = quantity(set_aside)
        needed = quantity(storage.size or "0") if storage.kind is StorageKind.EMPTY_DIR else 0
    except ValueError:
        return []  # said by the service's own check
    if args.compute_class is None and max(ephemeral, needed) > quantity(MOST_EPHEMERAL):
        return [
            error(
                "autopilot-ephemeral-storage",
                "resources.ephemeralStorage" if ephemeral > quantity(MOST_EPHEMERAL) else "storage.size",
                f"a pod of Autopilot has at most {MOST_EPHEMERAL} of ephemeral storage.",
                "Keep the weights in storage of kind ephemeral-volume or bucket, or set computeClass to"
                f" {ACCELERATOR_CLASS}.",
            )
        ]
    if needed > ephemeral:
        return [
            error(
                "autopilot-empty-dir",
                "resources.ephemeralStorage",
                f"the pod is evicted when its empty dir grows beyond {set_aside}, and it may grow to {storage.size}.",
                "Set as much, or keep the weights in storage of kind ephemeral-volume or bucket.",
            )
        ]
    return []
