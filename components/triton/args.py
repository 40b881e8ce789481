"""What Triton with TensorRT-LLM serves, and how: the one model from which engine and model repository are made."""

from enum import StrEnum

from pydantic import Field

from ..args import ComponentArgs


class Dtype(StrEnum):
    """Type of the weights in the engine."""

    FLOAT16 = "float16"
    """16 bits, as the guide has it."""
    BFLOAT16 = "bfloat16"
    """16 bits, as Mixtral was trained."""


class GemmPlugin(StrEnum):
    """How the engine multiplies matrices."""

    FLOAT16 = "float16"
    """By the plugin, for weights of that type."""
    BFLOAT16 = "bfloat16"
    """Likewise."""
    AUTO = "auto"
    """By the plugin, for whatever type the weights have."""
    DISABLE = "disable"
    """Without the plugin."""


class BatchSchedulerPolicy(StrEnum):
    """Which waiting requests join the batch that runs."""

    MAX_UTILIZATION = "max_utilization"
    """As many as there is room for now, so that some must pause when their key-value cache grows."""
    GUARANTEED_NO_EVICT = "guaranteed_no_evict"
    """As many as there will be room for, so that none must pause."""


class TritonArgs(ComponentArgs):
    """What is served, and how."""

    model: str
    """Model to serve, as a repository on Hugging Face. Engine and tokenizer are both of it."""
    tensor_parallel: int | None = Field(default=None, ge=1)
    """GPUs that the model is split over. Default: all of the shape."""
    dtype: Dtype | None = None
    """Type of the weights in the engine. Default: `float16`."""
    gemm_plugin: GemmPlugin | None = None
    """How the engine multiplies matrices. Default: that of `dtype`."""
    max_batch_size: int | None = Field(default=None, ge=1)
    """Requests that run together, at the most. 1, as in the guide, makes every request wait for the one before.
    Default: 64."""
    max_input_tokens: int | None = Field(default=None, ge=1)
    """Longest prompt, in tokens. Default: 4096, or half of the model's context if that is less."""
    max_output_tokens: int | None = Field(default=None, ge=1)
    """Longest answer, in tokens. Default: 2048, or half of the model's context if that is less."""
    max_batch_tokens: int | None = Field(default=None, ge=1)
    """Tokens of one pass over all requests of the batch. Default: 8192, or `max_input_tokens` if that is more."""
    inflight_batching: bool | None = None
    """Let requests join and leave the batch while it runs. Default: true."""
    decoupled: bool | None = None
    """Answer with several parts where a request asks for streaming. Default: true."""
    batch_scheduler_policy: BatchSchedulerPolicy | None = None
    """Which waiting requests join the batch that runs. Default: `max_utilization`."""
    max_queue_delay_microseconds: int | None = Field(default=None, ge=0)
    """How long a request waits for others to come with it, in microseconds. Default: 100."""
    processing_instances: int | None = Field(default=None, ge=1)
    """Processes for each of tokenizer, detokenizer and the model that calls all three. Default: `max_batch_size`, at
    most 8."""
    image: str | None = None
    """Serving image, pinned, in place of NVIDIA's of the release that this library is made for. Default: that one."""
    build_image: bool | None = None
    """Build the image from the backend's source, as the guide does, which takes hours. Default: false."""
