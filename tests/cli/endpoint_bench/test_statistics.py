"""Figures from arrival times that are known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.clients import Generation
from cli.endpoint_bench.report import Distribution
from cli.endpoint_bench.statistics import distribution, percentile, record
from cli.endpoint_bench.tokens import TokenSource
from tests.cli.endpoint_bench.made_up import BUSY, CUT_OFF, answer, load_report, sample


@pytest.mark.parametrize(
    ("count", "percent", "expected"),
    [
        (1, 50, None),
        (2, 50, 1),
        (3, 50, 2),
        (4, 50, 2),
        (9, 90, None),
        (10, 90, 9),
        (19, 95, None),
        (20, 95, 19),
        (21, 95, 20),
        (99, 99, None),
        (100, 99, 99),
        (101, 99, 100),
        (200, 99, 198),
    ],
)
def test_nearest_rank(count: int, percent: int, expected: float | None) -> None:
    assert percentile(range(1, count + 1), percent) == expected


@given(st.lists(st.floats(0, 1e6), min_size=1), st.sampled_from([50, 90, 95, 99]))
def test_as_many_as_a_percentile_says_do_not_exceed_it(values: list[float], percent: int) -> None:
    found = percentile(sorted(values), percent)
    if found is not None:
        assert sum(value <= found for value in values) * 100 >= percent * len(values)
        assert sum(value < found for value in values) * 100 < percent * len(values)


def test_a_distribution() -> None:
    assert distribution([]) is None
    values = [float(each) for each in range(20, 0, -1)]
    assert distribution(values) == Distribution(
        count=20, mean=10.5, least=1, p50=10, p90=18, p95=19, p99=None, most=20
    )  # fmt: skip


def test_the_figures_of_a_request() -> None:
    found = record(sample(answer(0.5, 0.75, 1.25, 1.5, seconds=1.625, tokens=5), due=2, sent=2), None)
    assert found.latency_seconds == 1.625
    assert found.time_to_first_token_seconds == 0.5
    assert found.time_per_output_token_seconds == 0.25, "5 tokens in 4 pieces: 4 tokens after the first"
    assert (found.prompt_tokens, found.output_tokens) == (5, 5)
    assert (found.due_seconds, found.sent_seconds, found.ended_seconds) == (2, 2, 3.625)
    assert found.finish_reason == "length"
    assert found.failure is None


def test_one_piece_of_several_tokens_tells_nothing_of_the_first() -> None:
    found = record(sample(answer(3.0, tokens=8)), None)
    assert found.latency_seconds == 3
    assert found.time_to_first_token_seconds is None
    assert found.time_per_output_token_seconds is None


def test_one_token_has_no_time_per_token() -> None:
    found = record(sample(answer(3.0, tokens=1)), None)
    assert found.time_to_first_token_seconds == 3
    assert found.time_per_output_token_seconds is None


def test_tokens_that_the_server_does_not_tell() -> None:
    given = sample(answer(1.0, 2.0, 3.0))
    estimated = record(given, None)
    assert (estimated.prompt_tokens, estimated.prompt_tokens_from) == (3, TokenSource.ESTIMATE), "11 characters"
    assert (estimated.output_tokens, estimated.output_tokens_from) == (3, TokenSource.ESTIMATE), "pieces"
    counted = record(given, len)
    assert (counted.prompt_tokens, counted.prompt_tokens_from) == (11, TokenSource.TOKENIZER)
    assert (counted.output_tokens, counted.output_tokens_from) == (12, TokenSource.TOKENIZER)
    whole = record(sample(answer(1.0)), None)
    assert (whole.output_tokens, whole.output_tokens_from) == (1, TokenSource.ESTIMATE), "4 characters"


def test_the_server_is_believed_before_the_tokenizer() -> None:
    found = record(sample(answer(1.0, 2.0, tokens=2)), len)
    assert (found.output_tokens, found.output_tokens_from) == (2, TokenSource.SERVER)


def test_a_failed_request_has_no_figures() -> None:
    found = record(sample(BUSY), None)
    assert found.failure
    assert (found.failure.kind, found.failure.message) == ("status 429", str(BUSY))
    assert found.latency_seconds is None
    nothing = record(sample(Generation((), 1.0)), None)
    assert nothing.failure
    assert nothing.failure.kind == "no text"


def test_failures_are_counted_and_averaged_into_nothing() -> None:
    found = load_report(answer(1, 2, tokens=2), CUT_OFF, BUSY, answer(2, 4, tokens=2), BUSY, seconds=8)
    assert (found.sent, found.answered, found.failed, found.error_share) == (5, 2, 3, 0.6)
    assert [(each.kind, each.count) for each in found.errors] == [("status 429", 2), ("cut off", 1)]
    assert found.errors[1].example == str(CUT_OFF)
    assert found.latency == Distribution(count=2, mean=3, least=2, p50=2, p90=None, p95=None, p99=None, most=4)
    assert found.time_to_first_token
    assert (found.time_to_first_token.least, found.time_to_first_token.most) == (1, 2)
    assert found.time_per_output_token
    assert found.time_per_output_token.mean == 1.5
    assert found.inter_token_latency
    assert (found.inter_token_latency.count, found.inter_token_latency.mean) == (2, 1.5)
    assert found.request_tokens_per_second
    assert (found.request_tokens_per_second.least, found.request_tokens_per_second.most) == (0.5, 1)
    assert found.tokens_per_second == 0.5
    assert found.requests_per_second == 0.25
    assert found.output_tokens_from == (TokenSource.SERVER,)


def test_nothing_but_failures() -> None:
    found = load_report(BUSY, BUSY)
    assert found.latency is found.time_to_first_token is found.output_tokens is None
    assert found.tokens_per_second == 0
    assert found.error_share == 1
