"""What the Pulumi CLI is told and what is kept of what it prints; in its place a program that writes that down."""

import json
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pulumi.automation import Stack

from cli.engine_command import EngineCommand
from cli.interruption import recover
from cli.project import find_project
from cli.session import Home, Session, open_stack
from cli.settings import rehearsal_settings
from simulator import SimulatedClouds

TOKEN = "hf_0123456789"

CLI = """\
#!/bin/sh
[ "$1" = version ] && exec echo v3.272.0
echo "$@" >>"$0.arguments"
echo "warning: old" >&2
case "$*" in
  *"stack export"*) exec cat "$0.state" ;;
  *"config set "* | *"stack import"*) exec cat >"$0.given" ;;
  *"stack output"*) exec echo '{"token": "hf_0123456789"}' ;;
esac
"""


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program, in whose name begin the files that it writes."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    program = tmp_path / "pulumi"
    program.write_text(CLI)
    program.chmod(0o755)
    return program


def read(cli: Path, what: str) -> str:
    return Path(f"{cli}.{what}").read_text()


def opened(cli: Path, project: Path, *secrets: str) -> tuple[Stack, EngineCommand]:
    engine = EngineCommand(cli)
    home = Home(find_project(project), "small")
    home.folder.mkdir(parents=True)
    settings = rehearsal_settings(
        home.project, "small", overrides=["port=81"], secret_overrides=secrets, stand_ins=False
    )
    return open_stack(home, None, engine, settings, print), engine


def interrupted(stack: Stack, engine: EngineCommand) -> Session:
    clouds = cast("SimulatedClouds", SimpleNamespace(resources=list[Any]))
    return Session(stack, engine, clouds, started=0)


def test_a_secret_is_in_no_argument_and_in_no_file(cli: Path, project: Path) -> None:
    opened(cli, project, f"token={TOKEN}")
    assert read(cli, "given") == TOKEN
    assert "config set --stack small --path --secret -- token\n" in read(cli, "arguments")
    assert "--plaintext port=81" in read(cli, "arguments")
    assert TOKEN not in read(cli, "arguments")
    assert not [path for path in project.rglob("*") if path.is_file() and TOKEN in path.read_text()]


def test_of_what_is_printed_beside_a_warning_only_that_is_kept(cli: Path, project: Path) -> None:
    stack, engine = opened(cli, project)
    assert stack.outputs()["token"].value == TOKEN
    assert "warning: old" in engine.log
    assert TOKEN not in engine.log


def test_a_state_is_repaired_without_decrypting_it(cli: Path, project: Path) -> None:
    under_way = {"type": "creating", "resource": {"urn": "urn::new", "type": "a:b:C"}}
    state: dict[str, Any] = {"resources": [{"urn": "urn::old", "inputs": "v1:cipher"}]}
    exported = {"version": 3, "deployment": {**state, "pending_operations": [under_way]}}
    Path(f"{cli}.state").write_text(json.dumps(exported))
    stack, engine = opened(cli, project)
    assert recover(interrupted(stack, engine), print, record_unknown=True) == state["resources"]
    assert json.loads(read(cli, "given")) == {"version": 3, "deployment": state}
    assert "--show-secrets" not in read(cli, "arguments")
    assert "--file" not in read(cli, "arguments")


def test_a_component_that_was_being_taken_out_is_left_to_the_engine(cli: Path, project: Path) -> None:
    component = {"urn": "urn::component", "type": "llm-serving:index:GkeGpuCluster", "custom": False}
    deployment = {"resources": [component], "pending_operations": [{"type": "deleting", "resource": component}]}
    Path(f"{cli}.state").write_text(json.dumps({"version": 3, "deployment": deployment}))
    stack, engine = opened(cli, project)
    assert recover(interrupted(stack, engine), print, record_unknown=True) == [component]
