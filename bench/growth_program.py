"""The program whose size is varied: one GKE cluster, and on it as many inference services as the stack's name says."""

import pulumi

from components.gke.gpu_cluster import GkeGpuCluster
from components.gke.gpu_cluster_args import GkeGpuClusterArgs
from components.inference.inference_service import InferenceService
from components.inference.inference_service_args import InferenceServiceArgs

LARGEST = 20
"""Most services that the cluster has GPUs for."""

CLUSTER = {
    "location": "us-central1-a",
    "cpuPool": {"machineType": "n2d-standard-8", "nodes": 1, "minNodes": 1, "maxNodes": 1},
    "gpuPools": {
        "l4": {
            "machineType": "g2-standard-8",
            "acceleratorType": "nvidia-l4",
            "acceleratorCount": 1,
            "nodes": LARGEST,
            "minNodes": LARGEST,
            "maxNodes": LARGEST,
        }
    },
}
SERVICE = {
    "server": "tgi",
    "model": "mistralai/Mistral-7B-Instruct-v0.3",
    "accelerator": "nvidia-l4",
    "accelerators": 1,
    "resources": {"cpu": "6", "memory": "24Gi"},
    "storage": {"kind": "empty-dir", "size": "40Gi"},
}


def main(services: int) -> None:
    """Register the cluster and `services` services."""
    cluster = GkeGpuCluster("cluster", GkeGpuClusterArgs.parse(CLUSTER))
    args = InferenceServiceArgs.parse(SERVICE).model_copy(update={"token": pulumi.Output.secret("none")})
    for number in range(services):
        name = f"service-{number + 1}"
        pulumi.export(name, InferenceService(name, args, pulumi.ResourceOptions(providers=[cluster.provider])).endpoint)
