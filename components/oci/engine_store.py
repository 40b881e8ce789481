"""Where OciGpuHost keeps built engines: block volumes or a bucket, which stay when a host is replaced."""

from __future__ import annotations  # or the SDK would be loaded for them, of whichever cloud the stack is

import pulumi
import pulumi_oci as oci

from ..args import Input, given
from ..catalog import Shape
from ..names import bounded
from .gpu_host_args import EngineStoreArgs, EngineStoreKind, OciGpuHostArgs

DEVICE = "/dev/oracleoci/oraclevdb"
"""What the first block volume of an instance is called on it, whatever its kernel calls it."""

DEFAULT_SIZE_GB = 500
"""More than an engine takes: a volume of Oracle's reads 0.48 MB in a second for each GB that it has.
Source: docs.oracle.com/en-us/iaas/Content/Block/Concepts/blockvolumeperformance.htm, 2026-11-21."""
BUCKET_NAME_LIMIT = 256


def store_of(args: OciGpuHostArgs) -> EngineStoreArgs:
    """Return what the settings say of the store."""
    return args.engine_store or EngineStoreArgs()


def kind_of(args: OciGpuHostArgs) -> EngineStoreKind:
    """Return what the store is."""
    return store_of(args).kind or EngineStoreKind.BLOCK_VOLUME


def create_bucket(name: str, args: OciGpuHostArgs, opts: pulumi.ResourceOptions) -> oci.objectstorage.Bucket:
    """Register the bucket of all hosts."""
    namespace = oci.objectstorage.get_namespace_output(
        compartment_id=args.compartment_id, opts=pulumi.InvokeOutputOptions(parent=opts.parent)
    ).namespace
    return oci.objectstorage.Bucket(
        f"{name}-engines",
        compartment_id=args.compartment_id,
        namespace=namespace,
        name=bounded(f"{name}-{pulumi.get_stack()}-engines", BUCKET_NAME_LIMIT),
        access_type="NoPublicAccess",
        **given(kms_key_id=args.key_id, freeform_tags=args.tags),
        opts=_kept(args, opts),
    )


def create_volume(
    name: str, args: OciGpuHostArgs, number: int, domain: pulumi.Output[str], opts: pulumi.ResourceOptions
) -> oci.core.Volume:
    """Register the block volume of one host, which does not depend on that host, or it would go with it."""
    return oci.core.Volume(
        f"{name}-engines-{number}",
        compartment_id=args.compartment_id,
        availability_domain=domain,
        display_name=f"{name}-engines-{number}",
        size_in_gbs=str(store_of(args).size_gb or DEFAULT_SIZE_GB),
        **given(kms_key_id=args.key_id, freeform_tags=args.tags),
        opts=_kept(args, opts),
    )


def attach_volume(
    name: str,
    number: int,
    shape: Shape,
    host: oci.core.Instance,
    volume_id: Input[str],
    opts: pulumi.ResourceOptions,
) -> None:
    """Register the attachment of a block volume to its host."""
    # bare metal reaches volumes by iSCSI, for which the agent logs in; a VM has them from its hypervisor
    how = (
        given(attachment_type="iscsi", is_agent_auto_iscsi_login_enabled=True)
        if shape.bare_metal
        else given(attachment_type="paravirtualized", is_pv_encryption_in_transit_enabled=True)
    )
    oci.core.VolumeAttachment(
        f"{name}-engines-{number}-attachment",
        instance_id=host.id,
        volume_id=volume_id,
        display_name=f"{name}-engines-{number}",
        device=DEVICE,
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(delete_before_replace=True)),
        **how,
    )


def _kept(args: OciGpuHostArgs, opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions.merge(
        opts, pulumi.ResourceOptions(retain_on_delete=True if store_of(args).keep else None)
    )
