"""When each part of a stack begins and ends, and which of them the end waits for."""

import graphlib
import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """What the engine does with one resource."""

    urn: str
    type: str
    parent: str | None
    seconds: float
    """How long its cloud takes, in simulated time. A component takes none."""
    waits: frozenset[str] = frozenset()
    """URNs of what the program lets it wait for."""
    needs: frozenset[str] = frozenset()
    """URNs of what it cannot begin without."""
    queue: str | None = None
    """What changes one thing at a time, and this is one; None: nothing keeps it from going on beside others."""

    @property
    def name(self) -> str:
        """Its name in the program."""
        return self.urn.rpartition("::")[2]


@dataclass(frozen=True)
class Span:
    """When a task is worked on, in seconds since the beginning."""

    task: Task
    start: float
    end: float
    after: str | None
    """URN of what it waited for last; None: nothing."""


def schedule(tasks: Sequence[Task], before: Callable[[Task], Iterable[str]]) -> dict[str, Span]:
    """Return by URN when each task is worked on, were each begun as soon as `before` it everything has ended.

    Where one thing is done at a time, what can begin first comes first; nothing ends sooner in another order.

    Raises:
        graphlib.CycleError: tasks wait for each other.
    """
    known = {each.urn: each for each in tasks}
    sorter = graphlib.TopologicalSorter(
        {each.urn: [urn for urn in before(each) if urn in known and urn != each.urn] for each in tasks}
    )
    sorter.prepare()
    spans: dict[str, Span] = {}
    busy: dict[str, Span] = {}
    ready: list[tuple[float, str]] = []
    while sorter.is_active():
        for urn in sorter.get_ready():
            last = _last(before(known[urn]), spans)
            heapq.heappush(ready, (last.end if last else 0.0, urn))
        _, urn = heapq.heappop(ready)
        task = known[urn]
        last = _last(before(task), spans)
        if task.queue in busy and (last is None or busy[task.queue].end > last.end):
            last = busy[task.queue]
        start = last.end if last else 0.0
        spans[urn] = Span(task, start, start + task.seconds, last.task.urn if last else None)
        if task.queue is not None:
            busy[task.queue] = spans[urn]
        sorter.done(urn)
    return spans


def _last(urns: Iterable[str], spans: Mapping[str, Span]) -> Span | None:
    """Return what of `urns` ends last, by name where several do."""
    return max((spans[urn] for urn in sorted(urns) if urn in spans), key=lambda each: each.end, default=None)


def chain(spans: Mapping[str, Span], last: Span) -> list[Span]:
    """Return what `last` waited for, each because of the next, and `last` itself. What takes no time is left out."""
    found = [last]
    while found[-1].after is not None:
        found.append(spans[found[-1].after])
    return [each for each in reversed(found) if each.task.seconds]
