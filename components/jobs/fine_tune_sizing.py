"""What a LoRA fine-tune takes of a GPU and of a disk. Arithmetic on the catalogue's facts."""

import math

from ..catalog import Accelerator, Model, load_catalog
from ..sizing import GIB
from .fine_tune_job_args import FineTuneJobArgs

MODELS = ("mistralai/Mistral-7B-Instruct-v0.3", "meta-llama/Llama-3.2-3B-Instruct")
"""The guide's candidates."""

RANK, BATCH_SIZE, MAX_LENGTH = 16, 2, 1024

INSTALLED_GIB = 14
"""Disk for Python's packages, of 5.7 GiB when installed and 3 GiB as downloaded, and for the data."""

TRAINED_BYTES = 16
"""Bytes of one trained weight: itself, its gradient and Adam's two moments, in 32 bits each."""

LOGIT_BYTES = 10
"""Bytes of one logit: in 16 bits, in 32 bits for the loss, and its gradient in 32 bits. Not measured."""


def candidates(args: FineTuneJobArgs) -> tuple[str, ...]:
    """Return the models that are trained."""
    return MODELS if args.models is None else tuple(args.models)


def trained_weights(model: Model, rank: int) -> int:
    """Return how many weights LoRA matrices of `rank` have beside all linear maps of all layers of `model`.

    The width of the feed-forward layers is what the count of all weights leaves for them. For dense models only.
    """
    queries, keys = model.heads * model.head_dim, model.kv_heads * model.head_dim
    attention = 2 * model.hidden * (queries + keys)
    embeddings = model.vocabulary * model.hidden * (1 if model.tied_embeddings else 2)
    # what the norms have is less than one row
    inner = ((model.parameters - embeddings) // model.layers - attention) // (3 * model.hidden)
    # of each map, its inputs and outputs: queries and output, keys and values, the three of the feed-forward layer
    widths = 2 * (model.hidden + queries) + 2 * (model.hidden + keys) + 3 * (model.hidden + inner)
    return rank * model.layers * widths


def training_gib(model: Model, rank: int, batch_size: int, max_length: int) -> float:
    """Return the GiB that the training takes on its GPU with gradient checkpointing, an estimate.

    Weights in 16 bits, LoRA matrices with their optimizer, the kept inputs of each layer, one layer's activations, and
    the logits of all tokens.
    """
    tokens = batch_size * max_length
    kept = 2 * model.layers * tokens * model.hidden
    # a layer of Mistral 7B: 8 widths of the model, and 4 of the feed-forward layer, which is 3.5 times as wide
    layer = 2 * tokens * model.hidden * (8 + 4 * 3.5)
    logits = LOGIT_BYTES * tokens * model.vocabulary
    return (model.weight_bytes + TRAINED_BYTES * trained_weights(model, rank) + kept + layer + logits) / GIB


def disk_gib(args: FineTuneJobArgs) -> int:
    """Return the GiB of the pod's disk: all models as downloaded, and the largest merged. 40 for an unknown one."""
    if args.disk_size_gb is not None:
        return args.disk_size_gb
    models = load_catalog().models
    sizes = [models[name].weight_bytes / GIB if name in models else 40 for name in candidates(args)]
    return math.ceil(INSTALLED_GIB + sum(sizes) + max(sizes, default=0))


def usable_gib(accelerator: Accelerator) -> float:
    """Return the GiB of a GPU that the training can plan with."""
    return accelerator.usable_gib * load_catalog().assumptions["memory_fraction"].value
