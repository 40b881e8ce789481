"""What can be known to be wrong with Triton on a host before the host is asked for."""

import math
import re

from ..catalog import Model, Shape, load_catalog
from ..findings import Finding, error, warning
from ..sizing import can_split, fit
from ..triton.args import GemmPlugin, TritonArgs
from ..triton.engine import Engine, engine_of, image_of
from ..triton.release import load_release
from .storage_checks import REPOSITORY

SYSTEM_GB = 40
"""Operating system, logs, and Oracle's own volume on the boot volume. Not measured."""


def check_triton(args: TritonArgs, shape: Shape, boot_volume_gb: int, *, nvme: bool = False) -> list[Finding]:
    """Return everything that can be known to be wrong with `args` on a host of `shape`, by path within `args`.

    A finding of the boot volume has the path `bootVolumeGb`, which stands in the host's own arguments. With `nvme`,
    weights and checkpoint are on the local drives.
    """
    if not re.fullmatch(REPOSITORY, args.model):
        message = "this is not the name of a Hugging Face repository."
        return [
            error(
                "model-invalid", "model", message, "Set OWNER/NAME, for example mistralai/Mixtral-8x7B-Instruct-v0.1."
            )
        ]
    engine, model = engine_of(args, shape.accelerator_count), load_catalog().models.get(args.model)
    return [
        *_check_model(args, model),
        *_check_split(engine, shape, model),
        *_check_batch(args, engine, model),
        *_check_build(args, engine),
        *_check_boot_volume(args, shape, boot_volume_gb, nvme=nvme),
    ]


def _check_boot_volume(args: TritonArgs, shape: Shape, boot_volume_gb: int, *, nvme: bool) -> list[Finding]:
    least = boot_volume_least_gb(args, nvme=nvme)
    if boot_volume_gb >= least:
        return []
    parts = "the system and the serving image" if nvme else "the system, the serving image, weights and engine"
    return [
        error(
            "boot-volume-too-small",
            "bootVolumeGb",
            f"{parts} take {least} GB, and the boot volume of the {shape.name} has {boot_volume_gb}.",
            f"Set at least {least}{', or nvme to true' if shape.nvme_count and not nvme else ''}.",
        )
    ]


def boot_volume_least_gb(args: TritonArgs, *, nvme: bool) -> int:
    """Return the GB that the boot volume must have. With `nvme`, weights and checkpoint are elsewhere.

    git keeps two copies of the weights while it downloads; later, there are the weights, the checkpoint and the engine.
    """
    model = load_catalog().models.get(args.model)
    fixed = SYSTEM_GB + image_of(args).disk_gb
    if model is None or nvme:
        return fixed
    return math.ceil(fixed + (model.weight_bytes + max(model.weight_bytes, 2 * _engine_bytes(model))) / 1e9)


def _engine_bytes(model: Model) -> int:
    return 2 * model.parameters


def _check_model(args: TritonArgs, model: Model | None) -> list[Finding]:
    converters = load_release().converters
    if model is None:
        return [
            warning(
                "model-unknown",
                "model",
                f"the catalogue does not know '{args.model}': neither its size nor whether it is gated is checked, and"
                " it is converted as a model of Llama's, Mistral's or Mixtral's architecture.",
                "Make sure that it is one and fits, and set a token if it needs one.",
            )
        ]
    if args.model not in converters:
        return [
            error(
                "triton-model-unknown",
                "model",
                f"the set-up does not know how TensorRT-LLM converts '{args.model}'.",
                f"Known ones: {', '.join(converters)}.",
            )
        ]
    return []


