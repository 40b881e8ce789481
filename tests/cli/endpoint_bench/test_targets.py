import pytest

from cli.endpoint_bench.targets import error_share_target, parse_target
from cli.errors import RefusedError
from tests.cli.endpoint_bench.made_up import BUSY, answer, load_report

TWENTY = load_report(*(answer(number / 10, number / 10 + 3, tokens=4) for number in range(1, 21)))
"""First tokens after 0.1 to 2 seconds, one second for each further one, ends after 3.1 to 5; 8 tokens per second."""
ONE_FAILED = load_report(*(answer(0.1, 3.1, tokens=4) for _ in range(19)), BUSY)


@pytest.mark.parametrize(
    ("written", "measured", "met"),
    [
        ("p50.ttft=1s", 1.0, True),
        ("p50.ttft=999ms", 1.0, False),
        ("p95.ttft=1.9s", 1.9, True),
        ("p90.latency=4.8s", 4.8, True),
        ("p90.latency=4.7s", 4.8, False),
        ("p50.tpot=1.5s", 1.0, True),
        ("p50.tpot=500ms", 1.0, False),
        ("tokens-per-second=8", 8, True),
        ("tokens-per-second=8.1", 8, False),
        ("requests-per-second=2", 2, True),
        ("requests-per-second=2.5", 2, False),
    ],
)
def test_targets(written: str, measured: float, met: bool) -> None:
    result = parse_target(written).judge(TWENTY)
    assert result.measured == pytest.approx(measured)
    assert (result.met, result.target, result.load) == (met, written, "1 at a time, 4 out")


def test_too_few_requests_miss_a_percentile() -> None:
    result = parse_target("p99.latency=100s").judge(TWENTY)
    assert (result.met, result.measured) == (False, None)
    assert result.why == "a p99 takes 100 requests or more, and there were 20"


def test_a_failed_request_counts_as_one_that_never_ends() -> None:
    assert parse_target("p95.ttft=1s").judge(ONE_FAILED).met, "19 of 20 is 95 %"
    two = load_report(*(answer(0.1, 3.1, tokens=4) for _ in range(18)), BUSY, BUSY)
    result = parse_target("p95.ttft=1s").judge(two)
    assert (result.met, result.measured, result.why) == (False, None, "2 of 20 requests failed")


def test_answers_in_one_piece_miss_a_target_for_the_first_token() -> None:
    whole = load_report(*(answer(3, tokens=4) for _ in range(20)))
    assert parse_target("p50.latency=3s").judge(whole).met
    for name in ("ttft", "tpot"):
        result = parse_target(f"p50.{name}=9s").judge(whole)
        assert (result.met, result.why) == (False, "20 answers did not come in pieces, and do not tell")


def test_an_answer_of_one_token_does_not_spoil_the_time_per_token() -> None:
    found = load_report(*(answer(0.1, 3.1, tokens=4) for _ in range(20)), answer(0.1, tokens=1))
    assert parse_target("p95.tpot=1s").judge(found).met


@pytest.mark.parametrize(("share", "met"), [(0, False), (0.04, False), (0.05, True), (1, True)])
def test_the_share_of_errors(share: float, met: bool) -> None:
    result = error_share_target(share).judge(ONE_FAILED)
    assert (result.met, result.measured, result.why) == (met, 0.05, "1 of 20 requests failed")


def test_no_errors() -> None:
    assert error_share_target(0).judge(TWENTY).met


@pytest.mark.parametrize(
    "written",
    ["p95.ttft", "p95.ttft=1", "p42.ttft=1s", "ttft=1s", "p95.ttft=0s", "p95.ttft=1.1.1s", "p95.speed=1s",
     "tokens-per-second=1s", "tokens-per-second=0", "", "p95.ttft=-1s", "p95.ttft=1s "],
)  # fmt: skip
def test_what_is_no_target(written: str) -> None:
    with pytest.raises(RefusedError, match=r"write it like p95\.ttft=500ms"):
        parse_target(written)
