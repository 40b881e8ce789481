"""Whatever stands in a stack file: the stack is planned or refused readably, and never breaks."""

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from components.findings import ConfigurationError
from tests.stacks.stack_file import (
    DEV,
    JETSTREAM,
    MISTRAL,
    MIXTRAL,
    TORCHSERVE,
    TRITON,
    configuration,
    run_configuration,
)

Place = tuple[str | int, ...]
SECRETS = ("llm-serving:huggingFaceToken",)


def places(value: Any, place: Place = ()) -> Iterator[Place]:
    """Every place within nested settings."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield (*place, key)
        yield from places(part, (*place, key))


def at(value: Any, place: Place) -> Any:
    for key in place:
        value = value[key]
    return value


FILES = {stack: configuration(stack) for stack in (MIXTRAL, JETSTREAM, MISTRAL, TORCHSERVE, TRITON, DEV)}
# values of the wrong place are the likeliest mistakes, and get furthest
LIKELY = [at(file, place) for file in FILES.values() for place in places(file)]
TEXTS = st.text(max_size=6) | st.sampled_from(
    ["us-central1", "0", "-1", "1e9Gi", "0.0.0.0/0", "::/0", "{", "[]", "null"]
)
NUMBERS = st.integers(-5, 100) | st.integers() | st.just(10**400) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.sampled_from(LIKELY) | st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(TEXTS, parts, max_size=3),
    max_leaves=5,
)


def alike(value: Any) -> st.SearchStrategy[Any]:
    """Values of the same type, which pass the types and reach the checks behind them."""
    same = st.sampled_from([other for other in LIKELY if type(other) is type(value)] or [value])
    return same | NUMBERS if type(value) is int else same | TEXTS if isinstance(value, str) else same


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """A stack's configuration with one to three keys removed, renamed or with another value."""
    result = copy.deepcopy(draw(st.sampled_from(list(FILES.values()))))
    for _ in range(draw(st.integers(1, 3))):
        there = list(places(result))
        if not there:
            break
        place = draw(st.sampled_from(there))
        parent, key = at(result, place[:-1]), place[-1]
        match draw(st.sampled_from(["remove", "rename", "replace", "add", *["alike"] * 6])):
            case "remove":
                del parent[key]
            case "rename" if isinstance(parent, dict):
                # a key of the configuration itself is never empty
                name = f"llm-serving:{draw(TEXTS) or 'x'}" if parent is result else draw(TEXTS)
                parent[name] = parent.pop(key)
            case "add" if isinstance(parent, dict) and parent is not result:
                parent[draw(TEXTS)] = copy.deepcopy(draw(VALUES))
            case "alike":
                parent[key] = copy.deepcopy(draw(alike(parent[key])))
            case _:
                parent[key] = copy.deepcopy(draw(VALUES))
    return result


@given(mutated())
def test_planned_or_refused(configured: dict[str, Any]) -> None:
    recording = run_configuration(configured, SECRETS)
    if recording.error is None:
        assert len(recording.resources) > 1
        return
    assert isinstance(recording.error, ConfigurationError), repr(recording.error)
    assert [resource.type for resource in recording.resources] == ["pulumi:pulumi:Stack"]
    assert recording.error.findings
    for finding in recording.error.findings:
        assert finding.code
        assert finding.path
        assert finding.message
        assert finding.remedy
        assert str(finding) in str(recording.error)