def _check_split(engine: Engine, shape: Shape, model: Model | None) -> list[Finding]:
    gpus, split = shape.accelerator_count, engine.tensor_parallel
    if split != gpus:
        return [
            error(
                "tensor-parallel-not-accelerators",
                "tensorParallel",
                f"the model is split over {split} GPUs, and a {shape.name} has {gpus}:"
                f" {'some have no part' if split < gpus else 'some parts have no GPU'}.",
                f"Set {gpus}, leave it out, or choose a shape of {split} GPUs.",
            )
        ]
    if model is None:
        return []
    if not can_split(model, split):
        return [
            error(
                "tensor-parallel-not-heads",
                "tensorParallel",
                f"the {model.heads} attention heads and {model.kv_heads} key-value heads of '{model.name}' cannot be"
                f" split evenly over {split} GPUs.",
                "Choose a shape whose number of GPUs divides both.",
            )
        ]
    accelerator = load_catalog().accelerators[shape.accelerator]
    fitting = fit(model.name, None, accelerator.name, split)
    if not fitting.fits:
        return [
            error(
                "model-too-large",
                "model",
                f"'{model.name}' in 16 bits takes {fitting.weights_gib_per_accelerator:.1f} GiB on each of {split}"
                f" {accelerator.title}, and besides the runtime there are {fitting.usable_gib:.1f} GiB.",
                "Choose a shape with more GPUs or more memory on each.",
            )
        ]
    longest = engine.max_input_tokens + engine.max_output_tokens
    if longest > fitting.kv_tokens:
        return [
            error(
                "cache-too-small",
                "maxInputTokens",
                f"a request of {longest} tokens does not fit the key-value cache of {fitting.kv_tokens} that the"
                f" weights leave on {split} {accelerator.title}.",
                "Set smaller maxInputTokens or maxOutputTokens, or choose a larger shape.",
            )
        ]
    return []


def _check_batch(args: TritonArgs, engine: Engine, model: Model | None) -> list[Finding]:
    findings: list[Finding] = []
    longest = engine.max_input_tokens + engine.max_output_tokens
    if model is not None and longest > model.context:
        findings.append(
            error(
                "context-too-short",
                "maxInputTokens",
                f"maxInputTokens and maxOutputTokens are {longest} together, and '{model.name}' was made for"
                f" {model.context}.",
                "Set smaller ones.",
            )
        )
    if engine.max_batch_tokens < engine.max_input_tokens:
        findings.append(
            error(
                "batch-tokens",
                "maxBatchTokens",
                f"a prompt of {engine.max_input_tokens} tokens goes through in one pass, and a pass has"
                f" {engine.max_batch_tokens}.",
                f"Set at least {engine.max_input_tokens}, or a smaller maxInputTokens.",
            )
        )
    if engine.max_batch_tokens < engine.max_batch_size:
        findings.append(
            error(
                "batch-tokens",
                "maxBatchTokens",
                f"{engine.max_batch_size} requests have a token each in every pass, and a pass has"
                f" {engine.max_batch_tokens}.",
                f"Set at least {engine.max_batch_size}, or a smaller maxBatchSize.",
            )
        )
    if not engine.inflight_batching and engine.decoupled:
        findings.append(
            error(
                "decoupled-without-inflight",
                "decoupled",
                "without in-flight batching all requests of a batch answer when the last of them is done, so none is"
                " answered in parts.",
                "Set decoupled to false, or inflightBatching to true.",
            )
        )
    if not engine.inflight_batching and args.batch_scheduler_policy is not None:
        findings.append(
            error(
                "scheduler-without-inflight",
                "batchSchedulerPolicy",
                "without in-flight batching no request joins a batch that runs, and the policy has nothing to decide.",
                "Remove batchSchedulerPolicy, or set inflightBatching to true.",
            )
        )
    if engine.inflight_batching and engine.max_batch_size == 1:
        findings.append(
            warning(
                "batch-of-one",
                "maxBatchSize",
                "with batches of one request, in-flight batching has nothing to do: each request waits for the one"
                " before.",
                "Set more, or leave it out.",
            )
        )
    return findings


def _check_build(args: TritonArgs, engine: Engine) -> list[Finding]:
    findings: list[Finding] = []
    typed = engine.gemm_plugin not in (GemmPlugin.AUTO, GemmPlugin.DISABLE)
    if typed and engine.gemm_plugin.value != engine.dtype.value:
        findings.append(
            error(
                "gemm-plugin-dtype",
                "gemmPlugin",
                f"the plugin multiplies {engine.gemm_plugin.value}, and the weights are {engine.dtype.value}.",
                f"Set {engine.dtype.value} or auto, or leave it out.",
            )
        )
    if args.image is not None and args.build_image:
        findings.append(
            error("image-and-build", "image", "the image is built, so none is taken.", "Remove image or buildImage.")
        )
    if args.image is not None and not re.fullmatch(
        r"[A-Za-z0-9_./:@-]+(:[A-Za-z0-9_.-]+|@sha256:[0-9a-f]{64})", args.image
    ):
        findings.append(
            error(
                "image-not-pinned",
                "image",
                f"'{args.image}' names no tag, so that engine and server may come to differ.",
                "Add one, as in nvcr.io/nvidia/tritonserver:25.04-trtllm-python-py3.",
            )
        )
    return findings
