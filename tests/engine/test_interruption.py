"""Runs that are stopped in the middle of a build, and runs that overlap."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.find import PROJECT
from tests.waiting import PATIENCE_SECONDS, wait_until

from .conftest import GOOD_BUILD, Machine, until

PROGRAM = """
import signal
import sys
from pathlib import Path
from engine import find_pulumi
# a shell that runs the tests in the background has it ignored
signal.signal(signal.SIGINT, signal.default_int_handler)
{first}
print(find_pulumi(lambda line: print(line, file=sys.stderr), folder=Path(sys.argv[1])))
"""


def start(machine: Machine, first: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(first=first), machine.engine],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def is_still(file: Path) -> bool:
    """Whether nothing is added to a file for a while."""
    size = file.stat().st_size
    time.sleep(0.5)
    return file.stat().st_size == size


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_build_leaves_nothing_half_made(machine: Machine, how: signal.Signals) -> None:
    child, ticks = machine.root / "child", machine.root / "ticks"
    compiler = f"while echo >>{ticks}; do sleep 0.05; done"
    machine.go(f"echo half >$target; {compiler} & {until(ticks)}; echo $! >{child}.new; mv {child}.new {child}; wait")
    first = start(machine)
    wait_until(child.exists)
    first.send_signal(how)
    first.communicate(timeout=PATIENCE_SECONDS)
    assert not (machine.engine / "pulumi").exists()
    if how == signal.SIGINT:
        wait_until(lambda: is_still(ticks))
        assert not list(machine.engine.glob("*.partial"))
    else:
        os.killpg(os.getpgid(int(child.read_text())), signal.SIGKILL)

    machine.go(GOOD_BUILD)
    output, _ = start(machine).communicate(timeout=PATIENCE_SECONDS)
    assert output == f"{machine.engine}/pulumi/bin/pulumi\n"
    assert not list(machine.engine.glob("*.partial"))


STOPPED_AT_START = """
import os, subprocess
class Popen(subprocess.Popen):
    def __init__(self, command, **options):
        super().__init__(command, **options)
        if "build" in command:
            print(self.pid, flush=True)
            os.kill(os.getpid(), signal.SIGINT)
subprocess.Popen = Popen
"""


def test_a_stop_that_comes_while_the_build_starts_reaches_it(machine: Machine) -> None:
    machine.go("sleep 60")
    stopped = start(machine, STOPPED_AT_START)
    output, errors = stopped.communicate(timeout=PATIENCE_SECONDS)
    assert "KeyboardInterrupt" in errors
    with pytest.raises(ProcessLookupError):
        os.kill(int(output), 0)
    assert not list(machine.engine.glob("*.partial"))


def test_two_runs_at_once_build_once(machine: Machine) -> None:
    go_on = machine.root / "go-on"
    machine.go(f"{until(go_on)}; {GOOD_BUILD}")
    first = start(machine)
    wait_until(machine.log.exists)
    second = start(machine)
    assert second.stderr
    waits = f"Another run is at work in {machine.engine}; waiting for it"
    assert any(waits in line for line in second.stderr)
    go_on.touch()
    outputs = [process.communicate(timeout=PATIENCE_SECONDS)[0] for process in (first, second)]
    assert outputs == [f"{machine.engine}/pulumi/bin/pulumi\n"] * 2
    assert len(machine.log.read_text().splitlines()) == 1
