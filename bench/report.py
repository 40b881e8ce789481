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
from bench.growth import MARGIN, SHAPES, Growth, Line, Shape
from bench.requests import BOUND as REQUEST_BOUND
from bench.requests import TOKENS, Requests
from bench.shares import BOUND as SHARE_BOUND
from bench.shares import JUDGED, Shares


def to_json(
    comparisons: Sequence[Comparison],
    growths: Sequence[Growth],
    shares: Shares,
    checks: Checks,
    diffs: Diffs,
    requests: Requests,
) -> dict[str, Any]:
    """Return everything as one JSON document. `Any`: JSON."""
    return {
        "stack": STACK,
        "comparisons": [{**asdict(each), "kept": each.kept} for each in comparisons],
        "growth": [_growth_json(each) for each in growths],
        "share": {**asdict(shares), "share": shares.judged, "bound": SHARE_BOUND, "kept": shares.kept},
        "check": {**asdict(checks), "bound": BOUND_SECONDS, "kept": checks.kept},
        "diff": {
            **asdict(diffs),
            "bound": TIME_BOUND,
            "memory_ratio": diffs.memory_ratio,
            "memory_bound": MEMORY_BOUND,
            "kept": diffs.kept,
        },
        "request": {**asdict(requests), "bound": REQUEST_BOUND, "kept": requests.kept},
        "kept": all(each.kept for each in [*comparisons, *growths, shares, checks, diffs, requests]),
    }


def _growth_json(growth: Growth) -> dict[str, Any]:  # Any: JSON
    return {
        "shape": growth.shape.name,
        "operation": growth.operation,
        "measure": growth.measure.name,
        "unit": growth.measure.unit,
        "floor": asdict(growth.floor),
        "rehearsed": asdict(growth.rehearsed),
        "added": {"early": growth.early, "late": growth.late},
        "bound": growth.bound,
        "ratio": growth.ratio,
        "kept": growth.kept,
    }


def show(
    comparisons: Sequence[Comparison],
    growths: Sequence[Growth],
    shares: Shares,
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
    for shape in SHAPES:
        console.print(_growth_table(shape, [each for each in growths if each.shape == shape]))
    console.print(_share_table(shares))
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


def _growth_table(shape: Shape, growths: Sequence[Growth]) -> Table:
    first, middle, last = shape.judged_at
    columns = *map(str, shape.sizes), f"{first}-{middle} each", f"{middle}-{last} each", "at most", "ratio"
    table = _table(f"Growth with {shape.name} (margin {MARGIN:.0%}, and noise)", *columns)
    for each in growths:
        bound = f"{each.bound:.2f}" if each.measure.growth_judged else ""
        judged = each.measure.growth_judged or each.measure.judged
        table.add_row(
            each.operation,
            f"{each.measure.name}, {each.measure.unit}",
            *_numbers(shape, each.rehearsed),
            bound,
            f"{each.ratio:.2f}",
            _verdict(each.kept) if judged else "",
        )
        table.add_row("", "  floor", *_numbers(shape, each.floor), "", "", "", style="dim")
    return table


def _numbers(shape: Shape, line: Line) -> list[str]:
    first, middle, last = shape.judged_at
    added = line.added(first, middle), line.added(middle, last)
    return [*(f"{line.values[size]:.1f}" for size in shape.sizes), *(f"{each:.2f}" for each in added)]


def _share_table(shares: Shares) -> Table:
    table = _table(f"Whose code an up of {shares.services} services runs in Python, {shares.seconds:.0f} s of CPU",
                   "own, s", "own", "with calls, s", "with calls", "at most")  # fmt: skip
    for owner, own in sorted(shares.own.items(), key=lambda each: -each[1]):
        caused = shares.caused.get(owner)
        whole = ["", ""] if caused is None else [f"{caused:.2f}", f"{caused / shares.seconds:.1%}"]
        verdict = [f"{SHARE_BOUND:.0%}", _verdict(shares.kept)] if owner == JUDGED else ["", ""]
        table.add_row("", owner, f"{own:.2f}", f"{own / shares.seconds:.1%}", *whole, *verdict)
    for function, own in shares.most.items():
        table.add_row("", f"  {function}", f"{own:.2f}", f"{own / shares.seconds:.1%}", "", "", "", "", style="dim")
    return table


def _table(title: str, *numbers: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE, pad_edge=False)
    for _ in ("operation", "measure"):
        table.add_column("", no_wrap=True)
    for heading in (*numbers, ""):
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _verdict(kept: bool) -> str:  # noqa: FBT001 (its only argument)
    return "[green]kept[/]" if kept else "[bold red]missed[/]"
