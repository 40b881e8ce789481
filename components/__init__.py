"""Pulumi components that serve large language models. Import this package, or deploy a recipe of `stacks`."""

from components.bucket_volume_claim import BucketVolumeClaim, BucketVolumeClaimArgs
from components.checkpoint_bucket import CheckpointBucket, CheckpointBucketArgs
from components.checkpoint_disk import CheckpointDisk
from components.checkpoint_disk_args import CheckpointDiskArgs
from components.conversion_job import ConversionJob
from components.conversion_job_args import ConversionJobArgs
from components.findings import ConfigurationError, Finding
from components.gke_gpu_cluster import GkeGpuCluster
from components.gke_gpu_cluster_args import GkeGpuClusterArgs
from components.inference_service import InferenceService
from components.inference_service_args import InferenceServiceArgs
from components.tpu_node_pool import TpuNodePool, TpuNodePoolArgs
from components.workload_identity_binding import WorkloadIdentityBinding, WorkloadIdentityBindingArgs

__all__ = [
    "BucketVolumeClaim",
    "BucketVolumeClaimArgs",
    "CheckpointBucket",
    "CheckpointBucketArgs",
    "CheckpointDisk",
    "CheckpointDiskArgs",
    "ConfigurationError",
    "ConversionJob",
    "ConversionJobArgs",
    "Finding",
    "GkeGpuCluster",
    "GkeGpuClusterArgs",
    "InferenceService",
    "InferenceServiceArgs",
    "TpuNodePool",
    "TpuNodePoolArgs",
    "WorkloadIdentityBinding",
    "WorkloadIdentityBindingArgs",
]
