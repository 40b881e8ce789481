import os
import sys
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.measure import run

ALLOCATE = "import time; held = b'x' * (200 << 20); time.sleep(0.2)"


def test_memory_of_what_a_program_starts_counts(tmp_path: Path) -> None:
    # the second command keeps the shell from becoming Python itself
    usage = run(["sh", "-c", f'{sys.executable} -c "{ALLOCATE}"; true'], tmp_path, os.environ)
    assert 200 < usage.memory_mib < 260


def test_memory_that_a_process_hands_on_counts_once(tmp_path: Path) -> None:
    # for a while, the new process is a copy of the one that starts it
    program = f"{ALLOCATE}; import subprocess; subprocess.run(['sleep', '0.1'], preexec_fn=lambda: time.sleep(0.2))"
    usage = run([sys.executable, "-c", program], tmp_path, os.environ)
    assert 200 < usage.memory_mib < 260


def test_processor_time_is_told_of_all_and_of_the_process_itself(tmp_path: Path) -> None:
    program = "import time\nwhile time.process_time() < 0.5: pass"
    usage = run(["sh", "-c", f'{sys.executable} -c "{program}"; true'], tmp_path, os.environ)
    assert usage.processor_seconds >= 0.5
    assert usage.own_processor_seconds < 0.25
    usage = run([sys.executable, "-c", program], tmp_path, os.environ)
    assert usage.own_processor_seconds >= 0.49
    assert usage.engine_processor_seconds < 0.25


def test_a_program_that_fails_is_told_with_its_errors(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"exit code 3:\nno cluster"):
        run(["sh", "-c", "echo no cluster >&2; exit 3"], tmp_path, os.environ)
