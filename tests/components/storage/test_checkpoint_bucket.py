"""The bucket of the checkpoints: private, in one region, and hard to lose."""

from typing import Any

import pytest

from components.findings import ConfigurationError, Finding
from components.storage.checkpoint_bucket import CheckpointBucket, CheckpointBucketArgs, check_checkpoint_bucket
from tests.components.guide import inputs
from tests.recording import Recording, record


def record_bucket(**changes: Any) -> Recording:
    args: Any = {"location": "us-west4", **changes}
    return record(lambda: CheckpointBucket("checkpoints", args))


def bucket(**changes: Any) -> dict[str, Any]:
    return inputs(record_bucket(**changes), "storage/bucket:Bucket", "checkpoints")


def test_the_bucket() -> None:
    recording = record_bucket()
    # exactly so: Pulumi names it, and it is not deleted while it holds objects
    assert inputs(recording, "storage/bucket:Bucket", "checkpoints") == {
        "location": "us-west4",
        "uniformBucketLevelAccess": True,
        "publicAccessPrevention": "enforced",
        "forceDestroy": False,
        "hierarchicalNamespace": {"enabled": True},
        "softDeletePolicy": {"retentionDurationSeconds": 7 * 86400},
        "lifecycleRules": [{"action": {"type": "AbortIncompleteMultipartUpload"}, "condition": {"age": 7}}],
    }
    assert recording["CheckpointBucket", "checkpoints"].outputs == {
        "bucketName": "checkpoints-1234567",
        "url": "gs://checkpoints-1234567",
        "location": "us-west4",
    }
    assert [resource.parent for resource in recording.resources] == ["", "", "checkpoints"]


def test_versions_in_place_of_folders() -> None:
    registered = bucket(versioning=True)
    assert registered["versioning"] == {"enabled": True}
    assert registered["hierarchicalNamespace"] == {"enabled": False}
    assert "versioning" not in bucket(versioning=False)
    assert bucket(hierarchicalNamespace=False)["hierarchicalNamespace"] == {"enabled": False}


def test_settings() -> None:
    registered = bucket(
        bucketName="our-weights",
        project="another",
        labels={"team": "llm"},
        forceDestroy=True,
        softDeleteDays=30,
        abortUploadsDays=1,
        kmsKeyName="projects/p/locations/us-west4/keyRings/r/cryptoKeys/k",
    )
    assert registered["name"] == "our-weights"
    assert registered["project"] == "another"
    assert registered["labels"] == {"team": "llm"}
    assert registered["forceDestroy"] is True
    assert registered["softDeletePolicy"] == {"retentionDurationSeconds": 30 * 86400}
    assert registered["lifecycleRules"][0]["condition"] == {"age": 1}
    assert registered["encryption"] == {"defaultKmsKeyName": "projects/p/locations/us-west4/keyRings/r/cryptoKeys/k"}
    # none at all, not the default
    assert bucket(softDeleteDays=0)["softDeletePolicy"] == {"retentionDurationSeconds": 0}


def test_grants_add_members_and_drop_none() -> None:
    recording = record_bucket(
        readers={"server": "serviceAccount:server@p.iam.gserviceaccount.com"},
        writers={"job": "principal://iam.googleapis.com/job"},
    )
    assert recording.error is None
    assert {grant.name: grant.inputs for grant in recording.of("BucketIAMMember")} == {
        "checkpoints-server": {
            "bucket": "checkpoints-1234567",
            "role": "roles/storage.objectViewer",
            "member": "serviceAccount:server@p.iam.gserviceaccount.com",
        },
        "checkpoints-job": {
            "bucket": "checkpoints-1234567",
            "role": "roles/storage.objectUser",
            "member": "principal://iam.googleapis.com/job",
        },
    }
    assert not [r.type for r in recording.resources if "IAMBinding" in r.type or "IAMPolicy" in r.type]


def found(name: str = "checkpoints", cluster: str | None = None, **changes: Any) -> list[Finding]:
    args = CheckpointBucketArgs.parse({"location": "us-west4", **changes})
    return check_checkpoint_bucket(name, args, cluster)


def test_what_is_right() -> None:
    assert found() == []
    assert found("Checkpoints") == []  # Pulumi puts the names of buckets in lower case
    assert found(cluster="us-west4-a") == []
    assert found(cluster="us-west4", location="US-WEST4") == []
    for name in ("abc", "1-weights", "a" * 63, "weights_1"):
        assert found(bucketName=name) == []


@pytest.mark.parametrize(
    ("changes", "path", "code"),
    [
        *[
            ({"bucketName": name}, "bucketName", "bucket-name-invalid")
            for name in (
                "ab",
                "a" * 64,
                "Weights",
                "-weights",
                "weights-",
                "we ights",
                "gs://weights",
                "googweights",
                "my-google-weights",
                "",
            )
        ],
        ({"name": "a" * 60}, "name", "bucket-name-invalid"),
        ({"versioning": True, "hierarchicalNamespace": True}, "versioning", "bucket-versioning-hierarchical"),
        ({"softDeleteDays": 3}, "softDeleteDays", "bucket-soft-delete"),
        ({"location": "us-west4-a", "cluster": "us-west4-a"}, "location", "bucket-location-zone"),
        ({"readers": {"all": "allUsers"}}, "readers.all", "bucket-public"),
        ({"writers": {"all": "allAuthenticatedUsers"}}, "writers.all", "bucket-public"),
        *[
            ({"readers": {"me": member}}, "readers.me", "bucket-member-invalid")
            for member in (
                "me@example.com",
                "serviceaccount:a@b",
                "user:",
                "user:a b",
                "principal://a",
                "deleted:user:a",
            )
        ],
        ({"labels": {"Team": "a"}}, "labels.Team", "text-invalid"),
        (
            {"readers": {"a": "user:a@example.com"}, "writers": {"a": "user:a@example.com"}},
            "readers.a",
            "bucket-member-twice",
        ),
    ],
)
def test_what_is_wrong(changes: dict[str, Any], path: str, code: str) -> None:
    (finding,) = found(**changes)
    assert (finding.severity, finding.path, finding.code) == ("error", path, code)


def test_another_region_is_a_warning() -> None:
    (finding,) = found(cluster="us-central1-a")
    assert (finding.severity, finding.path, finding.code) == ("warning", "location", "bucket-other-region")
    assert "Set us-central1." in str(finding)


@pytest.mark.parametrize("days", [91, -1])
def test_soft_delete_has_bounds(days: int) -> None:
    with pytest.raises(ConfigurationError, match="softDeleteDays"):
        found(softDeleteDays=days)


def test_nothing_of_a_refused_bucket_is_registered() -> None:
    recording = record_bucket(bucketName="gs://weights")
    assert isinstance(recording.error, ConfigurationError)
    assert [resource.type for resource in recording.resources] == ["pulumi:pulumi:Stack"]
