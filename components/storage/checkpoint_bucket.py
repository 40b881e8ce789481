"""A Cloud Storage bucket for model weights, and the volume through which pods read them."""

import re

import pulumi
import pulumi_gcp as gcp
from pydantic import Field

from ..args import ComponentArgs, Input, given
from ..findings import Finding, error, refuse, warning
from ..gke.node_pool_checks import region_of
from ..texts import check_map, check_text, fits, load_texts


class CheckpointBucketArgs(ComponentArgs):
    """Arguments of CheckpointBucket."""

    location: str
    """Region of the bucket: that of the cluster, or every load crosses regions, slowly and at a price."""
    project: Input[str] | None = None
    """Google Cloud project ID. Default: that of the gcp provider."""
    bucket_name: str | None = None
    """Name of the bucket, unique in all of Cloud Storage. Default: the component's name and a random suffix."""
    hierarchical_namespace: bool | None = None
    """Real folders, which list and rename faster. Cannot be changed, nor combined with versioning. Default: true."""
    versioning: bool | None = None
    """Keep replaced objects. Default: false."""
    soft_delete_days: int | None = Field(default=None, ge=0, le=90)
    """Days during which deleted objects can be restored, and are paid for: 0, or 7 to 90. Default: 7."""
    abort_uploads_days: int | None = Field(default=None, ge=1)
    """Days after which the parts of an upload that was never finished are deleted. Default: 7."""
    kms_key_name: Input[str] | None = None
    """Cloud KMS key that encrypts the objects, `projects/P/locations/L/keyRings/R/cryptoKeys/K`. Default: Google's."""
    force_destroy: bool | None = None
    """Delete the bucket even while it holds objects. Default: false."""
    labels: dict[str, str] | None = None
    """Labels for billing. Default: none."""
    readers: dict[str, Input[str]] | None = None
    """Members that may read objects, by a name for each. Default: none."""
    writers: dict[str, Input[str]] | None = None
    """Members that may read, write and delete objects, by a name for each. Default: none."""


