"""Qwen 2.5 7B with vLLM on a cluster that is there already, on one node with an NVIDIA L4."""

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_llm_serving import (
    Exposure,
    InferenceService,
    InferenceServiceArgs,
    ResourcesArgs,
    Server,
    StorageArgs,
    StorageKind,
)

config = pulumi.Config()
cluster = kubernetes.Provider("cluster", context=config.get("context") or None)
qwen = InferenceService(
    "qwen",
    InferenceServiceArgs(
        server=Server.VLLM,
        model="Qwen/Qwen2.5-7B-Instruct",
        accelerator="nvidia-l4",
        accelerators=1,
        resources=ResourcesArgs(cpu="6", memory="24Gi"),
        storage=StorageArgs(kind=StorageKind.EMPTY_DIR, size="40Gi"),
        namespace=config.require("namespace"),
        exposure=Exposure.CLUSTER,
    ),
    pulumi.ResourceOptions(providers=[cluster]),
)
pulumi.export("endpoint", qwen.endpoint)
pulumi.export("access", qwen.access)
pulumi.export("tryIt", qwen.try_it)
