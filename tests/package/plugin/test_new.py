"""`pulumi new` makes a project from this repository."""

import os
import subprocess
from pathlib import Path

import pytest

from cli.isolation import isolated_environment
from cli.project import find_project
from cli.yaml_files import read_yaml_map
from engine.find import PROJECT, find_pulumi


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What `pulumi new` copies, as far as it looks at it, with a part that stands for the rest."""
    checkout = tmp_path / "checkout"
    (checkout / "stacks").mkdir(parents=True)
    for file in [*PROJECT.glob("Pulumi*.yaml"), PROJECT / "__main__.py", PROJECT / "stacks" / "dev.py"]:
        (checkout / file.relative_to(PROJECT)).write_bytes(file.read_bytes())
    return checkout


def test_a_project_is_made(checkout: Path, tmp_path: Path) -> None:
    with isolated_environment(tmp_path / "pulumi"):
        done = subprocess.run(
            [
                find_pulumi(),
                "new",
                checkout,
                "--generate-only",
                "--yes",
                "--non-interactive",
                "--dir",
                tmp_path / "new",
            ],
            cwd=tmp_path,
            env={**os.environ, "PULUMI_BACKEND_URL": f"file://{tmp_path}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    # what comes then, `pip install`, is up to Python's language host, which a rehearsal's machine may not have
    assert "Created project 'llm-serving'" in done.stdout, done.stdout
    assert done.returncode == 0 or "no language plugin 'pulumi-language-python'" in done.stdout, done.stdout
    made = find_project(tmp_path / "new")
    assert made.folder == tmp_path / "new"
    # the keys of the stack files begin with it
    assert made.name == find_project(PROJECT).name == "llm-serving"
    assert made.stacks() == find_project(PROJECT).stacks()
    assert (tmp_path / "new" / "stacks" / "dev.py").exists()


def test_what_it_asks_for_is_a_setting_that_the_stacks_know() -> None:
    project = read_yaml_map(PROJECT / "Pulumi.yaml")
    asked = project["template"]["config"]
    own = {key for key in asked if ":" not in key}
    assert own <= set(project["config"])
    assert set(asked) - own == {"gcp:project"}
    assert all(each["description"] for each in asked.values())
    assert asked["huggingFaceToken"]["secret"] is True
