"""The project's own stacks, rehearsed in a copy of what defines them."""

import shutil
from pathlib import Path

import pytest

from tests.simulator.harness import pass_over_abandoned_programs

PROJECT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _abandoned_programs() -> None:
    """Many of these stacks fail on purpose, and the SDK leaves tasks of such programs behind."""
    pass_over_abandoned_programs()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project like this one, whose rehearsals meet no other's."""
    for path in [*PROJECT.glob("Pulumi*.yaml"), PROJECT / "__main__.py"]:
        shutil.copy(path, tmp_path)
    return tmp_path
