"""The stack `llama-jetstream-tpu` in the real engine, with each of its variants that one setting or two choose."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.rehearsal import Rehearsal
from cli.result import Outcome, Result
from engine import find_control_plane
from simulator import Fault, SimulatedClouds
from simulator.cloud import CloudResource
from simulator.control_plane import ControlPlane

STACK, SERVICE, CONVERTER, DISK = (
    "llama-jetstream-tpu",
    "jetstream-pytorch-server",
    "jetstream-converter",
    "jetstream-pytorch-ckpt",
)
ON_DISK = ("service.storage.kind=claim",)

Pod = dict[str, Any]  # Any: a Kubernetes object


def data(pod: Pod) -> dict[str, Any]:
    """The volume with the weights."""
    (found,) = [volume for volume in pod["volumes"] if volume["name"] == "data"]
    return found


def reads_a_disk(pod: Pod) -> None:
    claim = data(pod)["persistentVolumeClaim"]
    assert claim["claimName"].startswith(f"{DISK}-claim-")
    assert claim["readOnly"] is True


def reads_an_own_bucket(pod: Pod) -> None:
    assert data(pod)["csi"]["volumeAttributes"]["bucketName"] == "my-weights"


def reads_the_stacks_bucket(pod: Pod) -> None:
    assert data(pod)["csi"]["volumeAttributes"]["bucketName"].startswith("jetstream-checkpoints-")


def downloads(pod: Pod) -> None:
    (container,) = pod["containers"]
    assert container["command"] == ["vllm", "serve"]


@dataclasses.dataclass(frozen=True)
class Variant:
    """What one way to use the stack makes, and what it does not."""

    overrides: tuple[str, ...]
    pod: Callable[[Pod], None]
    made: frozenset[str]
    """Which of bucket, disk, conversion and Google service account of the pods there are."""
    own_bucket: bool = False
    """Whether the stack file names no bucket to make."""

    def rehearsal(self, project: Path, *, control_plane: bool = False) -> Rehearsal:
        """The stack, as `pulumi config` changes its file."""
        file = project / f"Pulumi.{STACK}.yaml"
        settings = yaml.safe_load(file.read_text())
        if self.own_bucket:
            del settings["config"]["llm-serving:bucket"]
        file.write_text(yaml.safe_dump(settings))
        return Rehearsal(STACK, folder=project, control_plane=control_plane, overrides=self.overrides)


VARIANTS = {
    "disk": Variant(ON_DISK, reads_a_disk, frozenset({"disk"})),
    "disk-of-a-size": Variant((*ON_DISK, "disk.sizeGb=100"), reads_a_disk, frozenset({"disk"})),
    "own-checkpoint": Variant(
        ("service.storage.bucket=my-weights", "conversion.convert=false"),
        reads_an_own_bucket,
        frozenset({"account"}),
        own_bucket=True,
    ),
    "own-weights": Variant(
        ("conversion.ownWeights=true",), reads_the_stacks_bucket, frozenset({"bucket", "conversion", "account"})
    ),
    "principal": Variant(
        ("workloadIdentity.googleServiceAccount=false",),
        reads_the_stacks_bucket,
        frozenset({"bucket", "conversion"}),
    ),
    "vllm": Variant(("service.server=vllm-tpu",), downloads, frozenset()),
}

MAKES = {
    "bucket": ("storage/bucket:Bucket", "jetstream-checkpoints"),
    "disk": ("compute/disk:Disk", f"{DISK}-disk"),
    "conversion": ("batch/v1:Job", CONVERTER),
    # cut to 30 characters
    "account": ("serviceaccount/account:Account", "jetstream-pytorch-serve"),
}


def resources(rehearsal: Rehearsal) -> list[CloudResource]:
    with SimulatedClouds(rehearsal.home.cloud) as clouds:
        return clouds.resources()


def changed(result: Result) -> dict[str, str]:
    return {each.name: each.operation for each in result.resources if each.operation != "same"}


def stays_and_goes(rehearsal: Rehearsal) -> None:
    again, refreshed = rehearsal.up(), rehearsal.refresh()
    assert set(again.changes) == set(refreshed.changes) == {"same"}
    destroyed = rehearsal.destroy()
    assert destroyed.outcome is Outcome.SUCCEEDED, destroyed.diagnostics
    assert not rehearsal.home.folder.exists()


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_a_variant_comes_up_stays_and_goes(project: Path, variant: Variant) -> None:
    rehearsal = variant.rehearsal(project)
    up = rehearsal.up()
    assert up.outcome is Outcome.SUCCEEDED, up.diagnostics
    assert not up.diagnostics
    there = {(each.type.partition(":")[2], each.name) for each in resources(rehearsal)}
    made = {
        what for what, (kind, name) in MAKES.items() if any(type_ == kind and name in found for type_, found in there)
    }
    assert made == variant.made
    (deployment,) = [each for each in resources(rehearsal) if each.type.endswith(":Deployment")]
    variant.pod(deployment.inputs["spec"]["template"]["spec"])
    stays_and_goes(rehearsal)


@pytest.mark.cluster
@pytest.mark.parametrize("name", ["disk", "own-checkpoint", "own-weights", "vllm"])
def test_a_variant_on_a_control_plane(project: Path, name: str) -> None:
    variant = VARIANTS[name]
    rehearsal = variant.rehearsal(project, control_plane=True)
    up = rehearsal.up()
    assert up.outcome is Outcome.SUCCEEDED, up.diagnostics
    assert not up.diagnostics
    (folder,) = [each for each in (rehearsal.home.cloud / "control-planes").iterdir() if each.is_dir()]
    with ControlPlane(find_control_plane(), folder, persist=True) as cluster:
        pods = cluster.request("GET", "/api/v1/pods")["items"]
        nodes = {node["metadata"]["name"]: node for node in cluster.request("GET", "/api/v1/nodes")["items"]}
        claims = cluster.request("GET", "/api/v1/persistentvolumeclaims")["items"]
    servers = [pod for pod in pods if pod["metadata"]["labels"].get("app") == SERVICE]
    assert [pod["status"]["phase"] for pod in servers] == ["Running"] * 2
    # each on a slice of its own
    assert len({pod["spec"]["nodeName"] for pod in servers}) == 2
    for pod in servers:
        variant.pod(pod["spec"])
        assert nodes[pod["spec"]["nodeName"]]["status"]["allocatable"]["google.com/tpu"] == "8"
    assert [claim["status"]["phase"] for claim in claims] == (["Bound"] if name == "disk" else [])
    stays_and_goes(rehearsal)


def test_the_checkpoint_is_converted_again_only_for_another_model(project: Path) -> None:
    rehearsal = Rehearsal(STACK, folder=project)
    assert rehearsal.up().outcome is Outcome.SUCCEEDED

    rehearsal.overrides = ["service.replicas=1"]
    assert CONVERTER not in changed(rehearsal.up())

    rehearsal.overrides = ["service.model=meta-llama/Meta-Llama-3-8B"]
    again = rehearsal.up()
    assert again.outcome is Outcome.SUCCEEDED, again.diagnostics
    assert changed(again)[CONVERTER] == "replace"


def test_a_refresh_after_the_machine_has_gone_makes_no_other(project: Path) -> None:
    rehearsal = Rehearsal(STACK, folder=project, overrides=ON_DISK)
    assert rehearsal.up().outcome is Outcome.SUCCEEDED
    with SimulatedClouds(rehearsal.home.cloud) as clouds:
        (group,) = [each for each in clouds.resources() if each.type.endswith(":InstanceGroupManager")]
        clouds.change(group.name, targetSize=0)
    assert changed(rehearsal.refresh()) == {f"{DISK}-converter": "update"}
    assert set(rehearsal.up().changes) == {"same"}

    # what filled the disk can be taken out of the stack, and nothing else is touched
    rehearsal.overrides = [*ON_DISK, "conversion.convert=false"]
    filled = rehearsal.up()
    assert filled.outcome is Outcome.SUCCEEDED, filled.diagnostics
    assert set(filled.changes) == {"same", "delete"}
    assert {name for name in changed(filled) if "ckpt" not in name} == set()


def test_the_successor_is_one_setting_away(project: Path) -> None:
    rehearsal = Rehearsal(STACK, folder=project)
    assert rehearsal.up().outcome is Outcome.SUCCEEDED

    rehearsal.overrides = ["service.server=vllm-tpu"]
    switched = rehearsal.up()
    assert switched.outcome is Outcome.SUCCEEDED, switched.diagnostics
    assert changed(switched)[f"{SERVICE}-token"] == "create"
    assert switched.outputs["endpoint"].value.endswith(":8000/v1/completions")
    assert set(rehearsal.up().changes) == {"same"}


def test_nothing_of_the_token_is_in_a_manifest_or_a_result(project: Path) -> None:
    rehearsal = Rehearsal(STACK, folder=project, secret_overrides=["huggingFaceToken=hf_0123456789"])
    assert "hf_0123456789" not in json.dumps(rehearsal.up().to_json())
    secrets = [each for each in resources(rehearsal) if "hf_0123456789" in json.dumps(each.inputs)]
    assert [each.type for each in secrets] in ([], ["kubernetes:core/v1:Secret"])


@pytest.mark.parametrize(
    ("fault", "says"), [("quota", "TPU_LITE_PODSLICE_V5"), ("stockout", "us-west4-a had no ct5lp-hightpu-8t")]
)
def test_chips_that_there_are_not_are_told_and_the_next_run_goes_on(project: Path, fault: str, says: str) -> None:
    rehearsal = Rehearsal(STACK, folder=project, faults=[Fault.parse(f"{fault}:tpu-pool:1")])
    failed = rehearsal.up()
    assert failed.outcome is Outcome.FAILED
    told = " ".join(str(diagnostic) for diagnostic in failed.diagnostics)
    assert says in told
    assert "Traceback" not in told
    # the conversion is done, and not paid for again
    (before,) = [each.id for each in resources(rehearsal) if each.type.endswith(":Job")]

    rehearsal.faults = ()
    assert rehearsal.up().outcome is Outcome.SUCCEEDED
    assert [each.id for each in resources(rehearsal) if each.type.endswith(":Job")] == [before]
