"""How long `check` of all stacks takes beyond what Python takes to import it.

`python -m bench.checks` does it once, and prints one line of JSON.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from bench.measure import run
from cli.project import find_project

BOUND_SECONDS = 0.5
"""Most processor time that all stacks may take, beyond the imports."""


@dataclass(frozen=True)
class Checks:
    """What was measured: seconds of processor time, of which other work of the machine takes nothing."""

    stacks: int
    imports: float
    """Median: the floor."""
    seconds: float
    """Median, the first reading of the catalogue included."""
    lowest: float
    highest: float

    @property
    def kept(self) -> bool:
        """Whether the time is within its bound."""
        return self.seconds <= BOUND_SECONDS


def measure_checks(runs: int, environment: dict[str, str], say: Callable[[str], None]) -> Checks:
    """Check all stacks in `runs` processes, one after the other, after one to warm up.

    Raises:
        BenchError: one fails.
    """
    printed: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for number in range(runs + 1):
            say("check of all stacks, " + (f"{number} of {runs}" if number else "to warm up"))
            done = run([sys.executable, "-m", "bench.checks"], Path(folder), environment)
            printed.append(json.loads(done.printed))
    return summarize(printed[1:])


def summarize(printed: Sequence[dict[str, float]]) -> Checks:
    """Return what several runs tell together."""
    seconds = [each["seconds"] for each in printed]
    return Checks(
        stacks=int(printed[0]["stacks"]),
        imports=statistics.median(each["imports"] for each in printed),
        seconds=statistics.median(seconds),
        lowest=min(seconds),
        highest=max(seconds),
    )


def main() -> None:
    """Check all stacks once."""
    started = time.process_time()
    check = import_module("cli.check")
    # which are imported when they are asked for
    dict(import_module("stacks").RECIPES)
    imported = time.process_time()
    project = find_project(Path(__file__).parents[1])
    checked = [check.check_stack(project, stack) for stack in project.stacks()]
    seconds = time.process_time() - imported
    print(json.dumps({"stacks": len(checked), "imports": imported - started, "seconds": seconds}))


if __name__ == "__main__":
    main()
