# What can be imported from this package, and of which of its modules.

from .findings import ConfigurationError, Finding
from .gke.custom_metrics_adapter import CustomMetricsAdapter, CustomMetricsAdapterArgs
from .gke.gpu_cluster import GkeGpuCluster
from .gke.gpu_cluster_args import Addons, GkeGpuClusterArgs, MaintenanceWindow, ReleaseChannel
from .gke.gpu_sharing import GpuSharingArgs, SharingStrategy
from .gke.node_pool import DriverVersion, GpuPoolArgs, NodePoolArgs
from .gke.tpu_node_pool import TpuNodePool, TpuNodePoolArgs
from .gke.workload_identity_binding import BucketRoleArgs, WorkloadIdentityBinding, WorkloadIdentityBindingArgs
from .inference.chat_page import ChatPage, ChatPageArgs
from .inference.exposure import Exposure
from .inference.inference_service import InferenceService
from .inference.inference_service_args import (
    AccessMode,
    AdapterArgs,
    AutoscalingArgs,
    InferenceServiceArgs,
    JetStreamArgs,
    ResourcesArgs,
    Server,
    StorageArgs,
    StorageKind,
    TorchServeArgs,
    VllmArgs,
)
from .jobs.conversion_job import ConversionJob
from .jobs.conversion_job_args import ConversionJobArgs
from .jobs.fine_tune_job import FineTuneJob
from .jobs.fine_tune_job_args import FineTuneJobArgs, Save
from .jobs.model_archive_job import ModelArchiveJob
from .jobs.model_archive_job_args import ModelArchiveJobArgs
from .oci.gpu_host import OciGpuHost
from .oci.gpu_host_args import (
    BalancerExposure,
    EngineStoreArgs,
    EngineStoreKind,
    OciGpuHostArgs,
    OciImageArgs,
    OciNetworkArgs,
    OperatingSystem,
    SshAccess,
    SshArgs,
)
from .storage.bucket_volume_claim import BucketVolumeClaim, BucketVolumeClaimArgs
from .storage.checkpoint_bucket import CheckpointBucket, CheckpointBucketArgs
from .storage.checkpoint_disk import CheckpointDisk
from .storage.checkpoint_disk_args import CheckpointDiskArgs
from .triton.args import BatchSchedulerPolicy, Dtype, GemmPlugin, TritonArgs

__version__: str

__all__ = [
    "AccessMode",
    "AdapterArgs",
    "Addons",
    "AutoscalingArgs",
    "BalancerExposure",
    "BatchSchedulerPolicy",
    "BucketRoleArgs",
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
    "DriverVersion",
    "Dtype",
    "EngineStoreArgs",
    "EngineStoreKind",
    "Exposure",
    "Finding",
    "FineTuneJob",
    "FineTuneJobArgs",
    "GemmPlugin",
    "GkeGpuCluster",
    "GkeGpuClusterArgs",
    "GpuPoolArgs",
    "GpuSharingArgs",
    "InferenceService",
    "InferenceServiceArgs",
    "JetStreamArgs",
    "MaintenanceWindow",
    "ModelArchiveJob",
    "ModelArchiveJobArgs",
    "NodePoolArgs",
    "OciGpuHost",
    "OciGpuHostArgs",
    "OciImageArgs",
    "OciNetworkArgs",
    "OperatingSystem",
    "ReleaseChannel",
    "ResourcesArgs",
    "Save",
    "Server",
    "SharingStrategy",
    "SshAccess",
    "SshArgs",
    "StorageArgs",
    "StorageKind",
    "TorchServeArgs",
    "TpuNodePool",
    "TpuNodePoolArgs",
    "TritonArgs",
    "VllmArgs",
    "WorkloadIdentityBinding",
    "WorkloadIdentityBindingArgs",
]
