"""How much of the project's code something runs: lines, by function, whatever else the machine does."""

import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

ROOT = Path(__file__).parents[1]
MARGIN = 1.2
"""How much more each of twice as many may take: what is quadratic takes twice as much."""


def lines_run(work: Callable[[], object], *folders: str) -> Counter[str]:
    """Run `work`, and tell how many lines each function in these folders ran, in all threads that it starts.

    Each turn of a loop counts, also of one that stands in one line.
    """
    under = tuple(f"{ROOT / folder}/" for folder in folders)
    counted: Counter[CodeType] = Counter()

    def on_line(frame: FrameType, event: str, _: object) -> Any:
        if event == "line":
            counted[frame.f_code] += 1
        return on_line

    def on_call(frame: FrameType, _event: str, _: object) -> Any:
        return on_line if frame.f_code.co_filename.startswith(under) else None

    before = sys.gettrace()
    threading.settrace(on_call)
    sys.settrace(on_call)
    try:
        work()
    finally:
        sys.settrace(before)
        threading.settrace(None)
    named: Counter[str] = Counter()
    for code, lines in counted.items():
        named[f"{Path(code.co_filename).relative_to(ROOT)} {code.co_qualname}"] += lines
    return named


def that_rise(few: Mapping[str, int], twice: Mapping[str, int], four_times: Mapping[str, int]) -> dict[str, list[int]]:
    """The functions of which each of the last half of so many takes more lines than each of the second quarter."""
    return {
        name: [few.get(name, 0), twice.get(name, 0), lines]
        for name, lines in four_times.items()
        if lines - twice.get(name, 0) > MARGIN * 2 * (twice.get(name, 0) - few.get(name, 0))
    }
