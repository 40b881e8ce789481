import os
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import measure
from bench.errors import BenchError
from bench.measure import run

ALLOCATE = """
import pathlib, time
held = b'x' * (200 << 20)
for _ in range(6000):  # until it has been measured
    if pathlib.Path('seen').exists():
        break
    time.sleep(0.05)
"""


@pytest.fixture(autouse=True)
def _tell_what_was_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file, once as much memory has been seen: a machine may be too busy to look at it in time."""
    watch = measure._watch

    def watch_and_tell(root: int, peaks: dict[int, int]) -> Any:
        watched = watch(root, peaks)
        if max(peaks.values(), default=0) > 200 << 10:
            (tmp_path / "seen").touch()
        return watched

    monkeypatch.setattr(measure, "_watch", watch_and_tell)


def test_memory_of_what_a_program_starts_counts(tmp_path: Path) -> None:
    # the second command keeps the shell from becoming Python itself
    usage = run(["sh", "-c", '"$0" -c "$1"; true', sys.executable, ALLOCATE], tmp_path, os.environ)
    assert 200 < usage.memory_mib < 260


def test_memory_that_a_process_hands_on_counts_once(tmp_path: Path) -> None:
    # for a while, the new process is a copy of the one that starts it
    start = "import subprocess; subprocess.run(['sleep', '0.1'], preexec_fn=lambda: time.sleep(0.2))"
    usage = run([sys.executable, "-c", ALLOCATE + start], tmp_path, os.environ)
    assert 200 < usage.memory_mib < 260


def test_memory_of_all_processes_is_what_they_have_at_one_time(tmp_path: Path) -> None:
    program = f"import subprocess, sys; held = b'x' * (200 << 20); subprocess.run([sys.executable, '-c', {ALLOCATE!r}])"
    together = run([sys.executable, "-c", program], tmp_path, os.environ)
    assert 400 < together.tree_memory_mib < 500
    allocate = f'{sys.executable} -c "{ALLOCATE}"'
    after_each_other = run(["sh", "-c", f"{allocate}; {allocate}; true"], tmp_path, os.environ)
    assert 200 < after_each_other.tree_memory_mib < 260


def test_processor_time_is_told_of_all_and_of_the_process_itself(tmp_path: Path) -> None:
    program = "import time\nwhile time.process_time() < 0.5: pass"
    usage = run(["sh", "-c", f'{sys.executable} -c "{program}"; true'], tmp_path, os.environ)
    assert usage.processor_seconds >= 0.5
    assert usage.own_processor_seconds < 0.25
    usage = run([sys.executable, "-c", program], tmp_path, os.environ)
    # the system counts in hundredths, and cuts off what is over: twice
    assert usage.own_processor_seconds >= 0.47
    assert usage.engine_processor_seconds < 0.25


def test_a_program_that_fails_is_told_with_its_errors(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"exit code 3:\nno cluster"):
        run(["sh", "-c", "echo no cluster >&2; exit 3"], tmp_path, os.environ)
