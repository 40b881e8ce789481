"""The command line: what it prints and exits with before any engine runs."""

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer
from typer.testing import CliRunner

from cli import rehearsal
from cli.app import app
from engine import EngineError

runner = CliRunner()


@pytest.fixture(autouse=True)
def in_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["up", "large"], "no Pulumi.large.yaml"),
        (["up", "../small"], "cannot name a stack"),
        (["up", "small", "--fault", "earthquake"], "--fault"),
        (["up", "small", "--time-scale", "0"], "--time-scale 0.0: must be a number above 0"),
        (["up", "small", "--time-scale", "nan"], "above 0"),
        (["up", "small", "--config", "port"], "KEY=VALUE"),
        (["outputs", "small"], "Nothing is up: run `llm-serving rehearse up small`"),
        (["refresh", "small"], "Nothing is up"),
        (["refresh", "large"], "no Pulumi.large.yaml"),
        (["up"], "STACK"),
        (["up", "small", "--time-scale", "soon"], "--time-scale"),
    ],
)
def test_what_cannot_be_is_refused_with_code_2(arguments: list[str], message: str) -> None:
    result = runner.invoke(app, ["rehearse", *arguments])
    assert result.exit_code == 2
    assert message in result.output


def test_a_refusal_is_a_json_document_too() -> None:
    result = runner.invoke(app, ["rehearse", "up", "large", "--json"])
    assert result.exit_code == 2
    document = json.loads(result.stdout)
    assert document["outcome"] == "refused"
    assert "no Pulumi.large.yaml" in document["diagnostics"][0]["message"]
    assert "no Pulumi.large.yaml" in result.stderr


def test_a_missing_engine_is_code_3(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_: object) -> None:
        raise EngineError("no Pulumi CLI can be had")

    monkeypatch.setattr(rehearsal, "find_pulumi", none)
    result = runner.invoke(app, ["rehearse", "preview", "small"])
    assert result.exit_code == 3
    assert "no Pulumi CLI can be had" in result.output


def test_a_path_that_is_not_utf_8_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_: object) -> None:
        raise EngineError("/caf\udce9/pulumi is broken")

    monkeypatch.setattr(rehearsal, "find_pulumi", none)
    result = runner.invoke(app, ["rehearse", "preview", "small", "--json"])
    assert result.exit_code == 3
    assert json.loads(result.stdout)["diagnostics"][0]["message"] == "/caf\udce9/pulumi is broken"


def test_an_interruption_before_the_engine_runs_is_code_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(rehearsal, "find_pulumi", interrupted)
    assert runner.invoke(app, ["rehearse", "up", "small"]).exit_code == 130


def test_destroying_what_was_never_up_is_done_at_once() -> None:
    result = runner.invoke(app, ["rehearse", "destroy", "small"])
    assert result.exit_code == 0


def test_recipes_are_listed_with_their_model_and_guide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    rows = json.loads(runner.invoke(app, ["recipes", "--json"]).stdout)
    mixtral = next(row for row in rows if row["recipe"] == "mixtral-tgi-gke-l4")
    assert mixtral["model"] == "mistralai/Mixtral-8x7B-Instruct-v0.1"
    assert mixtral["server"] == "tgi"
    assert mixtral["accelerators"] == "4 x nvidia-l4"
    assert mixtral["guide"].startswith("https://")
    triton = next(row for row in rows if row["recipe"] == "mixtral-triton-oci")
    assert (triton["server"], triton["accelerators"]) == ("triton", "1 x BM.GPU4.8")
    text = runner.invoke(app, ["recipes"]).stdout
    assert all(row["recipe"] in text for row in rows)


def test_help_tells_the_exit_codes() -> None:
    text = runner.invoke(app, ["rehearse", "--help"]).stdout
    assert all(f"{code} " in text for code in (0, 1, 2, 3, 130))


def commands(group: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, (*path, name))


@pytest.mark.parametrize("path", list(commands(typer.main.get_command(app))), ids=" ".join)
def test_help_is_for_people(path: tuple[str, ...]) -> None:
    result = runner.invoke(app, [*path, "--help"], terminal_width=100)
    assert result.exit_code == 0
    assert "<class" not in result.output
