"""Bounds on the speed of decoding: by hand, and against what was measured."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from components.catalog import load_catalog
from components.decoding import step_bound
from components.sizing import can_split
from tests.components.measurements import A100, H100, LLAMA_2_7B, MIXTRAL, RATES, Rate

CATALOG = load_catalog()
MISTRAL, L4 = "mistralai/Mistral-7B-Instruct-v0.3", "nvidia-l4"
QUICKEST, SLOWEST = 0.73, 0.22
"""Between which parts of the bound the published rates lie."""


def share_of_bound(rate: Rate) -> float:
    """The part of what is possible that was reached."""
    bound = step_bound(
        rate.model,
        rate.quantization,
        rate.accelerator,
        rate.count,
        batch=rate.batch,
        cached_tokens=rate.cached_tokens,
        cache_bits=rate.cache_bits,
    )
    return rate.tokens_per_second * bound.seconds / rate.batch


@pytest.mark.parametrize("rate", RATES, ids=lambda rate: f"{rate.model}-{rate.quantization}-{rate.count}")
def test_no_published_rate_is_above_the_bound(rate: Rate) -> None:
    assert SLOWEST < share_of_bound(rate) < QUICKEST


@pytest.mark.parametrize("rate", [rate for rate in RATES if rate.batch == rate.count == 1 and not rate.quantization])
def test_one_gpu_with_published_weights_reaches_two_thirds(rate: Rate) -> None:
    assert share_of_bound(rate) == pytest.approx(0.68, abs=0.03)


def test_reading_the_weights() -> None:
    # (7.248 - 0.134 billion) x 2 bytes at 300 GB/s; the embedding is looked up
    assert step_bound(MISTRAL, None, L4, 1, batch=1, cached_tokens=0).seconds == pytest.approx(0.04743, rel=0.001)


def test_reading_the_cache() -> None:
    without, with_cache = (step_bound(MISTRAL, None, L4, 1, batch=8, cached_tokens=each) for each in (0, 1000))
    # 8 x 1000 x 128 KiB at 300 GB/s
    assert with_cache.memory_seconds - without.memory_seconds == pytest.approx(0.003495, rel=0.001)
    halved = step_bound(MISTRAL, None, L4, 1, batch=8, cached_tokens=1000, cache_bits=8)
    assert halved.memory_seconds - without.memory_seconds == pytest.approx(0.001748, rel=0.001)


def test_a_mixture_reads_the_experts_of_one_token() -> None:
    mixtral = CATALOG.models[MIXTRAL]
    embedding = mixtral.vocabulary * mixtral.hidden
    read = 2 * (mixtral.active_parameters - embedding)
    assert step_bound(MIXTRAL, None, H100, 2, batch=1, cached_tokens=0).memory_seconds == pytest.approx(
        read / 2 / 3350e9, rel=0.001
    )


def test_published_experts_in_4_bits() -> None:
    model = CATALOG.models["openai/gpt-oss-20b"]
    idle = model.layers * (model.experts - model.active_experts) * model.expert_parameters
    read = model.weight_bytes - idle * 4.25 / 8 - 2 * model.vocabulary * model.hidden
    bound = step_bound(model.name, None, H100, 1, batch=1, cached_tokens=0)
    assert bound.memory_seconds == pytest.approx(read / 3350e9)


def test_a_window_bounds_what_is_read() -> None:
    gemma = "google/gemma-3-27b-it"
    short, long, longer = (
        step_bound(gemma, None, A100, 1, batch=1, cached_tokens=each).memory_seconds for each in (1024, 2048, 3072)
    )
    # beyond the window of 1024, 10 of 62 layers read on: 2 x 16 heads x 128 x 2 bytes each
    per_token = 10 * 2 * 16 * 128 * 2 / 2039e9
    assert long - short == pytest.approx(longer - long) == pytest.approx(1024 * per_token)


def test_what_bounds_a_large_batch() -> None:
    small, large = (step_bound(LLAMA_2_7B, None, A100, 1, batch=each, cached_tokens=0) for each in (1, 512))
    assert small.seconds == small.memory_seconds
    # 2 x 6.607 billion x 512 products at 312 TFLOPS
    assert large.seconds == large.compute_seconds == pytest.approx(0.02168, rel=0.001)


def test_8_bits_are_multiplied_faster_where_the_gpu_can() -> None:
    fp8, published = (
        step_bound(MISTRAL, quantization, H100, 1, batch=512, cached_tokens=0).compute_seconds
        for quantization in ("fp8", None)
    )
    assert published / fp8 == pytest.approx(1979 / 989)
    on_a100, kept = (
        step_bound(MISTRAL, quantization, A100, 1, batch=512, cached_tokens=0).compute_seconds
        for quantization in ("fp8", None)
    )
    assert on_a100 == kept
    # bitsandbytes multiplies in 16 bits
    assert step_bound(MISTRAL, "bitsandbytes", H100, 1, batch=512, cached_tokens=0).compute_seconds == published


def test_adding_up_over_the_link() -> None:
    assert step_bound(MISTRAL, None, L4, 1, batch=64, cached_tokens=0).link_seconds == 0
    # 2 x 32 layers x 4096 x 2 bytes x 64 requests, three quarters of it, at 32 GB/s
    four = step_bound(MISTRAL, None, L4, 4, batch=64, cached_tokens=0)
    assert four.link_seconds == pytest.approx(0.000786, rel=0.001)


def test_unknown_names() -> None:
    with pytest.raises(KeyError, match="someone/something"):
        step_bound("someone/something", None, L4, 1, batch=1, cached_tokens=0)


@given(
    model=some.sampled_from(sorted(CATALOG.models)),
    accelerator=some.sampled_from(sorted(CATALOG.accelerators)),
    count=some.sampled_from([1, 2, 4, 8]),
    batch=some.integers(1, 512),
    cached_tokens=some.integers(0, 131_072),
)
def test_more_work_never_takes_less(model: str, accelerator: str, count: int, batch: int, cached_tokens: int) -> None:
    if not can_split(CATALOG.models[model], count):
        return
    bound = step_bound(model, None, accelerator, count, batch=batch, cached_tokens=cached_tokens)
    assert bound.seconds > 0
    assert step_bound(model, None, accelerator, count, batch=batch + 1, cached_tokens=cached_tokens).seconds >= (
        bound.seconds
    )
    longer = step_bound(model, None, accelerator, count, batch=batch, cached_tokens=cached_tokens + 1)
    assert longer.memory_seconds > bound.memory_seconds or CATALOG.models[model].window
