"""Simulated time, which passes faster than real time, and what is waited for."""

from __future__ import annotations

import threading
import time
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

    def wait(self, urn: str, reason: str, seconds: float, cancelled: threading.Event) -> bool:
        """Let this many simulated seconds pass. Returns False when it was cancelled meanwhile."""
        real = seconds / self._scale
        if real <= 0:
            return not cancelled.is_set()
        self._waits[urn] = _Wait(reason, time.monotonic(), seconds)
        try:
            return not cancelled.wait(real)
        finally:
            self._waits.pop(urn, None)

    def waiting(self) -> dict[str, str]:
        """What each resource waits for now, by URN: `nodes start, 3 of 6 min`."""
        now = time.monotonic()
        return {
            urn: f"{wait.reason}, {_progress((now - wait.start) * self._scale, wait.seconds)}"
            for urn, wait in self._waits.copy().items()
        }


def _progress(passed: float, total: float) -> str:
    passed = min(passed, total)
    return f"{passed:.0f} of {total:.0f} s" if total < 120 else f"{passed / 60:.0f} of {total / 60:.0f} min"
