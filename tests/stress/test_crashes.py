"""Engine and clouds killed before and after every step of every stack: the next run ends as if nothing had been."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cli.rehearsal import Rehearsal
from cli.result import Outcome, Result
from stacks import RECIPES
from tests.stacks.stack_file import DEV, MIXTRAL
from tests.stress.conftest import Undisturbed, change
from tests.stress.crashes import Crash, witnessed
from tests.stress.world import World, world

Witness = Callable[[Rehearsal, Callable[[], Result]], list[Crash]]
"""Runs an operation and returns what kills in it would have left."""

THIRDS = pytest.mark.parametrize(
    "third", [0, *(pytest.param(other, marks=pytest.mark.stress) for other in (1, 2))], ids="third {}".format
)
"""Every third moment in `make test`, before and after a step by turns; the others in `make test-stress`."""


def recover_from(
    rehearsal: Rehearsal, operation: Callable[[], Result], crashes: list[Crash], wanted: World | None
) -> None:
    """After each kill the same operation comes to `wanted`; None: to nothing."""
    for crash in crashes:
        crash.bring_back(rehearsal)
        result = operation()
        assert result.outcome is Outcome.SUCCEEDED, (crash.moment, result.diagnostics)
        assert (world(rehearsal) if rehearsal.home.folder.exists() else None) == wanted, crash.moment


@pytest.fixture
def witness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Witness:
    return lambda rehearsal, operation: witnessed(rehearsal, operation, tmp_path / "crashes", monkeypatch)


@THIRDS
@pytest.mark.parametrize("stack", RECIPES)
def test_up(stack: str, third: int, project: Path, undisturbed: Undisturbed, witness: Witness) -> None:
    before, _ = undisturbed.of(stack)
    rehearsal = Rehearsal(stack, folder=project)
    crashes = witness(rehearsal, rehearsal.up)
    assert len(crashes) == 2 * len(before.clouds)
    recover_from(rehearsal, rehearsal.up, crashes[third::3], before)


@THIRDS
@pytest.mark.parametrize("stack", RECIPES)
def test_change(stack: str, third: int, project: Path, undisturbed: Undisturbed, witness: Witness) -> None:
    _, after = undisturbed.of(stack)
    rehearsal = Rehearsal(stack, folder=project)
    rehearsal.up()
    change(rehearsal)
    crashes = witness(rehearsal, rehearsal.up)
    assert crashes
    recover_from(rehearsal, rehearsal.up, crashes[third::3], after)


@pytest.mark.parametrize("stack", [DEV, MIXTRAL])
def test_up_after_a_destroy(stack: str, project: Path, undisturbed: Undisturbed, witness: Witness) -> None:
    before, _ = undisturbed.of(stack)
    rehearsal = Rehearsal(stack, folder=project)
    rehearsal.up()
    crashes = witness(rehearsal, rehearsal.destroy)
    recover_from(rehearsal, rehearsal.up, crashes[::3], before)


@THIRDS
@pytest.mark.parametrize("stack", RECIPES)
def test_destroy(stack: str, third: int, project: Path, undisturbed: Undisturbed, witness: Witness) -> None:
    before, _ = undisturbed.of(stack)
    rehearsal = Rehearsal(stack, folder=project)
    rehearsal.up()
    crashes = witness(rehearsal, rehearsal.destroy)
    assert len(crashes) == 2 * len(before.clouds)
    recover_from(rehearsal, rehearsal.destroy, crashes[third::3], None)
