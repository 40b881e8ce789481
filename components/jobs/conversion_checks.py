"""What the conversion of a checkpoint takes, and what can be known to be wrong with one before it runs."""

import math
import re
from dataclasses import replace

from ..catalog import load_catalog
from ..findings import Finding, error, warning
from ..gke.node_pool_checks import check_zones, region_of
from ..gke.nodes import allocatable, ephemeral_gib
from ..sizing import GIB
from ..storage.checkpoint_disk_args import CheckpointDiskArgs
from ..storage.checkpoints import jetstream_models
from ..texts import check_text
from .conversion_job_args import ConversionJobArgs
from .lasting_job import check_job_texts

DOWNLOADED_COPIES = 2
"""Llama's repositories hold the weights in two formats, and the script downloads all of a repository."""
COPIES_IN_MEMORY = 3
"""Of several parts: as read, as merged, and as the bytes that safetensors writes.
Source: github.com/AI-Hypercomputer/jetstream-pytorch, convert_checkpoints.py, jetstream-v0.2.3."""
PROGRAM_GIB = 8
"""Memory for Python, PyTorch and JAX. Not measured."""
INSTALLED_GIB = 16
"""Disk for what the script installs first: PyTorch, JAX, TensorFlow, Ray. Not measured."""
CPUS = 4
"""The conversion itself runs on one; downloading and installing on more. Not measured."""

NODE_SECONDS = 15 * 60
"""A node may take so long to come, with the image."""
WORK_SECONDS = 20 * 60
"""For installing and converting, which take minutes. Not measured."""
INSTALL_SECONDS = 10 * 60
"""For a machine to start and install Python and git. Not measured."""
RETRIES = 2
BOOT_DISK_GB = 100
"""GKE's own size of a boot disk."""


def memory_gib(model: str) -> int:
    """Return the GiB of memory that the conversion takes at the most, an estimate.

    Raises:
        KeyError: a name that the catalogue does not know.
    """
    return math.ceil(COPIES_IN_MEMORY * load_catalog().models[model].weight_bytes / GIB + PROGRAM_GIB)


def disk_gib(model: str, *, own_weights: bool) -> int:
    """Return the GiB of the node's disk that the conversion takes, an estimate: what it installs, reads and writes.

    Raises:
        KeyError: a name that the catalogue does not know.
    """
    copies = 1 + (0 if own_weights else DOWNLOADED_COPIES)
    return math.ceil(copies * load_catalog().models[model].weight_bytes / GIB + INSTALLED_GIB)


def seconds_at_most(model: str) -> int:
    """Return the seconds after which the conversion, with its retries, counts as stuck.

    Raises:
        KeyError: a name that the catalogue does not know.
    """
    catalog = load_catalog()
    moved = (DOWNLOADED_COPIES + 1) * catalog.models[model].weight_bytes
    once = moved / catalog.assumptions["slowest_load_bytes_per_second"].value + WORK_SECONDS
    return math.ceil(NODE_SECONDS + (1 + RETRIES) * once)


def converter_seconds(model: str) -> int:
    """Return the seconds that the converter of a disk has: to install, download, convert and copy.

    Raises:
        KeyError: a name that the catalogue does not know.
    """
    catalog = load_catalog()
    moved = 2 * catalog.models[model].weight_bytes
    seconds = moved / catalog.assumptions["slowest_load_bytes_per_second"].value + INSTALL_SECONDS + WORK_SECONDS
    return 60 * math.ceil(seconds / 60)


def disk_gb(args: CheckpointDiskArgs) -> int:
    """Return the GB of the disk. Google counts 2^30 bytes as one.

    Raises:
        KeyError: a name that the catalogue does not know.
    """
    return args.size_gb or max(10, math.ceil(1.5 * load_catalog().models[args.model].weight_bytes / GIB))


