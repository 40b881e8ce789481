"""Each fault, and what the next run makes of it."""

from __future__ import annotations

import pytest
from pulumi.automation import CommandError

from simulator import Fault
from simulator.faults import Faults
from tests.simulator.harness import Rehearsal, changes
from tests.simulator.programs import Platform

WITHOUT_WORKLOAD = Platform(workload=False)


def test_quota(rehearsal: Rehearsal) -> None:
    output = rehearsal.fails(WITHOUT_WORKLOAD, faults=["quota"])
    assert "error creating NodePool: googleapi: Error 403: Insufficient regional quota to satisfy request" in output
    assert "resource \"NVIDIA_L4_GPUS\": request requires '4.0' and is short '4.0'" in output
    with rehearsal.clouds() as clouds:
        assert not [found for found in clouds.resources() if found.type.endswith(":NodePool")]
    assert changes(rehearsal.up(WITHOUT_WORKLOAD))["create"] > 0


def test_quota_of_spot_machines(rehearsal: Rehearsal) -> None:
    output = rehearsal.fails(Platform(workload=False, machine={"spot": True}), faults=["quota:gpu"])
    assert 'resource "PREEMPTIBLE_NVIDIA_L4_GPUS"' in output


def test_a_stockout_leaves_a_pool_without_nodes(rehearsal: Rehearsal) -> None:
    output = rehearsal.fails(WITHOUT_WORKLOAD, faults=["stockout"])
    assert 'was created in the error state "ERROR"' in output
    with rehearsal.clouds() as clouds:
        (pool,) = (found for found in clouds.resources() if found.type.endswith(":NodePool"))
        assert pool.state == "tainted"
    # GKE goes on trying
    assert "in the error state" in rehearsal.fails(WITHOUT_WORKLOAD, faults=["stockout"])
    assert changes(rehearsal.up(WITHOUT_WORKLOAD)) == {"update": 1, "create": 1}
    with rehearsal.clouds() as clouds:
        assert [found.id for found in clouds.resources() if found.type.endswith(":NodePool")] == [pool.id]


def test_throttling_only_slows(rehearsal: Rehearsal) -> None:
    with rehearsal.open(WITHOUT_WORKLOAD, faults=["throttle:iAMMember:2"]) as (stack, clouds):
        assert changes(stack.up())["create"] > 0
        assert clouds.unused_faults() == []


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("timeout", "timeout while waiting for state to become 'DONE' (last state: 'RUNNING', timeout: 30m0s)"),
        ("partial", "only 0 nodes out of 1 have registered"),
    ],
)
def test_what_is_half_made_is_kept_and_repaired(rehearsal: Rehearsal, fault: str, told: str) -> None:
    output = rehearsal.fails(WITHOUT_WORKLOAD, faults=[fault])
    assert told in output
    with rehearsal.clouds() as clouds:
        (pool,) = (found for found in clouds.resources() if found.type.endswith(":NodePool"))
        assert pool.state == "tainted"

    # what waited for it comes as well
    assert changes(rehearsal.up(WITHOUT_WORKLOAD)) == {"update": 1, "create": 1}
    with rehearsal.clouds() as clouds:
        (repaired,) = (found for found in clouds.resources() if found.type.endswith(":NodePool"))
        assert (repaired.id, repaired.state) == (pool.id, "ready")


def test_a_deletion_that_takes_too_long_is_gone_on_with(rehearsal: Rehearsal) -> None:
    rehearsal.up(WITHOUT_WORKLOAD)
    with (
        rehearsal.open(WITHOUT_WORKLOAD, faults=["timeout:cluster:Cluster"]) as (stack, _),
        pytest.raises(CommandError, match="to be deleted"),
    ):
        stack.destroy()
    with rehearsal.clouds() as clouds:
        assert "deleting" in {found.state for found in clouds.resources()}
    rehearsal.destroy(WITHOUT_WORKLOAD)
    with rehearsal.clouds() as clouds:
        assert clouds.empty


def test_half_made_can_be_destroyed(rehearsal: Rehearsal) -> None:
    rehearsal.fails(WITHOUT_WORKLOAD, faults=["partial:cluster:1"])
    rehearsal.destroy(WITHOUT_WORKLOAD)
    with rehearsal.clouds() as clouds:
        assert clouds.empty


def test_the_deployment_times_out_in_the_words_of_kubernetes(rehearsal: Rehearsal) -> None:
    output = rehearsal.fails(Platform(), faults=["timeout:Deployment"])
    assert "timed out waiting to be Ready" in output
    assert changes(rehearsal.up(Platform())) == {"update": 1}


def test_a_fault_that_finds_nothing_is_told() -> None:
    faults = Faults([Fault.parse("quota:nodepol"), Fault.parse("partial:gpu:1")])
    assert faults.strikes("partial", "gcp:container/nodePool:NodePool GPU-pool")
    assert not faults.strikes("partial", "gcp:container/nodePool:NodePool GPU-pool")
    assert [str(fault) for fault in faults.unused()] == ["quota:nodepol"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("quota", Fault("quota", "nvidia-", None)),
        ("throttle", Fault("throttle", "", None)),
        ("timeout:Deployment", Fault("timeout", "Deployment", None)),
        ("partial:gpu:2", Fault("partial", "gpu", 2)),
        ("partial::2", Fault("partial", "nvidia-", 2)),
        ("quota:gcp:container/nodePool:NodePool:3", Fault("quota", "gcp:container/nodePool:NodePool", 3)),
    ],
)
def test_parse(text: str, fault: Fault) -> None:
    assert Fault.parse(text) == fault


@pytest.mark.parametrize("text", ["", "outage", "quota:gpu:0", "quota:gpu:-1", ":gpu"])
def test_parse_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="is no fault"):
        Fault.parse(text)
