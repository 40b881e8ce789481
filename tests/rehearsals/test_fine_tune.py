"""The fine-tune in Pulumi's own engine: what trains again, and what does not."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest

from components import CheckpointBucket, FineTuneJob, GkeGpuCluster, WorkloadIdentityBinding
from components.jobs import fine_tune_job
from engine import find_control_plane
from tests.components.jobs.test_fine_tune_job import FINE_TUNE
from tests.simulator.harness import Rehearsal, changes


@dataclass
class FineTune:
    """An Autopilot cluster, a bucket, the account of the fine-tune, the fine-tune, and what waits for it."""

    token: str = "hf_0123456789"
    changes: dict[str, Any] = field(default_factory=dict[str, Any])

    def __call__(self) -> None:
        """The program."""
        settings: Any = {"location": "us-central1", "autopilot": True, "project": "example-project"}
        cluster = GkeGpuCluster("cluster", settings)
        on_cluster = pulumi.ResourceOptions(providers=[cluster.provider], depends_on=[cluster])
        bucket: Any = {"location": "us-central1", "project": "example-project"}
        weights = CheckpointBucket("weights", bucket)
        identity: Any = {
            "project": "example-project",
            "bucketRoles": {"weights": {"bucket": weights.bucket_name, "role": "roles/storage.objectUser"}},
        }
        account = WorkloadIdentityBinding("trainer", identity, on_cluster).service_account
        given = {"bucket": weights.bucket_name, "serviceAccount": account, "token": self.token, "autopilot": True}
        job: Any = {**FINE_TUNE, **given, **self.changes}
        tuned = FineTuneJob("tune", job, on_cluster)
        data = {"folder": tuned.folder}
        kubernetes.core.v1.ConfigMap("server", data=data, opts=pulumi.ResourceOptions(provider=cluster.provider))


@pytest.fixture
def rehearsal(tmp_path: Path) -> Rehearsal:
    found = Rehearsal(tmp_path)
    found.up(FineTune())
    return found


def jobs(rehearsal: Rehearsal) -> list[str]:
    with rehearsal.clouds() as clouds:
        return [found.id for found in clouds.resources() if found.type == "kubernetes:batch/v1:Job"]


def test_nothing_but_new_arguments_trains_again(
    rehearsal: Rehearsal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (before,) = jobs(rehearsal)
    assert changes(rehearsal.up(FineTune())) == {}
    assert changes(rehearsal.refresh(FineTune())) == {}
    assert changes(rehearsal.up(FineTune(token="hf_another"))) == {"replace": 1}
    assert "hf_another" not in rehearsal.output
    code = tmp_path / "code"
    code.mkdir()
    (code / "train.py").write_text("new = True\n")
    monkeypatch.setattr(fine_tune_job, "CODE", code)
    assert changes(rehearsal.up(FineTune(token="hf_another"))) == {"replace": 1}
    assert jobs(rehearsal) == [before]

    assert changes(rehearsal.up(FineTune(token="hf_another", changes={"rank": 8}))) == {"replace": 1}
    (after,) = jobs(rehearsal)
    assert after != before


@pytest.mark.cluster
def test_a_real_control_plane_takes_the_job(tmp_path: Path) -> None:
    rehearsal = Rehearsal(tmp_path, find_control_plane())
    outputs = rehearsal.up(FineTune())
    assert outputs.summary.result == "succeeded"
    (job,) = jobs(rehearsal)
    assert job.startswith("default/tune-")
