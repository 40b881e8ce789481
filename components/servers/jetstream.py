"""JetStream with PyTorch/XLA: one converted checkpoint, on the chips of one TPU host.

Sources: the guide in inference-servers/jetstream of ai-on-gke/tutorials-and-examples, and the flags of
github.com/AI-Hypercomputer/jetstream-pytorch, tag jetstream-v0.2.3, 2026-11-21. Archived upstream in February 2026;
its successor is vLLM on TPUs.
"""

from ..storage.checkpoints import MOUNT_PATH, checkpoint_path, jetstream_names, tokenizer_path
from .profile import ModelServer, Serving, Sidecar

METRICS_PORT = 9100


def _arguments(serving: Serving) -> list[str]:
    flags = serving.jetstream
    if flags is None:  # refused before anything is started
        raise ValueError("JetStream has no flags.")
    names, quantized = jetstream_names(serving.model), flags.quantize_weights is True
    return [
        f"--size={names.size}",
        f"--model_name={names.model_name}",
        f"--batch_size={flags.batch_size}",
        f"--max_cache_length={flags.max_cache_length}",
        f"--quantize_weights={quantized}",
        f"--quantize_kv_cache={flags.quantize_kv_cache is True}",
        f"--tokenizer_path={tokenizer_path(serving.model, quantized=quantized)}",
        f"--checkpoint_path={checkpoint_path(serving.model, quantized=quantized)}",
        # it keeps no metrics unless told
        f"--prometheus_port={METRICS_PORT}",
    ]


SERVER = ModelServer(
    name="jetstream",
    title="JetStream",
    image="us-docker.pkg.dev/cloud-tpu-images/inference/jetstream-pytorch-server:v0.2.3",
    port=8000,
    health_path="/healthcheck",
    generate_path="/generate",
    metrics_path="/",
    needs_accelerator=True,
    takes_memory_at_start=True,
    needs_file=False,
    quantizations=frozenset(),
    token_variables=(),
    environment=lambda _: {},
    arguments=_arguments,
    request=lambda _, prompt: {"prompt": prompt, "max_tokens": 64},
    accelerator_kind="tpu",
    data_path=MOUNT_PATH,
    needs_checkpoint=True,
    slots=lambda serving: serving.jetstream.batch_size if serving.jetstream else None,
    # it passes requests on to port 9000, and listens on port 8000: neither can be changed
    sidecar=Sidecar(
        name="jetstream-http",
        image="us-docker.pkg.dev/cloud-tpu-images/inference/jetstream-http:v0.2.2",
        cpu="1",
        memory="1Gi",
    ),
    further_ports={"grpc": 9000, "metrics": METRICS_PORT},
)
