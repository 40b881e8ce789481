"""A Cloud Storage bucket as a claim, for pods that take claims only or that share one volume."""

import pulumi
import pulumi_kubernetes as kubernetes

from ..args import ComponentArgs, Input
from ..findings import Finding, error, refuse
from ..texts import check_text, fits, load_texts
from .gcs_fuse import DRIVER, mount_options

core = kubernetes.core.v1

CAPACITY = "1Ti"
"""Kubernetes wants a size; a bucket has none, and the driver does not read it."""


class BucketVolumeClaimArgs(ComponentArgs):
    """Arguments of BucketVolumeClaim."""

    bucket: Input[str]
    """Name of the bucket."""
    read_only: bool | None = None
    """Mount it read-only, and through a cache. Default: true."""
    namespace: Input[str] | None = None
    """Namespace of the claim and of its pods, which must exist. Default: `default`."""


class BucketVolumeClaim(pulumi.ComponentResource):
    """A PersistentVolume that is the bucket, and the claim of this name that it is kept for.

    An InferenceService that reads it sets `storage.bucketClaim`. Other pods need the annotations
    `POD_ANNOTATIONS` of `storage.gcs_fuse`, and if it is read-only the volumes of `cache_volumes`. Deleting it leaves
    the bucket as it is.
    """

    claim_name: pulumi.Output[str]
    """Name of the claim. Known when it is bound."""

    def __init__(self, name: str, args: BucketVolumeClaimArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the volume and the claim. The Kubernetes provider is the one of `opts`.

        Raises:
            ConfigurationError: if `args` are wrong; nothing is registered then.
        """
        args = BucketVolumeClaimArgs.parse(args)
        refuse(check_bucket_volume_claim(name, args))
        super().__init__("llm-serving:index:BucketVolumeClaim", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        namespace = pulumi.Output.from_input(args.namespace if args.namespace is not None else "default")
        read_only = args.read_only is not False
        modes = ["ReadOnlyMany" if read_only else "ReadWriteMany"]
        volume = core.PersistentVolume(
            f"{name}-volume",
            spec=core.PersistentVolumeSpecArgs(
                access_modes=modes,
                capacity={"storage": CAPACITY},
                # no class: a default one would make a disk instead
                storage_class_name="",
                persistent_volume_reclaim_policy="Retain",
                mount_options=mount_options(read_only=read_only),
                # no other claim may take it
                claim_ref=core.ObjectReferenceArgs(
                    api_version="v1", kind="PersistentVolumeClaim", name=name, namespace=namespace
                ),
                csi=core.CSIPersistentVolumeSourceArgs(
                    driver=DRIVER,
                    volume_handle=args.bucket,
                    read_only=read_only,
                    volume_attributes={"skipCSIBucketAccessCheck": "true"},
                ),
            ),
            opts=child,
        )
        claim = core.PersistentVolumeClaim(
            f"{name}-claim",
            metadata=kubernetes.meta.v1.ObjectMetaArgs(name=name, namespace=namespace),
            spec=core.PersistentVolumeClaimSpecArgs(
                access_modes=modes,
                storage_class_name="",
                volume_name=volume.metadata.name.apply(str),
                resources=core.VolumeResourceRequirementsArgs(requests={"storage": CAPACITY}),
            ),
            opts=child,
        )
        self.claim_name = claim.metadata.name.apply(str)
        self.register_outputs({"claimName": self.claim_name})


def check_bucket_volume_claim(name: str, args: BucketVolumeClaimArgs) -> list[Finding]:
    """Return everything that can be known to be wrong with a claim called `name`, by path within `args`."""
    findings = [
        *check_text("bucket", args.bucket, "bucket"),
        *check_text("namespace", args.namespace, "namespace"),
    ]
    # Pulumi appends to the volume's name
    if not (fits("object", name) and fits("object", f"{name}-volume-12345678")):
        message = f"'{name}' cannot name a claim and its volume."
        longest = load_texts()["object"].most - len("-volume-12345678")
        remedy = f"Use at most {longest} lower-case letters, digits and hyphens, a letter or digit first."
        findings.append(error("name-invalid", "name", message, remedy))
    return findings
