"""Keeps two rehearsals of one stack apart, and clears away what a killed one left locked."""

import fcntl
import json
import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from cli.errors import RefusedError

ENGINE_STOPS_WITHIN = 60.0
"""Seconds in which an engine notices that the rehearsal that started it is gone. It takes one on an idle machine."""

_RUNNING = "Another rehearsal of {stack} is running, process {process}. Wait until it ends, or stop it."


@contextmanager
def only_rehearsal(folder: Path, stack: str) -> Generator[None]:
    """Hold the lock of a stack's rehearsal folder. It ends with the process, however that ends.

    Raises:
        RefusedError: another process holds it.
    """
    with _locked(folder / "lock", stack) as file:
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


@contextmanager
def _locked(path: Path, stack: str) -> Generator[TextIO]:
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = path.open("a+", encoding="utf-8")
        except FileNotFoundError:
            # a `destroy` took the folder away again
            continue
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                if holder := file.read():
                    raise RefusedError(_RUNNING.format(stack=stack, process=holder)) from None
                # whoever has just taken it is about to write down who it is
                continue
            # a `destroy` that ended in between took this file away, and others make a new one
            if path.exists() and os.path.samestat(path.stat(), os.fstat(file.fileno())):
                yield file
                return


def release_engine_lock(locks: Path, stack: str, cancel: Callable[[], None]) -> bool:
    """Release what an engine without its rehearsal left locked, and tell whether there was such a lock.

    Args:
        locks: folder of the engine's locks of this stack.
        stack: name of the stack, for the error.
        cancel: releases the engine's locks.

    Raises:
        RefusedError: the engine that holds it is still at work.
    """
    held = list(locks.glob("*.json"))
    for lock in held:
        try:
            process = int(json.loads(lock.read_text(encoding="utf-8"))["pid"])
        except FileNotFoundError:
            # the engine has ended meanwhile
            continue
        patience = time.monotonic() + ENGINE_STOPS_WITHIN
        while lock.exists() and _runs(process):
            if time.monotonic() > patience:
                raise RefusedError(_RUNNING.format(stack=stack, process=process))
            time.sleep(0.1)
    if any(lock.exists() for lock in held):
        cancel()
    return bool(held)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
