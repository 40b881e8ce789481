"""Shows what was measured: tables for people, JSON for scripts."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from bench.checks import BOUND_SECONDS, Checks
from bench.compare import STACK, Comparison
from bench.diffs import MEMORY_BOUND, TIME_BOUND, Diffs
from bench.growth import FIRST, LAST, MARGIN, MIDDLE, SIZES, Growth, Line
from bench.requests import BOUND as REQUEST_BOUND
from bench.requests import TOKENS, Requests


def to_json(
    comparisons: Sequence[Comparison], growths: Sequence[Growth], checks: Checks, diffs: Diffs, requests: Requests
) -> dict[str, Any]:
    """Return everything as one JSON document. `Any`: JSON."""
    return {
        "stack": STACK,
        "comparisons": [{**asdict(each), "kept": each.kept} for each in comparisons],
        "growth": [{**asdict(each), **_verdicts(each)} for each in growths],
        "check": {**asdict(checks), "bound": BOUND_SECONDS, "kept": checks.kept},
        "diff": {
            **asdict(diffs),
            "bound": TIME_BOUND,
            "memory_ratio": diffs.memory_ratio,
            "memory_bound": MEMORY_BOUND,
            "kept": diffs.kept,
        },
        "request": {**asdict(requests), "bound": REQUEST_BOUND, "kept": requests.kept},
        "kept": all(each.kept for each in [*comparisons, *growths, checks, diffs, requests]),
    }


def _verdicts(growth: Growth) -> dict[str, Any]:  # Any: JSON
    lines = {"floor": growth.floor, "rehearsed": growth.rehearsed}
    added = {name: {"early": line.early, "late": line.late} for name, line in lines.items()}
    return {"added": added, "bound": growth.bound, "kept": growth.kept}


def show(
    comparisons: Sequence[Comparison],
    growths: Sequence[Growth],
    checks: Checks,
    diffs: Diffs,
    requests: Requests,
    console: Console,
) -> None:
    """Print all of it as tables."""
    table = _table(f"Rehearsals of {STACK} against the floor", "floor", "rehearsed", "ratio", "from to", "at most")
    for each in comparisons:
        table.add_row(
            each.operation,
            f"{each.measure}, {each.unit}",
            f"{each.floor:.1f}",
            f"{each.rehearsed:.1f}",
            f"{each.ratio:.2f}",
            f"{each.lowest:.2f} {each.highest:.2f}",
            f"{each.bound:.2f}" if each.bound else "",
            _verdict(each.kept) if each.bound else "",
        )
    console.print(table)
    columns = *map(str, SIZES), f"{FIRST}-{MIDDLE} each", f"{MIDDLE}-{LAST} each", "at most"
    table = _table(f"Growth with the number of inference services (margin {MARGIN:.0%}, and noise)", *columns)
    for each in growths:
        table.add_row(each.operation, f"{each.measure}, {each.unit}", *_numbers(each.rehearsed), *_bound(each))
        table.add_row("", "  floor", *_numbers(each.floor), "", "", style="dim")
    console.print(table)
    table = _table("Check of all stacks", "stacks", "imports", "beyond them", "from to", "at most")
    table.add_row(
        "check",
        "CPU, s",
        str(checks.stacks),
        f"{checks.imports:.1f}",
        f"{checks.seconds:.2f}",
        f"{checks.lowest:.2f} {checks.highest:.2f}",
        f"{BOUND_SECONDS:.2f}",
        _verdict(checks.kept),
    )
    console.print(table)
    sizes = diffs.memory_mib
    table = _table(f"Diff of all {diffs.stacks} stacks", "up of one", "diff", "ratio", "at most")
    ratio = f"{diffs.ratio:.2f}"
    verdict = _verdict(diffs.ratio <= TIME_BOUND)
    table.add_row("diff", "time, s", f"{diffs.up:.1f}", f"{diffs.seconds:.1f}", ratio, f"{TIME_BOUND:.2f}", verdict)
    console.print(table)
    table = _table("Memory of a diff of more stacks, all processes together", *map(str, sizes), "ratio", "at most")
    ratio = f"{diffs.memory_ratio:.2f}"
    verdict = _verdict(diffs.memory_ratio <= MEMORY_BOUND)
    numbers = [f"{each:.0f}" for each in sizes.values()]
    table.add_row("diff", "memory, MiB", *numbers, ratio, f"{MEMORY_BOUND:.2f}", verdict)
    console.print(table)
    table = _table(
        f"A request with {TOKENS} tokens of `llm-serving bench`", "bare", "bench", "ratio", "from to", "at most"
    )
    table.add_row(
        "request",
        "CPU, ms",
        f"{requests.bare:.2f}",
        f"{requests.measured:.2f}",
        f"{requests.ratio:.2f}",
        f"{requests.lowest:.2f} {requests.highest:.2f}",
        f"{REQUEST_BOUND:.2f}",
        _verdict(requests.kept),
    )
    console.print(table)


def _numbers(line: Line) -> list[str]:
    return [*(f"{line.values[size]:.1f}" for size in SIZES), f"{line.early:.2f}", f"{line.late:.2f}"]


def _bound(growth: Growth) -> list[str]:
    return [f"{growth.bound:.2f}", _verdict(growth.kept)] if growth.judged else ["", ""]


def _table(title: str, *numbers: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE, pad_edge=False)
    for _ in ("operation", "measure"):
        table.add_column("", no_wrap=True)
    for heading in (*numbers, ""):
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _verdict(kept: bool) -> str:  # noqa: FBT001 (its only argument)
    return "[green]kept[/]" if kept else "[bold red]missed[/]"
