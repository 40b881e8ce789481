"""The project's own stacks, rehearsed in a copy of what defines them."""

import shutil
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project like this one, whose rehearsals meet no other's."""
    for path in [*PROJECT.glob("Pulumi*.yaml"), PROJECT / "__main__.py"]:
        shutil.copy(path, tmp_path)
    return tmp_path
