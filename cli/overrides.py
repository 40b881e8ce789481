"""Settings that the command line puts over those of a stack file, as `pulumi config set --path` would."""

import json
import re
from collections.abc import Mapping
from typing import Any, cast

from cli.errors import RefusedError

_STEP = re.compile(r"""\.?(?P<name>[^.\[\]"]+)|\[(?P<index>\d+)\]|\.?\[(?P<quoted>"(?:[^"\\]|\\.)*")\]""")
_INTEGER = re.compile(r"-?(0|[1-9]\d*)")


def overridden(config: Mapping[str, Any], path: str, value: str, project: str) -> dict[str, Any]:
    """Return `config` with `value` at `path`, such as `service.shards` or `sourceRanges[0]`. `Any`: JSON.

    Raises:
        RefusedError: `path` is none, or leads through something that is neither map nor list.
    """
    steps = _steps(path)
    first = str(steps[0])
    # only what stands within a map or list is anything but text
    return cast(
        "dict[str, Any]",
        _put(config, [first if ":" in first else f"{project}:{first}", *steps[1:]], _typed(value, deep=len(steps) > 1)),
    )


def _steps(path: str) -> list[str | int]:
    steps: list[str | int] = []
    end = 0
    while end < len(path):
        match = _STEP.match(path, end)
        if match is None:
            break
        end = match.end()
        name, index, quoted = match["name"], match["index"], match["quoted"]
        steps.append(name if name is not None else int(index) if index is not None else json.loads(quoted))
    if end < len(path) or not steps or isinstance(steps[0], int):
        raise RefusedError(f"--config {path}: is no path of a setting. Write it like service.shards.")
    return steps


def _typed(value: str, *, deep: bool) -> str | int | bool:
    if not deep:
        return value
    if value in ("true", "false"):
        return value == "true"
    return int(value) if _INTEGER.fullmatch(value) else value


def _put(container: Any, steps: list[str | int], value: Any) -> Any:  # Any: JSON
    """Return a copy of `container` with `value` at `steps`, making the maps and lists that are missing."""
    if not steps:
        return value
    step, *rest = steps
    if isinstance(step, int):
        items: list[Any] = [] if container is None else container
        if not isinstance(items, list) or step > len(items):  # pyright: ignore[reportUnnecessaryIsInstance] JSON
            raise RefusedError(f"--config: [{step}] is no place of a list there. Set the ones before it first.")
        inner = items[step] if step < len(items) else None
        return [*items[:step], _put(inner, rest, value), *items[step + 1 :]]
    entries: dict[str, Any] = {} if container is None else container
    if not isinstance(entries, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] JSON
        raise RefusedError(f"--config: there is no map that could hold {step!r}.")
    return {**entries, step: _put(entries.get(step), rest, value)}
