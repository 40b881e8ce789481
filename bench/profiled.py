"""A rehearsal whose processor time is told by whose code takes it.

`python -m bench.profiled FILE ARGUMENTS...` runs the command line with ARGUMENTS, and writes what took how long to
FILE.
"""

import json
import sys
import sysconfig
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from bench.profiling import Function, Profilers, Timing

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ("components", "stacks", "simulator", "cli", "bench")
"""Folders of the project that run in a rehearsal."""
SDK, GRPC, LOADING = "Pulumi's SDK", "gRPC and protobuf", "importing"
LIBRARY, OTHER = "standard library", "other packages"
PACKAGES = {
    **dict.fromkeys(("pulumi", "pulumi_gcp", "pulumi_kubernetes", "pulumi_oci"), SDK),
    **dict.fromkeys(("grpc", "google"), GRPC),
    **dict.fromkeys(("pydantic", "pydantic_core"), "pydantic"),
}
FLOOR = (SDK, GRPC, LOADING)
"""What works for itself, whoever calls it: the floor has it too."""
DEPTH = 10
"""How many calls of libraries among themselves are gone up to find who of the project caused them."""

_SITE = Path(sysconfig.get_path("purelib"))


def owner_of(function: Function) -> str | None:
    """Tell whose code a function is: a folder of the project, a package, or the standard library. None: it is in C."""
    if isinstance(function, str):
        return None
    file = Path(function.co_filename)
    if file.is_relative_to(_SITE):
        return PACKAGES.get(file.relative_to(_SITE).parts[0], OTHER)
    if file.is_relative_to(ROOT):
        folder = file.relative_to(ROOT).parts[0]
        return folder if folder in PROJECT else OTHER
    return LOADING if function.co_filename.startswith("<frozen importlib") else LIBRARY


def own_seconds(timings: Mapping[Function, Timing]) -> dict[str, float]:
    """Return what the code of each owner took. What is in C counts for the function that called it."""
    seconds: dict[str, float] = defaultdict(float)
    for function, timing in timings.items():
        owner = owner_of(function)
        if owner is not None:
            seconds[owner] += timing.own
            continue
        for call in timing.calls:
            seconds[owner_of(call.caller) or LIBRARY] += call.own
    return seconds


def caused_seconds(timings: Mapping[Function, Timing]) -> dict[str, float]:
    """Return what each folder of the project took together with the libraries it called, but not what `FLOOR` did.

    What several have called is divided among them by how long it took for each, as gprof does.
    """
    parts: dict[Function, Mapping[str, float]] = {}

    def of(function: Function) -> Mapping[str, float]:
        owner = owner_of(function)
        return {owner: 1.0} if owner in PROJECT else {} if owner in FLOOR else parts.get(function, {})

    for _ in range(DEPTH):
        parts = {
            function: _divided([(call.whole, of(call.caller)) for call in timing.calls])
            for function, timing in timings.items()
            if owner_of(function) not in (*PROJECT, *FLOOR)
        }
    seconds: dict[str, float] = defaultdict(float)
    for function, timing in timings.items():
        shares = [(timing.own, of(function))]
        if function in parts:
            shares = [(call.own, of(call.caller)) for call in timing.calls]
        for own, owners in shares:
            for owner, part in owners.items():
                seconds[owner] += own * part
    return seconds


def _divided(shares: list[tuple[float, Mapping[str, float]]]) -> Mapping[str, float]:
    whole = sum(weight for weight, _ in shares)
    divided: dict[str, float] = defaultdict(float)
    for weight, owners in shares:
        for owner, part in owners.items():
            divided[owner] += weight / whole * part if whole > 0 else 0.0
    return divided


def most_seconds(timings: Mapping[Function, Timing], count: int) -> dict[str, float]:
    """Return the functions of the project that themselves took longest, what they call in C included."""
    seconds: dict[Function, float] = defaultdict(float)
    for function, timing in timings.items():
        if isinstance(function, str):
            for call in timing.calls:
                seconds[call.caller] += call.own
        else:
            seconds[function] += timing.own
    ours = [
        (each, own)
        for each, own in sorted(seconds.items(), key=lambda each: -each[1])
        if owner_of(each) in PROJECT and not isinstance(each, str)
    ]
    return {f"{Path(code.co_filename).relative_to(ROOT)} {code.co_qualname}": own for code, own in ours[:count]}


def main(file: Path, arguments: list[str]) -> None:
    """Run the command line under the profilers."""
    profilers = Profilers()
    profilers.start()
    sys.argv = ["llm-serving", *arguments]
    try:
        from cli.__main__ import main  # its imports are part of what it takes

        main()
    finally:
        timings = profilers.stop()
        measured = {
            "seconds": time.process_time(),
            "own": own_seconds(timings),
            "caused": caused_seconds(timings),
            "most": most_seconds(timings, 15),
        }
        file.write_text(json.dumps(measured), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
