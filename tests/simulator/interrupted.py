"""Deploys until it is killed while the cluster is created: `python -m tests.simulator.interrupted FOLDER`."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from simulator import SimulatedClouds
from tests.simulator.harness import Rehearsal
from tests.simulator.programs import Platform
from tests.waiting import wait_until


def tell_of_the_cluster(clouds: SimulatedClouds) -> None:
    """Print a line once the cluster is being created."""
    wait_until(lambda: any("gcp:container/cluster:Cluster::" in urn for urn in clouds.waiting()))
    sys.stdout.write("the cluster is being created\n")
    sys.stdout.flush()


if __name__ == "__main__":
    # an API takes a simulated minute, so here one second, and a cluster 7 minutes
    with Rehearsal(Path(sys.argv[1])).open(Platform(), time_scale=20) as (stack, clouds):
        threading.Thread(target=tell_of_the_cluster, args=(clouds,), daemon=True).start()
        stack.up()
