"""Each kind of fault at every resource of every stack: told so that it helps, and got over by the next runs."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from cli.advice import OTHERWISE
from cli.conduct import report
from cli.rehearsal import Rehearsal
from cli.result import Outcome, Result
from simulator import Fault
from simulator.faults import Faults, Kind
from stacks import RECIPES
from tests.stress.conftest import Undisturbed, change
from tests.stress.world import World, world


def targets(existing: World) -> set[str]:
    """By which a fault finds each resource, and no other."""
    parts = (each.urn.split("::") for each in existing.clouds)
    return {target_of(kinds.rpartition("$")[2], name) for *_, kinds, name in parts}


def target_of(token: str, name: str) -> str:
    return f"{token} {name} "


class Struck(set[tuple[Kind, str]]):
    """What faults have struck in the running operation: kinds and targets."""


@pytest.fixture
def struck(monkeypatch: pytest.MonkeyPatch) -> Struck:
    found, strikes = Struck(), Faults.strikes

    def strike(faults: Faults, kind: Kind, resource: str) -> bool:
        hit = strikes(faults, kind, resource)
        if hit:
            found.add((kind, target_of(*resource.split(" ")[:2])))
        return hit

    monkeypatch.setattr(Faults, "strikes", strike)
    return found


def check_told(result: Result, struck: Struck) -> None:
    """The last lines name what was struck and say what to do."""
    console = Console(file=io.StringIO(), width=200)
    report(result, console, debug=False, as_json=False)
    told = console.file.getvalue()
    before, _, last = told.partition("What to do:\n")
    assert "Traceback" not in told
    lines = last.splitlines()
    assert lines[-1] == f"Then `llm-serving rehearse {result.operation} {result.stack}` goes on from here."
    for each in result.resources:
        # a report on capacity tells of a stockout, and does not fail by it
        if each.failed and target_of(each.type, each.name) in {target for _, target in struck}:
            assert f"{each.name}: " in before
            (line,) = (line for line in lines if line.startswith(f"  {each.name}: "))
            assert OTHERWISE not in line


def get_through(operation: Callable[[], Result], rehearsal: Rehearsal, left: set[Fault], struck: Struck) -> set[Fault]:
    """Run until nothing of `left` strikes any more, each once. Returns what has not struck."""
    while True:
        struck.clear()
        rehearsal.faults = sorted(left, key=str)
        result = operation()
        if result.outcome is Outcome.SUCCEEDED:
            assert not struck
            return left
        assert struck, result.diagnostics
        check_told(result, struck)
        left = {each for each in left if (each.kind, each.target) not in struck}


@pytest.mark.parametrize("turn", [0, pytest.param(1, marks=pytest.mark.stress)])
@pytest.mark.parametrize("stack", RECIPES)
def test_what_is_half_made_or_late(
    stack: str, turn: int, project: Path, undisturbed: Undisturbed, struck: Struck
) -> None:
    before, after = undisturbed.of(stack)
    kinds: dict[str, Kind] = {
        target: ("partial", "timeout")[(number + turn) % 2]
        for number, target in enumerate(sorted(targets(before) | targets(after)))
    }
    faults = {Fault(kind, target, 1) for target, kind in kinds.items()}
    rehearsal = Rehearsal(stack, folder=project)
    left = get_through(rehearsal.up, rehearsal, faults, struck)
    assert {each.target for each in left}.isdisjoint(targets(before))
    assert world(rehearsal) == before
    change(rehearsal)
    get_through(rehearsal.up, rehearsal, faults, struck)
    assert world(rehearsal) == after
    unharmed = get_through(rehearsal.destroy, rehearsal, faults, struck)
    assert not rehearsal.home.folder.exists()
    assert {each.target for each in unharmed if each.kind == "timeout"}.isdisjoint(targets(after))


@pytest.mark.parametrize("stack", RECIPES)
def test_what_is_refused_and_what_is_asked_too_often(
    stack: str, project: Path, undisturbed: Undisturbed, struck: Struck
) -> None:
    before, _ = undisturbed.of(stack)
    everything = targets(before)
    rehearsal = Rehearsal(stack, folder=project)
    kinds: tuple[Kind, ...] = ("quota", "stockout")
    refused = {Fault(kind, target, 1) for kind in kinds for target in everything}
    left = get_through(rehearsal.up, rehearsal, refused, struck)
    assert (left == refused) == (stack == "dev")
    assert world(rehearsal) == before
    struck.clear()
    rehearsal.faults = [Fault("throttle", target, 2) for target in everything]
    assert rehearsal.destroy().outcome is Outcome.SUCCEEDED
    assert {target for _, target in struck} == everything
    assert not rehearsal.home.folder.exists()
