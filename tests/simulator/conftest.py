"""A stack of its own for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulator.harness import Rehearsal


@pytest.fixture
def rehearsal(tmp_path: Path) -> Rehearsal:
    """A stack of its own."""
    return Rehearsal(tmp_path)
