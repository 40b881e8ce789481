"""What makes the workflows safe, and that their steps do what they say. Their syntax is `actionlint`'s to check."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.diff.markdown import MARKER

PROJECT = Path(__file__).resolve().parents[1]
FOLDER = PROJECT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
ACTION = PROJECT / ".github" / "actions" / "credentials" / "action.yml"
NAMES = [path.name for path in FILES]
SAME_REPOSITORY = "github.event.pull_request.head.repo.full_name == github.repository"


def load(name: str) -> dict[Any, Any]:
    return yaml.safe_load((FOLDER / name).read_text())


def jobs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for name in NAMES:
        for job, content in load(name)["jobs"].items():
            yield name, job, content


def steps() -> Iterator[dict[str, Any]]:
    for _, _, job in jobs():
        yield from job["steps"]
    yield from yaml.safe_load(ACTION.read_text())["runs"]["steps"]


def with_credentials() -> list[tuple[str, str]]:
    return [(name, job) for name, job, content in jobs() if "id-token" in content.get("permissions", {})]


def test_actions_are_pinned_with_their_version() -> None:
    pins: dict[str, set[str]] = {}
    for path in [*FILES, ACTION]:
        used = re.findall(r"uses: (.+)", path.read_text())
        assert used
        for each in used:
            pin = re.fullmatch(r"([\w-]+/[\w-]+)@([0-9a-f]{40} # v\d+\.\d+\.\d+)", each)
            assert pin or each == "./.github/actions/credentials", each
            if pin:
                pins.setdefault(pin[1], set()).add(pin[2])
    assert {action: len(versions) for action, versions in pins.items()} == dict.fromkeys(pins, 1)


def test_no_credentials_of_git_stay_and_no_text_of_strangers_becomes_a_script() -> None:
    for step in steps():
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
        assert "${{" not in step.get("run", "")


def test_every_job_has_the_permissions_that_it_needs_and_an_end() -> None:
    granted = {(name, job): content.get("permissions") for name, job, content in jobs()}
    read = {"contents": "read"}
    cloud = {"contents": "read", "id-token": "write"}
    assert granted == {
        ("diff-comment.yml", "comment"): {"actions": "read", "contents": "read", "pull-requests": "write"},
        ("diff.yml", "diff"): None,
        ("drift.yml", "stacks"): read,
        ("drift.yml", "drift"): cloud,
        ("drift.yml", "issues"): {"contents": "read", "issues": "write"},
        ("preview.yml", "changed"): read,
        ("preview.yml", "preview"): cloud,
        ("preview.yml", "comment"): {"contents": "read", "pull-requests": "write"},
        ("tests.yml", "tests"): None,
        ("up.yml", "changed"): read,
        ("up.yml", "preview"): cloud,
        ("up.yml", "planned"): read,
        ("up.yml", "up"): cloud,
    }
    defaults = {name: load(name)["permissions"] for name in NAMES}
    assert {name for name, default in defaults.items() if default == read} == {"diff.yml", "tests.yml"}
    assert all(default in ({}, read) for default in defaults.values())
    assert all(content["timeout-minutes"] <= 180 for _, _, content in jobs())


def test_nothing_runs_the_code_of_a_fork_with_more_than_the_right_to_read() -> None:
    for name in NAMES:
        assert "pull_request_target" not in load(name)[True]  # what YAML makes of `on`
    for name, _, content in jobs():
        if "pull_request" in load(name)[True] and "permissions" in content:
            assert SAME_REPOSITORY in content["if"]


def test_secrets_and_identities_are_only_where_an_environment_guards_them() -> None:
    environments = {(name, job): content.get("environment") for name, job, content in jobs()}
    assert {key: value for key, value in environments.items() if value} == {
        ("drift.yml", "drift"): "preview",
        ("preview.yml", "preview"): "preview",
        ("up.yml", "preview"): "preview",
        ("up.yml", "up"): "production",
    }
    assert with_credentials() == [key for key, value in environments.items() if value]
    for name, job, content in jobs():
        assert ("secrets." in json.dumps(content)) == ((name, job) in with_credentials())
        assert ("./.github/actions/credentials" in json.dumps(content)) == ((name, job) in with_credentials())


def test_without_a_state_backend_nothing_asks_for_credentials() -> None:
    for name, job in with_credentials():
        workflow = load(name)["jobs"]
        needed = [job]
        while "needs" in workflow[needed[-1]]:
            before = workflow[needed[-1]]["needs"]
            needed.append(before if isinstance(before, str) else before[0])
        assert "vars.PULUMI_BACKEND_URL != ''" in workflow[needed[-1]]["if"]
        # a job that says so itself would run although the one before is skipped
        assert not any("cancelled()" in workflow[each].get("if", "") for each in needed)


def test_one_up_of_a_stack_at_a_time_and_none_is_stopped() -> None:
    workflow = load("up.yml")
    assert workflow["jobs"]["up"]["concurrency"] == {"group": "up-${{ matrix.stack }}", "cancel-in-progress": False}
    assert "concurrency" not in workflow
    assert workflow[True]["push"] == {"branches": ["main"]}
    assert "github.event.repository.default_branch" in workflow["jobs"]["changed"]["if"]


def test_what_may_write_for_forks_runs_the_default_branch_alone() -> None:
    used = load("diff-comment.yml")["jobs"]["comment"]["steps"]
    checkouts = [step for step in used if step.get("uses", "").startswith("actions/checkout@")]
    assert [step["with"]["ref"] for step in checkouts] == ["${{ github.event.repository.default_branch }}"]
    assert load("diff-comment.yml")[True]["workflow_run"]["workflows"] == [load("diff.yml")["name"]]


def test_the_engine_is_that_of_the_tests() -> None:
    module = (PROJECT / "engine" / "pulumi" / "go.mod").read_text()
    version = re.search(r"github.com/pulumi/pulumi/pkg/v3 v(\S+)", module)
    assert version
    told = [step["with"]["pulumi-version"] for step in steps() if step.get("uses", "").startswith("pulumi/actions@")]
    assert told == [version[1]] * 2


# the steps themselves, as GitHub runs them


def script(workflow: str, job: str, step: str) -> str:
    return next(each["run"] for each in load(workflow)["jobs"][job]["steps"] if each.get("name") == step)


RECORDER = """\
#!{python}
import json, os, sys
with open("asked", "a") as asked:
    asked.write(json.dumps(sys.argv[1:]) + "\\n")
