"""What `make` says on a machine that lacks something, and that it sets itself up only once."""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from engine.find import PROJECT

from .conftest import Machine


@pytest.fixture
def checkout(machine: Machine) -> Path:
    """A checkout with the real Makefile and set-up script, whose own package needs nothing and has no code."""
    checkout = machine.root / "checkout"
    (checkout / "scripts").mkdir(parents=True)
    shutil.copy(PROJECT / "Makefile", checkout)
    shutil.copy(PROJECT / "scripts" / "venv.sh", checkout / "scripts")
    (checkout / "requirements.txt").touch()
    (checkout / "requirements-cli.txt").touch()
    (checkout / "requirements-dev.txt").write_text("hypothesis==6.170.15\n")
    (checkout / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "b"\nbackend-path = ["."]\n'
    )
    (checkout / "b.py").write_text(BACKEND)
    return checkout


BACKEND = """
import zipfile
def get_requires_for_build_editable(config_settings=None): return []
def build_editable(folder, config_settings=None, metadata_directory=None):
    with zipfile.ZipFile(folder + "/p-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("p-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: p\\nVersion: 1\\n")
        wheel.writestr("p-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("p-1.dist-info/RECORD", "")
    return "p-1-py3-none-any.whl"
"""


def real_python() -> str:
    """A Python outside any virtual environment, as a new machine has it."""
    return str(Path(sys.base_prefix) / "bin" / f"python{sysconfig.get_python_version()}")


def make(checkout: Path, target: str) -> subprocess.CompletedProcess[str]:
    make = shutil.which("make", path="/usr/bin:/bin:/usr/local/bin:/opt/homebrew/bin")
    assert make, "the tests need make"
    return subprocess.run(
        [make, target], cwd=checkout, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


@pytest.mark.parametrize("target", ["rehearse", "test", "lint", "bench", "engine"])
def test_says_that_python_is_missing(checkout: Path, target: str) -> None:
    done = make(checkout, target)
    assert done.returncode != 0
    assert "error: Python 3.11 or newer is needed, and there is no python3 on PATH. Install it" in done.stdout
    assert not (checkout / ".venv").exists()


def test_says_that_python_is_too_old(checkout: Path, machine: Machine) -> None:
    machine.program("python3", 'if [ "$1" = --version ]; then echo Python 3.9.2; else exit 1; fi')
    done = make(checkout, "engine")
    assert done.returncode != 0
    assert "error: Python 3.11 or newer is needed, and the python3 on PATH is Python 3.9.2" in done.stdout


def test_says_that_the_venv_module_is_missing_and_leaves_no_half_of_one(checkout: Path, machine: Machine) -> None:
    machine.program(
        "python3",
        f'if [ "$2" = venv ]; then mkdir .venv; echo ensurepip is not available; exit 1; fi; exec {real_python()} "$@"',
    )
    done = make(checkout, "engine")
    assert done.returncode != 0
    assert "ensurepip is not available" in done.stdout
    assert "error: python3 cannot make a virtual environment (see above)" in done.stdout
    assert "install the package python3-venv" in done.stdout
    assert not (checkout / ".venv").exists()


def test_takes_a_newer_python_under_its_own_name_and_sets_up_once(checkout: Path, machine: Machine) -> None:
    machine.program("python3", "exit 1")
    machine.program("python3.12", f'exec {real_python()} "$@"')
    first = make(checkout, "venv-cli")
    assert first.returncode == 0, first.stdout
    assert "==> Making .venv with Python 3" in first.stdout
    assert "==> Installing Python packages" in first.stdout
    assert make(checkout, "venv-cli").stdout == ""

    # Half of a set-up, changed requirements and a Python that has gone are each put right.
    without_network = make(checkout, "venv-dev")
    assert without_network.returncode != 0
    assert "No matching distribution found for hypothesis==6.170.15" in without_network.stdout
    assert "error: pip could not install the packages (see above). It needs a network" in without_network.stdout
    assert "==> Installing" in make(checkout, "venv-dev").stdout

    (checkout / "requirements-cli.txt").write_text("# changed\n")
    assert "==> Installing" in make(checkout, "venv-cli").stdout

    (checkout / ".venv" / "bin" / "python").unlink()
    assert "==> Making .venv" in make(checkout, "venv-cli").stdout
    assert make(checkout, "venv-cli").stdout == ""


def test_clean_removes_all_that_was_made(checkout: Path) -> None:
    made = {".venv", ".engine", ".rehearsal"}
    for folder in made:
        (checkout / folder).mkdir()
    assert make(checkout, "clean").returncode == 0
    assert not made & {path.name for path in checkout.iterdir()}
    assert (checkout / "Makefile").exists()
