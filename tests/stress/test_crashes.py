"""Engine and clouds killed before and after every step of every stack: the next run ends as if nothing had been."""

from pathlib import Path

import pytest

from cli.rehearsal import Rehearsal
from cli.result import Outcome, Result
from stacks import RECIPES
from tests.stress.conftest import Undisturbed, change
from tests.stress.crashes import Crash, witnessed
from tests.stress.world import world

THIRDS = pytest.mark.parametrize(
    "third", [0, *(pytest.param(other, marks=pytest.mark.stress) for other in (1, 2))], ids="third {}".format
)
"""Every third moment in `make test`, before and after a step by turns; the others in `make test-stress`."""


def succeeded(result: Result, crash: Crash) -> None:
    assert result.outcome is Outcome.SUCCEEDED, (crash.moment, result.diagnostics)


def rehearsed(stack: str, project: Path) -> Rehearsal:
    rehearsal = Rehearsal(stack, folder=project)
    assert rehearsal.up().outcome is Outcome.SUCCEEDED
    return rehearsal


@THIRDS
@pytest.mark.parametrize("stack", RECIPES)
def test_up(
    stack: str, third: int, project: Path, tmp_path: Path, undisturbed: Undisturbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, _ = undisturbed.of(stack)
    rehearsal = Rehearsal(stack, folder=project)
    crashes = witnessed(rehearsal, rehearsal.up, tmp_path / "crashes", monkeypatch)
    assert len(crashes) == 2 * len(before.clouds)
    for crash in crashes[third::3]:
        crash.bring_back(rehearsal)
        succeeded(rehearsal.up(), crash)
        assert world(rehearsal) == before, crash.moment


@THIRDS
@pytest.mark.parametrize("stack", RECIPES)
def test_change(
    stack: str, third: int, project: Path, tmp_path: Path, undisturbed: Undisturbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, after = undisturbed.of(stack)
    rehearsal = rehearsed(stack, project)
    change(rehearsal)
    crashes = witnessed(rehearsal, rehearsal.up, tmp_path / "crashes", monkeypatch)
    assert crashes
    for crash in crashes[third::3]:
        crash.bring_back(rehearsal)
        succeeded(rehearsal.up(), crash)
        assert world(rehearsal) == after, crash.moment


@THIRDS
@pytest.mark.parametrize("stack", RECIPES)
def test_destroy(
    stack: str, third: int, project: Path, tmp_path: Path, undisturbed: Undisturbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, _ = undisturbed.of(stack)
    rehearsal = rehearsed(stack, project)
    crashes = witnessed(rehearsal, rehearsal.destroy, tmp_path / "crashes", monkeypatch)
    assert len(crashes) == 2 * len(before.clouds)
    for crash in crashes[third::3]:
        crash.bring_back(rehearsal)
        succeeded(rehearsal.destroy(), crash)
        assert not rehearsal.home.folder.exists()
