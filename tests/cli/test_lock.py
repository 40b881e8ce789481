"""Two rehearsals of one stack, and what a killed one leaves."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cli import lock
from cli.errors import RefusedError
from cli.lock import only_rehearsal, release_engine_lock


def test_a_second_rehearsal_is_refused_with_the_process_of_the_first(tmp_path: Path) -> None:
    holder = f"""
import sys
from pathlib import Path
from cli.lock import only_rehearsal
with only_rehearsal(Path({str(tmp_path)!r}), "small"):
    print("held", flush=True)
    sys.stdin.read()
"""
    process = subprocess.Popen([sys.executable, "-c", holder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    with (
        pytest.raises(RefusedError, match=f"small is running, process {process.pid}"),
        only_rehearsal(tmp_path, "small"),
    ):
        pass
    process.kill()
    process.communicate()
    with only_rehearsal(tmp_path, "small"):
        assert (tmp_path / "lock").read_text() == str(os.getpid())


def test_a_lock_that_was_taken_away_meanwhile_is_taken_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, original = tmp_path / "small", fcntl.flock
    locked: list[int] = []

    def flock(file: Any, operation: int) -> None:
        # as a `destroy` does that ends between the opening and the locking of the file
        if not locked:
            shutil.rmtree(folder)
        locked.append(os.fstat(file.fileno()).st_ino)
        original(file, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    with only_rehearsal(folder, "small"):
        assert (folder / "lock").stat().st_ino == locked[-1]
    assert len(locked) == 2


def engine_lock(folder: Path, process: int) -> Path:
    file = folder / "one.json"
    file.write_text(json.dumps({"pid": process, "username": "me"}))
    return file


def test_the_lock_of_a_dead_engine_is_released(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    file = engine_lock(tmp_path, dead.pid)
    assert release_engine_lock(tmp_path, "small", file.unlink)
    assert not file.exists()
    assert not release_engine_lock(tmp_path, "small", file.unlink)


def test_a_lock_that_goes_between_being_found_and_being_read_is_no_error(tmp_path: Path) -> None:
    def cancel() -> None:
        raise AssertionError("there is nothing to release")

    (tmp_path / "one.json").symlink_to("gone")
    assert release_engine_lock(tmp_path, "small", cancel)


def test_the_lock_of_a_working_engine_is_respected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "ENGINE_STOPS_WITHIN", 0.3)
    file = engine_lock(tmp_path, os.getpid())
    with pytest.raises(RefusedError, match=f"process {os.getpid()}"):
        release_engine_lock(tmp_path, "small", file.unlink)
    assert file.exists()
