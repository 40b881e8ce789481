"""How a rehearsal grows with the services on a cluster and with the clusters of a stack, and how the floor does."""

import statistics
import tempfile
from collections import defaultdict
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.compare import BOUND, MEASURES, Measure, run_floor
from bench.growth_program import LARGEST, ZONES
from bench.rehearsed import AGAIN, Run, environment, record, rehearse

MARGIN = 0.25
"""How much more each service may add after the middle size than before it, besides the noise of the run."""
ON_EACH = 10
"""Services on each cluster where there are several."""


@dataclass(frozen=True)
class Shape:
    """Stacks of one kind in several sizes."""

    name: str
    clusters: Mapping[int, int]
    """How many clusters, by how many services there are on all of them together."""
    operations: Sequence[str]
    """On one stack, in this order."""
    floor_rises: bool = False
    """Whether each service may add more at the end by as much more as it adds to the floor: to write the whole state
    after every step, as Pulumi does, takes the square of hundreds of resources."""
    most_rounds: int | None = None
    """Rounds that are enough where one takes long; None: as many as are asked for."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many services, the fewest first."""
        return tuple(self.clusters)

    @property
    def judged_at(self) -> tuple[int, int, int]:
        """The first size, the middle one and the last: what each service adds before the middle and after it counts."""
        return self.sizes[0], self.sizes[-2], self.sizes[-1]


SHAPES = (
    Shape("services on one cluster", dict.fromkeys((1, 5, 10, LARGEST), 1), ("preview", "up")),
    Shape(
        f"clusters with {ON_EACH} services each",
        {ON_EACH * clusters: clusters for clusters in (1, 3, len(ZONES))},
        ("preview", "up", AGAIN),
        floor_rises=True,
        most_rounds=2,
    ),
)

STACK = "services"
_PROJECT = "name: growth\nruntime: python\n"
_SETTINGS = "config:\n  gcp:project: bench-project\n  pulumi:disable-default-providers: [kubernetes]\n"
_PROGRAM = "from bench.growth_program import main\n\nmain({clusters}, {services})\n"

Runs = Mapping[int, Sequence[Run]]
"""Runs by number of services."""


@dataclass(frozen=True)
class Line:
    """How one measure grows."""

    values: Mapping[int, float]
    """By number of services, the least of the rounds: what else the machine does only adds."""
    noise: Mapping[int, float]
    """By number of services, how far the median of the rounds lies above the least."""

    def added(self, first: int, last: int) -> float:
        """What each service adds from one size to another."""
        return (self.values[last] - self.values[first]) / (last - first)


@dataclass(frozen=True)
class Growth:
    """How one measure of an operation grows, rehearsed and on the floor."""

    shape: Shape
    operation: str
    measure: Measure
    floor: Line
    rehearsed: Line

    @property
    def early(self) -> float:
        """What each service adds from the first size to the middle one."""
        return self.rehearsed.added(*self.shape.judged_at[:2])

    @property
    def late(self) -> float:
        """What each service adds from the middle size to the last one."""
        return self.rehearsed.added(*self.shape.judged_at[1:])

    @property
    def bound(self) -> float:
        """Most that a service may add at the end: what it adds at first, the margin, and the noise of this run."""
        first, middle, last = self.shape.judged_at
        noise = self.rehearsed.noise[middle] + self.rehearsed.noise[last]
        risen = self.floor.added(middle, last) - self.floor.added(first, middle) if self.shape.floor_rises else 0.0
        return (self.early + max(0.0, risen)) * (1 + MARGIN) + noise / (last - middle)

    @property
    def ratio(self) -> float:
        """The largest rehearsal as a multiple of its floor."""
        return self.rehearsed.values[self.shape.sizes[-1]] / self.floor.values[self.shape.sizes[-1]]

    @property
    def kept(self) -> bool:
        """Whether it grows no worse than linearly, and ends no further from the floor than any rehearsal may."""
        grows = not self.measure.growth_judged or self.late <= self.bound
        return grows and (not self.measure.judged or self.ratio <= BOUND)


def growth(pulumi_cli: Path, rounds: int, say: Callable[[str], None]) -> list[Growth]:
    """Rehearse stacks of each shape and size, and run the floor, by turns, `rounds` times.

    Raises:
        BenchError: one fails.
    """
    return [each for shape in SHAPES for each in grow(shape, pulumi_cli, rounds, say)]


def grow(shape: Shape, pulumi_cli: Path, rounds: int, say: Callable[[str], None]) -> list[Growth]:
    """Do so for one shape.

    Raises:
        BenchError: one fails.
    """
    variables = environment(pulumi_cli)
    rounds = min(rounds, shape.most_rounds or rounds)
    floors: dict[tuple[str, int], list[Run]] = defaultdict(list)
    rehearsed: dict[tuple[str, int], list[Run]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        states = {size: Path(folder) / f"{size}.json" for size in shape.sizes}
        for size, state in states.items():
            say(f"recording what a rehearsal of {size} services registers")
            with project_of(shape, size) as project:
                record(STACK, project, pulumi_cli, state)
        for number in range(rounds):
            for size, state in states.items():
                say(f"{', '.join(shape.operations)} of {size} services, {number + 1} of {rounds}")
                with project_of(shape, size) as project, tempfile.TemporaryDirectory(prefix="bench-") as work:
                    for operation in shape.operations:
                        floors[operation, size].append(run_floor(operation, state, Path(work), pulumi_cli, variables))
                        rehearsed[operation, size].append(rehearse(operation, STACK, project, variables))
    return [
        summarize(
            shape,
            operation,
            measure,
            {size: floors[operation, size] for size in shape.sizes},
            {size: rehearsed[operation, size] for size in shape.sizes},
        )
        for operation in shape.operations
        for measure in MEASURES
    ]


def summarize(shape: Shape, operation: str, measure: Measure, floors: Runs, rehearsed: Runs) -> Growth:
    """Return what `measure` tells of the runs of each size."""
    return Growth(shape, operation, measure, floor=_line(measure, floors), rehearsed=_line(measure, rehearsed))


def _line(measure: Measure, runs: Runs) -> Line:
    rounds = {size: [measure.of(run) for run in of_size] for size, of_size in runs.items()}
    return Line(
        values={size: min(each) for size, each in rounds.items()},
        noise={size: statistics.median(each) - min(each) for size, each in rounds.items()},
    )


@contextmanager
def project_of(shape: Shape, size: int) -> Generator[Path]:
    """Give a folder with a project whose stack `STACK` has `size` services."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        project = Path(folder)
        clusters = shape.clusters[size]
        program = _PROGRAM.format(clusters=clusters, services=size // clusters)
        (project / "Pulumi.yaml").write_text(_PROJECT, encoding="utf-8")
        (project / f"Pulumi.{STACK}.yaml").write_text(_SETTINGS, encoding="utf-8")
        (project / "__main__.py").write_text(program, encoding="utf-8")
        yield project
