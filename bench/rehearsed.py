"""Runs the command line's rehearsals in projects of their own, each a fresh process on an empty stack."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError
from bench.measure import Usage, run
from cli.isolation import isolated_environment
from cli.project import Project
from cli.session import Home

ROOT = Path(__file__).resolve().parent.parent
"""The project."""
AGAIN = "up again"
"""An `up` that follows another and finds nothing to do."""


@dataclass(frozen=True)
class Run:
    """One measured run of a program."""

    usage: Usage
    seconds: float
    """Of the operation alone: without the start of Python and its imports."""
    created: int
    """Resources that it created, or would create."""


def environment(pulumi_cli: Path) -> dict[str, str]:
    """Return the environment of everything that is measured."""
    search = f"{pulumi_cli.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": search}
    # which would have each process compile all that it imports
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    return variables


@contextmanager
def project_copy(stack: str) -> Generator[Path]:
    """Give a folder with this project's program and the settings of `stack`, away from the user's rehearsals."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for name in ("Pulumi.yaml", f"Pulumi.{stack}.yaml", "__main__.py"):
            shutil.copy(ROOT / name, folder)
        yield Path(folder)


def rehearse(operation: str, stack: str, project: Path, environment: Mapping[str, str]) -> Run:
    """Rehearse `preview`, `up` or `AGAIN` of `stack` in `project`, without letting simulated time pass.

    Raises:
        BenchError: it fails.
    """
    usage = run([sys.executable, "-m", "cli", *arguments_of(operation, stack)], project, environment)
    result = json.loads(usage.printed)
    return Run(usage, result["seconds"], result["changes"].get("create", 0))


def arguments_of(operation: str, stack: str) -> list[str]:
    """Return what the command line is told."""
    if operation == "preview":
        return ["rehearse", "preview", stack, "--json"]
    return ["rehearse", "up", stack, "--json", "--time-scale", "inf"]


def record(stack: str, project: Path, pulumi_cli: Path, target: Path) -> None:
    """Rehearse `stack` in `project`, and write what it consists of to the file `target`, for the floor.

    Raises:
        BenchError: it fails, or its state cannot be read.
    """
    rehearse("up", stack, project, environment(pulumi_cli))
    home = Home(Project(project, ""), stack)
    with isolated_environment(home.folder):
        command = [pulumi_cli, "stack", "export", "--show-secrets", "--stack", stack, "--file", target]
        done = subprocess.run(command, cwd=home.work, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"The state of {stack} cannot be exported: {done.stderr}")
