"""Which share of a rehearsal's processor time the project's own code takes, in the largest stack of the growth."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.growth import SHAPES, STACK, project_of
from bench.measure import run
from bench.rehearsed import arguments_of, environment

BOUND = 0.1
"""Most of the processor time of the Python process that the components may take, with the libraries they call."""
JUDGED = "components"


@dataclass(frozen=True)
class Shares:
    """What a profiled `up` took, in seconds of processor time of the Python process."""

    services: int
    seconds: float
    """All of it, what the profiler takes included."""
    own: Mapping[str, float]
    """By owner of the code: a folder of the project, a package, the standard library."""
    caused: Mapping[str, float]
    """By folder of the project, with what its code calls other than Pulumi's SDKs, gRPC and imports."""
    most: Mapping[str, float]
    """By function of the project, of those that took longest."""

    @property
    def judged(self) -> float:
        """The share that has a bound."""
        return self.caused.get(JUDGED, 0.0) / self.seconds

    @property
    def kept(self) -> bool:
        """Whether it is within its bound."""
        return self.judged <= BOUND


def measure_shares(pulumi_cli: Path, say: Callable[[str], None]) -> Shares:
    """Profile one `up`.

    Raises:
        BenchError: it fails.
    """
    shape = SHAPES[-1]
    services = shape.sizes[-1]
    say(f"profile of an up of {services} services")
    with project_of(shape, services) as project:
        file = project / "profile.json"
        command = [sys.executable, "-m", "bench.profiled", file, *arguments_of("up", STACK)]
        run(command, project, environment(pulumi_cli))
        return Shares(services, **json.loads(file.read_text(encoding="utf-8")))
