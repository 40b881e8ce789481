"""vLLM on TPUs, the successor of JetStream: a repository of Hugging Face as it is, on the chips of one host.

Sources: docs.vllm.ai, "vllm serve", and ai-ml/vllm-tpu of GoogleCloudPlatform/kubernetes-engine-samples, 2026-11-21.
"""

from .profile import ModelServer, Serving

PORT = 8000


def _arguments(serving: Serving) -> list[str]:
    return [serving.model, "--port", str(PORT), "--tensor-parallel-size", str(serving.shards)]


SERVER = ModelServer(
    name="vllm-tpu",
    title="vLLM on TPUs",
    image="docker.io/vllm/vllm-tpu:v0.11.1",
    port=PORT,
    health_path="/health",
    generate_path="/v1/completions",
    metrics_path="/metrics",
    needs_accelerator=True,
    takes_memory_at_start=True,
    needs_file=False,
    quantizations=frozenset(),
    token_variables=("HF_TOKEN",),
    # weights, and what XLA compiles, on the volume that is mounted for them
    environment=lambda _: {"HF_HOME": "/data", "VLLM_XLA_CACHE_PATH": "/data/xla"},
    arguments=_arguments,
    request=lambda serving, prompt: {"model": serving.model, "prompt": prompt, "max_tokens": 64},
    accelerator_kind="tpu",
    command=("vllm", "serve"),
)
