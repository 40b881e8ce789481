"""What makes the workflows safe to run on pull requests from forks. Their syntax is `actionlint`'s to check."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.diff.markdown import MARKER

FOLDER = Path(__file__).resolve().parents[1] / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))


def load(name: str) -> dict[Any, Any]:
    return yaml.safe_load((FOLDER / name).read_text())


def steps(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_there_are_workflows() -> None:
    assert {"tests.yml", "diff.yml", "diff-comment.yml"} <= {path.name for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_actions_are_pinned_and_credentials_do_not_stay(path: Path) -> None:
    for step in steps(load(path.name)):
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w./-]+@[0-9a-f]{40}", step["uses"])
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
        # what a stranger can name must not become part of a script
        assert "${{" not in step.get("run", "")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_runs_the_code_of_a_pull_request_may_only_read(path: Path) -> None:
    workflow = load(path.name)
    triggers = workflow[True]  # what YAML makes of `on`
    assert "pull_request_target" not in triggers
    if "pull_request" in triggers:
        assert workflow["permissions"] == {"contents": "read"}
        assert all("permissions" not in job for job in workflow["jobs"].values())
        assert not re.search(r"\bsecrets\b", path.read_text())


def test_what_may_write_runs_the_default_branch_alone() -> None:
    workflow = load("diff-comment.yml")
    assert workflow["permissions"] == {}
    assert workflow["jobs"]["comment"]["permissions"] == {
        "actions": "read",
        "contents": "read",
        "pull-requests": "write",
    }
    checkouts = [step for step in steps(workflow) if step.get("uses", "").startswith("actions/checkout@")]
    assert [step["with"]["ref"] for step in checkouts] == ["${{ github.event.repository.default_branch }}"]


def test_the_comment_is_found_again_by_its_first_line() -> None:
    script = next(step["run"] for step in steps(load("diff-comment.yml")) if step.get("name") == "Write the comment")
    assert f'startswith("{MARKER}")' in script
    assert [load("diff-comment.yml")[True]["workflow_run"]["workflows"]] == [[load("diff.yml")["name"]]]
