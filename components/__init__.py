"""Pulumi components that serve large language models. Import this package, or deploy a recipe of `stacks`."""

from .findings import ConfigurationError, Finding
from .gke.custom_metrics_adapter import CustomMetricsAdapter, CustomMetricsAdapterArgs
from .gke.gpu_cluster import GkeGpuCluster
from .gke.gpu_cluster_args import GkeGpuClusterArgs
from .gke.tpu_node_pool import TpuNodePool, TpuNodePoolArgs
from .gke.workload_identity_binding import WorkloadIdentityBinding, WorkloadIdentityBindingArgs
from .inference.chat_page import ChatPage, ChatPageArgs
from .inference.inference_service import InferenceService
from .inference.inference_service_args import InferenceServiceArgs
from .jobs.conversion_job import ConversionJob
from .jobs.conversion_job_args import ConversionJobArgs
from .jobs.fine_tune_job import FineTuneJob
from .jobs.fine_tune_job_args import FineTuneJobArgs
from .jobs.model_archive_job import ModelArchiveJob
from .jobs.model_archive_job_args import ModelArchiveJobArgs
from .oci.gpu_host import OciGpuHost
from .oci.gpu_host_args import OciGpuHostArgs
from .storage.bucket_volume_claim import BucketVolumeClaim, BucketVolumeClaimArgs
from .storage.checkpoint_bucket import CheckpointBucket, CheckpointBucketArgs
from .storage.checkpoint_disk import CheckpointDisk
from .storage.checkpoint_disk_args import CheckpointDiskArgs

__version__ = "0.1.0"
"""Of everything in this project: the Python package, the Pulumi package and the command line."""

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
