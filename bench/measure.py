"""Runs a program once and measures it: time, processor time, peak memory of it and of what it starts."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError

_INTERVAL_SECONDS = 0.01
_MIB = 1024


@dataclass(frozen=True)
class Usage:
    """What one run of a program took."""

    seconds: float
    """From its start to its end, as a clock on the wall tells."""
    processor_seconds: float
    """Of it and of all that it started."""
    own_processor_seconds: float
    """Of its own process."""
    memory_mib: float
    """Peak resident memory of its own process, plus that of the largest process it started, in MiB."""
    tree_memory_mib: float
    """Most resident memory of all its processes at one time, in MiB. What several share, counts for each."""
    printed: str
    """Standard output."""

    @property
    def engine_processor_seconds(self) -> float:
        """Of what it started."""
        return self.processor_seconds - self.own_processor_seconds


def run(command: Sequence[str | Path], folder: Path, environment: Mapping[str, str]) -> Usage:
    """Run `command` in `folder` and return what it took.

    Peaks are read from /proc and not from getrusage: a process that starts another one passes its own peak on to it.

    Raises:
        BenchError: it fails, or this system has no /proc.
    """
    if not Path("/proc/self/status").exists():
        raise BenchError("Memory is read from /proc, which only Linux has: run `make bench` on Linux.")
    peaks: dict[int, int] = {}
    tree = 0
    with (folder / "stdout").open("w+") as stdout, (folder / "stderr").open("w+") as stderr:
        started = time.monotonic()
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=stdout, stderr=stderr)
        while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            tree = max(tree, _watch(process.pid, peaks))
            time.sleep(_INTERVAL_SECONDS)
        seconds = time.monotonic() - started
        own_processor_seconds = _processor_seconds(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        stdout.seek(0)
        stderr.seek(0)
        printed, errors = stdout.read(), stderr.read()
    if process.returncode != 0:
        shown = " ".join(str(part) for part in command)
        raise BenchError(f"{shown} failed, exit code {process.returncode}:\n{(errors or printed)[-4000:]}")
    own = peaks.pop(process.pid, 0)
    return Usage(
        seconds=seconds,
        processor_seconds=usage.ru_utime + usage.ru_stime,
        own_processor_seconds=own_processor_seconds,
        memory_mib=(own + max(peaks.values(), default=0)) / _MIB,
        tree_memory_mib=tree / _MIB,
        printed=printed,
    )


def _processor_seconds(process: int) -> float:
    """Return what the process itself has used. proc(5): `utime` and `stime`, after a name that may hold anything."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _watch(root: int, peaks: dict[int, int]) -> int:
    """Put the peaks of process `root` and of all below it, in KiB, into `peaks`, and return what they have now."""
    own = _program(root)
    together = 0
    pending = [root]
    while pending:
        process = pending.pop()
        # a new process is a copy of the one that starts it until it runs its own program: look at the program first
        program = _program(process)
        peak, now = _memory(process)
        together += now or 0
        if peak is not None and (process == root or program not in (own, None)):
            peaks[process] = max(peak, peaks.get(process, 0))
        pending += _children(process)
    return together


def _program(process: int) -> str | None:
    try:
        return str(Path(f"/proc/{process}/exe").readlink())
    except OSError:
        return None


def _memory(process: int) -> tuple[int | None, int | None]:
    """Return the peak and what there is now."""
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None, None
    told = {line.partition(":")[0]: line.partition(":")[2].split() for line in lines}
    peak, now = (int(told[name][0]) if name in told else None for name in ("VmHWM", "VmRSS"))
    return peak, now


def _children(process: int) -> list[int]:
    found: list[int] = []
    try:
        for task in Path(f"/proc/{process}/task").iterdir():
            found += map(int, (task / "children").read_text(encoding="ascii").split())
    except OSError:
        return found
    return found
