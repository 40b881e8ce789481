"""The page on sizing says what sizing computes today, and how far that is from what was measured."""

from pathlib import Path

import pytest

from components.catalog import load_catalog
from components.sizing import GIB, weight_bytes
from tests.components.measurements import RATES, ROOM, WEIGHTS, Rate, Room, Weights
from tests.components.test_decoding import share_of_bound
from tests.components.test_sizing import room

PAGE = (Path(__file__).parents[2] / "docs/sizing.md").read_text()
CATALOG = load_catalog()


def where(source: str) -> str:
    """The source as the page names it."""
    return source.removeprefix("https://github.com/").removeprefix("https://")


def title(accelerator: str, count: int) -> str:
    return f"{count} x {CATALOG.accelerators[accelerator].title}"


def rate_row(rate: Rate) -> str:
    share = share_of_bound(rate)
    cells = [
        rate.model,
        rate.quantization or "as published",
        title(rate.accelerator, rate.count),
        str(rate.batch),
        f"{rate.tokens_per_second:g}",
        f"{rate.tokens_per_second / share:.0f}",
        f"{share:.0%}",
    ]
    return f"| {' | '.join(cells)} |"


def room_row(measured: Room) -> str:
    expected = room(measured)
    error = expected - measured.cache_gib
    cells = [
        measured.model,
        measured.quantization or "as published",
        title(measured.accelerator, measured.count),
        f"{measured.memory_fraction:g}",
        f"{measured.cache_gib:.1f}",
        f"{expected:.1f}",
        f"{error:+.1f}",
        where(measured.source),
    ]
    return f"| {' | '.join(cells)} |"


def weights_row(measured: Weights) -> str:
    expected = weight_bytes(measured.model, measured.quantization) / measured.count / GIB
    cells = [
        measured.model,
        measured.quantization or "as published",
        str(measured.count),
        f"{measured.gib:.2f}",
        f"{expected:.2f}",
        f"{expected / measured.gib - 1:+.1%}",
        where(measured.source),
    ]
    return f"| {' | '.join(cells)} |"


@pytest.mark.parametrize(
    "row", [*map(rate_row, RATES), *map(room_row, ROOM), *map(weights_row, WEIGHTS)], ids=lambda row: row[2:60]
)
def test_every_measurement_is_on_the_page(row: str) -> None:
    assert row in PAGE


def test_the_shares_that_are_told() -> None:
    shares = [share_of_bound(rate) for rate in RATES]
    assert f"{min(shares):.0%} to {max(shares):.0%}".replace("%", " %", 2) in PAGE
