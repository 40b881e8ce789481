"""How fast a model can give tokens at the best: bounds that follow from bandwidth and peak rates, not forecasts.

In one step of decoding, each request of a batch gets one token. A step cannot be shorter than it takes to read the
weights and the cached keys and values from memory, to multiply by the weights, or, where the model is split, to add up
what the accelerators computed. Servers reach a part of it: docs/sizing.md says which part was measured.
"""

from dataclasses import dataclass

from .catalog import Model, load_catalog
from .sizing import kv_bytes_per_token, weight_bytes

GIGA, TERA = 1e9, 1e12


@dataclass(frozen=True)
class StepBound:
    """The least that one step of decoding takes, seconds, by what bounds it."""

    memory_seconds: float
    """Reading weights and cache from memory."""
    compute_seconds: float
    """Multiplying by the weights."""
    link_seconds: float
    """Adding up over the accelerators what each computed; 0 on one."""

    @property
    def seconds(self) -> float:
        """The largest of them: a server can do at best all at once."""
        return max(self.memory_seconds, self.compute_seconds, self.link_seconds)


def step_bound(
    model: str,
    quantization: str | None,
    accelerator: str,
    count: int,
    *,
    batch: int,
    cached_tokens: float,
    cache_bits: int = 16,
) -> StepBound:
    """Return the least time of one step of `model`, split over `count` accelerators. All names are the catalogue's.

    Of a mixture of experts, all requests are taken to need the same experts. `cached_tokens` is what each request of
    the batch has cached, on average. `quantization` None means the weights as published.

    Raises:
        KeyError: a name that the catalogue does not know.
    """
    catalog = load_catalog()
    shape, hardware = catalog.models[model], catalog.accelerators[accelerator]
    scheme = catalog.quantizations.get(quantization or shape.dtype)
    peaks = hardware.peak_tflops
    fallback = peaks.get("bfloat16") or peaks["float16"]
    peak = peaks.get(scheme.compute, fallback) if scheme else fallback
    weights = _weight_bytes_read(shape, quantization) / count
    cache = batch * _cache_bytes_read(shape, cached_tokens, cache_bits) / min(count, shape.kv_heads)
    products = 2 * (shape.active_parameters - _looked_up(shape)) * batch / count
    sums_per_layer, bytes_each = 2, 2
    sent = sums_per_layer * shape.layers * shape.hidden * bytes_each * batch * (count - 1) / count
    return StepBound(
        memory_seconds=(weights + cache) / (hardware.bandwidth_gb_per_second * GIGA),
        compute_seconds=products / (peak * TERA),
        link_seconds=sent / (hardware.link_gb_per_second / 2 * GIGA),
    )


def _looked_up(model: Model) -> int:
    """Return the weights of which a token needs one row: the embedding, unless it is the output head as well."""
    return 0 if model.tied_embeddings else model.vocabulary * model.hidden


def _weight_bytes_read(model: Model, quantization: str | None) -> float:
    scheme = load_catalog().quantizations.get(quantization or model.dtype)
    bytes_each = (scheme.bits + scheme.overhead_bits) / 8 if scheme else model.weight_bytes / model.parameters
    embedding_bytes = 2 if scheme and not scheme.embeddings else bytes_each
    idle = model.layers * (model.experts - model.active_experts) * model.expert_parameters
    return weight_bytes(model.name, quantization) - idle * bytes_each - _looked_up(model) * embedding_bytes


def _cache_bytes_read(model: Model, cached_tokens: float, cache_bits: int) -> float:
    """Return the bytes of keys and values that one request's token attends to."""
    per_layer = kv_bytes_per_token(model.name, cache_bits) / model.layers
    seen = cached_tokens if model.window is None else min(cached_tokens, model.window)
    return per_layer * (model.windowed_layers * seen + (model.layers - model.windowed_layers) * cached_tokens)
