"""`llm-serving check`: the same findings that stop `pulumi up`, with what a stack needs, and without an engine."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import stacks
from cli.app import app
from cli.check import check_stack
from cli.project import Project
from components.cost import Cost
from components.findings import ConfigurationError, Severity
from tests.stacks.bad_settings import CASES
from tests.stacks.stack_file import DEV, JETSTREAM, MISTRAL, MIXTRAL, ROOT, TRITON, run

PROJECT = Project(ROOT, "llm-serving")


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "200")

    def check(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["check", *arguments])

    return check


def test_all_stacks_are_right_as_they_are(invoke: Any) -> None:
    result = invoke("--json")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert [each["stack"] for each in told] == PROJECT.stacks()
    assert {each["stack"]: each["findings"] for each in told} == {stack: [] for stack in PROJECT.stacks()}
    assert all(each["recipe"] == each["stack"] for each in told)


@pytest.mark.parametrize("stack", [MIXTRAL, JETSTREAM, MISTRAL, TRITON])
def test_the_cost_is_that_of_the_stacks_output(stack: str) -> None:
    found = check_stack(PROJECT, stack)
    assert found.needs
    assert found.needs.cost == run(stack).stack_outputs()["hourlyCost"]


def test_a_cluster_of_ones_own_takes_nothing_of_an_account() -> None:
    found = check_stack(PROJECT, DEV)
    assert found.needs
    assert (found.needs.quotas, found.needs.cost) == ((), None)


def test_what_is_not_at_hand_is_stood_in_for_and_told(invoke: Any) -> None:
    found = check_stack(PROJECT, MIXTRAL)
    assert set(found.stand_ins) == set(stacks.RECIPES[MIXTRAL].account_values)
    assert "mixtral-tgi-gke-l4: stood in, since they are not at hand: gcp:project (" in invoke(MIXTRAL).stdout


def test_without_stand_ins_they_are_missed(invoke: Any) -> None:
    result = invoke(MIXTRAL, "--no-stand-ins", "--json")
    assert result.exit_code == 1
    (told,) = json.loads(result.stdout)
    assert {each["code"] for each in told["findings"]} == {
        "project-missing",
        "token-missing",
        "source-ranges-missing",
    }
    assert told["standIns"] == {}


def test_an_error_is_told_and_makes_the_exit_code_1(invoke: Any) -> None:
    result = invoke(MIXTRAL, "--config", "service.shards=2")
    assert result.exit_code == 1
    assert "error[shards-not-accelerators] service.shards: " in result.stdout
    assert "1 error" in result.stdout
    # what is wrong may be just what decides how much is needed
    assert "NVIDIA_L4_GPUS" not in result.stdout


def test_a_warning_does_not(invoke: Any) -> None:
    result = invoke(MIXTRAL, "--config", "sourceRanges[0]=0.0.0.0/0")
    assert result.exit_code == 0
    assert "warning[source-range-open] sourceRanges[0]: " in result.stdout
    assert "1 warning" in result.stdout
    assert "5.02 to 10.03" in result.stdout


def test_machines_get_findings_quota_and_cost(invoke: Any) -> None:
    (told,) = json.loads(
        invoke(MIXTRAL, "--json", "--config", "cluster.gpuPools.mixtral-moe-gpu-pool.spot=true").stdout
    )
    assert {
        "cloud": "gcp",
        "service": "compute",
        "metric": "PREEMPTIBLE_NVIDIA_L4_GPUS",
        "scope": "region",
        "region": "us-central1",
        "domains": [],
        "needed": 4,
        "most": 8,
        "instead": "NVIDIA_L4_GPUS",
    } in told["quota"]
    cost: Cost = told["hourlyCost"]
    assert cost["minimum"] == pytest.approx(3.2636)
    (refused,) = json.loads(invoke(MIXTRAL, "--json", "--config", "service.shards=2").stdout)
    (finding,) = refused["findings"]
    assert finding["severity"] == "error"
    assert finding["code"] == "shards-not-accelerators"
    assert finding["path"] == "service.shards"
    assert finding["message"]
    assert finding["remedy"]
    assert (refused["quota"], refused["hourlyCost"]) == (None, None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "no Pulumi.nothing.yaml"),
        ([MIXTRAL, "--config", "service.shards"], "KEY=VALUE"),
        ([MIXTRAL, "--config", "service..x=1"], "is no path of a setting"),
        ([MIXTRAL, "--config", "sourceRanges[5]=1"], "no place of a list"),
        ([MIXTRAL, "--config", "service.model.name=1"], "no map"),
    ],
)
def test_what_cannot_be_is_refused_with_code_2(invoke: Any, arguments: list[str], message: str) -> None:
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def refused(stack: str, changes: dict[str, Any]) -> set[str]:
    error = run(stack, changes).error
    assert isinstance(error, ConfigurationError)
    return {str(finding) for finding in error.findings}


def settable(path: str, value: object) -> bool:
    """Whether a command line can set it: it cannot write a text that looks like a number, nor a list."""
    text = isinstance(value, str) and value and not value.isdecimal()
    return "." in path and (text or isinstance(value, bool | int))


SETTABLE = [
    (recipes[0], changes, code)
    for recipes, changes, code, *_ in CASES
    if all(settable(path, value) for path, value in changes.items())
]


def test_enough_mistakes_are_looked_at() -> None:
    assert len({code for *_, code in SETTABLE}) > 25


@pytest.mark.parametrize(
    ("stack", "changes"),
    [
        pytest.param(stack, changes, id=f"{stack}-{code}-{number}")
        for number, (stack, changes, code) in enumerate(SETTABLE)
    ],
)
def test_what_is_told_is_what_stops_an_up(stack: str, changes: dict[str, Any]) -> None:
    overrides = [f"{path}={json.dumps(value).strip(chr(34))}" for path, value in changes.items()]
    found = check_stack(PROJECT, stack, overrides)
    errors = {str(finding) for finding in found.findings if finding.severity is Severity.ERROR}
    assert errors == refused(stack, changes)


def test_an_unknown_recipe_is_told(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    (tmp_path / "Pulumi.mine.yaml").write_text("config: {'llm-serving:recipe': mixtrall}\n")
    found = check_stack(Project(tmp_path, "llm-serving"), "mine")
    assert [finding.code for finding in found.findings] == ["recipe-unknown"]
    assert (found.recipe, found.needs) == (None, None)


def test_encrypted_values_are_placeholders(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    text = (ROOT / f"Pulumi.{MIXTRAL}.yaml").read_text()
    secret = "  llm-serving:huggingFaceToken:\n    secure: v1:cipher\n"
    (tmp_path / "Pulumi.mine.yaml").write_text(text.rstrip() + "\n" + secret)
    found = check_stack(Project(tmp_path, "llm-serving"), "mine")
    assert found.findings == ()
    assert found.placeholders == ("llm-serving:huggingFaceToken",)
    assert "llm-serving:huggingFaceToken" not in found.stand_ins


def test_what_pulumi_yaml_sets_for_every_stack_counts(tmp_path: Path) -> None:
    text = (ROOT / "Pulumi.yaml").read_text()
    (tmp_path / "Pulumi.yaml").write_text(
        f"{text.rstrip()}\n  gcp:project: of-all-stacks\n  sourceRang: {{value: x}}\n"
    )
    shutil.copy(ROOT / f"Pulumi.{MIXTRAL}.yaml", tmp_path)
    found = check_stack(Project(tmp_path, "llm-serving"), MIXTRAL, ["huggingFaceToken="], stand_ins=False)
    assert {(finding.code, finding.path) for finding in found.findings} == {("unknown-setting", "sourceRang")}


def test_it_needs_neither_engine_nor_account_nor_network(tmp_path: Path) -> None:
    """In a process of its own, which has nothing on its PATH and no home, and in which nothing connects anywhere."""
    program = (
        "import socket, sys\n"
        "def refuse(*_): raise AssertionError('the network was asked')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from cli.__main__ import main\n"
        "sys.argv = ['llm-serving', 'check']\n"
        "main()\n"
    )
    environment = {"PATH": str(tmp_path), "HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    if "VIRTUAL_ENV" in os.environ:
        environment["VIRTUAL_ENV"] = os.environ["VIRTUAL_ENV"]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("none") == len(PROJECT.stacks())
    assert "TPU_LITE_PODSLICE_V5" in done.stdout
