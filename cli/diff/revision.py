"""The base revision: its files, and the Python that its program runs with."""

import hashlib
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

from cli.errors import RefusedError

REQUIREMENTS = "requirements.txt"
"""What the program runs with."""


class EnvironmentFailedError(Exception):
    """The packages of a revision cannot be installed; the message says why."""


def commit_of(folder: Path, reference: str) -> str:
    """Return the commit that `reference` names in the repository that `folder` is in.

    Raises:
        RefusedError: there is no repository, or no such commit in it.
    """
    asked = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{reference}^{{commit}}"]
    found = subprocess.run(["git", "-C", folder, *asked], capture_output=True, text=True, check=False)
    if found.returncode != 0:
        _git(folder, "rev-parse", "--show-toplevel")  # which says so where there is no repository
        raise RefusedError(
            f"--against {reference}: is no commit of this repository. In a shallow clone, fetch it first: "
            f"git fetch --depth=1 origin {reference}"
        )
    return found.stdout.strip()


def export(folder: Path, commit: str, into: Path) -> Path:
    """Write the files that `commit` has in the repository of `folder`, and return where `folder` itself then is.

    An export, no worktree: nothing is left in the repository, however this ends.

    Raises:
        RefusedError: git fails.
    """
    top = Path(_git(folder, "rev-parse", "--show-toplevel").strip())
    into.mkdir(parents=True)
    command = ["git", "-C", top, "archive", "--format=tar", commit]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        # the program of this commit is run afterwards: it is trusted with links that lead out of the folder, too
        with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
            if hasattr(tarfile, "tar_filter"):
                archive.extractall(into, filter="tar")
            else:  # Python before 3.11.4
                archive.extractall(into)  # noqa: S202 git names no path outside
        _, errors = process.communicate()
    if process.returncode != 0:
        raise RefusedError(f"git archive: {errors.decode().strip()}")
    return into / folder.resolve().relative_to(top.resolve())


def python_for(base: Path, head: Path, environments: Path, say: Callable[[str], None]) -> Path:
    """Return the Python that runs the program in `base`: this one, or one of its own if it asks for other packages.

    Args:
        base: the project of the base revision.
        head: the project that this Python has the packages of.
        environments: where environments are kept, by what is installed in them.
        say: called with lines for people.

    Raises:
        EnvironmentFailedError: the packages cannot be installed.
    """
    wanted = requirements(base)
    if wanted == requirements(head):
        return Path(sys.executable)
    digest = hashlib.sha256("\n".join([sys.version, *wanted]).encode()).hexdigest()[:16]
    folder = environments / digest
    python = folder / "bin" / "python"
    done = folder / "installed"
    if not done.exists():
        environments.mkdir(parents=True, exist_ok=True)
        (environments.parent / ".gitignore").write_text("*\n", encoding="utf-8")
        say(f"{REQUIREMENTS} of the base differs: its packages are installed in an environment of its own ...")
        _run([sys.executable, "-m", "venv", "--clear", folder], base)
        _run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", REQUIREMENTS], base)
        done.touch()
    return python


def requirements(project: Path) -> list[str]:
    """Return what the program of `project` is to run with, without comments."""
    path = project / REQUIREMENTS
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return sorted(line for each in lines if (line := each.partition(" #")[0].strip()) and not line.startswith("#"))


def _run(command: list[str | Path], folder: Path) -> None:
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        last = (ended.stderr.strip() or ended.stdout.strip()).splitlines()[-1:]
        raise EnvironmentFailedError(f"The packages of the base's {REQUIREMENTS} cannot be installed: {''.join(last)}")


def _git(folder: Path, *arguments: str) -> str:
    ended = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise RefusedError(ended.stderr.strip())
    return ended.stdout
