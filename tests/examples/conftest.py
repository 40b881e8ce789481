"""What the examples import and run on."""

import shutil
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from tests.simulator.harness import pass_over_abandoned_programs

PROJECT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _abandoned_programs() -> None:
    pass_over_abandoned_programs()


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the components under the name that other programs import them by."""
    folder = tmp_path_factory.mktemp("packages")
    (folder / "pulumi_llm_serving").symlink_to(PROJECT / "components")
    (folder / "workloads").symlink_to(PROJECT / "workloads")
    return folder


@pytest.fixture(autouse=True)
def _installed(packages: Path) -> Generator[None]:
    """What is imported from there is forgotten afterwards: other tests install the package in their own way."""
    before = set(sys.modules)
    sys.path.insert(0, str(packages))
    yield
    sys.path.remove(str(packages))
    for name in sys.modules.keys() - before:
        if name.partition(".")[0] == "pulumi_llm_serving":
            del sys.modules[name]


@pytest.fixture
def example(tmp_path: Path) -> Callable[[str], Path]:
    """Copies an example, so that its rehearsals meet no other's."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(PROJECT / "examples" / name, tmp_path / name))

    return copy
