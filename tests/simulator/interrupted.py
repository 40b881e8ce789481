"""Deploys so slowly that it can be killed in the middle: `python -m tests.simulator.interrupted FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.simulator.harness import Rehearsal
from tests.simulator.programs import Platform

if __name__ == "__main__":
    # a cluster takes 7 simulated minutes, so here 7 seconds
    Rehearsal(Path(sys.argv[1])).up(Platform(), time_scale=60)
