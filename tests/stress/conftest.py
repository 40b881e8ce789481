"""What every stack comes to undisturbed, once for each worker."""

from functools import cache
from pathlib import Path

import pytest
from pulumi.automation import Stack

from cli.rehearsal import Rehearsal
from cli.result import Outcome
from simulator import SimulatedClouds
from tests.simulator.harness import close_abandoned_programs, pass_over_abandoned_programs
from tests.stress.changes import CHANGES
from tests.stress.world import World, copy_project, world


@pytest.fixture(autouse=True)
def _abandoned_programs() -> None:
    """Many of these runs fail on purpose, and the SDK leaves tasks of such programs behind."""
    pass_over_abandoned_programs()


@pytest.fixture(autouse=True)
def _each_closed_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """One test runs dozens of programs."""
    begin = SimulatedClouds.__enter__

    def close_and_begin(clouds: SimulatedClouds) -> SimulatedClouds:
        close_abandoned_programs()
        return begin(clouds)

    monkeypatch.setattr(SimulatedClouds, "__enter__", close_and_begin)


@pytest.fixture(autouse=True)
def _no_questions_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an operation asks the engine when it is over takes longer than the rest, and is not what is tested."""
    monkeypatch.setattr(Stack, "outputs", lambda *_: {})
    monkeypatch.setattr(Stack, "info", lambda *_: object())


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return copy_project(tmp_path / "project")


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> "Undisturbed":
    return Undisturbed(tmp_path_factory.mktemp("undisturbed"))


class Undisturbed:
    """The worlds of stacks that nothing has come in the way of."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.of = cache(self._of)

    def _of(self, stack: str) -> tuple[World, World]:
        """After an `up`, and after the stack's change."""
        rehearsal = Rehearsal(stack, folder=copy_project(self.folder / stack))
        assert rehearsal.up().outcome is Outcome.SUCCEEDED
        before = world(rehearsal)
        change(rehearsal)
        assert rehearsal.up().outcome is Outcome.SUCCEEDED
        return before, world(rehearsal)


def change(rehearsal: Rehearsal) -> None:
    """Give a rehearsal its stack's other settings."""
    rehearsal.overrides = CHANGES[rehearsal.stack].settings
    rehearsal.secret_overrides = CHANGES[rehearsal.stack].secrets
