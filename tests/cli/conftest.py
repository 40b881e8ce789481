"""A small project for each test: a component with a namespace, a secret, and a service that takes a while."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pulumi.automation import EngineEvent

from cli.rehearsal import Rehearsal
from simulator import SimulatedClouds
from tests.waiting import PATIENCE_SECONDS

PROJECT_FILE = """\
name: tiny
runtime:
  name: python
  options:
    virtualenv: .venv
config:
  port:
    type: integer
    default: 80
"""

STACK_FILE = """\
config:
  tiny:token:
    secure: v1:rhJmAMe4IyyZTl9h:Tq0Fyx3nEYJkVfYmXq
"""

PROGRAM = """\
import pulumi
import pulumi_kubernetes as kubernetes
import greeting

config = pulumi.Config()
if config.get("refuse"):
    raise pulumi.RunError("The configuration is refused, and nothing was changed:\\n  port: taken.\\n  token: old.")
if config.get("crash"):
    raise ValueError("no such thing")


class Site(pulumi.ComponentResource):
    def __init__(self, name, provider):
        super().__init__("tiny:index:Site", name)
        options = pulumi.ResourceOptions(parent=self, provider=provider)
        space = kubernetes.core.v1.Namespace(f"{name}-space", metadata={"name": "tiny"}, opts=options)
        self.token = kubernetes.core.v1.Secret(
            f"{name}-token",
            metadata={"namespace": space.metadata.name},
            string_data={"token": config.require_secret("token")},
            opts=options,
        )
        self.service = kubernetes.core.v1.Service(
            f"{name}-service",
            metadata={"namespace": space.metadata.name},
            spec={"type": "LoadBalancer", "ports": [{"port": config.require_int("port")}]},
            opts=options,
        )
        self.register_outputs({})


site = Site("site", kubernetes.Provider("cluster"))
pulumi.export("words", greeting.WORDS)
pulumi.export("token", config.require_secret("token"))
pulumi.export("endpoint", "http://192.0.2.1")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "my project"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text(PROJECT_FILE)
    (folder / "Pulumi.small.yaml").write_text(STACK_FILE)
    (folder / "__main__.py").write_text(PROGRAM)
    (folder / "greeting.py").write_text('WORDS = "hello"\n')
    return folder


class CommandLine:
    """`llm-serving` in processes of its own, as a person or a script runs it."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        root = Path(__file__).resolve().parents[2]
        self.environment = {**os.environ, "PYTHONPATH": str(root), "HOME": str(home), "COLUMNS": "200"}

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "cli", "rehearse", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        process = self.start(*arguments)
        stdout, stderr = process.communicate(timeout=PATIENCE_SECONDS)
        return subprocess.CompletedProcess(arguments, process.returncode, stdout, stderr)


def existing(rehearsal: Rehearsal) -> list[str]:
    """The names of what the clouds of a rehearsal hold."""
    with SimulatedClouds(rehearsal.home.cloud) as clouds:
        return sorted(each.urn.rpartition("::")[2] for each in clouds.resources())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    (folder / ".kube").mkdir(parents=True)
    (folder / ".kube" / "config").write_text("current-context: production\n")
    (folder / ".pulumi").mkdir()
    (folder / ".pulumi" / "credentials.json").write_text('{"current": "https://example.com"}\n')
    return folder


@pytest.fixture
def command_line(project: Path, home: Path) -> CommandLine:
    return CommandLine(project, home)


@pytest.fixture
def recorded() -> Callable[[str], Iterator[EngineEvent]]:
    """Events of the engine, as they came in rehearsals of a component with a namespace and a config map."""

    def read(name: str) -> Iterator[EngineEvent]:
        lines = (Path(__file__).parent / "recorded" / f"{name}.jsonl").read_text().splitlines()
        return (EngineEvent.from_json(json.loads(line)) for line in lines)

    return read


def wait_for_line(process: "subprocess.Popen[str]", text: str) -> None:
    """Read what `process` prints until a line holds `text`."""
    assert process.stdout
    for line in process.stdout:
        if text in line:
            return
    raise AssertionError(f"ended without {text!r}")


@pytest.fixture
def until_line() -> Callable[["subprocess.Popen[str]", str], None]:
    return wait_for_line
