"""When requests are sent, by a clock that passes only while something is waited for."""

from itertools import count, pairwise, repeat

import pytest

from cli.endpoint_bench.load import Limits, Load, due_times
from cli.endpoint_bench.run import Run, run_load
from cli.endpoint_bench.statistics import record
from tests.cli.endpoint_bench.made_up import REQUEST, Server, virtually


def closed(server: Server, concurrency: int, limits: Limits) -> Run:
    load = Load(concurrency=concurrency, output_tokens=4)
    return virtually(run_load(server, load, limits, repeat(REQUEST), repeat(0.0), lambda _: None))


def opened(server: Server, rate: float, limits: Limits) -> Run:
    load = Load(rate=rate, arrivals="constant", output_tokens=4)
    return virtually(run_load(server, load, limits, repeat(REQUEST), due_times(load, 1, ""), lambda _: None))


def latencies(run: Run) -> list[float | None]:
    return [record(each, None).latency_seconds for each in sorted(run.samples, key=lambda each: each.sent)]


def test_a_closed_loop_sends_the_next_request_when_an_answer_is_there() -> None:
    server = Server(1, 3)
    run = closed(server, 2, Limits(5, 100))
    assert server.asked == [0, 0, 1, 2, 3]
    assert run.seconds == 5
    assert run.most_under_way == 2
    assert not run.out_of_time
    assert [each.due for each in run.samples] == [each.sent for each in run.samples]


def test_fewer_requests_than_may_be_under_way() -> None:
    server = Server(1)
    assert closed(server, 8, Limits(3, 100)).most_under_way == 3
    assert server.asked == [0, 0, 0]


def test_a_closed_loop_ends_by_time_and_waits_for_what_is_under_way() -> None:
    server = Server(2)
    run = closed(server, 1, Limits(100, 5))
    assert server.asked == [0, 2, 4]
    assert run.seconds == 6
    assert run.out_of_time


def test_an_open_loop_sends_without_waiting_for_answers() -> None:
    server = Server(10)
    run = opened(server, 2, Limits(4, 100))
    assert server.asked == [0, 0.5, 1, 1.5]
    assert run.most_under_way == 4
    assert latencies(run) == [10, 10, 10, 10]
    assert run.seconds == 11.5


def test_the_queue_of_a_server_that_is_too_slow_is_seen() -> None:
    assert latencies(opened(Server(2, slots=1), 1, Limits(4, 100))) == [2, 3, 4, 5]


def test_an_open_loop_ends_by_time() -> None:
    server = Server(1)
    run = opened(server, 1, Limits(100, 3))
    assert server.asked == [0, 1, 2]
    assert run.out_of_time
    assert run.seconds == 3


def test_a_request_that_is_sent_late_counts_from_when_it_was_due() -> None:
    server = Server(1, blocks=3)
    run = opened(server, 1, Limits(2, 100))
    first, second = sorted(run.samples, key=lambda each: each.sent)
    assert (first.due, first.sent) == (0, 0)
    assert (second.due, second.sent) == (1, 3)
    measured = record(second, None)
    assert measured.latency_seconds == 2 + 3 + 1
    assert measured.time_to_first_token_seconds == 2 + 3 + 1


def test_constant_arrivals() -> None:
    due = due_times(Load(rate=4, arrivals="constant", output_tokens=1), 1, "")
    assert [next(due) for _ in range(4)] == [0, 0.25, 0.5, 0.75]


def test_poisson_arrivals_are_those_of_the_seed_and_have_the_rate() -> None:
    load = Load(rate=4, arrivals="poisson", output_tokens=1)
    one, same, other = (
        [due for _, due in zip(range(4001), due_times(load, seed, "1 of 1"), strict=False)] for seed in (1, 1, 2)
    )
    assert one == same != other
    assert one[0] == 0
    # of 4000 gaps with a mean of 1/4 second, which lie within 5 standard errors of it for this seed as for nearly all
    assert one[-1] / 4000 == pytest.approx(0.25, rel=5 / 4000**0.5)
    gaps = [later - earlier for earlier, later in pairwise(one)]
    assert sum(gap > 0.25 for gap in gaps) / 4000 == pytest.approx(0.3679, abs=0.04), "e to the power of -1"


def test_the_progress_is_told_after_each_answer() -> None:
    told: list[int] = []
    load, numbers = Load(concurrency=1, output_tokens=4), count()
    virtually(
        run_load(
            Server(1),
            load,
            Limits(3, 100),
            (REQUEST for _ in numbers),
            repeat(0.0),
            lambda run: told.append(len(run.samples)),
        )
    )
    assert told == [1, 2, 3]
    assert next(numbers) == 3, "no request is made up that is not sent"
