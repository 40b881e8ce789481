"""The hosts of Oracle Cloud in the real engine: where they go, what stays when they go, and bad days."""

from pathlib import Path

import pytest

from cli.rehearsal import Rehearsal
from cli.result import Outcome, Result
from simulator import Fault, SimulatedClouds

TRITON = "mixtral-triton-oci"
HOST, ENGINES = "mixtral-triton-1", "mixtral-triton-engines-1"


def operations(result: Result) -> dict[str, str]:
    return {each.name: each.operation for each in result.resources if each.operation != "same"}


def domain_of(rehearsal: Rehearsal) -> str:
    with SimulatedClouds(rehearsal.home.cloud) as clouds:
        (host,) = [each for each in clouds.resources() if each.type == "oci:Core/instance:Instance"]
    return str(host.inputs["availabilityDomain"])


def test_another_model_is_another_host_with_the_same_engines(project: Path) -> None:
    rehearsal = Rehearsal(TRITON, folder=project)
    assert rehearsal.up().outcome is Outcome.SUCCEEDED

    rehearsal.overrides = ["service.maxOutputTokens=1024"]
    replaced = rehearsal.up()
    assert replaced.outcome is Outcome.SUCCEEDED, replaced.diagnostics
    done = operations(replaced)
    assert done[HOST] == "replace"
    assert done[f"{ENGINES}-attachment"] == "replace"
    assert ENGINES not in done
    assert "mixtral-triton-balancer" not in done
    assert set(rehearsal.up().changes) == {"same"}


def test_a_newer_image_replaces_no_host(project: Path) -> None:
    rehearsal = Rehearsal(TRITON, folder=project)
    assert rehearsal.up().outcome is Outcome.SUCCEEDED
    with SimulatedClouds(rehearsal.home.cloud) as clouds:
        (host,) = [each for each in clouds.resources() if each.type == "oci:Core/instance:Instance"]
        source = {**host.inputs["sourceDetails"], "sourceId": host.inputs["sourceDetails"]["sourceId"][:-1] + "z"}
        clouds.change(HOST, sourceDetails=source)
    rehearsal.refresh()
    assert set(rehearsal.up().changes) == {"same"}


def test_the_choice_of_the_availability_domain_stays(project: Path) -> None:
    rehearsal = Rehearsal(TRITON, folder=project, overrides=["host.availabilityDomains[0]=AD-3"])
    rehearsal.overrides.append("host.availabilityDomains[1]=AD-2")
    assert rehearsal.up().outcome is Outcome.SUCCEEDED
    # the third lacks the shape
    assert domain_of(rehearsal).endswith("AD-2")
    assert set(rehearsal.up().changes) == {"same"}
    # another that is tried after them changes nothing but that it is asked, too
    rehearsal.overrides.append("host.availabilityDomains[2]=AD-1")
    assert operations(rehearsal.up()) == {"mixtral-triton-capacity-ad-1": "create"}


def test_out_of_host_capacity_is_told_in_words_that_help(project: Path) -> None:
    rehearsal = Rehearsal(TRITON, folder=project, faults=[Fault.parse(f"stockout:{HOST}:1")])
    failed = rehearsal.up()
    assert failed.outcome is Outcome.FAILED
    told = " ".join(str(diagnostic) for diagnostic in failed.diagnostics)
    assert "500-InternalError, Out of host capacity" in told
    assert "or set availabilityDomains to AD-2 or AD-3 alone" in told

    rehearsal.faults = ()
    assert rehearsal.up().outcome is Outcome.SUCCEEDED
    assert set(rehearsal.up().changes) == {"same"}
    assert rehearsal.destroy().outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize(
    "overrides",
    [
        ["host.exposure=public", "host.hosts=2", "host.engineStore.kind=bucket"],
        ["host.ssh.access=public", "host.ssh.publicKey=ssh-ed25519 AAAA", "host.homeRegion=us-phoenix-1"],
        ["host.shape=VM.GPU.A10.2", "service.model=mistralai/Mistral-7B-Instruct-v0.3", "service.tensorParallel=2"],
        ["oci:region=eu-paris-1", "host.shape=BM.GPU.A100-v2.8", "host.nvme=true"],
    ],
    ids=["public-bucket", "open-ssh", "virtual-machine", "another-region"],
)
def test_what_else_can_be_had(project: Path, overrides: list[str]) -> None:
    rehearsal = Rehearsal(TRITON, folder=project, overrides=overrides)
    up = rehearsal.up()
    assert up.outcome is Outcome.SUCCEEDED, up.diagnostics
    assert not up.diagnostics
    assert set(rehearsal.up().changes) == {"same"}
    assert rehearsal.destroy().outcome is Outcome.SUCCEEDED
    with SimulatedClouds(rehearsal.home.cloud) as clouds:
        assert clouds.empty


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPl4X0kkXkkXkkXkkXkkXkkXkkXkkXkkXkkXkkXkkXkk me"


def test_what_was_closed_can_be_opened_and_closed_again(project: Path) -> None:
    rehearsal = Rehearsal(TRITON, folder=project)
    assert rehearsal.up().outcome is Outcome.SUCCEEDED

    rehearsal.overrides = ["host.exposure=public"]
    opened = rehearsal.up()
    assert opened.outcome is Outcome.SUCCEEDED, opened.diagnostics
    assert HOST not in operations(opened)

    # a subnet is with public addresses or without, and the hosts move to the other one
    rehearsal.overrides += ["host.ssh.access=public", f"host.ssh.publicKey={KEY}"]
    moved = rehearsal.up()
    assert moved.outcome is Outcome.SUCCEEDED, moved.diagnostics
    assert operations(moved)[HOST] == "replace"
    assert set(rehearsal.up().changes) == {"same"}

    rehearsal.overrides = []
    closed = rehearsal.up()
    assert closed.outcome is Outcome.SUCCEEDED, closed.diagnostics
    assert set(rehearsal.up().changes) == {"same"}
    assert rehearsal.destroy().outcome is Outcome.SUCCEEDED
