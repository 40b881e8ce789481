"""Bucket, rights and conversion in Pulumi's own engine: what runs again, and what does not."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pulumi_gcp as gcp
import pulumi_kubernetes as kubernetes
import pytest

from components import (
    BucketVolumeClaim,
    CheckpointBucket,
    CheckpointDisk,
    ConversionJob,
    WorkloadIdentityBinding,
)
from simulator.cloud import CloudResource
from tests.components.jobs.test_conversion_job import CONVERSION
from tests.components.storage.test_checkpoint_disk import DISK
from tests.simulator.harness import Rehearsal, changes

APIS = ("compute", "container", "cloudresourcemanager", "iam")


@dataclass
class Checkpoint:
    """A bucket, the account of the conversion, the conversion, and what waits for it."""

    token: str = "hf_0123456789"
    model: str = "meta-llama/Llama-2-7b-hf"

    def __call__(self) -> None:
        """The program."""
        apis = [gcp.projects.Service(api, service=f"{api}.googleapis.com") for api in APIS]
        ready = pulumi.ResourceOptions(depends_on=apis)
        cluster = gcp.container.Cluster(
            "cluster", location="us-west4-a", initial_node_count=1, deletion_protection=False, opts=ready
        )
        bucket: Any = {"location": "us-west4", "project": cluster.project}
        weights = CheckpointBucket("weights", bucket)
        identity: Any = {
            "project": cluster.project,
            "googleServiceAccount": True,
            "bucketRoles": {"weights": {"bucket": weights.bucket_name, "role": "roles/storage.objectUser"}},
        }
        account = WorkloadIdentityBinding("converter", identity, ready).service_account
        given = {"bucket": weights.bucket_name, "serviceAccount": account, "token": self.token, "model": self.model}
        job: Any = {**CONVERSION, **given}
        converted = ConversionJob("convert", job)
        claim: Any = {"bucket": converted.bucket}
        BucketVolumeClaim("models", claim)
        kubernetes.core.v1.ConfigMap("server", data={"checkpoint": converted.checkpoint})


@pytest.fixture
def rehearsal(tmp_path: Path) -> Rehearsal:
    found = Rehearsal(tmp_path)
    found.up(Checkpoint())
    return found


def jobs(rehearsal: Rehearsal) -> list[str]:
    with rehearsal.clouds() as clouds:
        return [found.id for found in clouds.resources() if found.type == "kubernetes:batch/v1:Job"]


def test_a_second_run_changes_nothing(rehearsal: Rehearsal) -> None:
    assert changes(rehearsal.up(Checkpoint())) == {}
    assert changes(rehearsal.refresh(Checkpoint())) == {}


def test_a_new_token_changes_the_secret_alone(rehearsal: Rehearsal) -> None:
    before = jobs(rehearsal)
    assert changes(rehearsal.up(Checkpoint(token="hf_another"))) == {"replace": 1}
    assert "hf_another" not in rehearsal.output
    assert jobs(rehearsal) == before


def test_another_model_is_converted(rehearsal: Rehearsal) -> None:
    before = jobs(rehearsal)
    rehearsal.up(Checkpoint(model="google/gemma-2b-pytorch"))
    assert set(jobs(rehearsal)).isdisjoint(before)
    with rehearsal.clouds() as clouds:
        (server,) = [found for found in clouds.resources() if found.type.endswith(":ConfigMap")]
        assert server.inputs["data"]["checkpoint"].endswith("/pytorch/gemma-2b/final/bf16")
    assert len(jobs(rehearsal)) == 1


def test_all_of_it_goes(rehearsal: Rehearsal) -> None:
    rehearsal.destroy(Checkpoint())
    with rehearsal.clouds() as clouds:
        assert clouds.empty


@dataclass
class OnDisk:
    """The same checkpoint on a disk, and what waits for it."""

    changes: dict[str, Any] = field(default_factory=dict[str, Any])

    def __call__(self) -> None:
        """The program."""
        apis = [gcp.projects.Service(api, service=f"{api}.googleapis.com") for api in APIS]
        args: Any = {**DISK, **self.changes}
        # what a component needs is not passed on to its children: the disk's project is known when the API is on
        args["project"] = pulumi.Output.all(*(api.project for api in apis)).apply(lambda known: known[0])
        disk = CheckpointDisk("jetstream", args)
        kubernetes.core.v1.ConfigMap("server", data={"claim": disk.claim_name})


GROUP = "gcp:compute/instanceGroupManager:InstanceGroupManager"


def groups(rehearsal: Rehearsal) -> list[CloudResource]:
    """The converters, each the machine of a group."""
    with rehearsal.clouds() as clouds:
        return [found for found in clouds.resources() if found.type == GROUP]


def test_a_disk_is_filled_once(tmp_path: Path) -> None:
    rehearsal = Rehearsal(tmp_path)
    rehearsal.up(OnDisk())
    assert DISK["token"] not in rehearsal.output
    assert changes(rehearsal.up(OnDisk())) == {}
    # a new token is a new version of the secret, and no new machine
    assert changes(rehearsal.up(OnDisk({"token": "hf_another"}))) == {"replace": 1}
    rehearsal.up(OnDisk({"token": "hf_another", "convert": False}))
    assert groups(rehearsal) == []
    assert changes(rehearsal.refresh(OnDisk({"convert": False}))) == {}
    assert changes(rehearsal.up(OnDisk({"convert": False}))) == {}
    rehearsal.destroy(OnDisk({"convert": False}))
    with rehearsal.clouds() as clouds:
        assert clouds.empty


def test_a_refresh_after_the_converter_has_gone_makes_no_other(tmp_path: Path) -> None:
    rehearsal = Rehearsal(tmp_path)
    rehearsal.up(OnDisk())
    (before,) = groups(rehearsal)
    with rehearsal.clouds() as clouds:
        # Google Cloud deletes the machine when its time is over, and the group has none
        clouds.change(before.name, targetSize=0)
    assert changes(rehearsal.up(OnDisk())) == {}
    assert changes(rehearsal.refresh(OnDisk())) == {"update": 1}
    assert changes(rehearsal.up(OnDisk())) == {}
    (after,) = groups(rehearsal)
    assert (after.id, after.inputs["targetSize"]) == (before.id, 0)
    # nor does another release of the script, while pods have the disk
    assert changes(rehearsal.up(OnDisk({"subnetwork": "another"}))) == {"replace": 1, "update": 1}
    (after,) = groups(rehearsal)
    assert (after.id, after.inputs["targetSize"]) == (before.id, 0)


def test_another_checkpoint_is_another_disk_with_a_converter_of_its_own(tmp_path: Path) -> None:
    rehearsal = Rehearsal(tmp_path)
    rehearsal.up(OnDisk())
    (before,) = groups(rehearsal)
    with rehearsal.clouds() as clouds:
        clouds.change(before.name, targetSize=0)
    rehearsal.refresh(OnDisk())
    rehearsal.up(OnDisk({"model": "google/gemma-2b-pytorch"}))
    (after,) = groups(rehearsal)
    assert after.id != before.id
    with rehearsal.clouds() as clouds:
        (disk,) = [found for found in clouds.resources() if found.type.endswith(":Disk")]
    assert after.inputs["baseInstanceName"] == disk.name
    assert after.inputs["targetSize"] == 1


def test_a_conversion_that_failed_is_run_again_on_demand(tmp_path: Path) -> None:
    rehearsal = Rehearsal(tmp_path)
    rehearsal.up(OnDisk())
    (before,) = groups(rehearsal)
    with rehearsal.clouds() as clouds:
        clouds.change(before.name, targetSize=0)
    # as the recipe's page says, whose console keeps the stars from the shell
    with rehearsal.open(OnDisk()) as (stack, _):
        stack.up(replace=["**:InstanceGroupManager::jetstream-converter", "**:Job::jetstream-check"])
    (after,) = groups(rehearsal)
    assert after.id != before.id
    assert after.inputs["targetSize"] == 1
    assert changes(rehearsal.up(OnDisk())) == {}
