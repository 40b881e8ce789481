"""Waiting for what another process or thread does."""

import os
import time
from collections.abc import Callable

PATIENCE_SECONDS = 300
"""Far longer than anything here takes on a machine that does much else: only a fault waits so long."""


def wait_until(condition: Callable[[], object]) -> None:
    """Return as soon as `condition` holds."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, f"it did not come about in {PATIENCE_SECONDS} s"
        time.sleep(0.02)


def has_ended(process: int) -> bool:
    """Tell whether a process, which need not be a child of this one, has ended."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False
