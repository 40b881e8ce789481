"""What the clouds say of a stack, as the workflows ask for it: in the real engine, and in one that only fails."""

import contextlib
import json
import math
import os
import shlex
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from cli.diff.side import hosted
from cli.project import Project
from cli.session import Home, open_session
from cli.settings import rehearsal_settings
from engine import find_pulumi
from scripts import cloud_report
from scripts.cloud_report import StackReport, Step, comment, steps_of

SCRIPT = Path(cloud_report.__file__)
CONFIGURED = "config:\n  tiny:replicas: {}\n"
PROGRAM = """\
import pulumi
import pulumi_kubernetes as kubernetes

config = pulumi.Config()
labels = {"app": "server"}
container = {"name": "server", "image": "server:1", "env": [{"name": "TOKEN", "value": pulumi.Output.secret("canary")}]}
kubernetes.apps.v1.Deployment(
    "server",
    spec={
        "replicas": config.require_int("replicas"),
        "selector": {"match_labels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
    },
    opts=pulumi.ResourceOptions(provider=kubernetes.Provider("cluster")),
)
"""


def run(*arguments: str | Path, environment: dict[str, str], folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, SCRIPT, *arguments]
    return subprocess.run(command, env=environment, cwd=folder, check=False, capture_output=True, text=True)


class Stack:
    """A stack that is up, and what asks about it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reports = folder.parent / "reports"
        folder.mkdir()
        (folder / "Pulumi.yaml").write_text("name: tiny\nruntime: python\n")
        (folder / "__main__.py").write_text(PROGRAM)
        self.configure(1)
        self.home = Home(Project(folder, "tiny"), "dev", folder.parent / "rehearsal")

    def configure(self, replicas: int) -> None:
        (self.folder / "Pulumi.dev.yaml").write_text(CONFIGURED.format(replicas))

    def scaled_by_hand(self) -> None:
        """Change the Deployment in the cloud."""
        with contextlib.closing(sqlite3.connect(self.home.cloud / "clouds.sqlite")) as clouds, clouds:
            where = "WHERE type = 'kubernetes:apps/v1:Deployment'"
            for column in ("inputs", "outputs"):
                [(text,)] = clouds.execute(f"SELECT {column} FROM resource {where}").fetchall()
                told = json.loads(text)
                told["spec"]["replicas"] = 3
                clouds.execute(f"UPDATE resource SET {column} = ? {where}", [json.dumps(told)])

    def ask(self, operation: str, *stacks: str, up: bool = False) -> "subprocess.CompletedProcess[str]":
        """Run the script with a `pulumi` on PATH that is the engine, on simulated clouds."""
        with self.session() as (session, address):
            if up:
                session.engine.language_host = address
                session.stack.up()
            programs = self.folder.parent / "bin"
            programs.mkdir(exist_ok=True)
            client = f" --client={address}" if operation == "preview" else ""
            shim = programs / "pulumi"
            shim.write_text(f'#!/bin/sh\nexec {shlex.quote(session.engine.command)} "$@"{client}\n')
            shim.chmod(0o755)
            environment = {**os.environ, **session.stack.workspace.env_vars}
            environment["PATH"] = f"{programs}{os.pathsep}{environment['PATH']}"
            work = Path(session.stack.workspace.work_dir)
            return run(operation, self.reports, *stacks, environment=environment, folder=work)

    @contextlib.contextmanager
    def session(self) -> Generator[Any]:
        project = self.home.project
        with (
            # the path of a socket may have about 100 characters
            tempfile.TemporaryDirectory(dir="/tmp") as sockets,
            hosted(project, Path(sys.executable), Path(sockets) / "program") as ready,
            open_session(
                self.home,
                None,
                settings=rehearsal_settings(project, "dev", stand_ins=False),
                find_engine=lambda: find_pulumi(print),
                time_scale=math.inf,
                faults=(),
                control_plane=False,
                say=print,
                use=lambda _engine: None,
            ) as session,
            ready().program() as address,
        ):
            yield session, address

    def told(self) -> StackReport:
        return cloud_report.read(self.reports)[0]


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack(tmp_path / "project")


def test_the_engine_is_understood(stack: Stack) -> None:
    """One test, since bringing the stack up is what takes time."""
    assert stack.ask("preview", "dev").returncode == 0
    assert stack.told().says == "2 to create"
    assert {each.type for each in stack.told().steps} == {
        "kubernetes:apps/v1:Deployment",
        "pulumi:providers:kubernetes",
    }

    assert stack.ask("drift", "dev", up=True).returncode == 0
    assert stack.told() == StackReport("drift", "dev", "unchanged")

    stack.configure(2)
    asked = stack.ask("preview", "dev")
    replicas = Step("update", "kubernetes:apps/v1:Deployment", "server", ("spec.replicas",))
    assert (asked.returncode, stack.told()) == (0, StackReport("preview", "dev", "changes", (replicas,)))
    first = (stack.reports / "dev.json").read_bytes()
    stack.ask("preview", "dev")
    assert (stack.reports / "dev.json").read_bytes() == first, "or nothing approved would ever hold"
    assert "canary" not in first.decode() + asked.stdout + asked.stderr

    stack.configure(1)
    stack.scaled_by_hand()
    assert stack.ask("drift", "dev", "elsewhere").returncode == 0
    states = {each.stack: each.state for each in cloud_report.read(stack.reports)}
    assert states == {"dev": "changes", "elsewhere": "absent"}
    assert stack.told().steps == (replicas,)


PULUMI = """\
#!{python}
import json, os, sys
with open(os.environ["ASKED"], "a") as asked:
    asked.write(json.dumps(sys.argv[1:]) + "\\n")
