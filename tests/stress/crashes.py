"""What a kill of the engine and of the simulated clouds leaves behind, at every step of an operation."""

import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.rehearsal import Rehearsal
from simulator.operations import Operations
from tests.waiting import wait_until


@dataclass(frozen=True)
class Crash:
    """All files of a rehearsal as they were at one moment."""

    moment: str
    """Such as `create NAME: done`."""
    files: Path

    def bring_back(self, rehearsal: Rehearsal) -> None:
        shutil.rmtree(rehearsal.home.folder, ignore_errors=True)
        shutil.copytree(self.files, rehearsal.home.folder, symlinks=True)


class Witness:
    """Keeps what each moment of a running operation would leave if everything were killed then.

    The engine is stopped meanwhile, and the clouds change nothing: these files are what a SIGKILL of both leaves.
    """

    def __init__(self, rehearsal: Rehearsal, folder: Path) -> None:
        self.crashes: list[Crash] = []
        self._rehearsal = rehearsal
        self._folder = folder
        self._lock = threading.Lock()

    def see(self, operations: Operations, moment: str) -> None:
        with self._lock, operations._cloud._lock, self._engine_stopped():
            files = self._folder / f"{len(self.crashes)}"
            shutil.copytree(self._rehearsal.home.folder, files, symlinks=True)
            self.crashes.append(Crash(moment, files))

    @contextmanager
    def _engine_stopped(self) -> Iterator[None]:
        engine = self._rehearsal._engine
        assert engine is not None
        assert engine._process is not None
        process = engine._process.pid
        os.kill(process, signal.SIGSTOP)
        try:
            wait_until(lambda: Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "T")
            yield
        finally:
            os.kill(process, signal.SIGCONT)


def witnessed(
    rehearsal: Rehearsal, operation: Callable[[], object], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> list[Crash]:
    """Run `operation`, which must succeed, and return what a kill would have left before and after each step of it."""
    witness = Witness(rehearsal, folder)
    with monkeypatch.context() as patched:
        for verb in ("create", "update", "delete"):
            patched.setattr(Operations, verb, _seen(getattr(Operations, verb), verb, witness))
        operation()
    return witness.crashes


def _seen(original: Callable[..., Any], verb: str, witness: Witness) -> Callable[..., Any]:
    def step(operations: Operations, request: Any, *rest: Any) -> Any:
        witness.see(operations, f"{verb} {request.resource_name}: asked")
        result = original(operations, request, *rest)
        witness.see(operations, f"{verb} {request.resource_name}: done")
        return result

    return step
