"""The stack `mistral-vllm-autopilot` in the real engine, with each of its variants that a few settings choose."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.rehearsal import Rehearsal
from cli.result import Outcome
from simulator import Fault, SimulatedClouds

STACK = "mistral-vllm-autopilot"
Config = dict[str, Any]  # Any: YAML


def as_the_guide_starts_it(config: Config) -> None:
    service = config["llm-serving:service"]
    service["server"] = "vllm-generate"
    del service["autoscaling"]


def with_a_chat_page_for_some(config: Config) -> None:
    config["llm-serving:chatPage"] = {"exposure": "public"}
    config["llm-serving:sourceRanges"] = ["198.51.100.0/24"]


def trained_first(config: Config) -> None:
    models = ["mistralai/Mistral-7B-Instruct-v0.3", "meta-llama/Llama-3.2-3B-Instruct"]
    config["llm-serving:fineTune"] = {"models": models}


def scaled_on_gpu_memory(config: Config) -> None:
    config["llm-serving:service"]["autoscaling"] = {"minReplicas": 1, "maxReplicas": 2, "gpuMemoryPercent": 95}


def on_shared_gpus_of_a_pool(config: Config) -> None:
    sharing = {"strategy": "mps", "clients": 2}
    config["llm-serving:cluster"] = {
        "location": "us-central1",
        "nodeLocations": ["us-central1-a"],
        "cpuPool": {"machineType": "n2d-standard-4", "minNodes": 1, "maxNodes": 2},
        "gpuPools": {
            "l4": {
                "machineType": "g2-standard-12",
                "minNodes": 1,
                "maxNodes": 1,
                "zones": ["us-central1-a"],
                "sharing": sharing,
            }
        },
    }
    service = config["llm-serving:service"]
    service |= {
        "model": "meta-llama/Llama-3.2-3B-Instruct",
        "sharing": sharing,
        "vllm": {"maxModelLength": 8192},
        # two pods on one GPU
        "resources": {"cpu": "4", "memory": "16Gi"},
        "replicas": 2,
    }
    for gone in ("baseModel", "autoscaling", "nodeSelector"):
        del service[gone]


VARIANTS = [
    as_the_guide_starts_it,
    with_a_chat_page_for_some,
    trained_first,
    scaled_on_gpu_memory,
    on_shared_gpus_of_a_pool,
]


def rehearsal(project: Path, variant: Callable[[Config], None], *, control_plane: bool = False) -> Rehearsal:
    """The stack, as `variant` changes its file."""
    file = project / f"Pulumi.{STACK}.yaml"
    settings = yaml.safe_load(file.read_text())
    variant(settings["config"])
    file.write_text(yaml.safe_dump(settings))
    return Rehearsal(STACK, folder=project, control_plane=control_plane)


def comes_up_stays_and_goes(rehearsed: Rehearsal) -> None:
    up = rehearsed.up()
    assert up.outcome is Outcome.SUCCEEDED, up.diagnostics
    again = rehearsed.up()
    assert set(again.changes) == {"same"}, again.changes
    assert set(rehearsed.refresh().changes) == {"same"}
    destroyed = rehearsed.destroy()
    assert destroyed.outcome is Outcome.SUCCEEDED, destroyed.diagnostics
    assert not rehearsed.home.folder.exists()


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.__name__)
def test_a_variant_comes_up_stays_and_goes(project: Path, variant: Callable[[Config], None]) -> None:
    comes_up_stays_and_goes(rehearsal(project, variant))


@pytest.mark.cluster
@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.__name__)
def test_a_variant_on_a_real_control_plane(project: Path, variant: Callable[[Config], None]) -> None:
    comes_up_stays_and_goes(rehearsal(project, variant, control_plane=True))


def test_a_training_is_not_repeated_when_the_server_changes(project: Path) -> None:
    rehearsed = rehearsal(project, trained_first)
    assert rehearsed.up().outcome is Outcome.SUCCEEDED
    with SimulatedClouds(rehearsed.home.cloud) as clouds:
        (before,) = [each.id for each in clouds.resources() if each.type == "kubernetes:batch/v1:Job"]
    rehearsed.overrides = ["service.autoscaling.maxReplicas=3"]
    assert rehearsed.up().outcome is Outcome.SUCCEEDED
    rehearsed.overrides = ["fineTune.rank=32"]
    assert rehearsed.up().outcome is Outcome.SUCCEEDED
    with SimulatedClouds(rehearsed.home.cloud) as clouds:
        (after,) = [each.id for each in clouds.resources() if each.type == "kubernetes:batch/v1:Job"]
    assert before != after


def test_a_failed_training_keeps_the_server_from_starting(project: Path) -> None:
    rehearsed = rehearsal(project, trained_first)
    rehearsed.faults = [Fault.parse("timeout:batch/v1:Job:1")]
    failed = rehearsed.up()
    assert failed.outcome is Outcome.FAILED
    assert "llm" not in {each.name for each in failed.resources if each.type.endswith(":Deployment")}
    rehearsed.faults = ()
    assert rehearsed.up().outcome is Outcome.SUCCEEDED