print("error: the cloud refuses", file=sys.stderr)
sys.exit(255)
"""


def test_a_stack_that_cannot_be_read_fails_and_the_others_are_asked(tmp_path: Path) -> None:
    pulumi = tmp_path / "pulumi"
    pulumi.write_text(PULUMI.format(python=sys.executable))
    pulumi.chmod(0o755)
    environment = {"PATH": str(tmp_path), "ASKED": str(tmp_path / "asked")}
    hostile = "$(touch here); `id` --yes"
    done = run("drift", tmp_path / "reports", "dev", hostile, environment=environment, folder=tmp_path)
    assert done.returncode == 1
    assert "error: the cloud refuses" in done.stderr
    asked = [json.loads(line) for line in (tmp_path / "asked").read_text().splitlines()]
    common = ["--json", "--expect-no-changes", "--non-interactive"]
    assert asked == [["refresh", "--preview-only", "--stack", each, *common] for each in ("dev", hostile)]
    # neither a message of a cloud, which may hold anything, nor anything else
    assert json.loads((tmp_path / "reports" / "dev.json").read_text()) == {
        "operation": "drift",
        "stack": "dev",
        "state": "failed",
        "steps": [],
    }


def test_a_replacement_is_told_once_and_first() -> None:
    urn = "urn:pulumi:dev::tiny::llm-serving:index:Cluster$gcp:container/cluster:Cluster::main"
    told = [
        {"op": "create", "urn": "urn:pulumi:dev::tiny::pulumi:pulumi:Stack::tiny-dev"},
        {"op": "same", "urn": "urn:pulumi:dev::tiny::gcp:compute/network:Network::main"},
        {"op": "create", "urn": "urn:pulumi:dev::tiny::gcp:compute/address:Address::main"},
        {"op": "create-replacement", "urn": urn, "detailedDiff": {"network": {"kind": "update-replace"}}},
        {"op": "replace", "urn": urn, "diffReasons": ["network"], "detailedDiff": None},
        {"op": "delete-replaced", "urn": urn},
    ]
    assert steps_of(told) == (
        Step("replace", "gcp:container/cluster:Cluster", "main", ("network",)),
        Step("create", "gcp:compute/address:Address", "main", ()),
    )


def test_the_comment_tells_every_stack_and_keeps_to_the_limit(tmp_path: Path) -> None:
    steps = tuple(Step("create", "type", f"name-{number}</pre>@team", ("a<b>",)) for number in range(50))
    reports = [StackReport("preview", f"stack-{number}", "changes", steps) for number in range(3)]
    text = comment(reports, limit=6000)
    assert text.startswith("<!-- llm-serving preview -->\n")
    assert len(text) <= 6000
    assert text.count("50 to create") == 3
    assert text.count("<pre>") == text.count("</pre>") == 2
    assert "name-7&lt;/pre&gt;@team [a&lt;b&gt;]" in text
    assert text.count("too long for a comment") == 1


def test_a_stack_without_a_report_has_failed(tmp_path: Path) -> None:
    done = run("comment", tmp_path, "dev", environment={}, folder=tmp_path)
    assert "| <code>dev</code> | Pulumi fails: the run's log says why |" in done.stdout
    assert "No stack changes." in run("comment", tmp_path, environment={}, folder=tmp_path).stdout


def test_what_is_to_be_done_is_listed(tmp_path: Path) -> None:
    for name, state in {"one": "changes", "two": "unchanged", "three": "absent"}.items():
        told = {"operation": "preview", "stack": name, "state": state, "steps": []}
        (tmp_path / f"{name}.json").write_text(json.dumps(told))
    assert run("changing", tmp_path, environment={}, folder=tmp_path).stdout == "one\n"


def test_another_command_is_refused(tmp_path: Path) -> None:
    done = run("destroy", tmp_path, "dev", environment={}, folder=tmp_path)
    assert done.returncode == 2
    assert "cloud_report.py preview FOLDER STACK..." in done.stderr
