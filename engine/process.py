"""Runs the other programs that the engine is found, installed and built with."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from engine.interruption import interruption_put_off

REPORT_SECONDS = 5
"""Time between two calls of `on_wait`, in seconds."""


class CommandError(Exception):
    """A program did not start, failed, or did not end in time; the message says which."""


def run(
    command: Sequence[str | Path],
    *,
    seconds: float,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    on_wait: Callable[[int, str], None] | None = None,
) -> str:
    """Runs a program to its end and returns what it printed, standard error included.

    Args:
        command: The program and its arguments.
        seconds: How long it may take.
        folder: Where it runs; the current folder by default.
        environment: Variables set beside the present ones.
        on_wait: Called every few seconds with the seconds passed and what was printed so far.

    Raises:
        CommandError: It does not start, fails, or takes longer than `seconds`.
    """
    started = time.monotonic()
    # A file, not a pipe: a pipe stays open, and a reader waiting, as long as any grandchild of a killed program lives.
    with tempfile.TemporaryFile() as output:

        def printed() -> str:
            # pread, because seeking would move the position at which the program writes.
            return os.pread(output.fileno(), os.fstat(output.fileno()).st_size, 0).decode(errors="replace")

        process = None
        try:
            try:
                with interruption_put_off():
                    process = subprocess.Popen(
                        command,
                        stdin=subprocess.DEVNULL,
                        stdout=output,
                        stderr=subprocess.STDOUT,
                        cwd=folder,
                        env={**os.environ, **(environment or {})},
                        start_new_session=True,
                    )
            except OSError as error:
                raise CommandError(f"it does not start ({error.strerror})") from error
            while process.poll() is None:
                passed = time.monotonic() - started
                if passed >= seconds:
                    raise CommandError(f"it did not end within {seconds:.0f} s")
                if on_wait and passed >= REPORT_SECONDS:
                    on_wait(round(passed), printed())
                try:
                    process.wait(min(REPORT_SECONDS, seconds - passed))
                except subprocess.TimeoutExpired:
                    continue
            if process.returncode:
                lines = printed().strip().splitlines() or ["it printed nothing"]
                raise CommandError(f"it ended with code {process.returncode}: {lines[-1].strip()}")
            return printed()
        finally:
            if process and process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
