"""The project's own stacks, rehearsed in a copy of what defines them."""

from pathlib import Path

import pytest

from tests.simulator.harness import pass_over_abandoned_programs
from tests.stress.world import copy_project


@pytest.fixture(autouse=True)
def _abandoned_programs() -> None:
    """Many of these stacks fail on purpose, and the SDK leaves tasks of such programs behind."""
    pass_over_abandoned_programs()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project like this one, whose rehearsals meet no other's."""
    return copy_project(tmp_path)
