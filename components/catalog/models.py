"""Records of models, of how their weights are kept, and of numbers that were chosen."""

from typing import Literal

from pydantic import Field

from .hardware import Fact, Record


class JetStreamNames(Record):
    """What JetStream's guide calls a model."""

    model_name: Literal["llama-2", "llama-3", "gemma"]
    """Value of the server's `--model_name`, and of the converter's `-n`."""
    size: str
    """Value of the server's `--size`."""
    folder: str
    """Folder of its converted checkpoint in the bucket."""


class Model(Fact):
    """One published model, as far as serving it needs to know."""

    name: str
    """Repository on Hugging Face."""
    parameters: int = Field(gt=0)
    """Count of weights."""
    active_parameters: int = Field(gt=0)
    """Count of weights that one token goes through; fewer than `parameters` for a mixture of experts."""
    layers: int = Field(gt=0)
    heads: int = Field(gt=0)
    """Attention heads of one layer."""
    kv_heads: int = Field(gt=0)
    """Key and value heads of one layer."""
    head_dim: int = Field(gt=0)
    """Width of one head."""
    hidden: int = Field(gt=0)
    """Width of the model."""
    feed_forward: int = Field(gt=0)
    """Width of one feed-forward block; of one expert's, for a mixture of experts."""
    experts: int = Field(default=1, gt=0)
    """Feed-forward blocks of one layer."""
    active_experts: int = Field(default=1, gt=0)
    """How many of them one token goes through."""
    window: int | None = Field(default=None, gt=0)
    """Tokens that attention looks back on in the layers that do not look at all; None: all layers do."""
    windowed_layers: int = Field(default=0, ge=0)
    """How many layers look back on `window` tokens only."""
    vocabulary: int = Field(gt=0)
    """Count of tokens known to the model."""
    tied_embeddings: bool
    """Whether the output head shares the embedding's weights."""
    context: int = Field(gt=0)
    """Longest context that it was made for, tokens."""
    dtype: str
    """Type of the published weights: `bfloat16`, `float16`, a quantization, or the GGUF name of one."""
    gated: bool
    """Whether a Hugging Face token with accepted terms is needed to download it."""
    licence: str
    """As Hugging Face names it."""
    file: str | None = None
    """The one file of the repository that is used; None: the repository's safetensors files."""
    weight_bytes: int = Field(gt=0)
    """Bytes of the weight files that a server downloads."""
    jetstream: JetStreamNames | None = None
    """None: the guide does not serve it with JetStream."""
    gpt_fast: bool = False
    """Whether gpt-fast's mixture of experts has its shape, under the name of the repository."""

    @property
    def expert_parameters(self) -> int:
        """Weights of one feed-forward block: three matrices, of which one gates."""
        return 3 * self.hidden * self.feed_forward


class Quantization(Fact):
    """How weights are kept in the memory of accelerators."""

    name: str
    """Value that a model server takes, for example TGI's `--quantize`."""
    bits: float = Field(gt=0)
    """Bits of one quantized weight."""
    overhead_bits: float = Field(ge=0)
    """Bits for each quantized weight that its block's scales add."""
    compute: Literal["bfloat16", "float8"] = "bfloat16"
    """Type of number that matrix products are computed in, where the accelerator can; otherwise 16 bits."""
    embeddings: bool = False
    """Whether embedding and output head are quantized too; otherwise they stay in 16 bits."""


class Assumption(Fact):
    """A number that was chosen, not measured by this project."""

    name: str
    value: float = Field(gt=0)
    why: str
