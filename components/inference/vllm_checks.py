"""What can be known to be wrong with the flags of vLLM before it is started."""

import re
from collections.abc import Mapping

from ..catalog import load_catalog
from ..findings import Finding, error
from ..gke.gpu_sharing import memory_share
from ..servers.vllm import RANKS, adapter_rank
from ..sizing import fit
from .derived import known_model, server_of, serving_of
from .inference_service_args import AdapterArgs, InferenceServiceArgs, Server, VllmArgs
from .storage_checks import FOLDER, REPOSITORY

SERVERS = (Server.VLLM, Server.VLLM_GENERATE)

DTYPES = ("auto", "half", "float16", "bfloat16", "float", "float32")
"""Values of --dtype. Source: docs.vllm.ai, "vllm serve", v0.11."""

ADAPTER_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]*"
"""A name that vLLM can tell from the place in NAME=PLACE, and clients from other models."""


def check_vllm(args: InferenceServiceArgs) -> list[Finding]:
    """Return what is wrong with the flags of vLLM on GPUs, by path within `args`."""
    if args.server not in SERVERS:
        if args.vllm is None:
            return []
        title = server_of(args).title
        return [error("vllm-unused", "vllm", f"{title} has no flags of vLLM.", "Remove vllm, or set server to vllm.")]
    flags = args.vllm or VllmArgs()
    return [
        *_check_dtype(args, flags),
        *_check_fraction(args, flags),
        *_check_length(args, flags),
        *_check_adapters(args, flags),
    ]


def _check_dtype(args: InferenceServiceArgs, flags: VllmArgs) -> list[Finding]:
    catalog = load_catalog()
    if flags.dtype is not None and flags.dtype not in DTYPES:
        return [error("dtype-unknown", "vllm.dtype", f"vLLM has no '{flags.dtype}'.", f"Known: {', '.join(DTYPES)}.")]
    accelerator, model = catalog.accelerators.get(args.accelerator or ""), known_model(args)
    published = model.dtype if model else None
    dtype = published if flags.dtype in (None, "auto") else flags.dtype
    if accelerator is not None and not accelerator.bfloat16 and dtype == "bfloat16":
        return [
            error(
                "dtype-unsupported",
                "vllm.dtype",
                f"{accelerator.title} cannot compute in bfloat16, and vLLM refuses to.",
                "Set dtype to half.",
            )
        ]
    return []


def _check_fraction(args: InferenceServiceArgs, flags: VllmArgs) -> list[Finding]:
    clients, fraction = serving_of(args).gpu_clients, flags.gpu_memory_fraction
    if fraction is None or fraction * clients <= 1:
        return []
    return [
        error(
            "gpu-memory-fraction",
            "vllm.gpuMemoryFraction",
            f"{clients} containers take turns on a GPU, and cannot each take {fraction:.0%} of its memory.",
            f"Set at most {1 / clients:.3f}, or leave it out.",
        )
    ]


def _check_length(args: InferenceServiceArgs, flags: VllmArgs) -> list[Finding]:
    catalog = load_catalog()
    accelerator, model = catalog.accelerators.get(args.accelerator or ""), known_model(args)
    if model is None:
        return []
    length = flags.max_model_length or model.context
    if length > model.context:
        return [
            error(
                "context-too-long",
                "vllm.maxModelLength",
                f"'{args.model}' was made for {model.context} tokens, not {length}.",
                f"Set at most {model.context}.",
            )
        ]
    if accelerator is None or not args.accelerators or args.quantization not in (None, *catalog.quantizations):
        return []
    serving, share = serving_of(args), memory_share(args.sharing, args.partition, accelerator)
    by_default = fit(model.name, args.quantization, accelerator.name, serving.shards, share=share)
    if not by_default.fits:
        return []  # said by the service's own check
    if flags.gpu_memory_fraction is not None:
        # of what a container sees, which is all of a GPU on which it takes turns
        share *= flags.gpu_memory_fraction * serving.gpu_clients / catalog.assumptions["memory_fraction"].value
    fitting = fit(model.name, args.quantization, accelerator.name, serving.shards, share=share)
    if not fitting.fits:
        return [
            error(
                "model-too-large",
                "vllm.gpuMemoryFraction",
                f"'{args.model}' takes {fitting.weights_gib_per_accelerator:.1f} GiB of each GPU, and besides the"
                f" runtime this leaves {fitting.usable_gib:.1f} GiB.",
                "Set more, or leave it out.",
            )
        ]
    if fitting.kv_tokens >= length:
        return []
    return [
        error(
            "cache-too-small",
            "vllm.maxModelLength",
            f"a request of {length} tokens does not fit the key-value cache, which has room for {fitting.kv_tokens}:"
            " vLLM would not start.",
            f"Set at most {fitting.kv_tokens}, or more or larger accelerators.",
        )
    ]


