"""Names within the limits of clouds."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.names import account_id, bounded

NAMES = st.from_regex(r"[a-z]([-a-z0-9]{0,80}[a-z0-9])?", fullmatch=True)


def test_short_names_stay() -> None:
    assert bounded("guide-test-nodes", 30) == "guide-test-nodes"
    assert bounded("a" * 30, 30) == "a" * 30


def test_a_cut_leaves_no_doubled_hyphen() -> None:
    name = bounded("mixtral8x7-cluster-gke-x-nodes-of-it", 30)
    assert name.startswith("mixtral8x7-cluster-gke-")
    assert "--" not in name


@given(name=NAMES, limit=st.integers(10, 63))
def test_within_the_limit_and_of_the_same_alphabet(name: str, limit: int) -> None:
    cut = bounded(name, limit)
    assert len(cut) <= limit
    assert cut[0].isalpha()
    assert cut[-1] != "-"
    assert cut == bounded(name, limit)


@given(endings=st.lists(NAMES, min_size=2, max_size=20, unique=True))
def test_names_that_differ_only_at_the_end_stay_different(endings: list[str]) -> None:
    assert len({bounded(f"a-long-beginning-{ending}", 20) for ending in endings}) == len(endings)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("jetstream-test", "jetstream-test"),
        ("Jet.Stream_x-test", "jet-stream-x-test"),
        # Google wants six characters, the first a letter
        ("a-dev", "account-a-dev"),
        ("7b-models", "account-7b-models"),
        ("jetstream-pytorch-server-llama-jetstream-tpu", "jetstream-pytorch-serve-"),
    ],
)
def test_account_id(name: str, expected: str) -> None:
    assert account_id(name).startswith(expected)
    assert len(account_id(name)) <= 30


@given(name=st.text(min_size=1, max_size=80))
def test_account_ids_are_what_google_takes(name: str) -> None:
    assert re.fullmatch(r"[a-z]([-a-z0-9]{4,28}[a-z0-9])", account_id(name))
