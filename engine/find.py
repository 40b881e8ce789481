"""Finds the programs that a rehearsal runs on, and gets them where a machine has none.

The Pulumi CLI: on PATH, from an earlier run, by the official installer, or built from Go modules. The programs of a
Kubernetes control plane, and what other languages and the linters need: from an earlier run, or built.
"""

import os
import re
import shutil
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from semver import VersionInfo

from engine.build import (
    ACTIONLINT,
    CONTROL_PLANE,
    CUSTOM_RESOURCES,
    LANGUAGES,
    PULUMI,
    GoModule,
    build,
    fetch_custom_resources,
)
from engine.folders import locked, made
from engine.process import CommandError, run

MINIMUM = VersionInfo(3, 217, 0)
"""Oldest CLI that can run this project.

The Automation API of the SDK asks for 3.1.0, debug providers for 3.30.0, the `object` settings that Pulumi.yaml
declares for 3.187.0, and error hooks, which OciGpuHost has, for 3.217.0 (Pulumi's change log, 2026-01-23).
"""

PROJECT = Path(__file__).resolve().parent.parent

_PINS = (Path("go.mod"), Path(CUSTOM_RESOURCES.name) / "go.mod")
_VERSION_SECONDS = 20
_INSTALL_SECONDS = 600


class EngineError(Exception):
    """A program is not there and cannot be got; the message says what is missing and what to do."""


class _UnusableError(EngineError):
    """A Pulumi CLI that is there but cannot be used; the message says which and why."""


def find_pulumi(progress: Callable[[str], None] = print, *, folder: Path = PROJECT / ".engine") -> Path:
    """Finds a Pulumi CLI that works, and gets one where there is none.

    Looks on PATH and where Pulumi installs itself, then in `folder`; then runs the official installer, then builds the
    CLI from Go modules, both into `folder`.

    Args:
        progress: Called with lines for people, at least every few seconds while something runs.
        folder: Where a CLI is put that had to be got.

    Returns:
        The path of the executable.

    Raises:
        EngineError: None is there and none can be got.
    """
    problems: list[str] = []
    own = folder / "pulumi" / "bin" / "pulumi"
    for executable in [*_installed(), own]:
        if executable.exists():
            try:
                _check(executable)
            except _UnusableError as error:
                problems.append(str(error))
                progress(f"Passing over {error}")
            else:
                return executable
    if not problems:
        problems.append("there is no pulumi on PATH")
    with _writing(folder, progress):
        return _get(own, problems, progress)


def find_control_plane(progress: Callable[[str], None] = print, *, folder: Path = PROJECT / ".engine") -> Path:
    """Finds the programs of a Kubernetes control plane that this project pins, and builds them where they are not yet.

    They are etcd, kube-apiserver, kube-controller-manager, kube-scheduler, and kwok, which plays the machines.

    Args:
        progress: Called with lines for people, at least every few seconds while something runs.
        folder: Where they are put.

    Returns:
        The folder that holds the five executables. Beside it, `crds` holds the definitions of the custom resources that
        GKE brings.

    Raises:
        EngineError: They are not there and cannot be built.
    """
    own = folder / "control-plane"
    if not _is_current(own):
        with _writing(folder, progress):
            # Unless the run that held the lock before has built them.
            if not _is_current(own):
                _build_control_plane(own, progress)
    return own / "bin"


def find_actionlint(progress: Callable[[str], None] = print, *, folder: Path = PROJECT / ".engine") -> Path:
    """Finds the linter of workflows that this project pins, and builds it where it is not yet.

    Args:
        progress: Called with lines for people, at least every few seconds while something runs.
        folder: Where it is put.

    Returns:
        The path of the executable.

    Raises:
        EngineError: It is not there and cannot be built.
    """
    return _find_built(ACTIONLINT, folder / "actionlint", "actionlint", progress) / "actionlint"


def find_languages(progress: Callable[[str], None] = print, *, folder: Path = PROJECT / ".engine") -> Path:
    """Finds what programs in other languages need that this project pins, and builds it where it is not yet.

    They are `pulumi-language-yaml`, with which the Pulumi CLI runs programs in YAML, and `sdk`, which generates what
    programs in the others import: `sdk go|nodejs SCHEMA FOLDER`.

    Args:
        progress: Called with lines for people, at least every few seconds while something runs.
        folder: Where they are put.

    Returns:
        The folder that holds the two executables.

    Raises:
        EngineError: They are not there and cannot be built.
    """
    return _find_built(LANGUAGES, folder / "languages", "programs for other languages", progress)


def _find_built(module: GoModule, own: Path, what: str, progress: Callable[[str], None]) -> Path:
    """Returns the folder of a module's programs, which are built anew when anything of the module has changed."""
    sources = [module.folder / "go.mod", *sorted(module.folder.rglob("*.go"))]
    pins = "".join(source.read_text(encoding="utf-8") for source in sources)
    built_from = own / "built-from"
    with _writing(own.parent, progress):
        if not built_from.exists() or built_from.read_text(encoding="utf-8") != pins:
            try:
                with made(own) as target:
                    build(module, target, progress)
                    (target / built_from.name).write_text(pins, encoding="utf-8")
            except CommandError as error:
                raise EngineError(f"no {what} can be had: {error}") from error
    return own / "bin"


def _is_current(own: Path) -> bool:
    """Whether `own` holds what the modules pin now: with the programs, the pins that they were built from are kept."""
    return all(
        (own / pins).exists() and (own / pins).read_bytes() == (CONTROL_PLANE.folder / pins).read_bytes()
        for pins in _PINS
    )


