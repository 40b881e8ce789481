"""For each stack a change of settings that creates, updates, replaces and deletes what it can."""

from dataclasses import dataclass

from tests.stacks.stack_file import DEV, JETSTREAM, MISTRAL, MIXTRAL, TORCHSERVE, TRITON

POOL = "cluster.gpuPools.mixtral-moe-gpu-pool"


@dataclass(frozen=True)
class Change:
    """Settings in place of the stack file's."""

    settings: tuple[str, ...]
    secrets: tuple[str, ...] = ("huggingFaceToken=hf_second",)


CHANGES = {
    MIXTRAL: Change(
        (
            f"{POOL}.maxNodes=3",
            f"{POOL}.diskSizeGb=200",
            "service.autoscaling.minReplicas=1",
            "service.autoscaling.maxReplicas=2",
            "service.autoscaling.queueSize=5",
        )
    ),
    MISTRAL: Change(
        (
            "service.autoscaling.maxReplicas=3",
            "chatPage.exposure=cluster",
            "fineTune.models[0]=mistralai/Mistral-7B-Instruct-v0.3",
        )
    ),
    TORCHSERVE: Change(("service.sharedMemory=16Gi", "cluster.gpuPools.a100.diskSizeGb=300")),
    JETSTREAM: Change(("service.jetstream.batchSize=64", "workloadIdentity.googleServiceAccount=false")),
    TRITON: Change(("host.bootVolumeGb=1200", "host.engineStore.kind=bucket")),
    DEV: Change(("service.replicas=2", "service.sharedMemory=1Gi"), secrets=()),
}
