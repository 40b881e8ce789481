"""What can be known to be wrong with a LoRA fine-tune before it runs."""

import re

from ..catalog import load_catalog
from ..findings import Finding, error, warning
from ..inference.storage_checks import REPOSITORY
from ..quantities import quantity
from ..texts import check_map, check_text
from .fine_tune_job_args import FineTuneJobArgs
from .fine_tune_sizing import (
    BATCH_SIZE,
    MAX_LENGTH,
    MODELS,
    RANK,
    candidates,
    disk_gib,
    training_gib,
    usable_gib,
)
from .lasting_job import check_job_name, check_job_texts

OWN_SETTINGS = {
    "device": "accelerator",
    "dtype": "accelerator",
    "output": "folder",
    "models": "models",
    "rank": "rank",
    "batch_size": "batchSize",
    "max_length": "maxLength",
    "save": "save",
    "push_to": "pushTo",
    "private": "private",
    "wandb": "wandbApiKey",
}
"""Settings of the fine-tune that have an argument of their own."""

VLLM_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""Values of vLLM's `--max-lora-rank`. Source: docs.vllm.ai, vllm/config/lora.py, 2026-11-21."""


def check_fine_tune_job(name: str, args: FineTuneJobArgs) -> list[Finding]:
    """Return everything that can be known to be wrong with a fine-tune called `name`, by path within `args`."""
    return [
        *check_job_name(name),
        *_check_models(args),
        *_check_accelerator(args),
        *_check_output(args),
        *_check_tokens(args),
        *_check_settings(args),
        *_check_resources(args),
        *check_job_texts(args),
        *check_text("object", args.storage_class, "storageClass"),
        *check_map("label", args.node_selector, "nodeSelector"),
    ]


def _check_models(args: FineTuneJobArgs) -> list[Finding]:
    findings: list[Finding] = []
    if not candidates(args):
        findings.append(error("models-missing", "models", "there is no model to train.", "Name one."))
    for index, name in enumerate(candidates(args)):
        where = "models" if args.models is None else f"models[{index}]"
        model = load_catalog().models.get(name)
        if not re.fullmatch(REPOSITORY, name):
            findings.append(
                error(
                    "model-invalid",
                    where,
                    f"'{name}' is not the name of a Hugging Face repository.",
                    f"Set OWNER/NAME, for example {MODELS[0]}.",
                )
            )
        elif model is None:
            findings.append(
                warning(
                    "model-unknown",
                    where,
                    f"the catalogue does not know '{name}'; neither its size nor whether it is gated is checked.",
                    "Make sure that it fits, and set a token if it needs one.",
                )
            )
        elif model.file is not None or model.active_parameters != model.parameters:
            findings.append(
                error(
                    "fine-tune-model",
                    where,
                    f"'{name}' is no dense model in safetensors files.",
                    f"Set one that is, for example {MODELS[0]}.",
                )
            )
        elif model.gated and args.token is None:
            findings.append(
                error(
                    "token-missing",
                    "token",
                    f"'{name}' is gated: without a Hugging Face token its download is refused.",
                    "Accept its terms on Hugging Face, then run `pulumi config set --secret huggingFaceToken TOKEN`.",
                )
            )
    return findings


def _check_accelerator(args: FineTuneJobArgs) -> list[Finding]:
    accelerators = load_catalog().accelerators
    accelerator = accelerators.get(args.accelerator)
    if accelerator is None or accelerator.kind != "gpu":
        known = ", ".join(name for name, each in accelerators.items() if each.kind == "gpu")
        return [
            error(
                "accelerator-unknown",
                "accelerator",
                f"GKE has no GPU called '{args.accelerator}'.",
                f"Known ones: {known}.",
            )
        ]
    findings: list[Finding] = []
    rank, batch_size, length = args.rank or RANK, args.batch_size or BATCH_SIZE, args.max_length or MAX_LENGTH
    room = usable_gib(accelerator)
    for index, name in enumerate(candidates(args)):
        model = load_catalog().models.get(name)
        if model is None or model.file is not None or model.active_parameters != model.parameters:
            continue  # said above
        if length > model.context:
            findings.append(
                error(
                    "fine-tune-length",
                    "maxLength",
                    f"'{name}' was made for at most {model.context} tokens.",
                    "Set no more.",
                )
            )
        narrowest = min(model.hidden, model.kv_heads * model.head_dim)
        if rank > narrowest:
            findings.append(
                error(
                    "fine-tune-rank",
                    "rank",
                    f"matrices of '{name}' have a rank of at most {narrowest}.",
                    "Set a rank of 8 to 64.",
                )
            )
        needed = training_gib(model, rank, batch_size, length)
        if needed > room:
            least = training_gib(model, rank, 1, length)
            larger = [each.title for each in accelerators.values() if each.kind == "gpu" and usable_gib(each) >= needed]
            findings.append(
                error(
                    "fine-tune-memory",
                    "accelerator" if least > room else "batchSize",
                    f"training '{name}' with rank {rank} on {batch_size} x {length} tokens takes about {needed:.1f}"
                    f" GiB, and a {accelerator.title} has {room:.1f} GiB for it.",
                    "Set a smaller batchSize or maxLength."
                    if least <= room
                    else f"Set a larger GPU, for example {larger[0]}, or leave out models[{index}]."
                    if larger
                    else "Set a smaller maxLength or rank.",
                )
            )
    return findings


