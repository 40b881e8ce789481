"""A run that is killed or cancelled leaves something from which the next goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pulumi
import pulumi.automation as auto
import pulumi_gcp as gcp
import pytest

from simulator import CloudResource
from simulator.cloud import Cloud
from tests.simulator.harness import Rehearsal, changes
from tests.simulator.programs import Platform
from tests.waiting import PATIENCE_SECONDS, wait_until

ROOT = Path(__file__).parents[2]
CLUSTER = "gcp:container/cluster:Cluster"
NEVER = 0.01
"""The time scale at which the 25 s that an API takes are 40 minutes: longer than any test."""


def everything(rehearsal: Rehearsal) -> list[CloudResource]:
    """What exists."""
    cloud = Cloud(rehearsal.folder / "clouds" / "clouds.sqlite")
    found = cloud.all()
    cloud.close()
    return found


def known(stack: auto.Stack) -> set[tuple[str, str]]:
    """What the state of the stack knows."""
    resources = stack.export_stack().deployment.get("resources", [])
    return {(resource["type"], resource["id"]) for resource in resources if resource.get("id")}


@pytest.fixture
def killed(rehearsal: Rehearsal) -> Rehearsal:
    """A stack whose deployment was killed, engine and all, while the cluster was being created."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.simulator.interrupted", str(rehearsal.folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    try:
        assert process.stdout.readline() == "the cluster is being created\n"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    return rehearsal


def test_after_a_kill_the_next_run_goes_on(killed: Rehearsal) -> None:
    program = Platform()
    (cluster,) = (found for found in everything(killed) if found.type == CLUSTER)
    assert cluster.state == "creating"

    with killed.open(program) as (stack, clouds):
        stack.cancel()
        assert cluster.id in {left.id for left in clouds.adopt(known(stack))}
        stack.up()
        assert clouds.adopt(known(stack)) == []
        assert any("An interrupted run left gcp:container/cluster:Cluster" in warning for warning in clouds.warnings)

    assert changes(killed.up(program)) == {}
    killed.destroy(program)
    assert everything(killed) == []


def test_a_resource_with_a_fixed_name_is_taken_over(rehearsal: Rehearsal) -> None:
    def program() -> None:
        api = gcp.projects.Service("compute", service="compute.googleapis.com")
        gcp.compute.Network("net", name="net", opts=pulumi.ResourceOptions(depends_on=[api]))

    rehearsal.up(program)
    # as if the engine had been killed before it wrote its state
    with rehearsal.open(program) as (stack, _):
        exported = stack.export_stack()
        exported.deployment["resources"] = [
            resource
            for resource in exported.deployment["resources"]
            if resource["type"] != "gcp:compute/network:Network"
        ]
        stack.import_stack(exported)

    assert "already exists" in rehearsal.fails(program)

    with rehearsal.open(program) as (stack, clouds):
        assert [left.name for left in clouds.adopt(known(stack))] == ["net"]
        assert changes(stack.up()) == {"create": 1}
        assert clouds.warnings == []
    rehearsal.destroy(program)
    assert everything(rehearsal) == []


def test_another_stack_does_not_take_over(rehearsal: Rehearsal) -> None:
    def program(resource: str) -> None:
        api = gcp.projects.Service("compute", service="compute.googleapis.com")
        gcp.compute.Network(resource, name="net", opts=pulumi.ResourceOptions(depends_on=[api]))

    rehearsal.up(lambda: program("one"))
    with rehearsal.clouds() as clouds:
        assert len(clouds.adopt(set())) == 2
    output = rehearsal.fails(lambda: program("two"))
    assert "Error 409" in output


def test_what_is_cancelled_is_kept_half_made(rehearsal: Rehearsal) -> None:
    program = Platform(workload=False)
    with rehearsal.open(program, time_scale=NEVER) as (stack, clouds):
        failures: list[auto.CommandError] = []

        def deploy() -> None:
            try:
                stack.up()
            except auto.CommandError as error:
                failures.append(error)

        thread = threading.Thread(target=deploy)
        thread.start()
        wait_until(lambda: len(clouds.waiting()) == 4)
        assert any("API is enabled, " in reason and reason.endswith(" of 25 s") for reason in clouds.waiting().values())
        assert all(json.dumps(urn).startswith('"urn:pulumi:test::simulated::') for urn in clouds.waiting())
        interrupt_engine()
        thread.join(timeout=PATIENCE_SECONDS)
        assert failures
        assert {found.state for found in clouds.resources()} == {"tainted"}
        assert clouds.adopt(known(stack)) == []

    rehearsal.up(program)
    assert {found.state for found in everything(rehearsal)} == {"ready"}


def interrupt_engine() -> None:
    """Press Ctrl-C on the engine that this process started."""
    children = subprocess.run(
        ["ps", "-o", "pid=,comm=", "--ppid", str(os.getpid())], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    for line in children:
        pid, name = line.split()
        if name == "pulumi":
            os.kill(int(pid), signal.SIGINT)


def test_closing_the_clouds_does_not_wait_for_what_is_under_way(rehearsal: Rehearsal) -> None:
    with rehearsal.open(Platform(workload=False), time_scale=NEVER) as (stack, clouds):

        def deploy() -> None:
            with pytest.raises(auto.CommandError):
                stack.up()

        thread = threading.Thread(target=deploy)
        thread.start()
        wait_until(clouds.waiting)
    thread.join(timeout=PATIENCE_SECONDS)
    assert not thread.is_alive()
