"""Triton with TensorRT-LLM: an engine that was built for the very GPUs that run it, one server for each.

Engine, tokenizer and model repository come from a bucket or a claim, which holds a copy of the store that OciGpuHost
fills, below the same folder. Sources: README.md of github.com/triton-inference-server/tensorrtllm_backend, v0.18.2, and
docs/protocol/extension_generate.md of github.com/triton-inference-server/server, r25.04, 2026-11-21. Upstream goes on
without engines: TensorRT-LLM 1.0 runs models from PyTorch.
"""

from ..storage.checkpoints import MOUNT_PATH
from ..triton.engine import GRPC_PORT, HTTP_PORT, METRICS_PORT, repository_path
from ..triton.release import load_release
from ..workloads import workload
from .profile import ModelServer, Serving

SCRIPT = workload("triton") / "inside" / "serve.sh"


def _environment(serving: Serving) -> dict[str, str]:
    return {
        "LAUNCH": load_release().ready.launch,
        "TENSOR_PARALLEL": str(serving.shards),
        "MODEL_REPOSITORY": repository_path(serving.model, serving.shards),
        "HTTP_PORT": str(HTTP_PORT),
        "GRPC_PORT": str(GRPC_PORT),
        "METRICS_PORT": str(METRICS_PORT),
    }


SERVER = ModelServer(
    name="triton",
    title="Triton",
    image=load_release().ready.image,
    port=HTTP_PORT,
    health_path="/v2/health/ready",
    generate_path="/v2/models/ensemble/generate",
    metrics_path="/metrics",
    needs_accelerator=True,
    needs_file=False,
    quantizations=frozenset(),
    token_variables=(),
    environment=_environment,
    arguments=lambda _: [SCRIPT.read_text(encoding="utf-8"), SCRIPT.name],
    request=lambda _, prompt: {"text_input": prompt, "max_tokens": 64, "bad_words": "", "stop_words": ""},
    command=("bash", "-c"),
    data_path=MOUNT_PATH,
    needs_checkpoint=True,
    takes_memory_at_start=True,
    further_ports={"grpc": GRPC_PORT, "metrics": METRICS_PORT},
)
