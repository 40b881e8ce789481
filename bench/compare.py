"""Rehearsed `up` and `preview` of a stack against the floor, by turns, in one run."""

import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError
from bench.measure import run
from bench.rehearsed import Run, environment, project_copy, record, rehearse

STACK = "mixtral-tgi-gke-l4"
OPERATIONS = ("up", "preview")
BOUND = 1.25
"""Most that a rehearsal may take, in time and in memory, as a multiple of the floor."""


@dataclass(frozen=True)
class Measure:
    """Something of a run that is compared."""

    name: str
    unit: str
    of: Callable[[Run], float]
    judged: bool
    """Whether its ratio to the floor has a bound."""
    growth_judged: bool
    """Whether its growth has a bound. The engine's has none: it writes the whole state after every step, for any
    program. Nor has that of the time on the wall, of which a few seconds tell mostly what else the machine does."""


MEASURES = (
    Measure("time", "s", lambda run: run.usage.seconds, judged=True, growth_judged=False),
    Measure("CPU", "s", lambda run: run.usage.processor_seconds, judged=True, growth_judged=False),
    Measure("CPU, Python", "s", lambda run: run.usage.own_processor_seconds, judged=False, growth_judged=True),
    Measure("CPU, engine", "s", lambda run: run.usage.engine_processor_seconds, judged=False, growth_judged=False),
    Measure("memory", "MiB", lambda run: run.usage.memory_mib, judged=True, growth_judged=True),
    Measure("run alone", "s", lambda run: run.seconds, judged=False, growth_judged=False),
)
"""The last is the time without the start of Python and its imports."""


@dataclass(frozen=True)
class Comparison:
    """One measure of an operation, rehearsed and on the floor."""

    operation: str
    measure: str
    unit: str
    floor: float
    """Median."""
    rehearsed: float
    """Median."""
    ratio: float
    """Median of the ratios of runs that followed each other."""
    lowest: float
    highest: float
    bound: float | None
    """Most that the ratio may be; None: it is told, not judged."""

    @property
    def kept(self) -> bool:
        """Whether the ratio is within its bound."""
        return self.bound is None or self.ratio <= self.bound


def compare(pulumi_cli: Path, runs: int, say: Callable[[str], None]) -> list[Comparison]:
    """Compare `runs` rehearsals of each operation with as many runs of the floor, after one of each to warm up.

    Raises:
        BenchError: one fails, or the two do not create as many resources.
    """
    variables = environment(pulumi_cli)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        say("recording what a rehearsal registers")
        state = Path(folder) / "state.json"
        with project_copy(STACK) as project:
            record(STACK, project, pulumi_cli, state)
        compared: list[Comparison] = []
        for operation in OPERATIONS:
            pairs: list[tuple[Run, Run]] = []
            for number in range(runs + 1):
                say(f"{operation}, floor and rehearsal, " + (f"{number} of {runs}" if number else "to warm up"))
                pairs.append(_pair(operation, state, pulumi_cli, variables))
            compared += [summarize(operation, each, pairs[1:]) for each in MEASURES]
    return compared


def run_floor(operation: str, state: Path, folder: Path, pulumi_cli: Path, variables: Mapping[str, str]) -> Run:
    """Run the floor once, with what `state` holds, on the stack in `folder`.

    Raises:
        BenchError: it fails.
    """
    usage = run([sys.executable, "-m", "bench.floor", operation, state, folder, pulumi_cli], folder, variables)
    printed = json.loads(usage.printed)
    return Run(usage, printed["seconds"], printed["created"])


def summarize(operation: str, measure: Measure, pairs: Sequence[tuple[Run, Run]]) -> Comparison:
    """Return what `measure` tells of pairs of a run of the floor and a rehearsal."""
    values = [(measure.of(floor), measure.of(rehearsed)) for floor, rehearsed in pairs]
    ratios = [rehearsed / floor for floor, rehearsed in values]
    return Comparison(
        operation=operation,
        measure=measure.name,
        unit=measure.unit,
        floor=statistics.median(floor for floor, _ in values),
        rehearsed=statistics.median(rehearsed for _, rehearsed in values),
        ratio=statistics.median(ratios),
        lowest=min(ratios),
        highest=max(ratios),
        bound=BOUND if measure.judged else None,
    )


def _pair(operation: str, state: Path, pulumi_cli: Path, variables: Mapping[str, str]) -> tuple[Run, Run]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        floor = run_floor(operation, state, Path(folder), pulumi_cli, variables)
    with project_copy(STACK) as project:
        rehearsed = rehearse(operation, STACK, project, variables)
    if floor.created != rehearsed.created:
        raise BenchError(
            f"{operation}: the floor creates {floor.created} resources and the rehearsal {rehearsed.created}. The "
            "floor is to create the same: see bench/floor.py."
        )
    return floor, rehearsed
