"""Runs that are stopped in the middle of a build, and runs that overlap."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from engine.find import PROJECT

from .conftest import GOOD_BUILD, Machine

PROGRAM = """
import signal
import sys
from pathlib import Path
from engine import find_pulumi
# a shell that runs the tests in the background has it ignored
signal.signal(signal.SIGINT, signal.default_int_handler)
print(find_pulumi(lambda line: print(line, file=sys.stderr), folder=Path(sys.argv[1])))
"""


def start(machine: Machine) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, machine.engine],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it did not come about in 30 s"
        time.sleep(0.02)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_build_leaves_nothing_half_made(machine: Machine, how: signal.Signals) -> None:
    child, ticks = machine.root / "child", machine.root / "ticks"
    compiler = f"while echo >>{ticks}; do sleep 0.05; done"
    machine.go(f"echo half >$target; {compiler} & echo $! >{child}.new; mv {child}.new {child}; wait")
    first = start(machine)
    wait_for(child.exists)
    first.send_signal(how)
    first.communicate(timeout=30)
    assert not (machine.engine / "pulumi").exists()
    if how == signal.SIGINT:
        ticked = ticks.stat().st_size
        time.sleep(0.5)
        assert ticks.stat().st_size == ticked, "what go started runs on"
        assert not list(machine.engine.glob("*.partial"))
    else:
        os.killpg(os.getpgid(int(child.read_text())), signal.SIGKILL)

    machine.go(GOOD_BUILD)
    output, _ = start(machine).communicate(timeout=60)
    assert output == f"{machine.engine}/pulumi/bin/pulumi\n"
    assert not list(machine.engine.glob("*.partial"))


def test_two_runs_at_once_build_once(machine: Machine) -> None:
    machine.go(f"sleep 2; {GOOD_BUILD}")
    first = start(machine)
    wait_for(machine.log.exists)
    second = start(machine)
    outputs = [process.communicate(timeout=60) for process in (first, second)]
    assert [output for output, _ in outputs] == [f"{machine.engine}/pulumi/bin/pulumi\n"] * 2
    assert f"Another run is at work in {machine.engine}; waiting for it" in outputs[1][1]
    assert len(machine.log.read_text().splitlines()) == 1
