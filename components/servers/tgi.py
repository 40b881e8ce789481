"""Hugging Face Text Generation Inference.

Source: github.com/huggingface/text-generation-inference, tag v1.4.3, launcher/src/main.rs and router/src/server.rs,
2026-11-21. In maintenance mode upstream, whose own successor is vLLM.
"""

from .profile import ModelServer, Serving

PORT = 8080


def _environment(serving: Serving) -> dict[str, str]:
    environment = {"MODEL_ID": serving.model, "NUM_SHARD": str(serving.shards), "PORT": str(PORT)}
    if serving.quantization:
        environment["QUANTIZE"] = serving.quantization
    if serving.gpu_clients > 1:
        environment["CUDA_MEMORY_FRACTION"] = f"{1 / serving.gpu_clients:.3f}"
    return environment


SERVER = ModelServer(
    name="tgi",
    title="Text Generation Inference",
    image="ghcr.io/huggingface/text-generation-inference:1.4.3",
    port=PORT,
    health_path="/health",
    generate_path="/generate",
    metrics_path="/metrics",
    needs_accelerator=True,
    takes_memory_at_start=True,
    needs_file=False,
    quantizations=frozenset(
        {"awq", "bitsandbytes", "bitsandbytes-fp4", "bitsandbytes-nf4", "eetq", "gptq"},
    ),
    # 1.x reads the older name, the Hugging Face libraries of 2.x and later the newer one
    token_variables=("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"),
    environment=_environment,
    arguments=lambda _: [],
    request=lambda _, prompt: {"inputs": prompt, "parameters": {"max_new_tokens": 64}},
)
