"""Simulated time, which passes faster than real time, and what is waited for."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class _Wait:
    reason: str
    start: float
    seconds: float


class Clock:
    """Lets simulated time pass `scale` times faster than real time; `math.inf`: at once."""

    def __init__(self, scale: float) -> None:
        self._scale = scale
        self._waits: dict[str, _Wait] = {}
        self._passed: dict[str, float] = {}

    def wait(self, urn: str, reason: str, seconds: float, cancelled: threading.Event) -> bool:
        """Let this many simulated seconds pass. Returns False when it was cancelled meanwhile."""
        self._passed[urn] = self._passed.get(urn, 0.0) + seconds
        real = self.real(seconds)
        if real <= 0:
            return not cancelled.is_set()
        with self.shown(urn, reason, seconds):
            return not cancelled.wait(real)

    def real(self, seconds: float) -> float:
        """The real seconds that so many simulated ones take."""
        return seconds / self._scale

    @contextmanager
    def shown(self, urn: str, reason: str, seconds: float) -> Generator[None]:
        """Let `waiting` tell meanwhile that this resource waits for at most so many simulated seconds."""
        self._waits[urn] = _Wait(reason, time.monotonic(), seconds)
        try:
            yield
        finally:
            self._waits.pop(urn, None)

    def waiting(self) -> dict[str, str]:
        """What each resource waits for now, by URN: `nodes start, 3 of 6 min`."""
        now = time.monotonic()
        return {
            urn: f"{wait.reason}, {_progress((now - wait.start) * self._scale, wait.seconds)}"
            for urn, wait in self._waits.copy().items()
        }

    def passed(self) -> dict[str, float]:
        """The simulated seconds that each resource has waited in all, by URN, however fast they passed."""
        return self._passed.copy()


def _progress(passed: float, total: float) -> str:
    passed = min(total, passed)  # in this order, which turns no number (of time that does not pass) into the total
    return f"{passed:.0f} of {total:.0f} s" if total < 120 else f"{passed / 60:.0f} of {total / 60:.0f} min"
