"""Kubernetes quantities."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.quantities import quantity


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("40", 40),
        ("0.5", 0.5),
        ("500m", 0.5),
        ("1k", 1e3),
        ("2M", 2e6),
        ("150G", 150e9),
        ("1Ki", 1024),
        ("64Mi", 64 * 1024**2),
        ("160Gi", 160 * 1024**3),
        ("1.5Ti", 1.5 * 1024**4),
        ("1Pi", 1024**5),
    ],
)
def test_quantity(text: str, number: float) -> None:
    assert quantity(text) == pytest.approx(number)


@pytest.mark.parametrize(
    "text", ["", "Gi", "160 Gi", "160GB", "160gi", "1Mb", "-1", "+", "1.", "1e3e", "1_000", "²", "\u0661"]
)
def test_no_quantity(text: str) -> None:
    with pytest.raises(ValueError, match="is not a Kubernetes quantity"):
        quantity(text)


@given(st.text(max_size=8))
def test_any_text_is_a_number_or_refused(text: str) -> None:
    try:
        number = quantity(text)
    except ValueError:
        return
    assert number >= 0
