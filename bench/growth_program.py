"""The program whose size is varied: GKE clusters in regions of their own, and inference services on each."""

import pulumi

from components.gke.gpu_cluster import GkeGpuCluster
from components.gke.gpu_cluster_args import GkeGpuClusterArgs
from components.inference.inference_service import InferenceService
from components.inference.inference_service_args import InferenceServiceArgs

LARGEST = 20
"""Most services that a cluster has GPUs for."""

ZONES = (
    "us-central1-a",
    "us-east1-b",
    "us-east4-a",
    "us-west1-a",
    "europe-west1-b",
    "europe-west2-a",
    "europe-west3-a",
    "europe-west4-a",
    "asia-east1-a",
    "asia-northeast1-a",
)
"""Of each cluster in turn. No two are in one region, whose quota of GPUs is for one."""
CLUSTER = {
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


def main(clusters: int, services: int) -> None:
    """Register `clusters` clusters with `services` services on each."""
    for number, zone in enumerate(ZONES[:clusters], 1):
        cluster = GkeGpuCluster(f"cluster-{number}", GkeGpuClusterArgs.parse({**CLUSTER, "location": zone}))
        on_it = pulumi.ResourceOptions(providers=[cluster.provider])
        for each in range(1, services + 1):
            name = f"service-{number}-{each}"
            args = InferenceServiceArgs.parse({**SERVICE, "token": pulumi.Output.secret("none")})
            pulumi.export(name, InferenceService(name, args, on_it).endpoint)
