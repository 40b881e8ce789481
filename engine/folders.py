"""What keeps the project's engine folder whole when runs are interrupted or overlap."""

import fcntl
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def made(target: Path) -> Generator[Path]:
    """Gives an empty folder to fill, and moves it to `target` only when all went well."""
    partial = target.with_name(f"{target.name}.partial")
    # Left by a run that was killed: the lock is ours, so nobody works in it.
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        shutil.rmtree(target, ignore_errors=True)
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def locked(folder: Path, progress: Callable[[str], None]) -> Generator[None]:
    """Keeps a second run out of `folder`; it waits. The lock ends with the process, however that ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(f"Another run is at work in {folder}; waiting for it ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