def _check_adapters(args: InferenceServiceArgs, flags: VllmArgs) -> list[Finding]:
    adapters: Mapping[str, AdapterArgs] = flags.adapters or {}
    if adapters and args.server is Server.VLLM_GENERATE:
        return [
            error("adapters-unserved", "vllm.adapters", f"{server_of(args).title} serves none.", "Set server to vllm.")
        ]
    findings = [finding for name, adapter in adapters.items() for finding in _check_adapter(args, name, adapter)]
    if adapter_rank(flags) is None:
        highest = max(adapters, key=lambda name: adapters[name].rank or 0)
        findings.append(
            error(
                "adapter-rank",
                f"vllm.adapters.{highest}.rank",
                f"vLLM serves ranks up to {RANKS[-1]}, not {adapters[highest].rank}.",
                "Train with a smaller rank, or serve merged weights.",
            )
        )
    needs_bucket = any(adapter.folder for adapter in adapters.values())
    if needs_bucket != (flags.adapters_bucket is not None):
        findings.append(
            error(
                "adapters-bucket",
                "vllm.adaptersBucket",
                "adapters in folders need a bucket." if needs_bucket else "no adapter is in a folder of it.",
                "Set the name of the bucket." if needs_bucket else "Remove it, or set an adapter's folder.",
            )
        )
    return findings


def _check_adapter(args: InferenceServiceArgs, name: str, adapter: AdapterArgs) -> list[Finding]:
    findings: list[Finding] = []
    path = f"vllm.adapters.{name}"
    if not re.fullmatch(ADAPTER_NAME, name):
        findings.append(
            error(
                "adapter-name",
                path,
                f"'{name}' cannot be the name of an adapter.",
                "Use letters, digits, hyphens, underscores and dots, a letter or digit first.",
            )
        )
    if adapter.repository is not None and not re.fullmatch(REPOSITORY, adapter.repository):
        findings.append(
            error(
                "model-invalid",
                f"{path}.repository",
                "this is not the name of a Hugging Face repository.",
                "Set OWNER/NAME, or folder.",
            )
        )
    if (adapter.repository is None) == (adapter.folder is None):
        findings.append(
            error("adapter-place", path, "an adapter is in a repository or in a folder.", "Set one of the two.")
        )
    # vLLM parts name and place at an equals sign
    if adapter.folder is not None and ("=" in adapter.folder or not re.fullmatch(FOLDER, adapter.folder)):
        findings.append(
            error(
                "storage-folder",
                f"{path}.folder",
                f"'{adapter.folder}' is not a folder of a bucket.",
                "Write it as adapters/mistral-7b, without slash first.",
            )
        )
    if adapter.base_model not in (None, args.model, args.base_model):
        findings.append(
            error(
                "adapter-base-model",
                f"{path}.baseModel",
                f"the adapter was trained on '{adapter.base_model}', and '{args.model}' is served.",
                f"Set model to {adapter.base_model}, or remove the adapter.",
            )
        )
    return findings
