"""vLLM on GPUs: its OpenAI-compatible server, and the demonstration server that the guide starts.

Sources: docs.vllm.ai, v0.11, "vllm serve" and "LoRA adapters"; vllm/entrypoints/api_server.py of
github.com/vllm-project/vllm, v0.6.2, whose own docstring says that it is for demonstration only, 2026-11-21.
"""

from collections.abc import Mapping
from typing import Any

from ..catalog import load_catalog
from ..inference.inference_service_args import VllmArgs
from .profile import ModelServer, Serving

PORT = 8000

DEFAULT_SEQUENCES = 256
"""Requests that are decoded together, unless told, on GPUs of less than 70 GB. Source: EngineArgs of v0.11."""

ADAPTERS_PATH = "/adapters"
"""Where the bucket of the adapters is mounted."""

RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""Values of --max-lora-rank. Source: vllm/config/lora.py, v0.11."""


DEFAULT_RANK = 16
"""Rank that it makes room for unless told. Source: likewise."""


def adapter_rank(flags: VllmArgs) -> int | None:
    """Return the smallest rank that the server can make room for and that holds all adapters, if there is one."""
    highest = max((adapter.rank or DEFAULT_RANK for adapter in (flags.adapters or {}).values()), default=0)
    return next((rank for rank in RANKS if rank >= highest), None)


def _memory_fraction(serving: Serving, flags: VllmArgs) -> float | None:
    if flags.gpu_memory_fraction is not None or serving.gpu_clients == 1:
        return flags.gpu_memory_fraction
    # each of those that take turns would otherwise take nearly all
    return round(load_catalog().assumptions["memory_fraction"].value / serving.gpu_clients, 3)


def _model(serving: Serving) -> str:
    return f"/data/{serving.folder}" if serving.folder else serving.model


def _engine(serving: Serving) -> list[str]:
    """Return the flags that both servers take."""
    flags = serving.vllm or VllmArgs()
    optional = {
        "--dtype": flags.dtype,
        "--max-model-len": flags.max_model_length,
        "--max-num-seqs": flags.max_sequences,
        "--gpu-memory-utilization": _memory_fraction(serving, flags),
        "--quantization": serving.quantization,
    }
    return [
        f"--model={_model(serving)}",
        f"--tensor-parallel-size={serving.shards}",
        *(f"{flag}={value}" for flag, value in optional.items() if value is not None),
    ]


def _arguments(serving: Serving) -> list[str]:
    flags = serving.vllm or VllmArgs()
    arguments = [*_engine(serving), f"--port={PORT}", f"--served-model-name={serving.model}"]
    if flags.adapters:
        arguments += [
            "--enable-lora",
            f"--max-lora-rank={adapter_rank(flags)}",
            "--lora-modules",
            *(
                f"{name}={f'{ADAPTERS_PATH}/{adapter.folder}' if adapter.folder else adapter.repository}"
                for name, adapter in flags.adapters.items()
            ),
        ]
    return arguments


def _request(serving: Serving, prompt: str) -> Mapping[str, Any]:
    adapters = serving.vllm.adapters if serving.vllm else None
    # an adapter answers to its own name
    return {"model": next(iter(adapters)) if adapters else serving.model, "prompt": prompt, "max_tokens": 64}


ENVIRONMENT = {"HF_HOME": "/data", "VLLM_CACHE_ROOT": "/data/vllm"}
"""Puts the weights that it downloads, and what it compiles, on the volume that is mounted for them."""


def _slots(serving: Serving) -> int:
    return (serving.vllm and serving.vllm.max_sequences) or DEFAULT_SEQUENCES


SERVER = ModelServer(
    name="vllm",
    title="vLLM",
    image="docker.io/vllm/vllm-openai:v0.11.1",
    port=PORT,
    health_path="/health",
    generate_path="/v1/completions",
    metrics_path="/metrics",
    needs_accelerator=True,
    takes_memory_at_start=True,
    needs_file=False,
    quantizations=frozenset({"awq", "bitsandbytes", "fp8", "gptq"}),
    token_variables=("HF_TOKEN",),
    environment=lambda serving: {} if serving.folder else ENVIRONMENT,
    arguments=_arguments,
    request=_request,
    command=("python3", "-m", "vllm.entrypoints.openai.api_server"),
    reads_folder=True,
    slots=_slots,
)

GENERATE_SERVER = ModelServer(
    name="vllm-generate",
    title="vLLM's demonstration server",
    image="us-docker.pkg.dev/vertex-ai/vertex-vision-model-garden-dockers/pytorch-vllm-serve:20240930_0945_RC00",
    port=PORT,
    health_path="/health",
    generate_path="/generate",
    metrics_path=None,
    needs_accelerator=True,
    takes_memory_at_start=True,
    needs_file=False,
    quantizations=frozenset({"awq", "bitsandbytes", "fp8", "gptq"}),
    token_variables=("HUGGING_FACE_HUB_TOKEN", "HF_TOKEN"),
    environment=lambda serving: {} if serving.folder else ENVIRONMENT,
    arguments=lambda serving: [*_engine(serving), f"--port={PORT}"],
    request=lambda _, prompt: {"prompt": prompt, "max_tokens": 64},
    command=("python3", "-m", "vllm.entrypoints.api_server"),
    reads_folder=True,
    slots=_slots,
)
