"""Where a model's engine and model repository lie, and what they are made with: the one place that all parts ask.

A host builds them into its engine store, and a cluster mounts a copy of that store, under the same path.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ..catalog import load_catalog
from ..storage.checkpoints import MOUNT_PATH
from .args import BatchSchedulerPolicy, Dtype, GemmPlugin, TritonArgs
from .release import Image, load_release

HTTP_PORT, GRPC_PORT, METRICS_PORT = 8000, 8001, 8002

DEFAULT_BATCH_SIZE, DEFAULT_INPUT_TOKENS, DEFAULT_OUTPUT_TOKENS, DEFAULT_BATCH_TOKENS = 64, 4096, 2048, 8192
DEFAULT_QUEUE_DELAY_MICROSECONDS = 100
MOST_INSTANCES = 8

DEFAULT_CONVERTER = "llama"
"""For models that nothing is known of: fine-tunes of Mixtral, Mistral and Llama are the likeliest."""


@dataclass(frozen=True)
class Engine:
    """Everything about an engine and its model repository, with no default left open."""

    model: str
    tensor_parallel: int
    dtype: Dtype
    gemm_plugin: GemmPlugin
    max_batch_size: int
    max_input_tokens: int
    max_output_tokens: int
    max_batch_tokens: int
    inflight_batching: bool
    decoupled: bool
    batch_scheduler_policy: BatchSchedulerPolicy
    max_queue_delay_microseconds: int
    processing_instances: int

    @property
    def folder(self) -> str:
        """Folder of engine, tokenizer and model repository in the store."""
        return engine_folder(self.model, self.tensor_parallel)


def engine_folder(model: str, tensor_parallel: int) -> str:
    """Return the folder of a model's engine in a store, for example `triton/mistralai/mixtral-8x7b-v0.1/tp8`."""
    return f"triton/{model.lower()}/tp{tensor_parallel}"


def repository_path(model: str, tensor_parallel: int) -> str:
    """Return the path of the model repository in a container."""
    return f"{MOUNT_PATH}/{engine_folder(model, tensor_parallel)}/repository"


def engine_of(args: TritonArgs, gpus: int) -> Engine:
    """Return what `args` mean on a host with so many GPUs."""
    dtype = args.dtype or Dtype.FLOAT16
    batch = args.max_batch_size or DEFAULT_BATCH_SIZE
    model = load_catalog().models.get(args.model)
    half = model.context // 2 if model else DEFAULT_INPUT_TOKENS
    longest = args.max_input_tokens or min(DEFAULT_INPUT_TOKENS, half)
    return Engine(
        model=args.model,
        tensor_parallel=args.tensor_parallel or gpus,
        dtype=dtype,
        gemm_plugin=args.gemm_plugin or GemmPlugin(dtype.value),
        max_batch_size=batch,
        max_input_tokens=longest,
        max_output_tokens=args.max_output_tokens or min(DEFAULT_OUTPUT_TOKENS, half),
        max_batch_tokens=args.max_batch_tokens or max(DEFAULT_BATCH_TOKENS, longest),
        inflight_batching=args.inflight_batching is not False,
        decoupled=args.decoupled is not False,
        batch_scheduler_policy=args.batch_scheduler_policy or BatchSchedulerPolicy.MAX_UTILIZATION,
        max_queue_delay_microseconds=DEFAULT_QUEUE_DELAY_MICROSECONDS
        if args.max_queue_delay_microseconds is None
        else args.max_queue_delay_microseconds,
        processing_instances=args.processing_instances or min(batch, MOST_INSTANCES),
    )


def image_of(args: TritonArgs) -> Image:
    """Return the serving image that `args` ask for."""
    release = load_release()
    if args.build_image:
        return release.built
    return release.ready.model_copy(update={"image": args.image}) if args.image else release.ready


def template_values(engine: Engine) -> dict[str, Mapping[str, str]]:
    """Return what is filled into the template of each `config.pbtxt`, by model and by upstream's own names.

    Names that both the image's templates and those of the source have: its script refuses a name that a template lacks.
    Source: docs/model_config.md of github.com/triton-inference-server/tensorrtllm_backend, v0.18.2, 2026-11-21.
    """
    store = f"{MOUNT_PATH}/{engine.folder}"
    batch = {"triton_max_batch_size": str(engine.max_batch_size)}
    logits = {"logits_datatype": "TYPE_FP32"}
    decoupled = {"decoupled_mode": str(engine.decoupled).lower()}
    # of the model that the engine was built from: with another's, answers are nonsense
    tokenizer = {"tokenizer_dir": f"{store}/tokenizer"}
    instances = str(engine.processing_instances)
    return {
        "ensemble": {**batch, **logits},
        "preprocessing": {
            **batch,
            **tokenizer,
            "preprocessing_instance_count": instances,
            "add_special_tokens": "True",
        },
        "postprocessing": {
            **batch,
            **tokenizer,
            "postprocessing_instance_count": instances,
            "skip_special_tokens": "True",
        },
        "tensorrt_llm": {
            **batch,
            **logits,
            **decoupled,
            "triton_backend": "tensorrtllm",
            "engine_dir": f"{store}/engine",
            "batching_strategy": "inflight_fused_batching" if engine.inflight_batching else "V1",
            "batch_scheduler_policy": engine.batch_scheduler_policy.value,
            "max_queue_delay_microseconds": str(engine.max_queue_delay_microseconds),
            "max_queue_size": "0",
            "encoder_input_features_data_type": "TYPE_FP16",
        },
        "tensorrt_llm_bls": {**batch, **logits, **decoupled, "bls_instance_count": instances},
    }
