"""The clouds gone while the engine goes on: what was made, changed or deleted and not answered, at every step."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.rehearsal import Rehearsal
from cli.result import Outcome, Result
from simulator.errors import CloudError
from simulator.operations import Operations
from stacks import RECIPES
from tests.stacks.stack_file import DEV, TORCHSERVE
from tests.stress.conftest import Undisturbed, change
from tests.stress.world import world


class Unanswered:
    """Lets each step that was not lost before be done, and its answer be lost."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lost: set[str] = set()
        for verb in ("create", "update", "delete"):
            monkeypatch.setattr(Operations, verb, self._step(getattr(Operations, verb), verb))

    def _step(self, original: Callable[..., Any], verb: str) -> Callable[..., Any]:
        def step(operations: Operations, request: Any, *rest: Any) -> Any:
            result = original(operations, request, *rest)
            name = f"{verb} {request.urn}"
            if name not in self.lost:
                self.lost.add(name)
                raise CloudError(503, "connection refused")
            return result

        return step

    def get_through(self, operation: Callable[[], Result]) -> None:
        """Run until all answers arrive."""
        while True:
            before = len(self.lost)
            result = operation()
            if result.outcome is Outcome.SUCCEEDED:
                return
            assert len(self.lost) > before, result.diagnostics


@pytest.mark.parametrize(
    "stack", [each if each in (DEV, TORCHSERVE) else pytest.param(each, marks=pytest.mark.stress) for each in RECIPES]
)
def test_what_was_done_and_not_answered(
    stack: str, project: Path, undisturbed: Undisturbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = undisturbed.of(stack)
    unanswered = Unanswered(monkeypatch)
    rehearsal = Rehearsal(stack, folder=project)
    unanswered.get_through(rehearsal.up)
    assert world(rehearsal) == before
    assert len(unanswered.lost) >= len(before.clouds)
    change(rehearsal)
    unanswered.get_through(rehearsal.up)
    assert world(rehearsal) == after
    unanswered.get_through(rehearsal.destroy)
    assert not rehearsal.home.folder.exists()
