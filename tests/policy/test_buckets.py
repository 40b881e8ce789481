"""Buckets that others can read."""

from typing import Any

import pytest
from llm_serving_policy.buckets import BUCKETS_PRIVATE

from tests.policy.judging import UNKNOWN, judge, paths

GCS = "gcp:storage/bucket:Bucket"
OCI = "oci:ObjectStorage/bucket:Bucket"
CLOSED = {"uniformBucketLevelAccess": True, "publicAccessPrevention": "enforced"}
KEY = {"encryption": {"defaultKmsKeyName": "projects/p/locations/l/keyRings/r/cryptoKeys/k"}}


@pytest.mark.parametrize(
    ("resource_type", "inputs", "found"),
    [
        (GCS, {}, ["uniformBucketLevelAccess", "publicAccessPrevention"]),
        (GCS, {**CLOSED, "uniformBucketLevelAccess": False}, ["uniformBucketLevelAccess"]),
        (GCS, {**CLOSED, "publicAccessPrevention": "inherited"}, ["publicAccessPrevention"]),
        (OCI, {"accessType": "ObjectRead"}, ["accessType"]),
        ("gcp:storage/bucketIAMMember:BucketIAMMember", {"member": "allUsers"}, ["member"]),
        ("gcp:storage/bucketIAMBinding:BucketIAMBinding", {"members": ["user:a@b.c", "allAuthenticatedUsers"]},
         ["members[1]"]),
        ("gcp:storage/bucketAccessControl:BucketAccessControl", {"entity": "allUsers"}, ["entity"]),
    ],
)  # fmt: skip
def test_open_buckets_are_found(resource_type: str, inputs: dict[str, Any], found: list[str]) -> None:
    assert paths(BUCKETS_PRIVATE, resource_type, inputs) == found


@pytest.mark.parametrize(
    ("resource_type", "inputs"),
    [
        (GCS, CLOSED),
        (GCS, {"uniformBucketLevelAccess": UNKNOWN, "publicAccessPrevention": UNKNOWN}),
        (OCI, {}),
        (OCI, {"accessType": "NoPublicAccess"}),
        ("gcp:storage/bucketIAMMember:BucketIAMMember", {"member": "serviceAccount:a@b.iam.gserviceaccount.com"}),
        ("gcp:storage/bucketIAMMember:BucketIAMMember", {"member": UNKNOWN}),
    ],
)
def test_closed_buckets_pass(resource_type: str, inputs: dict[str, Any]) -> None:
    assert judge(BUCKETS_PRIVATE, resource_type, inputs) == []


def test_keys_of_ones_own_are_asked_for_where_configured() -> None:
    own = {"customerManagedKey": True}
    assert paths(BUCKETS_PRIVATE, GCS, CLOSED, own) == ["encryption.defaultKmsKeyName"]
    assert judge(BUCKETS_PRIVATE, GCS, {**CLOSED, **KEY}, own) == []
    assert judge(BUCKETS_PRIVATE, GCS, {**CLOSED, "encryption": UNKNOWN}, own) == []
    assert paths(BUCKETS_PRIVATE, OCI, {}, own) == ["kmsKeyId"]
    assert judge(BUCKETS_PRIVATE, OCI, {"kmsKeyId": "ocid1.key.oc1..a"}, own) == []