class CheckpointBucket(pulumi.ComponentResource):
    """A private bucket in the cluster's region. Nothing in it can be made public."""

    bucket_name: pulumi.Output[str]
    """Name of the bucket."""
    url: pulumi.Output[str]
    """`gs://NAME`."""
    location: pulumi.Output[str]
    """Region of the bucket."""

    def __init__(self, name: str, args: CheckpointBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the bucket.

        Raises:
            ConfigurationError: if `args` are wrong; nothing is registered then.
        """
        args = CheckpointBucketArgs.parse(args)
        refuse(check_checkpoint_bucket(name, args))
        super().__init__("llm-serving:index:CheckpointBucket", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        days = 7 if args.soft_delete_days is None else args.soft_delete_days
        bucket = gcp.storage.Bucket(
            name,
            location=args.location,
            project=args.project,
            uniform_bucket_level_access=True,
            public_access_prevention="enforced",
            force_destroy=args.force_destroy is True,
            hierarchical_namespace=gcp.storage.BucketHierarchicalNamespaceArgs(enabled=_is_hierarchical(args)),
            soft_delete_policy=gcp.storage.BucketSoftDeletePolicyArgs(retention_duration_seconds=days * 24 * 3600),
            lifecycle_rules=[
                gcp.storage.BucketLifecycleRuleArgs(
                    action=gcp.storage.BucketLifecycleRuleActionArgs(type="AbortIncompleteMultipartUpload"),
                    condition=gcp.storage.BucketLifecycleRuleConditionArgs(age=args.abort_uploads_days or 7),
                )
            ],
            **given(
                name=args.bucket_name,
                labels=args.labels,
                versioning=gcp.storage.BucketVersioningArgs(enabled=True) if args.versioning else None,
                encryption=gcp.storage.BucketEncryptionArgs(default_kms_key_name=args.kms_key_name)
                if args.kms_key_name is not None
                else None,
            ),
            opts=child,
        )
        for role, members in (("objectViewer", args.readers), ("objectUser", args.writers)):
            for key, member in (members or {}).items():
                gcp.storage.BucketIAMMember(
                    f"{name}-{key}", bucket=bucket.name, role=f"roles/storage.{role}", member=member, opts=child
                )
        self.bucket_name = bucket.name
        self.url = bucket.url
        self.location = bucket.location
        self.register_outputs({"bucketName": self.bucket_name, "url": self.url, "location": self.location})


def _is_hierarchical(args: CheckpointBucketArgs) -> bool:
    return not args.versioning if args.hierarchical_namespace is None else args.hierarchical_namespace


def check_checkpoint_bucket(
    name: str, args: CheckpointBucketArgs, cluster_location: str | None = None
) -> list[Finding]:
    """Return everything that can be known to be wrong with a bucket, by path within `args`.

    `cluster_location` is the region or zone of the cluster that reads it, if it is known.
    """
    findings: list[Finding] = []
    chosen = args.bucket_name if args.bucket_name is not None else f"{name.lower()}-0000000"
    # rules of cloud.google.com/storage/docs/buckets, read on 2026-11-21
    allowed = re.fullmatch(r"[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]", chosen)
    if not allowed or chosen.startswith("goog") or "google" in chosen:
        findings.append(
            error(
                "bucket-name-invalid",
                "bucketName" if args.bucket_name is not None else "name",
                f"'{chosen}' is not the name of a bucket.",
                "Use 3 to 63 lower-case letters, digits, hyphens and underscores, a letter or digit first and last,"
                " and neither a leading 'goog' nor 'google' anywhere.",
            )
        )
    if args.versioning and args.hierarchical_namespace:
        findings.append(
            error(
                "bucket-versioning-hierarchical",
                "versioning",
                "a bucket with a hierarchical namespace cannot keep versions.",
                "Set one of the two; soft delete restores deleted objects in both.",
            )
        )
    if args.soft_delete_days is not None and 0 < args.soft_delete_days < 7:
        findings.append(
            error(
                "bucket-soft-delete",
                "softDeleteDays",
                f"soft delete cannot last {args.soft_delete_days} days.",
                "Set 0, or 7 to 90.",
            )
        )
    findings += [
        *check_text("google-project", args.project, "project"),
        *check_text("google-kms-key", args.kms_key_name, "kmsKeyName"),
        *check_map("google-label", args.labels, "labels"),
    ]
    for path, members in (("readers", args.readers), ("writers", args.writers)):
        findings += [
            _wrong_member(f"{path}.{key}", member)
            for key, member in (members or {}).items()
            if not fits("google-member", member)
        ]
    for key in (args.readers or {}).keys() & (args.writers or {}).keys():
        findings.append(
            error("bucket-member-twice", f"readers.{key}", f"'{key}' is also a writer, who may read.", "Name it once.")
        )
    if re.fullmatch(r"[a-z]+-[a-z]+[0-9]+-[a-z]", args.location.lower()):
        findings.append(
            error(
                "bucket-location-zone",
                "location",
                f"'{args.location}' is a zone, and a bucket is in a region.",
                f"Set {region_of(args.location.lower())}.",
            )
        )
    elif cluster_location is not None and region_of(cluster_location) != args.location.lower():
        findings.append(
            warning(
                "bucket-other-region",
                "location",
                f"the bucket is in {args.location} and the cluster in {region_of(cluster_location)}: every load of the"
                " weights crosses regions, slowly and at a price.",
                f"Set {region_of(cluster_location)}.",
            )
        )
    return findings


def _wrong_member(path: str, member: Input[str]) -> Finding:
    if member in ("allUsers", "allAuthenticatedUsers"):
        return error(
            "bucket-public", path, f"'{member}' is everyone, and the bucket cannot be public.", "Name who may read it."
        )
    return error(
        "bucket-member-invalid",
        path,
        f"'{member}' is not a member.",
        f"{load_texts()['google-member'].remedy}.",
    )
