"""Counts the processor time of every function in all threads of this process.

The standard library's profiler is for one thread, and by itself counts waiting too: here each thread has one of its
own, which goes by that thread's processor time.
"""

import cProfile
import sys
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from types import CodeType

Function = CodeType | str
"""A function in Python, or the profiler's name of one in C."""


@dataclass(frozen=True)
class Call:
    """What one function took when another called it, in seconds."""

    caller: Function
    own: float
    whole: float
    """With what it called."""


@dataclass
class Timing:
    """What one function took, in seconds."""

    own: float = 0.0
    """Without what it called."""
    calls: list[Call] = field(default_factory=list[Call])


class Profilers:
    """A profiler for this thread, and one for each that is started from now on."""

    def __init__(self) -> None:
        self._profiles: list[cProfile.Profile] = []

    def start(self) -> None:
        """Begin."""
        threading.setprofile(self._begin)
        self._begin()

    def _begin(self, *_: object) -> None:
        sys.setprofile(None)
        profile = cProfile.Profile(time.thread_time)
        self._profiles.append(profile)
        profile.enable()

    def stop(self) -> dict[Function, Timing]:
        """End it in this thread, and return what each function took in all of them."""
        threading.setprofile(None)
        sys.setprofile(None)
        found: dict[Function, Timing] = defaultdict(Timing)
        for profile in self._profiles:
            for entry in profile.getstats():
                found[entry.code].own += entry.inlinetime
                for call in entry.calls or ():
                    found[call.code].calls.append(Call(entry.code, call.inlinetime, call.totaltime))
        return found
