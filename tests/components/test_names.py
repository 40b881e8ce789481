"""Names within the limits of clouds."""

from hypothesis import given
from hypothesis import strategies as st

from components.names import bounded

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
