"""Schedules: what waits, what comes first where one thing is done at a time, and the longest chain."""

import graphlib

import pytest

from cli.timeline.schedule import Span, Task, chain, schedule


def task(name: str, seconds: float, *waits: str, queue: str | None = None) -> Task:
    return Task(f"urn::{name}", "t", None, seconds, waits=frozenset(f"urn::{each}" for each in waits), queue=queue)


def planned(*tasks: Task) -> dict[str, Span]:
    return {span.task.name: span for span in schedule(tasks, lambda each: each.waits).values()}


def times(spans: dict[str, Span]) -> dict[str, tuple[float, float]]:
    return {name: (span.start, span.end) for name, span in spans.items()}


def test_each_begins_when_the_last_that_it_waits_for_has_ended() -> None:
    spans = planned(task("c", 1, "a", "b"), task("a", 2), task("b", 5), task("d", 3))
    assert times(spans) == {"a": (0, 2), "b": (0, 5), "c": (5, 6), "d": (0, 3)}
    assert (spans["c"].after, spans["a"].after) == ("urn::b", None)


def test_what_is_not_among_the_tasks_is_there_already() -> None:
    assert times(planned(task("a", 2, "elsewhere", "a"))) == {"a": (0, 2)}


def test_a_queue_does_one_at_a_time_and_first_what_can_begin_first() -> None:
    spans = planned(
        task("host", 10),
        task("behind", 1, "host", queue="balancer"),
        task("set", 4, queue="balancer"),
        task("listener", 4, "set", queue="balancer"),
        task("other", 4, queue="another balancer"),
    )
    assert times(spans) == {
        "host": (0, 10),
        "set": (0, 4),
        "listener": (4, 8),
        "behind": (10, 11),
        "other": (0, 4),
    }


def test_a_queue_holds_up_what_could_begin() -> None:
    spans = planned(task("a", 4, queue="q"), task("b", 3, queue="q"))
    assert times(spans) == {"a": (0, 4), "b": (4, 7)}
    assert [each.task.name for each in chain({each.task.urn: each for each in spans.values()}, spans["b"])] == [
        "a",
        "b",
    ]


def test_the_chain_leaves_out_what_takes_no_time() -> None:
    tasks = [task("a", 2), task("component", 0, "a"), task("b", 1, "component"), task("short", 1)]
    spans = schedule(tasks, lambda each: each.waits)
    assert [each.task.name for each in chain(spans, spans["urn::b"])] == ["a", "b"]


def test_tasks_that_wait_for_each_other_are_an_error() -> None:
    with pytest.raises(graphlib.CycleError):
        planned(task("a", 1, "b"), task("b", 1, "a"))
