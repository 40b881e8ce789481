"""Pulumi components that serve large language models. Import this package, or deploy a recipe of `stacks`."""

from components.bucket_volume_claim import BucketVolumeClaim, BucketVolumeClaimArgs
from components.chat_page import ChatPage, ChatPageArgs
from components.checkpoint_bucket import CheckpointBucket, CheckpointBucketArgs
from components.checkpoint_disk import CheckpointDisk
from components.checkpoint_disk_args import CheckpointDiskArgs
from components.conversion_job import ConversionJob
from components.conversion_job_args import ConversionJobArgs
from components.custom_metrics_adapter import CustomMetricsAdapter, CustomMetricsAdapterArgs
from components.findings import ConfigurationError, Finding
from components.fine_tune_job import FineTuneJob
from components.fine_tune_job_args import FineTuneJobArgs
from components.gke_gpu_cluster import GkeGpuCluster
from components.gke_gpu_cluster_args import GkeGpuClusterArgs
from components.inference_service import InferenceService
from components.inference_service_args import InferenceServiceArgs
from components.model_archive_job import ModelArchiveJob
from components.model_archive_job_args import ModelArchiveJobArgs
from components.oci_gpu_host import OciGpuHost
from components.oci_gpu_host_args import OciGpuHostArgs
from components.tpu_node_pool import TpuNodePool, TpuNodePoolArgs
from components.workload_identity_binding import WorkloadIdentityBinding, WorkloadIdentityBindingArgs

__all__ = [
    "BucketVolumeClaim",
    "BucketVolumeClaimArgs",
    "ChatPage",
    "ChatPageArgs",
    "CheckpointBucket",
    "CheckpointBucketArgs",
    "CheckpointDisk",
    "CheckpointDiskArgs",
    "ConfigurationError",
    "ConversionJob",
    "ConversionJobArgs",
    "CustomMetricsAdapter",
    "CustomMetricsAdapterArgs",
    "Finding",
    "FineTuneJob",
    "FineTuneJobArgs",
    "GkeGpuCluster",
    "GkeGpuClusterArgs",
    "InferenceService",
    "InferenceServiceArgs",
    "ModelArchiveJob",
    "ModelArchiveJobArgs",
    "OciGpuHost",
    "OciGpuHostArgs",
    "TpuNodePool",
    "TpuNodePoolArgs",
    "WorkloadIdentityBinding",
    "WorkloadIdentityBindingArgs",
]
