"""The volumes of a pod that runs a model server: weights, adapters, what it compiles, its files."""

import pulumi
import pulumi_kubernetes as kubernetes

from ..args import Input, given
from ..storage import gcs_fuse
from .derived import most_replicas, server_of
from .inference_service_args import InferenceServiceArgs, StorageKind

DEFAULT_CACHE_SIZE = "10Gi"
"""Of the volume of what a server compiles, which takes some 100 MB. Not measured."""

core = kubernetes.core.v1


def cache_size(args: InferenceServiceArgs) -> str:
    """Return the size of the volume of what the server compiles."""
    return (args.torchserve and args.torchserve.compile_cache_size) or DEFAULT_CACHE_SIZE


def cache_claim(name: str, args: InferenceServiceArgs) -> str | None:
    """Return the name of the claim of that volume, for the one pod that can mount it; None where there are several."""
    wanted = server_of(args).cache_path is not None and most_replicas(args) == 1
    return f"{name}-compile-cache" if wanted else None


def mounts_bucket(args: InferenceServiceArgs) -> bool:
    """Return whether the pods mount a bucket, for which GKE adds a container to them."""
    storage = args.storage
    return storage.kind is StorageKind.BUCKET or storage.bucket_claim is True or adapters_bucket(args) is not None


def adapters_bucket(args: InferenceServiceArgs) -> Input[str] | None:
    """Return the bucket of the service's adapters, if it has one."""
    return args.vllm.adapters_bucket if args.vllm else None


def adapter_volumes(args: InferenceServiceArgs) -> list[core.VolumeArgs]:
    """Return the volume of the adapters, called `adapters`, if there are any."""
    bucket = adapters_bucket(args)
    return [] if bucket is None else gcs_fuse.bucket_volumes(bucket, read_only=True, cached=False, name="adapters")


def cache_volumes(name: str, args: InferenceServiceArgs) -> list[core.VolumeArgs]:
    """Return the volume of what the server compiles, called `cache`, if it keeps that."""
    if server_of(args).cache_path is None:
        return []
    claim = cache_claim(name, args)
    if claim is not None:
        source = core.PersistentVolumeClaimVolumeSourceArgs(claim_name=claim)
        return [core.VolumeArgs(name="cache", persistent_volume_claim=source)]
    return [core.VolumeArgs(name="cache", empty_dir=core.EmptyDirVolumeSourceArgs(size_limit=cache_size(args)))]


def file_volumes(files_name: pulumi.Output[str] | None) -> list[core.VolumeArgs]:
    """Return the volume of the server's files, called `files`, if they are in a ConfigMap."""
    if files_name is None:
        return []
    return [core.VolumeArgs(name="files", config_map=core.ConfigMapVolumeSourceArgs(name=files_name))]


def data_volumes(args: InferenceServiceArgs) -> list[core.VolumeArgs]:
    """Return the volume of the weights, called `data`, and those that it needs besides."""
    storage = args.storage
    match storage.kind:
        case StorageKind.BUCKET:
            return gcs_fuse.bucket_volumes(storage.bucket or "", read_only=True, cached=not args.autopilot)
        case StorageKind.CLAIM:
            claim = core.PersistentVolumeClaimVolumeSourceArgs(claim_name=storage.claim or "", read_only=True)
            volume = core.VolumeArgs(name="data", persistent_volume_claim=claim)
            return [volume, *gcs_fuse.cache_volumes()] if storage.bucket_claim else [volume]
        case StorageKind.HOST_PATH:
            path = core.HostPathVolumeSourceArgs(path=storage.host_path or "", type="DirectoryOrCreate")
            return [core.VolumeArgs(name="data", host_path=path)]
        case StorageKind.EMPTY_DIR:
            return [
                core.VolumeArgs(name="data", empty_dir=core.EmptyDirVolumeSourceArgs(size_limit=storage.size or ""))
            ]
        case StorageKind.EPHEMERAL_VOLUME:
            template = core.PersistentVolumeClaimTemplateArgs(
                metadata=kubernetes.meta.v1.ObjectMetaArgs(labels={"type": "ephemeral"}),
                spec=core.PersistentVolumeClaimSpecArgs(
                    access_modes=["ReadWriteOnce"],
                    **given(storage_class_name=storage.storage_class),
                    resources=core.VolumeResourceRequirementsArgs(requests={"storage": storage.size or ""}),
                ),
            )
            ephemeral = core.EphemeralVolumeSourceArgs(volume_claim_template=template)
            return [core.VolumeArgs(name="data", ephemeral=ephemeral)]
