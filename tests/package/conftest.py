"""The Python package, built as from a clean checkout and installed where nothing else of this project is."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
SOURCES = ("LICENSE", "components", "workloads", "package/python")


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel, and a folder that holds nothing of the project."""

    python: Path
    folder: Path

    def run(self, program: str, *arguments: str) -> str:
        """Run a program there, and return what it prints."""
        (self.folder / "program.py").write_text(program)
        # -I: neither PYTHONPATH nor the current folder are searched
        command = [self.python, "-I", "program.py", *arguments]
        run = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
        return run.stdout


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the package is built from, without what earlier builds and runs have left there."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in SOURCES:
        source, copy = PROJECT / name, folder / name
        if source.is_dir():
            left = shutil.ignore_patterns("__pycache__", "build", "dist", "*.egg-info")
            shutil.copytree(source, copy, symlinks=True, ignore=left)
        else:
            shutil.copy(source, copy)
    return folder


@pytest.fixture(scope="session")
def wheel(checkout: Path) -> Path:
    """The wheel."""
    return build_wheel(checkout / "package/python", checkout / "dist")


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel, with the SDKs of the environment that runs the tests."""
    folder = tmp_path_factory.mktemp("elsewhere")
    environment = folder / "environment"
    venv.create(environment, symlinks=True, with_pip=False)
    python = environment / "bin" / "python"
    run("-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", str(wheel))
    packages = Path(
        subprocess.check_output([python, "-c", "import site; print(site.getsitepackages()[0])"], text=True)[:-1]
    )
    # by its path alone: what that environment has as an editable installation, this project, is not found through it
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return Installed(python, folder)


def build_wheel(source: Path, target: Path) -> Path:
    """Build a wheel without a network."""
    run("-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "--no-index", "-w", str(target), str(source))
    (built,) = target.glob("*.whl")
    return built


def run(*arguments: str, cwd: Path | None = None) -> None:
    """Run this Python."""
    done = subprocess.run([sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
