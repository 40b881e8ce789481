"""Does a model fit the accelerators it is given, and how long may it take to load. Arithmetic on the catalogue's facts.

Memory of one accelerator = weights / count + key-value cache + activations + what CUDA, NCCL and fragmentation take.
Tensor parallelism splits weights and heads evenly; with more accelerators than key-value heads, heads are copied.
"""

import math
from dataclasses import dataclass

from components.catalog import Model, load_catalog

GIB = 1024**3


@dataclass(frozen=True)
class Fit:
    """What is left when a model's weights are on its accelerators."""

    fits: bool
    """Whether the model can be split so, and leaves room for a key-value cache worth having."""
    weights_gib_per_accelerator: float
    usable_gib: float
    """GiB of one accelerator for weights and key-value cache: without the runtime and the activations."""
    left_gib_per_accelerator: float
    """GiB of one accelerator for the key-value cache. Negative if the weights alone are too large."""
    kv_tokens: int
    """Tokens that the key-value cache of all accelerators together can hold."""


def fit(model: str, quantization: str | None, accelerator: str, count: int) -> Fit:
    """Return how `model`, split over `count` accelerators, fits them. All names are keys of the catalogue.

    `quantization` None means the weights as published.

    Raises:
        KeyError: a name that the catalogue does not know.
    """
    catalog = load_catalog()
    shape, assumed = catalog.models[model], catalog.assumptions
    usable = (
        catalog.accelerators[accelerator].usable_gib * assumed["memory_fraction"].value
        - assumed["activation_gib"].value
    )
    weights = weight_bytes(model, quantization) / count / GIB
    left = usable - weights
    bytes_per_token_and_accelerator = kv_bytes_per_token(model) / min(count, shape.kv_heads)
    tokens = max(0, math.floor(left * GIB / bytes_per_token_and_accelerator))
    return Fit(
        fits=can_split(shape, count) and tokens >= assumed["least_cached_tokens"].value,
        weights_gib_per_accelerator=weights,
        usable_gib=usable,
        left_gib_per_accelerator=left,
        kv_tokens=tokens,
    )


def smallest_count(model: str, quantization: str | None, accelerator: str) -> int | None:
    """Return the smallest number of accelerators that `model` fits and that one machine has; None if there is none.

    Raises:
        KeyError: a name that the catalogue does not know.
    """
    machines = load_catalog().machines.values()
    most = max((machine.accelerator_count for machine in machines if machine.accelerator == accelerator), default=0)
    return next((count for count in range(1, most + 1) if fit(model, quantization, accelerator, count).fits), None)


def can_split(model: Model, shards: int) -> bool:
    """Return whether tensor parallelism can split `model`'s heads into `shards` equal parts.

    Source: docs.vllm.ai, "Parallelism and Scaling"; TGI checks the same when it loads.
    """
    whole_kv_heads = model.kv_heads % shards == 0 or shards % model.kv_heads == 0
    return model.heads % shards == 0 and whole_kv_heads


def weight_bytes(model: str, quantization: str | None) -> float:
    """Return the bytes that the weights of `model` take in the memory of all accelerators together.

    Raises:
        KeyError: a name that the catalogue does not know.
    """
    catalog = load_catalog()
    shape = catalog.models[model]
    if quantization is None:
        return shape.weight_bytes
    scheme = catalog.quantizations[quantization]
    embedding = shape.vocabulary * shape.hidden * (1 if shape.tied_embeddings else 2)
    return 2 * embedding + (shape.parameters - embedding) * (scheme.bits + scheme.overhead_bits) / 8


def kv_bytes_per_token(model: str) -> int:
    """Return the bytes of one token's keys and values in all layers, in 16 bits.

    Raises:
        KeyError: a name that the catalogue does not know.
    """
    shape = load_catalog().models[model]
    keys_and_values, bytes_each = 2, 2
    return keys_and_values * shape.layers * shape.kv_heads * shape.head_dim * bytes_each


def load_seconds(model: str) -> float | None:
    """Return the seconds that a server may take to download and load `model` before it counts as stuck.

    A startup probe's budget, so it is generous: a server that is restarted while it loads begins again, for ever. None
    for a model that the catalogue does not know.
    """
    catalog = load_catalog()
    shape = catalog.models.get(model)
    if shape is None:
        return None
    slowest = catalog.assumptions["slowest_load_bytes_per_second"].value
    return shape.weight_bytes / slowest + catalog.assumptions["warm_up_seconds"].value
