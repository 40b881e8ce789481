"""Does a model fit the accelerators it is given, and how long may it take to load. Arithmetic on the catalogue's facts.

How far it is from what was measured: docs/sizing.md.
Memory of one accelerator = weights / count + key-value cache + activations + what CUDA, NCCL and fragmentation take.
Tensor parallelism splits weights and heads evenly; with more accelerators than key-value heads, heads are copied.
JetStream differs: its cache is as large as its flags say, whether requests fill it or not, and no head is copied.
"""

import math
from dataclasses import dataclass

from .catalog import Model, load_catalog

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

    def batch(self, length: int) -> int:
        """Return how many requests of `length` tokens, prompt and answer together, the cache can hold at once."""
        return self.kv_tokens // length if self.fits else 0


@dataclass(frozen=True)
class SlotFit:
    """What JetStream's weights and slots leave of its chips. A slot is one request of a batch, at full length."""

    fits: bool
    """Whether the cache can be split over the chips, and they hold weights and cache."""
    weights_gib_per_chip: float
    cache_gib_per_chip: float
    usable_gib: float
    """GiB of one chip for weights and cache: without what is kept for all else."""
    left_gib_per_chip: float
    """GiB of one chip for more slots. Negative if weights and cache are too large."""


def fit(
    model: str,
    quantization: str | None,
    accelerator: str,
    count: int,
    *,
    share: float = 1.0,
    cache_bits: int = 16,
    reserve_gib: float = 0,
) -> Fit:
    """Return how `model`, split over `count` accelerators, fits them. All names are keys of the catalogue.

    `quantization` None means the weights as published. `share` is the part of each accelerator's memory that the model
    has, where accelerators are shared. `cache_bits` is what one number of the key-value cache takes: 8 with vLLM's
    `--kv-cache-dtype=fp8`. `reserve_gib` of each accelerator are left free besides.

    Raises:
        KeyError: a name that the catalogue does not know.
    """
    catalog = load_catalog()
    shape, assumed = catalog.models[model], catalog.assumptions
    usable = (
        catalog.accelerators[accelerator].usable_gib * share * assumed["memory_fraction"].value
        - assumed["activation_gib"].value
        - reserve_gib
    )
    weights = weight_bytes(model, quantization) / count / GIB
    left = usable - weights
    bytes_per_token_and_accelerator = kv_bytes_per_token(model, cache_bits) / min(count, shape.kv_heads)
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

    Of a machine's GPUs, a pod may have some; of its TPU chips, all.

    Raises:
        KeyError: a name that the catalogue does not know.
    """
    catalog = load_catalog()
    machines = catalog.machines.values()
    counts = {machine.accelerator_count for machine in machines if machine.accelerator == accelerator}
    if catalog.accelerators[accelerator].kind == "gpu":
        counts = set(range(1, max(counts, default=0) + 1))
    return next((count for count in sorted(counts) if fit(model, quantization, accelerator, count).fits), None)


def fit_slots(
    model: str,
    accelerator: str,
    chips: int,
    batch_size: int,
    max_cache_length: int,
    *,
    quantize_weights: bool,
    quantize_kv_cache: bool,
) -> SlotFit:
    """Return how `model` fits `chips` of JetStream with `batch_size` slots of `max_cache_length` tokens each.

    The other arguments are JetStream's flags too. The names are keys of the catalogue. Left out are a few MiB of norms,
    which each chip has a copy of, and what XLA pads arrays with.

    Raises:
        KeyError: a name that the catalogue does not know.
    """
    catalog = load_catalog()
    shape = catalog.models[model]
    usable = catalog.accelerators[accelerator].usable_gib - catalog.assumptions["jetstream_reserve_gib"].value
    weights = weight_bytes(model, "int8_per_channel" if quantize_weights else None) / chips / GIB
    # since v0.2.3 JetStream does not read --quantize_kv_cache without --quantize_weights
    int8_cache = quantize_weights and quantize_kv_cache
    cache = batch_size * max_cache_length * _cache_bytes_per_token_and_chip(shape, chips, int8=int8_cache) / GIB
    left = usable - weights - cache
    return SlotFit(
        fits=can_split_cache(shape, chips) and left >= 0,
        weights_gib_per_chip=weights,
        cache_gib_per_chip=cache,
        usable_gib=usable,
        left_gib_per_chip=left,
    )


def largest_batch(
    model: str, accelerator: str, chips: int, max_cache_length: int, *, quantize_weights: bool, quantize_kv_cache: bool
) -> int:
    """Return the largest batch size with which `fit_slots` finds that JetStream fits; 0 if there is none.

    An upper bound: activations grow with the batch, what is kept for them does not.

    Raises:
        KeyError: a name that the catalogue does not know.
    """
    if not can_split_cache(load_catalog().models[model], chips):
        return 0
    slot = fit_slots(
        model,
        accelerator,
        chips,
        1,
        max_cache_length,
        quantize_weights=quantize_weights,
        quantize_kv_cache=quantize_kv_cache,
    )
    return max(0, math.floor((slot.usable_gib - slot.weights_gib_per_chip) / slot.cache_gib_per_chip))


def can_split_cache(model: Model, chips: int) -> bool:
    """Return whether JetStream can split the key-value cache of `model` over so many chips.

    It splits the key-value heads, or, if there is only one, that head's width. It copies neither, and JAX refuses parts
    of different size. Source: github.com/AI-Hypercomputer/jetstream-pytorch, jetstream_pt/environment.py, v0.2.4.
    """
    return (model.head_dim if model.kv_heads == 1 else model.kv_heads) % chips == 0


def _cache_bytes_per_token_and_chip(model: Model, chips: int, *, int8: bool) -> float:
    """Bytes of all layers. In 8 bits, each chip also has all scales: 16 bits for the keys and for the values."""
    values, scale_bytes = model.kv_heads * model.head_dim / chips, 2
    return 2 * model.layers * (values + scale_bytes if int8 else 2 * values)


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
    kept = 0 if scheme.embeddings else embedding
    return 2 * kept + (shape.parameters - kept) * (scheme.bits + scheme.overhead_bits) / 8


def kv_bytes_per_token(model: str, cache_bits: int = 16) -> int:
    """Return the bytes of one token's keys and values in all layers.

    A window of attention makes no difference here: only some servers, and those not always, keep less for its layers.

    Raises:
        KeyError: a name that the catalogue does not know.
    """
    shape = load_catalog().models[model]
    keys_and_values = 2
    return keys_and_values * shape.layers * shape.kv_heads * shape.head_dim * cache_bits // 8


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
