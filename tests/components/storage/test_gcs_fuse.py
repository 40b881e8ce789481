"""Buckets as volumes of pods, and as claims."""

from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest

from components.findings import ConfigurationError
from components.storage.bucket_volume_claim import BucketVolumeClaim, BucketVolumeClaimArgs
from components.storage.gcs_fuse import POD_ANNOTATIONS, bucket_volumes, cache_volumes
from tests.components.guide import inputs
from tests.recording import Recording, record

TUNED = [
    "implicit-dirs",
    "metadata-cache:ttl-secs:-1",
    "metadata-cache:stat-cache-max-size-mb:-1",
    "metadata-cache:type-cache-max-size-mb:-1",
    "file-system:kernel-list-cache-ttl-secs:-1",
    "metadata-cache:negative-ttl-secs:0",
    "file-cache:max-size-mb:-1",
    "file-cache:cache-file-for-range-read:true",
    "file-cache:enable-parallel-downloads:true",
]


def volumes(*, read_only: bool) -> list[Any]:
    def program() -> None:
        kubernetes.core.v1.Pod(
            "pod",
            spec=kubernetes.core.v1.PodSpecArgs(
                containers=[], volumes=bucket_volumes(pulumi.Output.from_input("weights"), read_only=read_only)
            ),
        )

    return inputs(record(program), "Pod", "pod")["spec"]["volumes"]


def test_a_bucket_that_is_read() -> None:
    assert volumes(read_only=True) == [
        {
            "name": "data",
            "csi": {
                "driver": "gcsfuse.csi.storage.gke.io",
                "readOnly": True,
                "volumeAttributes": {
                    "bucketName": "weights",
                    "mountOptions": ",".join(TUNED),
                    "skipCSIBucketAccessCheck": "true",
                },
            },
        },
        # in memory, since TPU hosts have no local SSD
        {"name": "gke-gcsfuse-cache", "emptyDir": {"medium": "Memory"}},
    ]


def test_a_bucket_that_is_written_has_no_cache() -> None:
    (volume,) = volumes(read_only=False)
    assert volume["csi"]["readOnly"] is False
    assert volume["csi"]["volumeAttributes"]["mountOptions"] == "implicit-dirs"


def test_the_driver_has_no_limits_of_its_own() -> None:
    # users trip over 8: its default of 5Gi evicts the pod
    limits = {key: value for key, value in POD_ANNOTATIONS.items() if key.endswith("-limit")}
    assert limits == {f"gke-gcsfuse/{kind}-limit": "0" for kind in ("cpu", "memory", "ephemeral-storage")}
    assert POD_ANNOTATIONS["gke-gcsfuse/volumes"] == "true"
    assert [volume.name for volume in cache_volumes()] == ["gke-gcsfuse-cache"]


def record_claim(**changes: Any) -> Recording:
    def program() -> None:
        there = kubernetes.Provider("there", kubeconfig="{}")
        BucketVolumeClaim(
            "weights",
            BucketVolumeClaimArgs.parse({"bucket": "a-bucket", **changes}),
            pulumi.ResourceOptions(providers=[there]),
        )

    return record(program)


def test_a_claim() -> None:
    recording = record_claim(namespace="models")
    assert inputs(recording, "PersistentVolume", "weights-volume") == {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "spec": {
            "accessModes": ["ReadOnlyMany"],
            "capacity": {"storage": "1Ti"},
            "storageClassName": "",
            "persistentVolumeReclaimPolicy": "Retain",
            "mountOptions": TUNED,
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "name": "weights",
                "namespace": "models",
            },
            "csi": {
                "driver": "gcsfuse.csi.storage.gke.io",
                "volumeHandle": "a-bucket",
                "readOnly": True,
                "volumeAttributes": {"skipCSIBucketAccessCheck": "true"},
            },
        },
    }
    assert inputs(recording, "PersistentVolumeClaim", "weights-claim") == {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "weights", "namespace": "models"},
        "spec": {
            "accessModes": ["ReadOnlyMany"],
            "storageClassName": "",
            "volumeName": "weights-volume-12345678",
            "resources": {"requests": {"storage": "1Ti"}},
        },
    }
    assert recording["BucketVolumeClaim", "weights"].outputs == {"claimName": "weights"}
    assert {recording[kind, name].parent for kind, name in CHILDREN} == {"weights"}
    assert {recording[kind, name].provider() for kind, name in CHILDREN} == {"there"}


CHILDREN = (("PersistentVolume", "weights-volume"), ("PersistentVolumeClaim", "weights-claim"))


def test_a_claim_that_is_written_to() -> None:
    recording = record_claim(readOnly=False)
    spec = inputs(recording, "PersistentVolume", "weights-volume")["spec"]
    assert spec["accessModes"] == ["ReadWriteMany"]
    assert spec["csi"]["readOnly"] is False
    assert spec["mountOptions"] == ["implicit-dirs"]
    assert spec["claimRef"]["namespace"] == "default"
    assert inputs(recording, "PersistentVolumeClaim", "weights-claim")["spec"]["accessModes"] == ["ReadWriteMany"]


def test_a_claim_without_a_bucket_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"bucket: this setting is required"):
        BucketVolumeClaimArgs.parse({})
