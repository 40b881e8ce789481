"""Cloud Storage buckets as volumes of pods, through GKE's Cloud Storage FUSE driver, tuned for large weights.

Sources: cloud.google.com/kubernetes-engine/docs/how-to/cloud-storage-fuse-csi-driver-perf and
.../docs/reference/cloud-storage-fuse-csi-driver/volume-attr, 2026-11-21.
"""

import pulumi_kubernetes as kubernetes

from ..args import Input

core = kubernetes.core.v1

DRIVER = "gcsfuse.csi.storage.gke.io"

DATA_VOLUME = "data"
"""Name of the volume that is the bucket."""

CACHE_VOLUME = "gke-gcsfuse-cache"
"""Name by which the driver finds the volume of its cache."""

POD_ANNOTATIONS = {
    "gke-gcsfuse/volumes": "true",
    # "0" is no limit: the default of 256Mi memory and 5Gi storage gets pods killed that read files larger than that
    "gke-gcsfuse/cpu-limit": "0",
    "gke-gcsfuse/memory-limit": "0",
    "gke-gcsfuse/ephemeral-storage-limit": "0",
}
"""What a pod with such a volume says, so that GKE adds the driver's container to it. For nodes that pods own."""

AUTOPILOT_CPU, AUTOPILOT_MEMORY = "1", "2Gi"
"""What the driver's container takes on Autopilot, which runs no container without limits. It has no cache there, and
weights are read once, one after the other."""

AUTOPILOT_ANNOTATIONS = {
    "gke-gcsfuse/volumes": "true",
    "gke-gcsfuse/cpu-limit": AUTOPILOT_CPU,
    "gke-gcsfuse/memory-limit": AUTOPILOT_MEMORY,
    "gke-gcsfuse/ephemeral-storage-limit": "1Gi",
}
"""Likewise on Autopilot."""

MOUNT_OPTIONS = (
    # folders that exist only as parts of names, as uploads from elsewhere leave them
    "implicit-dirs",
    # weights do not change under a server: ask the bucket for each name once
    "metadata-cache:ttl-secs:-1",
    "metadata-cache:stat-cache-max-size-mb:-1",
    "metadata-cache:type-cache-max-size-mb:-1",
    "file-system:kernel-list-cache-ttl-secs:-1",
    # but not that a file is missing, which may yet come
    "metadata-cache:negative-ttl-secs:0",
)
"""Mount options of every bucket that is only read."""

CACHE_OPTIONS = (
    # as much as the cache's volume holds
    "file-cache:max-size-mb:-1",
    # tensors are read from the middle of a file, which is then fetched whole
    "file-cache:cache-file-for-range-read:true",
    # several parts of a file at a time, which only the cache can take
    "file-cache:enable-parallel-downloads:true",
)
"""Mount options of a bucket that is read through a cache."""


def mount_options(*, read_only: bool, cached: bool = True) -> list[str]:
    """Return the mount options of a bucket. One that is written to must see what others write, so it caches nothing."""
    if not read_only:
        return ["implicit-dirs"]
    return [*MOUNT_OPTIONS, *(CACHE_OPTIONS if cached else ())]


def bucket_volumes(
    bucket: Input[str], *, read_only: bool, cached: bool = True, name: str = DATA_VOLUME
) -> list[core.VolumeArgs]:
    """Return the volumes of a pod that mounts the bucket of that name, the first of them the bucket itself.

    The bucket comes and goes with the pod (CSI ephemeral volume). One that is only read has its cache in memory, since
    TPU hosts have no local SSD; it counts against the memory of the node, and of the driver's container. A pod has one
    such cache: further buckets are mounted without, `cached` false.
    """
    volume = core.VolumeArgs(
        name=name,
        csi=core.CSIVolumeSourceArgs(
            driver=DRIVER,
            read_only=read_only,
            volume_attributes={
                "bucketName": bucket,
                "mountOptions": ",".join(mount_options(read_only=read_only, cached=cached)),
                # the mount itself says whether the bucket can be reached, with one request less for each pod
                "skipCSIBucketAccessCheck": "true",
            },
        ),
    )
    return [volume, *cache_volumes()] if read_only and cached else [volume]


def cache_volumes() -> list[core.VolumeArgs]:
    """Return the volume that holds the driver's cache, for pods that only read."""
    return [core.VolumeArgs(name=CACHE_VOLUME, empty_dir=core.EmptyDirVolumeSourceArgs(medium="Memory"))]