def check_checkpoint_disk(args: CheckpointDiskArgs) -> list[Finding]:
    """Return everything that can be known to be wrong with a disk, by path within `args`."""
    findings = [replace(finding, path="zone") for finding in check_zones([args.zone], region_of(args.zone), "zone")]
    if not re.fullmatch(r"[a-z]+(-[a-z]+)+[0-9]+(-[a-z])?", args.zone):
        findings = [error("zone-invalid", "zone", f"'{args.zone}' is not a zone.", "Set one as us-west4-a.")]
    findings += [
        *check_text("google-project", args.project, "project"),
        *check_text("google-resource", args.subnetwork, "subnetwork"),
        *check_text("namespace", args.namespace, "namespace"),
    ]
    model = load_catalog().models.get(args.model)
    if model is None or model.jetstream is None:
        return [*findings, _unknown_model(args.model)]
    # the file system and the tokenizer take their share
    least = math.ceil(1.1 * model.weight_bytes / GIB) + 1
    if args.size_gb is not None and args.size_gb < least:
        findings.append(
            error(
                "disk-size",
                "sizeGb",
                f"the checkpoint of '{args.model}' has {model.weight_bytes / GIB:.1f} GiB, and {args.size_gb} GB are"
                " too small for it.",
                f"Set at least {least}, or leave it out.",
            )
        )
    return findings


def check_conversion_job(args: ConversionJobArgs) -> list[Finding]:
    """Return everything that can be known to be wrong with a conversion, by path within `args`."""
    model = load_catalog().models.get(args.model)
    if model is None or model.jetstream is None:
        return [_unknown_model(args.model)]
    findings = check_job_texts(args)
    if args.token is None and not args.own_weights:
        findings.append(
            error(
                "token-missing",
                "token",
                f"the converter downloads '{args.model}' with a Hugging Face token, and there is none.",
                "Accept its terms on Hugging Face, then run `pulumi config set --secret huggingFaceToken TOKEN`; or set"
                " ownWeights, with weights of yours in the bucket.",
            )
        )
    if args.quantized and not args.own_weights and model.jetstream.model_name != "gemma":
        findings.append(
            error(
                "conversion-quantized",
                "quantized",
                "jetstream-v0.2.3 does not quantize Llama's weights from Hugging Face.",
                "Set quantized to false, or ownWeights, with Meta's own files in the bucket.",
            )
        )
    memory, disk = memory_gib(args.model), disk_gib(args.model, own_weights=args.own_weights is True)
    what = f"the conversion of '{args.model}'"
    return findings + check_machine(what, args.machine_type, args.disk_size_gb, cpus=CPUS, memory=memory, disk=disk)


def _unknown_model(model: str) -> Finding:
    return error(
        "conversion-model",
        "model",
        f"the converter of JetStream does not take '{model}'.",
        f"It takes {', '.join(jetstream_models())}.",
    )


def check_machine(
    what: str, machine_type: str, disk_size_gb: int | None, *, cpus: int, memory: int, disk: int
) -> list[Finding]:
    """Return why nodes of a machine type are not for a Job that is called `what`, by `machineType` and `diskSizeGb`.

    The Job takes so many CPUs, and GiB of memory and of disk.
    """
    machine = load_catalog().machines.get(machine_type)
    if machine is None:
        return [
            warning(
                "machine-unknown",
                "machineType",
                f"the catalogue does not know '{machine_type}'; whether {what} fits it is not checked.",
                "Check its name.",
            )
        ]
    if machine.accelerator is not None:
        return [
            error(
                "conversion-accelerator",
                "machineType",
                f"{what} runs on CPUs, and a '{machine.name}' would keep its accelerators idle.",
                "Set a machine type without, for example n2-standard-16.",
            )
        ]
    findings: list[Finding] = []
    given, left = allocatable(machine)
    if memory > left or cpus > given:
        findings.append(
            error(
                "conversion-memory",
                "machineType",
                f"{what} takes {cpus} CPUs and {memory} GiB of memory, and a {machine.name} leaves {given:.1f} CPUs"
                f" and {left:.1f} GiB to pods.",
                f"Set a machine type with more{_enough(cpus, memory)}.",
            )
        )
    size = disk_size_gb or BOOT_DISK_GB
    if disk > ephemeral_gib(size):
        least = next(gb for gb in range(size, 10_000, 10) if disk <= ephemeral_gib(gb))
        findings.append(
            error(
                "conversion-disk",
                "diskSizeGb",
                f"{what} takes {disk} GiB of disk, and a boot disk of {size} GB leaves {ephemeral_gib(size):.0f} GiB to"
                " pods.",
                f"Set at least {least}, for the node pool too.",
            )
        )
    return findings


def _enough(cpus: int, memory: int) -> str:
    machines = [machine for machine in load_catalog().machines.values() if machine.accelerator is None]
    fitting = [each for each in machines if allocatable(each)[0] >= cpus and allocatable(each)[1] >= memory]
    best = min(fitting, key=lambda machine: machine.memory_gib, default=None)
    return f", for example {best.name}" if best else ""
