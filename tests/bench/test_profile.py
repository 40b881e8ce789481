"""To whom the time of a profile is put down."""

import threading
import time
from types import CodeType

import pytest

from bench.profiled import ROOT, caused_seconds, most_seconds, own_seconds
from bench.profiling import Call, Profilers, Timing
from components.args import ComponentArgs


def code(file: str) -> CodeType:
    # what is the same but for its file counts as equal
    return compile(repr(file), file, "exec")


OURS, LIBRARY = code(f"{ROOT}/components/args.py"), code("/usr/lib/python3/json/__init__.py")
SIMULATOR = code(f"{ROOT}/simulator/cloud.py")


def test_what_is_in_c_counts_for_its_caller_and_what_libraries_do_for_those_that_caused_it() -> None:
    timings = {
        OURS: Timing(1.0),
        SIMULATOR: Timing(2.0),
        LIBRARY: Timing(4.0, [Call(OURS, 1.0, 3.0), Call(SIMULATOR, 3.0, 9.0)]),
        # three quarters of what calls it was caused by the simulator
        "<loads>": Timing(8.0, [Call(LIBRARY, 8.0, 8.0)]),
    }
    assert own_seconds(timings) == {"components": 1.0, "simulator": 2.0, "standard library": 12.0}
    assert caused_seconds(timings) == {"components": pytest.approx(1 + 1 + 2), "simulator": pytest.approx(2 + 3 + 6)}
    assert most_seconds(timings, 1) == {"simulator/cloud.py <module>": 2.0}


BUSY_SECONDS = 0.5


def busy() -> None:
    end = time.thread_time() + BUSY_SECONDS
    while time.thread_time() < end:
        pass


def test_all_threads_are_profiled_and_waiting_takes_nothing() -> None:
    profilers = Profilers()
    profilers.start()
    thread = threading.Thread(target=busy)
    thread.start()
    thread.join()
    ComponentArgs.parse({})
    timings = profilers.stop()
    taken = sum(timing.own for timing in timings.values())
    # this thread waited as long as the other was busy
    assert BUSY_SECONDS * 0.9 < taken < BUSY_SECONDS * 1.5
    assert own_seconds(timings)["components"] > 0
