"""What changed between two sets of inputs, property by property, and which of it replaces the resource."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

from pulumi.runtime.proto import provider_pb2

from simulator.values import Path, Properties, format_path, is_list, is_object, plain

Kind = provider_pb2.PropertyDiff.Kind
ADD, DELETE, UPDATE = provider_pb2.PropertyDiff.ADD, provider_pb2.PropertyDiff.DELETE, provider_pb2.PropertyDiff.UPDATE
REPLACING = {
    ADD: provider_pb2.PropertyDiff.ADD_REPLACE,
    DELETE: provider_pb2.PropertyDiff.DELETE_REPLACE,
    UPDATE: provider_pb2.PropertyDiff.UPDATE_REPLACE,
}
"""The kind that says the same and that the resource is replaced for it."""


def detailed_diff(
    old: Properties, new: Properties, replaces: Callable[[tuple[str, ...]], bool]
) -> dict[str, provider_pb2.PropertyDiff]:
    """Compare inputs. `replaces` tells whether a change at a path, list indices left out, replaces the resource."""
    found: dict[str, provider_pb2.PropertyDiff] = {}
    for path, kind, changed in _changes(plain(old), plain(new), ()):
        # a block that comes or goes changes everything in it
        replacing = any(replaces(_names(below)) for below in _paths(changed, path))
        found[format_path(path)] = provider_pb2.PropertyDiff(kind=REPLACING[kind] if replacing else kind)
    return found


_ABSENT = object()


def _changes(old: Any, new: Any, path: Path) -> Iterator[tuple[Path, Kind.ValueType, Any]]:  # Any: any JSON
    """Every changed path with the value that came, went or is new."""
    if is_object(old) and is_object(new):
        for key in [*old, *(key for key in new if key not in old)]:
            if not key.startswith("__"):
                yield from _changes(old.get(key, _ABSENT), new.get(key, _ABSENT), (*path, key))
    elif is_list(old) and is_list(new):
        for index, (before, after) in enumerate(itertools.zip_longest(old, new, fillvalue=_ABSENT)):
            yield from _changes(before, after, (*path, index))
    elif old is _ABSENT:
        yield path, ADD, new
    elif new is _ABSENT:
        yield path, DELETE, old
    elif old != new:
        yield path, UPDATE, new


def _paths(value: Any, path: Path) -> Iterator[Path]:  # Any: any JSON
    yield path
    if is_object(value):
        for key, item in value.items():
            yield from _paths(item, (*path, key))
    elif is_list(value):
        for index, item in enumerate(value):
            yield from _paths(item, (*path, index))


def _names(path: Path) -> tuple[str, ...]:
    return tuple(part for part in path if isinstance(part, str))
