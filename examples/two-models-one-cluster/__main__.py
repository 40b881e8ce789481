"""A small and a larger model on one GKE cluster: a pool of single L4s for the one, of pairs for the other."""

import pulumi
from pulumi_llm_serving import (
    GkeGpuCluster,
    GkeGpuClusterArgs,
    GpuPoolArgs,
    InferenceService,
    InferenceServiceArgs,
    NodePoolArgs,
    ResourcesArgs,
    Server,
    StorageArgs,
    StorageKind,
)

POOL = "cloud.google.com/gke-nodepool"

location = pulumi.Config().require("location")
cluster = GkeGpuCluster(
    "models",
    GkeGpuClusterArgs(
        location=location,
        cpu_pool=NodePoolArgs(machine_type="e2-standard-4", min_nodes=1, max_nodes=3),
        gpu_pools={
            "small": GpuPoolArgs(machine_type="g2-standard-12", min_nodes=0, max_nodes=2, disk_size_gb=150),
            "large": GpuPoolArgs(machine_type="g2-standard-24", min_nodes=0, max_nodes=1, disk_size_gb=150),
        },
    ),
)
on_cluster = pulumi.ResourceOptions(providers=[cluster.provider])

small = InferenceService(
    "small",
    InferenceServiceArgs(
        server=Server.VLLM,
        model="Qwen/Qwen2.5-7B-Instruct",
        accelerator="nvidia-l4",
        accelerators=1,
        replicas=2,
        pool_accelerators=2,
        node_selector={POOL: "small"},
        resources=ResourcesArgs(cpu="8", memory="32Gi"),
        storage=StorageArgs(kind=StorageKind.EMPTY_DIR, size="40Gi"),
    ),
    on_cluster,
)
large = InferenceService(
    "large",
    InferenceServiceArgs(
        server=Server.VLLM,
        model="Qwen/Qwen2.5-14B-Instruct",
        accelerator="nvidia-l4",
        accelerators=2,
        pool_accelerators=2,
        node_selector={POOL: "large"},
        resources=ResourcesArgs(cpu="16", memory="64Gi"),
        storage=StorageArgs(kind=StorageKind.EMPTY_DIR, size="60Gi"),
    ),
    on_cluster,
)
for name, service in {"small": small, "large": large}.items():
    pulumi.export(f"{name}Endpoint", service.endpoint)
    pulumi.export(f"{name}Access", service.access)
pulumi.export("kubeconfig", cluster.kubeconfig)
