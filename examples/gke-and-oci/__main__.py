"""Mixtral 8x7B Instruct twice: with TGI on four L4s of Google Cloud, and with Triton on a host of Oracle Cloud."""

import pulumi
from pulumi_llm_serving import (
    Exposure,
    GkeGpuCluster,
    GkeGpuClusterArgs,
    GpuPoolArgs,
    InferenceService,
    InferenceServiceArgs,
    NodePoolArgs,
    OciGpuHost,
    OciGpuHostArgs,
    ResourcesArgs,
    Server,
    StorageArgs,
    StorageKind,
    TritonArgs,
)

MODEL = "mistralai/Mixtral-8x7B-Instruct-v0.1"

config = pulumi.Config()
location = config.require("location")
token = config.require_secret("huggingFaceToken")
source_ranges: list[str] = config.require_object("sourceRanges")

cluster = GkeGpuCluster(
    "mixtral",
    GkeGpuClusterArgs(
        location=location,
        cpu_pool=NodePoolArgs(machine_type="e2-standard-4", min_nodes=1, max_nodes=3),
        gpu_pools={"l4": GpuPoolArgs(machine_type="g2-standard-48", min_nodes=0, max_nodes=1, local_ssds=4)},
    ),
)
on_google = InferenceService(
    "mixtral",
    InferenceServiceArgs(
        server=Server.TGI,
        model=MODEL,
        quantization="bitsandbytes-nf4",
        accelerator="nvidia-l4",
        accelerators=4,
        shards=4,
        pool_accelerators=4,
        resources=ResourcesArgs(cpu="40", memory="160Gi"),
        storage=StorageArgs(kind=StorageKind.EMPTY_DIR, size="150Gi"),
        token=token,
        exposure=Exposure.PUBLIC,
        source_ranges=source_ranges,
        region=location.rpartition("-")[0],
        project=cluster.project,
    ),
    pulumi.ResourceOptions(providers=[cluster.provider]),
)
on_oracle = OciGpuHost(
    "mixtral",
    OciGpuHostArgs(
        shape="BM.GPU4.8",
        compartment_id=config.require("compartmentId"),
        triton=TritonArgs(model=MODEL, tensor_parallel=8, max_input_tokens=4096, max_output_tokens=2048),
        token=token,
        source_ranges=source_ranges,
    ),
)
pulumi.export("endpoints", [on_google.endpoint, on_oracle.endpoint])
pulumi.export("tryOnGoogle", on_google.try_it)
pulumi.export("tryOnOracle", on_oracle.try_it)
pulumi.export("kubeconfig", cluster.kubeconfig)
pulumi.export("sshCommand", on_oracle.ssh_command)
