"""The report that docs/pull-requests.md shows is one of a real comparison."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.diff.conftest import Repository

PROJECT = Path(__file__).parents[2]
PAGE = PROJECT / "docs" / "pull-requests.md"
STACK = "mixtral-tgi-gke-l4"
CHANGES = {"maxNodes: 2": "maxNodes: 3", "sharedMemory: 8Gi": "sharedMemory: 16Gi"}
"""What the page says that the pull request changes."""


@pytest.fixture(scope="module")
def comment(tmp_path_factory: pytest.TempPathFactory) -> str:
    repository = Repository(tmp_path_factory.mktemp("page") / "project")
    for name in ("Pulumi.yaml", "__main__.py", f"Pulumi.{STACK}.yaml", "Pulumi.dev.yaml"):
        shutil.copy(PROJECT / name, repository.folder)
    for name in ("components", "simulator", "stacks", "workloads"):
        shutil.copytree(PROJECT / name, repository.folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    repository.commit()
    repository.git("branch", "main")
    settings = repository.folder / f"Pulumi.{STACK}.yaml"
    text = settings.read_text()
    for old, new in CHANGES.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    settings.write_text(text)
    done: subprocess.CompletedProcess[str] = repository.diff("--against", "main", "--markdown")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_comment_is_that_of_a_real_comparison(comment: str) -> None:
    page = PAGE.read_text()
    shown = re.search(r"^````markdown\n(.*?)^````$", page, re.DOTALL | re.MULTILINE)
    assert shown
    # the commit is another one each time
    assert re.sub(r"\([0-9a-f]{10}\)", "(0123456789)", comment) == shown[1]
    for old, new in CHANGES.items():
        assert f"`{old}` to `{new.partition(': ')[2]}`" in page