def _check_output(args: FineTuneJobArgs) -> list[Finding]:
    findings: list[Finding] = []
    parts = (args.folder or "finetune").split("/")
    if not all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", part) for part in parts):
        findings.append(
            error(
                "fine-tune-folder",
                "folder",
                f"'{args.folder}' is not a folder of a bucket.",
                "Write it as models/finetune, without a slash at either end.",
            )
        )
    if args.rank is not None and args.save == "adapter" and args.rank not in VLLM_RANKS:
        findings.append(
            warning(
                "fine-tune-rank-served",
                "rank",
                f"vLLM sets memory aside for adapters of rank {next(r for r in VLLM_RANKS if r >= args.rank)}.",
                f"Any of {', '.join(map(str, VLLM_RANKS))} wastes none.",
            )
        )
    if args.push_to is None and args.private is not None:
        findings.append(error("push-unused", "private", "nothing is pushed.", "Remove private, or set pushTo."))
    if args.push_to is not None and not re.fullmatch(REPOSITORY, args.push_to):
        findings.append(
            error(
                "push-invalid",
                "pushTo",
                f"'{args.push_to}' is not the name of a Hugging Face repository.",
                "Set OWNER/NAME.",
            )
        )
    return findings


def _check_tokens(args: FineTuneJobArgs) -> list[Finding]:
    if args.push_to is None or args.token is not None:
        return []
    return [
        error(
            "token-missing",
            "token",
            f"pushing to '{args.push_to}' needs a Hugging Face token that may write to it.",
            "Run `pulumi config set --secret huggingFaceToken TOKEN`, or remove pushTo.",
        )
    ]


def _check_settings(args: FineTuneJobArgs) -> list[Finding]:
    findings: list[Finding] = []
    for name in args.settings or {}:
        where = f"settings.{name}"
        if name in OWN_SETTINGS:
            findings.append(
                error("fine-tune-setting", where, f"it follows from {OWN_SETTINGS[name]}.", "Remove it, and set that.")
            )
        elif re.search(r"(^|_)(token|secret|password|key)(_|$)", name.lower()):
            findings.append(
                error(
                    "settings-secret",
                    where,
                    "a secret in a command line can be read by whoever can read the Job.",
                    "Remove it; there are token and wandbApiKey.",
                )
            )
    if "wandb_project" in (args.settings or {}) and args.wandb_api_key is None:
        findings.append(
            error(
                "wandb-key-missing",
                "wandbApiKey",
                "Weights & Biases takes nothing without an API key.",
                "Run `pulumi config set --secret wandbApiKey KEY`, or remove settings.wandb_project.",
            )
        )
    return findings


def _check_resources(args: FineTuneJobArgs) -> list[Finding]:
    findings: list[Finding] = []
    chosen = args.resources
    for path, text in (("cpu", chosen.cpu), ("memory", chosen.memory)) if chosen else ():
        try:
            if quantity(text) == 0:
                raise ValueError(f"'{text}' is nothing")
        except ValueError as invalid:
            findings.append(error("quantity-invalid", f"resources.{path}", f"{invalid}.", "Set one."))
    least = disk_gib(args.model_copy(update={"disk_size_gb": None}))
    if args.disk_size_gb is not None and args.disk_size_gb < least:
        findings.append(
            error(
                "fine-tune-disk",
                "diskSizeGb",
                f"packages and weights take {least} GiB, and {args.disk_size_gb} are too few.",
                f"Set at least {least}, or leave it out.",
            )
        )
    return findings
