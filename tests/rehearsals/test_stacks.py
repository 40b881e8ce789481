"""Every stack in the real engine, on its real settings: up, again, change, drift, crash, fault, and back to nothing."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.rehearsal import Rehearsal
from cli.result import Outcome, Result
from simulator import Fault, SimulatedClouds
from stacks import RECIPES

MIXTRAL, JETSTREAM, MISTRAL = "mixtral-tgi-gke-l4", "llama-jetstream-tpu", "mistral-vllm-autopilot"
TRITON, TORCHSERVE = "mixtral-triton-oci", "mixtral-torchserve-gke"
GPU_POOL = "mixtral8x7-cluster-gke-mixtral-moe-gpu-pool"

OUTPUTS = {
    "endpoint",
    "loadBalancerIp",
    "healthUrl",
    "metricsUrl",
    "access",
    "tryIt",
    "model",
    "server",
    "accelerators",
    "hourlyCost",
    "kubeconfig",
}

CHANGE = {
    MIXTRAL: "cluster.gpuPools.mixtral-moe-gpu-pool.maxNodes=3",
    JETSTREAM: "service.jetstream.batchSize=64",
    MISTRAL: "service.autoscaling.maxReplicas=3",
    TORCHSERVE: "service.sharedMemory=16Gi",
    TRITON: "host.bootVolumeGb=1200",
    "dev": "service.replicas=2",
}
"""A change of settings that updates a resource in place."""


def changed(result: Result) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {each.name: (each.operation, each.changed) for each in result.resources if each.operation != "same"}


def values(result: Result) -> dict[str, Any]:
    return {name: output.value for name, output in result.outputs.items()}


@pytest.mark.parametrize("stack", RECIPES)
def test_a_stack_comes_up_stays_changes_and_goes(project: Path, stack: str) -> None:
    rehearsal = Rehearsal(stack, folder=project)

    up = rehearsal.up()
    assert up.outcome is Outcome.SUCCEEDED, up.diagnostics
    assert {each.operation for each in up.resources} == {"create"}
    assert not up.diagnostics  # no warning on the settings as they are
    # Pulumi leaves out what is None
    absent = {
        "dev": {"loadBalancerIp", "hourlyCost", "kubeconfig"},
        JETSTREAM: {"loadBalancerIp"},
        MISTRAL: {"loadBalancerIp"},
        TORCHSERVE: {"loadBalancerIp"},
        TRITON: {"kubeconfig"},
    }.get(stack, set[str]())
    of_hosts = {"sshCommand", "setupLog"} if stack == TRITON else set[str]()
    assert set(up.outputs) == (OUTPUTS - absent) | of_hosts
    assert {name for name, output in up.outputs.items() if output.secret} == {"kubeconfig"} - absent

    again = rehearsal.up()
    assert set(again.changes) == {"same"}

    rehearsal.overrides = [CHANGE[stack]]
    updated = rehearsal.up()
    assert updated.outcome is Outcome.SUCCEEDED
    assert updated.changes["update"] == 1
    assert set(updated.changes) == {"same", "update"}

    destroyed = rehearsal.destroy()
    assert destroyed.outcome is Outcome.SUCCEEDED
    assert not rehearsal.home.folder.exists()


def test_mixtral_publishes_the_reserved_address(project: Path) -> None:
    outputs = values(Rehearsal(MIXTRAL, folder=project).up())
    with SimulatedClouds(Rehearsal(MIXTRAL, folder=project).home.cloud) as clouds:
        (address,) = [each for each in clouds.resources() if each.type == "gcp:compute/address:Address"]
        (service,) = [each for each in clouds.resources() if each.type == "kubernetes:core/v1:Service"]

    ip = address.outputs["address"]
    assert outputs["loadBalancerIp"] == ip
    assert outputs["endpoint"] == f"http://{ip}/generate"
    assert service.inputs["spec"]["loadBalancerIP"] == ip
    assert service.outputs["status"]["loadBalancer"]["ingress"][0]["ip"] == ip
    assert outputs["access"] == "public"
    assert outputs["hourlyCost"]["minimum"] == pytest.approx(3 * 0.3380 + 4.0017, abs=0.01)


def test_a_refresh_finds_drift_and_an_up_mends_it(project: Path) -> None:
    rehearsal = Rehearsal(MIXTRAL, folder=project)
    rehearsal.up()
    with SimulatedClouds(rehearsal.home.cloud) as clouds:
        clouds.change(GPU_POOL.removeprefix("mixtral8x7-cluster-gke-"), management={"autoRepair": False})

    assert "update" in rehearsal.refresh().changes
    mended = rehearsal.up()
    assert changed(mended)[GPU_POOL][0] == "update"
    assert set(rehearsal.up().changes) == {"same"}


def test_what_was_removed_elsewhere_is_made_again(project: Path) -> None:
    rehearsal = Rehearsal(MIXTRAL, folder=project)
    rehearsal.up()
    with SimulatedClouds(rehearsal.home.cloud) as clouds:
        clouds.remove("default/mixtral8x7b-service")

    rehearsal.refresh()
    assert changed(rehearsal.up()) == {"mixtral8x7b-service": ("create", ())}


def test_a_new_token_replaces_the_secret_and_restarts_the_pods(project: Path) -> None:
    rehearsal = Rehearsal(MIXTRAL, folder=project, secret_overrides=["huggingFaceToken=hf_first"])
    rehearsal.up()
    rehearsal.secret_overrides = ["huggingFaceToken=hf_second"]
    result = rehearsal.up()

    operations = {name: operation for name, (operation, _) in changed(result).items()}
    assert operations == {"mixtral8x7b-token": "replace", "mixtral8x7b": "update"}
    assert "hf_first" not in str(result.to_json())
    assert "hf_second" not in str(result.to_json())


@pytest.mark.parametrize("seconds", [2.0, 4.0])
def test_a_run_that_is_killed_is_gone_on_with(project: Path, seconds: float) -> None:
    # slowly enough that the kill comes in the middle
    run = subprocess.Popen(
        [sys.executable, "-m", "cli", "rehearse", "up", MIXTRAL, "--time-scale", "120"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert run.stdout is not None
    for line in run.stdout:
        if "container:Cluster" in line:
            break
    time.sleep(seconds)
    run.send_signal(signal.SIGKILL)
    run.wait()
    run.stdout.close()

    rehearsal = Rehearsal(MIXTRAL, folder=project)
    assert rehearsal.up().outcome is Outcome.SUCCEEDED
    assert set(rehearsal.up().changes) == {"same"}
    with SimulatedClouds(rehearsal.home.cloud) as clouds:
        names = [(each.type, each.name) for each in clouds.resources()]
    assert len(names) == len(set(names))
    assert rehearsal.destroy().outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (f"quota:{GPU_POOL}:1", "NVIDIA_L4_GPUS"),
        (f"stockout:{GPU_POOL}:1", "us-central1-a had no g2-standard-48 with nvidia-l4 left"),
        ("timeout:container/cluster:1", "timeout"),
        (f"partial:{GPU_POOL}:1", GPU_POOL),
        ("timeout:Deployment:1", "mixtral8x7b"),
    ],
)
def test_a_fault_is_told_and_the_next_run_recovers(project: Path, fault: str, says: str) -> None:
    rehearsal = Rehearsal(MIXTRAL, folder=project, faults=[Fault.parse(fault)])
    failed = rehearsal.up()
    assert failed.outcome is Outcome.FAILED
    told = " ".join(str(diagnostic) for diagnostic in failed.diagnostics)
    assert says.lower() in told.lower()
    assert "Traceback" not in told

    rehearsal.faults = ()
    assert rehearsal.up().outcome is Outcome.SUCCEEDED
    assert set(rehearsal.up().changes) == {"same"}
    assert rehearsal.destroy().outcome is Outcome.SUCCEEDED


def test_throttling_only_slows(project: Path) -> None:
    rehearsal = Rehearsal(MIXTRAL, folder=project, faults=[Fault.parse("throttle::5")])
    assert rehearsal.up().outcome is Outcome.SUCCEEDED


BAD_SETTINGS = [
    ("cluster.nodeLocations[0]=us-central1", "zone-is-region", "cluster.nodeLocations[0]"),
    ("cluster.gpuPools.mixtral-moe-gpu-pool.zones[0]=us-west4-a", "zone-outside-region", "zones[0]"),
    ("service.accelerators=2", "shards-not-accelerators", "service.shards"),
    ("cluster.gpuPools.mixtral-moe-gpu-pool.zoness=x", "unknown-setting", "Did you mean 'zones'"),
    ("recipe=mixtrl", "recipe-unknown", "mixtral-tgi-gke-l4"),
]


@pytest.mark.parametrize(("override", "code", "says"), BAD_SETTINGS)
def test_a_mistake_is_refused_before_anything_is_made(project: Path, override: str, code: str, says: str) -> None:
    rehearsal = Rehearsal(MIXTRAL, folder=project, overrides=[override])
    for result in (rehearsal.preview(), rehearsal.up()):
        assert result.outcome is Outcome.REFUSED
        (diagnostic,) = result.diagnostics
        assert f"[{code}]" in diagnostic.message
        assert says in diagnostic.message
        assert "Traceback" not in diagnostic.message
    with SimulatedClouds(rehearsal.home.cloud) as clouds:
        assert clouds.empty


def test_nothing_stands_in_when_that_is_asked_for(project: Path) -> None:
    result = Rehearsal(MIXTRAL, folder=project, stand_ins=False).preview()
    assert result.outcome is Outcome.REFUSED
    (diagnostic,) = result.diagnostics
    for code in ("project-missing", "token-missing", "source-ranges-missing"):
        assert f"[{code}]" in diagnostic.message


def test_every_stack_but_dev_disables_the_default_kubernetes_provider(project: Path) -> None:
    for stack in RECIPES:
        config = yaml.safe_load((project / f"Pulumi.{stack}.yaml").read_text())["config"]
        disabled = "kubernetes" in config.get("pulumi:disable-default-providers", [])
        assert disabled == (stack != "dev")
