"""Pulumi components that serve large language models. Import this package, or deploy a recipe of `stacks`."""

from components.findings import ConfigurationError, Finding
from components.gke_gpu_cluster import GkeGpuCluster
from components.gke_gpu_cluster_args import GkeGpuClusterArgs
from components.inference_service import InferenceService
from components.inference_service_args import InferenceServiceArgs

__all__ = [
    "ConfigurationError",
    "Finding",
    "GkeGpuCluster",
    "GkeGpuClusterArgs",
    "InferenceService",
    "InferenceServiceArgs",
]
