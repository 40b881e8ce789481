"""What to do about a failure: the last thing that a person reads of it."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from cli.progress import Diagnostic

OTHERWISE = "Run this again, which goes on from here. If the same is told again, the log has more."
"""What is advised where nothing better is known."""
OF_THE_PROGRAM = "The program itself failed, and no cloud: mend it, then run this again."
"""What is advised where there is a traceback."""


def advise(diagnostics: Iterable[Diagnostic], names: Mapping[str, str]) -> tuple[str, ...]:
    """Return a line for each resource that failed, and for each failure that is of none: what to do about it.

    Args:
        diagnostics: all that was told. What a component says about a resource of its own, it says better.
        names: names of the resources, by URN.
    """
    errors = [each for each in diagnostics if each.severity == "error"]
    own = {
        resource: each.message
        for each in errors
        if each.urn not in names and (resource := each.message.partition(": ")[0]) in names.values()
    }
    lines = list(own.values())
    for each in errors:
        name = names.get(each.urn or "", "")
        if each.message not in lines and name not in own:
            advice = OF_THE_PROGRAM if each.traceback else advice_on(each.message)
            lines.append(f"{name}: {advice}" if name else advice)
    return tuple(dict.fromkeys(lines))


def advice_on(message: str) -> str:
    """Return what to do about what a cloud, a provider or the engine said."""
    for pattern, advice in _advice():
        if found := pattern.search(message):
            return advice.format_map({name: text or "" for name, text in found.groupdict().items()})
    return OTHERWISE


@cache
def _advice() -> tuple[tuple[re.Pattern[str], str], ...]:
    entries = tomllib.loads((Path(__file__).parent / "advice.toml").read_text(encoding="utf-8"))["advice"]
    return tuple((re.compile(each["says"], re.DOTALL), each["do"]) for each in entries)
