"""What `llm-serving diff` of several stacks takes: time against one rehearsed `up`, memory as stacks get more."""

import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.compare import STACK
from bench.errors import BenchError
from bench.measure import Usage, run
from bench.rehearsed import ROOT, project_copy, rehearse

TIME_BOUND = 6.0
"""Most that a diff of the project's own stacks may take, as a multiple of one rehearsed `up`."""
SIZES = (6, 20, 50)
"""Stacks in the repositories whose diff is measured."""
REPEATED = "Pulumi.dev.yaml"
"""What each of these is: one and the same, so that nothing but their number differs."""
MEMORY_BOUND = 1.25
"""Most memory that the last size may take, as a multiple of what the first takes."""

_OURS = ("components", "simulator", "stacks", "workloads")
"""What the program imports. A revision runs with its own."""


@dataclass(frozen=True)
class Diffs:
    """What was measured."""

    stacks: int
    """Of the project."""
    up: float
    """Median seconds of one rehearsed `up`."""
    seconds: float
    """Median, of the diff of all stacks."""
    ratio: float
    """Median of the ratios of runs that followed each other."""
    memory_mib: Mapping[int, float]
    """Peak of all processes together, by number of stacks."""

    @property
    def memory_ratio(self) -> float:
        """What the most stacks take, as a multiple of what the fewest do."""
        return self.memory_mib[max(self.memory_mib)] / self.memory_mib[min(self.memory_mib)]

    @property
    def kept(self) -> bool:
        """Whether both ratios are within their bounds."""
        return self.ratio <= TIME_BOUND and self.memory_ratio <= MEMORY_BOUND


def measure_diffs(runs: int, environment: Mapping[str, str], say: Callable[[str], None]) -> Diffs:
    """Compare the stacks with a base that differs in each, `runs` times, and once for each of `SIZES`.

    Raises:
        BenchError: one fails.
    """
    files = {path.name: path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("Pulumi.*.yaml"))}
    pairs: list[tuple[float, float]] = []
    for number in range(runs + 1):
        say("up, and diff of all stacks, " + (f"{number} of {runs}" if number else "to warm up"))
        with project_copy(STACK) as project:
            up = rehearse("up", STACK, project, environment)
        pairs.append((up.usage.seconds, diff(files, environment).seconds))
    memory: dict[int, float] = {}
    for size in SIZES:
        say(f"diff of {size} stacks")
        repeated = {f"Pulumi.stack-{number:02}.yaml": files[REPEATED] for number in range(size)}
        memory[size] = diff(repeated, environment).tree_memory_mib
    return summarize(len(files), pairs[1:], memory)


def summarize(stacks: int, pairs: Sequence[tuple[float, float]], memory: Mapping[int, float]) -> Diffs:
    """Return what pairs of an `up` and a diff, in seconds, and the peaks of memory tell together."""
    return Diffs(
        stacks=stacks,
        up=statistics.median(up for up, _ in pairs),
        seconds=statistics.median(seconds for _, seconds in pairs),
        ratio=statistics.median(seconds / up for up, seconds in pairs),
        memory_mib=memory,
    )


def diff(files: Mapping[str, str], environment: Mapping[str, str]) -> Usage:
    """Diff a repository with the stacks of `files`, each changed, once.

    Raises:
        BenchError: it fails, or tells of fewer stacks that change.
    """
    with _repository(files) as folder:
        # -P: what compares is this tree's, although the repository has some of it, too
        usage = run([sys.executable, "-P", "-m", "cli", "diff", "--against", "HEAD"], folder, environment)
    unchanged = [line for line in usage.printed.splitlines() if line.endswith(": unchanged")]
    if unchanged:
        raise BenchError(f"Every stack was to change, and the diff tells: {', '.join(unchanged)}")
    return usage


@contextmanager
def _repository(files: Mapping[str, str]) -> Generator[Path]:
    """Give a repository whose newest commit has `files`, and whose working tree changes each stack."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        project = Path(folder)
        for name in ("Pulumi.yaml", "__main__.py"):
            shutil.copy(ROOT / name, project)
        for name in _OURS:
            shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
        (project / ".gitignore").write_text("__pycache__\n/stdout\n/stderr\n", encoding="utf-8")
        for name, text in files.items():
            (project / name).write_text(text, encoding="utf-8")
        for command in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "--message", "base")):
            identity = ("-c", "user.name=bench", "-c", "user.email=bench@example.com")
            subprocess.run(["git", *identity, "-C", project, *command], check=True)
        with (project / "__main__.py").open("a", encoding="utf-8") as program:
            program.write('\nimport pulumi\n\npulumi.export("revision", "changed")\n')
        yield project
