"""How a rehearsal grows with the number of inference services in a stack, and how the floor does."""

import statistics
import tempfile
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.compare import MEASURES, OPERATIONS, Measure, run_floor
from bench.growth_program import LARGEST
from bench.rehearsed import Run, environment, record, rehearse

SIZES = (1, 5, 10, LARGEST)
"""Services in the stacks that are rehearsed."""
FIRST, MIDDLE, LAST = 1, 10, LARGEST
MARGIN = 0.25
"""How much more each service may add after the middle size than before it, besides the noise of the run."""

_PROJECT = "name: growth\nruntime: python\n"
_SETTINGS = "config:\n  gcp:project: bench-project\n  pulumi:disable-default-providers: [kubernetes]\n"
_PROGRAM = "from bench.growth_program import main\n\nmain({services})\n"

Runs = Mapping[int, Sequence[Run]]
"""Runs by number of services."""


@dataclass(frozen=True)
class Line:
    """How one measure grows."""

    values: Mapping[int, float]
    """By number of services, the least of the rounds: what else the machine does only adds."""
    noise: Mapping[int, float]
    """By number of services, how far the median of the rounds lies above the least."""

    @property
    def early(self) -> float:
        """What each service adds from the first size to the middle one."""
        return (self.values[MIDDLE] - self.values[FIRST]) / (MIDDLE - FIRST)

    @property
    def late(self) -> float:
        """What each service adds from the middle size to the last one."""
        return (self.values[LAST] - self.values[MIDDLE]) / (LAST - MIDDLE)


@dataclass(frozen=True)
class Growth:
    """How one measure of an operation grows, rehearsed and on the floor."""

    operation: str
    measure: str
    unit: str
    floor: Line
    rehearsed: Line
    judged: bool
    """Whether it has a bound."""

    @property
    def bound(self) -> float:
        """Most that a service may add at the end: what it adds at first, the margin, and the noise of this run."""
        noise = self.rehearsed.noise[MIDDLE] + self.rehearsed.noise[LAST]
        return self.rehearsed.early * (1 + MARGIN) + noise / (LAST - MIDDLE)

    @property
    def kept(self) -> bool:
        """Whether it grows no worse than linearly."""
        return not self.judged or self.rehearsed.late <= self.bound


def growth(pulumi_cli: Path, rounds: int, say: Callable[[str], None]) -> list[Growth]:
    """Rehearse `up` and `preview` of stacks of each size, and run the floor, by turns, `rounds` times.

    Raises:
        BenchError: one fails.
    """
    variables = environment(pulumi_cli)
    found: list[Growth] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        states = {size: Path(folder) / f"{size}.json" for size in SIZES}
        for size, state in states.items():
            say(f"recording what a rehearsal of {size} services registers")
            with _project(size) as project:
                record(_stack(size), project, pulumi_cli, state)
        for operation in OPERATIONS:
            floors: dict[int, list[Run]] = {size: [] for size in SIZES}
            rehearsed: dict[int, list[Run]] = {size: [] for size in SIZES}
            for number in range(rounds):
                say(f"{operation} of {', '.join(map(str, SIZES))} services, {number + 1} of {rounds}")
                for size, state in states.items():
                    floors[size].append(run_floor(operation, state, pulumi_cli, variables))
                    with _project(size) as project:
                        rehearsed[size].append(rehearse(operation, _stack(size), project, variables))
            found += [summarize(operation, each, floors, rehearsed) for each in MEASURES]
    return found


def summarize(operation: str, measure: Measure, floors: Runs, rehearsed: Runs) -> Growth:
    """Return what `measure` tells of the runs of each size."""
    return Growth(
        operation=operation,
        measure=measure.name,
        unit=measure.unit,
        floor=_line(measure, floors),
        rehearsed=_line(measure, rehearsed),
        judged=measure.growth_judged,
    )


def _line(measure: Measure, runs: Runs) -> Line:
    rounds = {size: [measure.of(run) for run in of_size] for size, of_size in runs.items()}
    return Line(
        values={size: min(each) for size, each in rounds.items()},
        noise={size: statistics.median(each) - min(each) for size, each in rounds.items()},
    )


def _stack(services: int) -> str:
    return f"services-{services}"


@contextmanager
def _project(services: int) -> Generator[Path]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        project = Path(folder)
        (project / "Pulumi.yaml").write_text(_PROJECT, encoding="utf-8")
        (project / f"Pulumi.{_stack(services)}.yaml").write_text(_SETTINGS, encoding="utf-8")
        (project / "__main__.py").write_text(_PROGRAM.format(services=services), encoding="utf-8")
        yield project
