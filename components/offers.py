"""Which machines can serve a model, what they cost, and how many tokens they can give at the best.

GKE's machines with GPUs and TPU hosts, for vLLM, and Oracle Cloud's shapes. A machine that holds a model several times
serves it several times: what each of its pods has is a `Layout`.
"""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from .catalog import OWN_FILE, Accelerator, Model, load_catalog
from .decoding import step_bound
from .sizing import can_split, fit

MOST_REQUESTS = 256
"""Requests that are decoded together at the most where nothing else is said: vLLM's default on most GPUs."""


@dataclass(frozen=True)
class Layout:
    """How a machine serves a model."""

    shards: int
    """Accelerators that the model is split over."""
    replicas: int
    """How many times the machine serves it."""
    batch: int
    """Requests that each replica decodes together."""
    most_requests: int
    """Requests of that length for which each replica's cache has room."""
    step_seconds: float
    """The least that a step of decoding takes, in which each request gets one token."""

    @property
    def tokens_per_second(self) -> float:
        """Tokens that the machine gives at the most."""
        return self.replicas * self.batch / self.step_seconds


@dataclass(frozen=True)
class Host:
    """A machine type or a shape, where it costs least."""

    name: str
    cloud: Literal["gcp", "oci"]
    accelerator: str
    accelerators: int
    """How many it has."""
    region: str | None
    """Where it costs that; None: alike in all regions."""
    hourly_usd: float


@dataclass(frozen=True)
class Offer:
    """A machine that can serve a model, and how it does."""

    host: Host
    layout: Layout

    @property
    def usd_per_million_tokens(self) -> float:
        """What a million tokens cost at the least: when the machine is always full, and as fast as can be."""
        return self.host.hourly_usd / 3600 / self.layout.tokens_per_second * 1e6


class NoOffersError(ValueError):
    """What was asked cannot be served by any machine, and why."""


def offers(
    model: str,
    *,
    length: int,
    batch: int | None = None,
    quantization: str | None = None,
    cache_bits: int = 16,
    region: str | None = None,
    spot: bool = False,
) -> list[Offer]:
    """Return the machines that can serve `model`, the cheapest by the hour first.

    Args:
        model: repository of the catalogue.
        length: tokens of a request, prompt and answer together.
        batch: requests that must be decoded together. None: as many as there is room for, up to `MOST_REQUESTS`.
        quantization: how the weights are kept, by its name in the catalogue. None: as published.
        cache_bits: bits of a number of the key-value cache: 16, or 8.
        region: region of either cloud. None: where each machine costs least.
        spot: count spot prices, and leave out what has none.

    Raises:
        NoOffersError: the catalogue lacks something, or a request would be longer than the model was made for.
    """
    catalog = load_catalog()
    shape = catalog.models.get(model)
    if shape is None:
        similar = difflib.get_close_matches(model, catalog.models, cutoff=0.5) or catalog.models
        raise NoOffersError(
            f"the catalogue does not know '{model}'. It knows {', '.join(similar)}; add others in {OWN_FILE}."
        )
    if shape.file is not None:
        raise NoOffersError(f"'{model}' is one file, {shape.file}, which vLLM does not serve.")
    if quantization not in (None, *catalog.quantizations):
        raise NoOffersError(
            f"the catalogue does not know the quantization '{quantization}'. Known: {', '.join(catalog.quantizations)}."
        )
    if length > shape.context:
        raise NoOffersError(f"'{model}' was made for {shape.context} tokens, not {length}.")
    if region not in (None, *catalog.regions, *catalog.oci_regions):
        known = ", ".join([*catalog.regions, *catalog.oci_regions])
        raise NoOffersError(f"the catalogue does not know the region '{region}'. Known: {known}.")
    found = [
        Offer(host, layout)
        for host in _hosts(region, spot=spot)
        if _can_compute(shape, catalog.accelerators[host.accelerator], quantization)
        if (layout := _best_layout(shape, host, length, batch, quantization, cache_bits)) is not None
    ]
    return sorted(found, key=lambda offer: (offer.host.hourly_usd, offer.usd_per_million_tokens, offer.host.name))


def _hosts(region: str | None, *, spot: bool) -> Iterator[Host]:
    catalog = load_catalog()
    for machine in catalog.machines.values():
        prices = machine.spot_hourly_usd if spot else machine.hourly_usd
        here = {place: price for place, price in prices.items() if region in (None, place)}
        if machine.accelerator is None or not here:
            continue
        cheapest = min(here, key=lambda place: (here[place], place))
        count = machine.accelerator_count
        yield Host(machine.name, "gcp", machine.accelerator, count, cheapest, here[cheapest])
    for shape in () if spot else catalog.shapes.values():
        offering = region is None or (
            region in catalog.oci_regions and shape.name in (catalog.oci_regions[region].shapes or catalog.shapes)
        )
        if offering and shape.hourly_usd is not None:
            yield Host(shape.name, "oci", shape.accelerator, shape.accelerator_count, region, shape.hourly_usd)


def _can_compute(model: Model, accelerator: Accelerator, quantization: str | None) -> bool:
    """Return whether vLLM serves weights of such a type on it. On TPUs it serves no quantized ones here."""
    published_quantized = model.dtype in load_catalog().quantizations
    if accelerator.kind == "tpu" and (quantization or published_quantized):
        return False
    return accelerator.bfloat16 or model.dtype != "bfloat16"


def _best_layout(
    model: Model, host: Host, length: int, batch: int | None, quantization: str | None, cache_bits: int
) -> Layout | None:
    """Return the layout with the most tokens per second; None if the model fits in none."""
    catalog = load_catalog()
    all_of_them = catalog.accelerators[host.accelerator].kind == "tpu"  # a pod takes all chips of its node
    layouts: list[Layout] = []
    for shards in range(host.accelerators if all_of_them else 1, host.accelerators + 1):
        if host.accelerators % shards or not can_split(model, shards):
            continue
        reserve = catalog.assumptions["engine_reserve_gib"].value
        fitting = fit(model.name, quantization, host.accelerator, shards, cache_bits=cache_bits, reserve_gib=reserve)
        most = fitting.batch(length)
        if most < (batch or 1):
            continue
        together = batch or min(most, MOST_REQUESTS)
        # a request has between none and all of its tokens cached while it is answered: at least half, on average
        bound = step_bound(
            model.name,
            quantization,
            host.accelerator,
            shards,
            batch=together,
            cached_tokens=length / 2,
            cache_bits=cache_bits,
        )
        layouts.append(Layout(shards, host.accelerators // shards, together, most, bound.seconds))
    return max(layouts, key=lambda layout: layout.tokens_per_second, default=None)
