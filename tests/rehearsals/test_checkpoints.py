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
from tests.components.test_checkpoint_disk import DISK
from tests.components.test_conversion_job import CONVERSION
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


def test_a_disk_is_filled_once(tmp_path: Path) -> None:
    rehearsal = Rehearsal(tmp_path)
    rehearsal.up(OnDisk())
    assert DISK["token"] not in rehearsal.output
    assert changes(rehearsal.up(OnDisk())) == {}
    # a new token is a new version of the secret, and no new machine
    assert changes(rehearsal.up(OnDisk({"token": "hf_another"}))) == {"replace": 1}
    # Google Cloud deletes the machine when its time is over; that is no change
    with rehearsal.clouds() as clouds:
        (machine,) = [found for found in clouds.resources() if found.type.endswith(":Instance")]
        clouds.remove(machine.id)
    assert changes(rehearsal.up(OnDisk({"token": "hf_another"}))) == {}
    # and then it is taken out of the stack, without a trace on the rest
    rehearsal.up(OnDisk({"convert": False}))
    assert set(changes(rehearsal.up(OnDisk({"convert": False})))) == set()
    assert changes(rehearsal.refresh(OnDisk({"convert": False}))) == {}
    rehearsal.destroy(OnDisk({"convert": False}))
    with rehearsal.clouds() as clouds:
        assert clouds.empty


def test_another_checkpoint_is_another_disk(tmp_path: Path) -> None:
    rehearsal = Rehearsal(tmp_path)
    rehearsal.up(OnDisk())
    with rehearsal.clouds() as clouds:
        before = {found.id for found in clouds.resources() if found.type.endswith((":Disk", ":Instance"))}
    rehearsal.up(OnDisk({"model": "google/gemma-2b-pytorch"}))
    with rehearsal.clouds() as clouds:
        after = {found.id for found in clouds.resources() if found.type.endswith((":Disk", ":Instance"))}
    assert (len(before), len(after)) == (2, 2)
    assert before.isdisjoint(after)
