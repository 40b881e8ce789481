"""What the preparation of a model for TorchServe takes, and what can be known to be wrong with one before it runs."""

import math

from ..catalog import load_catalog
from ..findings import Finding, error
from ..sizing import GIB
from .conversion_checks import NODE_SECONDS, RETRIES, check_machine
from .gpt_fast import INT8, gpt_fast_models
from .lasting_job import check_job_texts
from .model_archive_job_args import ModelArchiveJobArgs

CPUS = 8
"""Quantizing uses what it gets. Not measured."""
CONVERTED_SHARE = 1 / 3
"""Part of the weights that the conversion copies in memory: of each expert's three matrices, the one that it
transposes. All else is mapped from the files. Source: mixtral-moe/scripts/convert_hf_checkpoint.py of gpt-fast."""
QUANTIZED_SHARE = 1 / 2
"""Part that quantizing holds in memory: the result, in 8 bits of 16. Source: mixtral-moe/quantize.py of gpt-fast."""
PROGRAM_GIB = 8
"""Memory for Python, PyTorch, single tensors in 32 bits, and pages of the files. Not measured."""
COPIES_ON_DISK = 2
"""Published and converted weights; later converted and quantized ones, and what is on its way to the bucket."""
INSTALLED_GIB = 16
"""Disk for what is installed, and for one file of the download on its way to the bucket. Not measured."""
COPIES_MOVED = 3.5
"""Downloaded, and written to the bucket: as published, converted, and quantized."""
WORK_SECONDS = 60 * 60
"""For converting and quantizing, which take tens of minutes. Not measured."""


def memory_gib(model: str, quantization: str | None) -> int:
    """Return the GiB of memory that the preparation takes at the most, an estimate.

    Raises:
        KeyError: a name that the catalogue does not know.
    """
    share = QUANTIZED_SHARE if quantization == INT8 else CONVERTED_SHARE
    return math.ceil(share * load_catalog().models[model].weight_bytes / GIB + PROGRAM_GIB)


def disk_gib(model: str) -> int:
    """Return the GiB of the node's disk that the preparation takes, an estimate.

    Raises:
        KeyError: a name that the catalogue does not know.
    """
    return math.ceil(COPIES_ON_DISK * load_catalog().models[model].weight_bytes / GIB + INSTALLED_GIB)


def seconds_at_most(model: str) -> int:
    """Return the seconds after which the preparation, with its retries, counts as stuck. What was moved stays.

    Raises:
        KeyError: a name that the catalogue does not know.
    """
    catalog = load_catalog()
    slowest = catalog.assumptions["slowest_load_bytes_per_second"].value
    moving = COPIES_MOVED * catalog.models[model].weight_bytes / slowest
    return math.ceil(moving + (1 + RETRIES) * (NODE_SECONDS + WORK_SECONDS))


def check_model_archive_job(args: ModelArchiveJobArgs) -> list[Finding]:
    """Return everything that can be known to be wrong with a preparation, by path within `args`."""
    model = load_catalog().models.get(args.model)
    if model is None or not model.gpt_fast:
        message = f"gpt-fast has no mixture of experts '{args.model}'."
        return [error("gpt-fast-model", "model", message, f"Set model to {' or '.join(gpt_fast_models())}.")]
    findings = check_job_texts(args)
    if model.gated and args.token is None:
        findings.append(
            error(
                "token-missing",
                "token",
                f"'{args.model}' is gated: without a Hugging Face token its download is refused.",
                "Accept its terms on Hugging Face, then run `pulumi config set --secret huggingFaceToken TOKEN`.",
            )
        )
    if args.quantization not in (None, INT8):
        message = f"gpt-fast has no quantization '{args.quantization}'."
        findings.append(error("quantization-unknown", "quantization", message, f"Known ones: {INT8}."))
    memory, disk = memory_gib(args.model, args.quantization), disk_gib(args.model)
    what = f"the preparation of '{args.model}'"
    return findings + check_machine(what, args.machine_type, args.disk_size_gb, cpus=CPUS, memory=memory, disk=disk)