sys.stdout.write(os.environ["SAYS"])
sys.exit(int(os.environ["EXITS"]))
"""


class Runner:
    """A checkout whose `llm-serving` and `pulumi` say what they are told to, and keep what they are asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "checkout"
        self.temporary = folder / "temporary"
        self.programs = folder / "bin"
        for each in (self.folder / ".venv" / "bin", self.temporary, self.programs):
            each.mkdir(parents=True)
        (self.folder / "scripts").symlink_to(PROJECT / "scripts")
        self.program(self.folder / ".venv" / "bin" / "llm-serving")
        self.program(self.programs / "pulumi")

    def program(self, path: Path) -> None:
        path.write_text(RECORDER.format(python=sys.executable))
        path.chmod(0o755)

    def run(
        self, script: str, says: str = "", exits: int = 0, environment: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        given = {
            "PATH": f"{self.programs}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "RUNNER_TEMP": str(self.temporary),
            "GITHUB_OUTPUT": str(self.temporary / "output"),
            "GITHUB_STEP_SUMMARY": str(self.temporary / "summary"),
            "SAYS": says,
            "EXITS": str(exits),
            **(environment or {}),
        }
        return subprocess.run(
            ["bash", "-e", "-c", script], cwd=self.folder, env=given, check=False, capture_output=True, text=True
        )

    @property
    def asked(self) -> list[list[str]]:
        return [json.loads(line) for line in (self.folder / "asked").read_text().splitlines()]

    @property
    def stacks(self) -> list[str]:
        """What the next job's matrix is made of."""
        name, _, value = (self.temporary / "output").read_text().strip().partition("=")
        assert name == "stacks"
        return json.loads(value)


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


def difference(**statuses: str) -> str:
    return json.dumps({"stacks": [{"stack": name, "status": status} for name, status in statuses.items()]})


@pytest.mark.parametrize("exits", [0, 2])
def test_the_diff_is_kept_for_scripts_and_as_a_page(runner: Runner, exits: int) -> None:
    done = runner.run(script("diff.yml", "diff", "Compare with the base"), "told", exits)
    assert done.returncode == exits
    page = ["diff", "--read", "diff.json", "--format", "html"]
    assert runner.asked == [["diff", "--against", "HEAD^1", "--json"], page]
    assert (runner.folder / "diff.html").read_text() == "told"


HOSTILE = '$(touch hostile);`touch hostile`" || touch hostile #'


@pytest.mark.parametrize(
    ("statuses", "exits", "stacks"),
    [
        ({}, 0, []),
        ({"dev": "unchanged", "old": "removed"}, 0, []),
        ({"two": "added", "dev": "unchanged", "one": "changed"}, 0, ["one", "two"]),
        ({"one": "repaired", "two": "broken", "three": "unplannable"}, 2, ["one"]),
        ({f"stack-{number}": "changed" for number in range(6)}, 0, [f"stack-{number}" for number in range(6)]),
        ({HOSTILE: "changed"}, 0, [HOSTILE]),
    ],
)
@pytest.mark.parametrize("workflow", ["preview.yml", "up.yml"])
def test_stacks_that_change_make_the_matrix(
    runner: Runner, workflow: str, statuses: dict[str, str], exits: int, stacks: list[str]
) -> None:
    step = script(workflow, "changed", "List the stacks that change")
    done = runner.run(step, difference(**statuses), exits, {"BASE": HOSTILE})
    assert done.returncode == 0, done.stderr
    assert runner.stacks == stacks
    base = "HEAD^1" if workflow == "preview.yml" else HOSTILE
    assert runner.asked == [["diff", "--against", base, "--json"]]
    assert not (runner.folder / "hostile").exists()


@pytest.mark.parametrize("workflow", ["preview.yml", "up.yml"])
@pytest.mark.parametrize("exits", [2, 3])
def test_without_a_report_nothing_goes_on(runner: Runner, workflow: str, exits: int) -> None:
    done = runner.run(script(workflow, "changed", "List the stacks that change"), "", exits, {"BASE": "0" * 40})
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert not (runner.temporary / "output").exists()


def preview_of(*operations: str) -> str:
    urn = "urn:pulumi:dev::tiny::kubernetes:core/v1:Service::service"
    return json.dumps({"steps": [{"op": operation, "urn": urn} for operation in operations]})


def test_up_does_what_was_approved_or_nothing(runner: Runner) -> None:
    previewed = script("up.yml", "preview", "Preview")
    checked = script("up.yml", "up", "Check that what was approved still holds")
    stack = {"STACK": "dev"}
    assert runner.run(previewed, preview_of("update"), 7, stack).returncode == 0
    assert runner.asked[0][:3] == ["preview", "--stack", "dev"]
    (runner.temporary / "report").rename(runner.temporary / "approved")
    assert runner.run(checked, preview_of("update"), 7, stack).returncode == 0
    for now, code in ((preview_of("replace"), 7), ("", 0)):
        refused = runner.run(checked, now, code, stack)
        assert refused.returncode == 1
        assert "no longer what was approved" in refused.stdout


def test_a_preview_that_fails_fails_its_job_and_is_reported(runner: Runner) -> None:
    for workflow in ("preview.yml", "up.yml"):
        assert runner.run(script(workflow, "preview", "Preview"), "", 255, {"STACK": "dev"}).returncode == 1
    assert json.loads((runner.temporary / "report" / "dev.json").read_text())["state"] == "failed"


def test_only_what_there_is_to_do_waits_for_approval(runner: Runner) -> None:
    reports = runner.temporary / "reports"
    reports.mkdir()
    for name, state in {"one": "changes", "two": "unchanged", "three": "absent"}.items():
        told = {"operation": "preview", "stack": name, "state": state, "steps": []}
        (reports / f"{name}.json").write_text(json.dumps(told))
    shown = script("up.yml", "planned", "Show what there is to approve")
    done = runner.run(shown, environment={"STACKS": "one two three"})
    assert done.returncode == 0, done.stderr
    assert runner.stacks == ["one"]
    assert "<code>three</code>" in (runner.temporary / "summary").read_text()


def test_drift_is_looked_for_in_every_stack_that_has_a_file(runner: Runner) -> None:
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.a b.yaml", f"Pulumi.{HOSTILE}.yaml"):
        (runner.folder / name.replace("/", "")).touch()
    assert runner.run(script("drift.yml", "stacks", "List the stacks")).returncode == 0
    assert sorted(runner.stacks) == sorted(["dev", "a b", HOSTILE])
    assert not (runner.folder / "hostile").exists()


@pytest.mark.parametrize(
    ("stacks", "arguments"), [("dev other", ["comment", "comment.md"]), ("", ["comment", "comment.md", "--update"])]
)
def test_the_preview_is_a_comment_where_there_is_something_to_tell(
    runner: Runner, stacks: str, arguments: list[str]
) -> None:
    # all but what talks to GitHub, which has tests of its own
    (runner.folder / "scripts").unlink()
    (runner.folder / "scripts").mkdir()
    (runner.folder / "scripts" / "cloud_report.py").symlink_to(PROJECT / "scripts" / "cloud_report.py")
    (runner.folder / "scripts" / "forge.py").write_text(RECORDER.format(python=sys.executable))
    done = runner.run(script("preview.yml", "comment", "Write the comment"), environment={"STACKS": stacks})
    assert done.returncode == 0, done.stderr
    assert [[Path(each).name for each in asked] for asked in runner.asked] == [arguments]
    text = (runner.temporary / "comment.md").read_text()
    assert [stack for stack in ("dev", "other") if f"<code>{stack}</code>" in text] == stacks.split()


def test_the_report_of_the_diff_becomes_the_comment(runner: Runner) -> None:
    (runner.folder / "scripts").unlink()
    (runner.folder / "scripts").mkdir()
    (runner.folder / "scripts" / "forge.py").write_text(RECORDER.format(python=sys.executable))
    step = script("diff-comment.yml", "comment", "Write the comment")
    assert runner.run(step, f"{MARKER}\ntext", 2).returncode == 2, "what the recorder played for the second program"
    assert [asked[0] for asked in runner.asked] == ["diff", "comment"]
    assert (runner.temporary / "comment.md").read_text() == f"{MARKER}\ntext"
    assert runner.run(step, "", 2).returncode == 1


# GitLab's counterpart


def gitlab() -> dict[str, Any]:
    """Return its jobs, with what they take from templates."""
    jobs: dict[str, Any] = yaml.safe_load((PROJECT / ".gitlab-ci.yml").read_text())
    kinds = ("stages", "workflow", "default", "variables")
    return {
        name: {**jobs.get(job.get("extends", ""), {}), **job}
        for name, job in jobs.items()
        if name not in kinds and not name.startswith(".")
    }


def conditions(job: dict[str, Any]) -> list[str]:
    return [rule["if"] for rule in job["rules"] if rule.get("when") != "never"]


def test_gitlab_gives_identities_to_no_fork_and_not_before_it_is_set_up() -> None:
    jobs = gitlab()
    assert list(jobs) == ["tests", "diff", "note", "preview", "up", "drift"]
    assert [name for name, job in jobs.items() if "id_tokens" in job] == ["preview", "up", "drift"]
    for name in ("preview", "up", "drift"):
        unset = {"if": "$PULUMI_BACKEND_URL == null", "when": "never"}
        assert jobs[name]["rules"][0] == unset or "$PULUMI_BACKEND_URL" in jobs[name]["rules"][0]["if"]
    for name in ("note", "preview"):
        for condition in conditions(jobs[name]):
            assert (
                "merge_request" not in condition or "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID" in condition
            )


def test_gitlab_brings_up_by_hand_on_the_default_branch_one_at_a_time() -> None:
    up = gitlab()["up"]
    [_, rule] = up["rules"]
    assert rule == {"if": '$CI_PIPELINE_SOURCE == "push"', "when": "manual", "allow_failure": True}
    assert up["environment"]["name"] == "production"
    assert (up["resource_group"], up["interruptible"]) == ("up", False)
    branches = yaml.safe_load((PROJECT / ".gitlab-ci.yml").read_text())["workflow"]["rules"]
    assert {"if": "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH"} in branches


def lines(job: str) -> str:
    return "\n".join(gitlab()[job]["script"])


def test_gitlab_brings_up_what_was_approved_or_nothing(runner: Runner) -> None:
    (runner.folder / "changed.txt").write_text("dev\n")
    assert runner.run(lines("preview"), preview_of("update"), 7).returncode == 0
    assert runner.run(lines("up"), preview_of("replace"), 7).returncode == 1
    assert "up" not in [asked[0] for asked in runner.asked]
    # the recorder exits with 7 for `pulumi up`, too
    assert runner.run(lines("up"), preview_of("update"), 7).returncode == 7
    assert runner.asked[-1][:3] == ["up", "--stack", "dev"]


@pytest.mark.parametrize(("exits", "code"), [(0, 0), (6, 0), (7, 1), (255, 1)])
def test_gitlab_fails_where_there_is_drift(runner: Runner, exits: int, code: int) -> None:
    (runner.folder / "Pulumi.dev.yaml").touch()
    done = runner.run(lines("drift"), preview_of("update"), exits)
    assert done.returncode == code
    assert ("Drift, see above:\ndev" in done.stdout) is (exits == 7)


def test_gitlab_keeps_the_diff_although_a_stack_cannot_be_planned(runner: Runner) -> None:
    (runner.folder / "Makefile").write_text("venv-cli:\n")
    done = runner.run(lines("diff"), difference(dev="changed", old="broken"), 2, {"BASE": HOSTILE})
    assert done.returncode == 2
    assert (runner.folder / "changed.txt").read_text() == "dev\n"
    assert (runner.folder / "diff.md").exists()
    assert not (runner.folder / "hostile").exists()
