"""Reads from a stack's state what waits for what, and from needs.toml what has to."""

import functools
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from cli.foresight import dependencies_of
from cli.timeline.schedule import Task

State = Mapping[str, Any]  # Any: JSON
"""A resource as `pulumi stack export` tells it."""


@dataclass(frozen=True)
class Need:
    """What one kind of resource needs beside what its properties tell: a table of needs.toml, which explains each."""

    of: str
    on: str
    reason: str
    source: str
    of_where: Mapping[str, str | bool] | None = None
    on_where: Mapping[str, str | bool] | None = None
    same: tuple[str, str] | None = None
    sharing: str | None = None
    siblings: bool = False


@dataclass(frozen=True)
class Queue:
    """What changes one thing at a time: a table of needs.toml."""

    of: str
    by: str
    reason: str
    source: str


@dataclass(frozen=True)
class Needs:
    """All of needs.toml."""

    date: str
    serving: Sequence[str]
    needs: Sequence[Need]
    queues: Sequence[Queue]


@functools.cache
def load_needs() -> Needs:
    """Read needs.toml. A key that means nothing raises TypeError."""
    data = tomllib.loads(Path(__file__).with_name("needs.toml").read_text(encoding="utf-8"))
    needs = [Need(**each) for each in data.pop("needs")]
    queues = [Queue(**each) for each in data.pop("queues")]
    return Needs(**data, needs=needs, queues=queues)


def tasks_of(state: Sequence[State], seconds: Mapping[str, float]) -> list[Task]:
    """Return what an operation had to do, in the order of the state.

    Args:
        state: the resources of the stack, after the operation.
        seconds: the simulated seconds that it took for each, by URN. Those left out took none.
    """
    needs = load_needs()
    by_urn = {each["urn"]: each for each in state}
    handed = _handed_down(state, by_urn)
    return [
        Task(
            urn=urn,
            type=each["type"],
            parent=each.get("parent"),
            seconds=seconds.get(urn, 0.0),
            waits=dependencies_of(each) | handed[urn] | ({each["parent"]} if each.get("parent") else set[str]()),
            needs=_given(each, by_urn) | _needed(each, state, by_urn, needs.needs),
            queue=_queue(each, needs.queues),
        )
        for urn, each in by_urn.items()
    ]


def _handed_down(state: Sequence[State], by_urn: Mapping[str, State]) -> dict[str, set[str]]:
    """Return the providers that each component was given, by URN: it is not registered before they are there.

    The state does not tell them. They are those of its parts that are not inside of it.
    """
    found: dict[str, set[str]] = {urn: set() for urn in by_urn}
    for each in state:
        provider = str(each.get("provider") or "").rpartition("::")[0]
        around = _components_of(provider, by_urn)
        for component in _components_of(each["urn"], by_urn) if provider in by_urn else ():
            if component not in around:
                found[component].add(provider)
    return found


def _components_of(urn: str, by_urn: Mapping[str, State]) -> list[str]:
    """Return the URNs of what a resource is inside of, from the inside out."""
    found: list[str] = []
    while (urn := str(by_urn.get(urn, {}).get("parent") or "")) in by_urn:
        found.append(urn)
    return found


def _given(resource: State, by_urn: Mapping[str, State]) -> frozenset[str]:
    """Return the URNs of what the properties of `resource` come from, of its provider, and of its component."""
    parent = by_urn.get(resource.get("parent") or "")
    component = {parent["urn"]} if parent and not parent.get("custom") else set[str]()
    return dependencies_of({**resource, "dependencies": None}) | component


def _needed(
    resource: State, state: Sequence[State], by_urn: Mapping[str, State], needs: Sequence[Need]
) -> frozenset[str]:
    """Return the URNs of what `resource` needs by the tables of needs.toml."""
    return frozenset(
        other["urn"]
        for need in needs
        if re.fullmatch(need.of, resource["type"]) and _has(resource, need.of_where)
        for other in state
        if other is not resource and re.fullmatch(need.on, other["type"]) and _has(other, need.on_where)
        if need.same is None or _at(resource, need.same[0]) == _at(other, need.same[1]) is not None
        if need.sharing is None or _shared(resource, other, need.sharing, by_urn)
        if not need.siblings or resource.get("parent") == other.get("parent")
    )


def _has(resource: State, where: Mapping[str, str | bool] | None) -> bool:
    found = ((_at(resource, path), wanted) for path, wanted in (where or {}).items())
    return all(
        bool(value) is wanted if isinstance(wanted, bool) else re.fullmatch(wanted, str(value))
        for value, wanted in found
    )


def _at(resource: State, path: str) -> Any:  # Any: JSON
    value: Any = resource.get("inputs")
    for key in path.split(" > "):
        if isinstance(value, list):
            value = next(iter(cast("list[Any]", value)[int(key) :]), None)
        else:
            value = cast("dict[str, Any]", value).get(key) if isinstance(value, dict) else None
    return value


def _shared(one: State, other: State, type_: str, by_urn: Mapping[str, State]) -> bool:
    both = _through_properties(one) & _through_properties(other)
    return any(by_urn[urn]["type"] == type_ for urn in both if urn in by_urn)


def _through_properties(resource: State) -> frozenset[str]:
    return dependencies_of({"propertyDependencies": resource.get("propertyDependencies")})


def _queue(resource: State, queues: Sequence[Queue]) -> str | None:
    return next((str(_at(resource, each.by)) for each in queues if re.fullmatch(each.of, resource["type"])), None)
