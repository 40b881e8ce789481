"""When the parts of a stack are ready, and when the first token can come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cli.timeline.schedule import Span, Task, chain, schedule
from cli.timeline.tasks import State, load_needs, tasks_of


@dataclass(frozen=True)
class Timeline:
    """When each part of a stack is worked on, in simulated seconds since the beginning."""

    spans: Mapping[str, Span]
    """By URN."""
    critical: Sequence[Span]
    """The longest chain: each waits for the one before it, and the first token for the last."""
    bound: float
    """When the first token could come, were nothing waited for that is not needed."""

    @property
    def ready(self) -> float:
        """When the first token can come."""
        return self.critical[-1].end if self.critical else 0.0

    @property
    def end(self) -> float:
        """When all is done."""
        return max((each.end for each in self.spans.values()), default=0.0)


def timeline_of(state: Sequence[State], seconds: Mapping[str, float]) -> Timeline:
    """Return when what an operation did was worked on. Parameters as of `tasks_of`."""
    tasks = tasks_of(state, seconds)
    spans = schedule(tasks, lambda task: task.waits)
    last = _first_token(tasks, spans)
    at_least = _first_token(tasks, schedule(tasks, lambda task: task.needs))
    return Timeline(spans, chain(spans, last) if last else (), at_least.end if at_least else 0.0)


def _first_token(tasks: Sequence[Task], spans: Mapping[str, Span]) -> Span | None:
    """Return the last part of what answers requests; of everything, where nothing in the stack does."""
    serving = load_needs().serving
    inside: set[str] = set()
    for task in tasks:  # parents come before their children
        if task.type in serving or task.parent in inside:
            inside.add(task.urn)
    return max((spans[urn] for urn in sorted(inside or spans)), key=lambda each: each.end, default=None)
