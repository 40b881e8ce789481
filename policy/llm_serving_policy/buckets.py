"""Policy on buckets."""

from collections.abc import Iterator

from pulumi_policy import PolicyConfigSchema

from .rule import UNKNOWN, Config, Inputs, Violation, find, get, resource_policy

GCS_BUCKET = "gcp:storage/bucket:Bucket"
OCI_BUCKET = "oci:ObjectStorage/bucket:Bucket"
GRANTS = {
    "gcp:storage/bucketAccessControl:BucketAccessControl": "entity",
    "gcp:storage/bucketIAMBinding:BucketIAMBinding": "members[]",
    "gcp:storage/bucketIAMMember:BucketIAMMember": "member",
    "gcp:storage/defaultObjectAccessControl:DefaultObjectAccessControl": "entity",
    "gcp:storage/objectAccessControl:ObjectAccessControl": "entity",
}
"""Where each type that grants rights on a bucket or its objects names to whom."""
EVERYBODY = ("allUsers", "allAuthenticatedUsers")


def check_buckets(resource_type: str, inputs: Inputs, config: Config) -> Iterator[Violation]:
    """Find buckets that are not closed, and grants that open them."""
    own_key = config.get("customerManagedKey") is True
    if resource_type == GCS_BUCKET:
        yield from _check_gcs(inputs, own_key=own_key)
    elif resource_type == OCI_BUCKET:
        yield from _check_oci(inputs, own_key=own_key)
    elif resource_type in GRANTS:
        for path, whom in find(inputs, GRANTS[resource_type]):
            if whom in EVERYBODY:
                yield Violation(path, f"{whom} is the whole internet.", "Name service accounts, groups or people.")


def _check_gcs(inputs: Inputs, *, own_key: bool) -> Iterator[Violation]:
    if inputs.get("uniformBucketLevelAccess") not in (True, UNKNOWN):
        yield Violation("uniformBucketLevelAccess", "every object can have rights of its own.", "Set true.")
    if inputs.get("publicAccessPrevention") not in ("enforced", UNKNOWN):
        yield Violation("publicAccessPrevention", "somebody can open the bucket to everybody.", "Set enforced.")
    if own_key and not get(inputs, "encryption.defaultKmsKeyName"):
        yield Violation(
            "encryption.defaultKmsKeyName",
            "the bucket is encrypted with a key of Google's.",
            "Name a key of Cloud KMS, since this pack is configured with customerManagedKey.",
        )


def _check_oci(inputs: Inputs, *, own_key: bool) -> Iterator[Violation]:
    if inputs.get("accessType", "NoPublicAccess") not in ("NoPublicAccess", UNKNOWN):
        yield Violation("accessType", "everybody can read the bucket.", "Set NoPublicAccess.")
    if own_key and not inputs.get("kmsKeyId"):
        yield Violation(
            "kmsKeyId",
            "the bucket is encrypted with a key of Oracle's.",
            "Name a key of a vault, since this pack is configured with customerManagedKey.",
        )


BUCKETS_PRIVATE = resource_policy(
    "buckets-private",
    "A bucket has uniform access, cannot be made public, and is encrypted, where asked with a key of your own.",
    check_buckets,
    PolicyConfigSchema({"customerManagedKey": {"type": "boolean", "default": False}}),
)