def _build_control_plane(own: Path, progress: Callable[[str], None]) -> None:
    progress("Getting a Kubernetes control plane ...")
    try:
        with made(own) as target:
            build(CONTROL_PLANE, target, progress)
            for program in CONTROL_PLANE.programs:
                _check_version(target / "bin" / program.name, CONTROL_PLANE.version(program))
            fetch_custom_resources(target / CUSTOM_RESOURCES.name, progress)
            for pins in _PINS:
                shutil.copyfile(CONTROL_PLANE.folder / pins, target / pins)
    except CommandError as error:
        raise EngineError(
            f"no Kubernetes control plane can be had: {error}\n"
            + "Do one of these and try again:\n"
            + "  - give this machine a network, so that Go and the modules can be fetched\n"
            + f"  - install Go, {CONTROL_PLANE.needed_go} or newer, and give it a Go module mirror (GOPROXY)"
        ) from error
    progress(f"The control plane is ready: {own / 'bin'}")


def _check_version(executable: Path, version: VersionInfo) -> None:
    try:
        printed = run([executable, "--version"], seconds=_VERSION_SECONDS)
    except CommandError as error:
        raise CommandError(f"the {executable.name} that was built is broken: {error}") from error
    if str(version) not in printed:
        raise CommandError(f"the {executable.name} that was built is not {version}, it prints {printed[:80]!r}")


@contextmanager
def _writing(folder: Path, progress: Callable[[str], None]) -> Generator[None]:
    """Keeps other runs out of the engine folder meanwhile."""
    try:
        with locked(folder, progress):
            yield
    except OSError as error:
        raise EngineError(f"{folder} cannot be written ({error.strerror}). Make it writable and try again.") from error


def _installed() -> Iterator[Path]:
    """Every `pulumi` on PATH, in order, and those where Pulumi's installer puts it without changing PATH."""
    # a rehearsal sets PULUMI_HOME to a folder of its own
    homes = [home for home in (os.environ.get("PULUMI_HOME"), Path.home() / ".pulumi") if home]
    for directory in dict.fromkeys([*os.get_exec_path(), *(str(Path(home) / "bin") for home in homes)]):
        found = shutil.which("pulumi", path=directory)
        if found:
            yield Path(found)


def pulumi_version(executable: Path) -> VersionInfo:
    """Returns the version of a Pulumi CLI, which is asked for it once, as each start takes a fifth of a second.

    Raises:
        EngineError: It is broken, or not there.
    """
    try:
        changed = executable.stat().st_mtime_ns
    except OSError as error:
        raise _UnusableError(f"{executable}, which is broken: {error.strerror}") from error
    return _version_of(executable, changed)


@cache
def _version_of(executable: Path, _changed: int) -> VersionInfo:
    try:
        printed = run(
            [executable, "version"], seconds=_VERSION_SECONDS, environment={"PULUMI_SKIP_UPDATE_CHECK": "true"}
        ).strip()
    except CommandError as error:
        raise _UnusableError(f"{executable}, which is broken: {error}") from error
    try:
        # in a line of its own: with GODEBUG or an option of Pulumi for more output there are others
        return VersionInfo.parse(re.sub(r"(?ms).*?^v?(\d+\.\d+\.\d+\S*)$.*", r"\1", printed))
    except ValueError as error:
        raise _UnusableError(f"{executable}, which is broken: it prints no version, but {printed[:80]!r}") from error


def _check(executable: Path) -> None:
    version = pulumi_version(executable)
    if version < MINIMUM:
        raise _UnusableError(f"{executable}, which is too old: {version}, and {MINIMUM} is needed")
    if version.major > MINIMUM.major:
        raise _UnusableError(f"{executable}, which is too new: {version}, and the SDK speaks to {MINIMUM.major}.x")


def _get(own: Path, problems: list[str], progress: Callable[[str], None]) -> Path:
    """Installs or builds the CLI, unless the run that held the lock before has done so."""
    with suppress(_UnusableError):
        _check(own)
        return own
    for way in (_install, _build):
        try:
            with made(own.parents[1]) as target:
                way(target, progress)
                _check(target / "bin" / "pulumi")
        except (CommandError, _UnusableError) as error:
            problems.append(str(error))
            progress(f"  not possible here: {error}")
        else:
            progress(f"The Pulumi CLI is ready: {own}")
            return own
    raise EngineError(
        "no Pulumi CLI can be had:\n"
        + "".join(f"  - {problem}\n" for problem in problems)
        + "Do one of these and try again:\n"
        + f"  - install the Pulumi CLI, {MINIMUM} or newer: https://www.pulumi.com/docs/install\n"
        + "  - give this machine a network, so that it can be installed or built here\n"
        + f"  - install Go, {PULUMI.needed_go} or newer, and give it a Go module mirror (GOPROXY)"
    )


def _build(target: Path, progress: Callable[[str], None]) -> None:
    build(PULUMI, target, progress)


def _install(target: Path, progress: Callable[[str], None]) -> None:
    progress("Installing the Pulumi CLI with the official installer ...")
    try:
        run(
            [sys.executable, "-m", "engine.install", target],
            seconds=_INSTALL_SECONDS,
            folder=PROJECT,
            on_wait=lambda seconds, _: progress(f"  {seconds:4d} s: downloading"),
        )
    except CommandError as error:
        raise CommandError(f"the official installer failed: {error}") from error
