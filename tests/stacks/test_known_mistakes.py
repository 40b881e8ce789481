"""Every mistake of the guides, and everything that users are known to trip over, as far as it can be known beforehand.

The guides' mistakes are numbered as on the pages of `docs/recipes`, `a` to `e` by guide. Each is put back into a stack
that is right without it, and the code says that it was seen. What no setting can put back is told on those pages.
"""

from typing import Any

import pytest

from components.findings import ConfigurationError
from tests.components.guide import GONE
from tests.stacks.stack_file import DEV, JETSTREAM, MISTRAL, MIXTRAL, TORCHSERVE, TRITON, run

GPUS = "cluster.gpuPools.mixtral-moe-gpu-pool"
CONVERTER = "cluster.cpuPools.converter"
HOST_DISK = {"service.storage.kind": "claim"}

REFUSED: list[tuple[str, str, dict[str, Any], str]] = [
    # seeds/000
    ("a1 a region where zones belong", MIXTRAL, {"cluster.nodeLocations": ["us-central1"]}, "zone-is-region"),
    ("a2 a pool outside of the cluster's region", MIXTRAL, {f"{GPUS}.zones": ["us-west4-a"]}, "zone-outside-region"),
    ("a2 somebody else's project", MIXTRAL, {"gcp:project": GONE}, "project-missing"),
    ("a3 shards and GPUs differ", MIXTRAL, {"service.shards": 2}, "shards-not-accelerators"),
    ("a4 a gated model without a token", MIXTRAL, {"huggingFaceToken": GONE}, "token-missing"),
    ("a5 4 bits on one L4", MIXTRAL, {"service.accelerators": 1, "service.shards": GONE}, "model-too-large"),
    ("a6 nodes for each zone", MIXTRAL, {"cluster.cpuPool.nodes": 5}, "pool-nodes-per-zone"),
    ("a7 a host path without its local SSDs", MIXTRAL, {f"{GPUS}.localSsds": GONE}, "placement-local-ssd"),
    ("a8 more pods than GPUs", MIXTRAL, {"service.replicas": 3}, "replicas-exceed-pool"),
    (
        "a8 a metric that nothing collects",
        MIXTRAL,
        {"service.autoscaling": {"minReplicas": 1, "maxReplicas": 2, "gpuMemoryPercent": 80}},
        "gpu-metrics-missing",
    ),
    ("a9 open to the internet", MIXTRAL, {"sourceRanges": GONE}, "source-ranges-missing"),
    ("a10 shared memory without bounds", MIXTRAL, {"service.sharedMemory": "0"}, "quantity-invalid"),
    ("a10 more than the machine leaves", MIXTRAL, {"service.resources.cpu": "48"}, "placement-resources"),
    # seeds/001
    (
        "b2 10 GiB for the weights",
        MISTRAL,
        {"service.storage": {"kind": "empty-dir", "size": "10Gi"}, "service.resources.ephemeralStorage": "10Gi"},
        "storage-too-small",
    ),
    (
        "b2 more than Autopilot gives",
        MISTRAL,
        {"service.storage": {"kind": "empty-dir", "size": "20Gi"}, "service.resources.ephemeralStorage": "20Gi"},
        "autopilot-ephemeral-storage",
    ),
    ("b4 MIG on an L4", MISTRAL, {"service.partition": "1g.5gb"}, "partition-unknown"),
    (
        "b5 Gemma 2 27B on one L4",
        MISTRAL,
        {"service.model": "google/gemma-2-27b-it", "service.baseModel": GONE, "service.storage.size": "80Gi"},
        "model-too-large",
    ),
    # seeds/002
    ("c2 parts for four GPUs on one", TORCHSERVE, {"service.accelerators": 4}, "placement-accelerators"),
    ("c3 no keys", TORCHSERVE, {"service.arguments": ["--disable-token-auth"]}, "torchserve-flag"),
    ("c3 anyone may load models", TORCHSERVE, {"service.arguments": ["--enable-model-api"]}, "torchserve-flag"),
    # seeds/003
    ("d1 nothing is pinned", TRITON, {"service.image": "nvcr.io/nvidia/tritonserver"}, "image-not-pinned"),
    ("d5 open to the internet", TRITON, {"host.exposure": "public", "sourceRanges": GONE}, "source-ranges-missing"),
    ("d6 an engine for other GPUs", TRITON, {"service.tensorParallel": 4}, "tensor-parallel-not-accelerators"),
    ("d7 a small boot volume", TRITON, {"host.bootVolumeGb": 100}, "boot-volume-too-small"),
    # seeds/004
    ("e2 a bucket with or without gs://", JETSTREAM, {"bucket.bucketName": "gs://weights"}, "bucket-name-invalid"),
    ("e3 read from another folder", JETSTREAM, {"service.storage.folder": "pytorch/llama2-7b"}, "storage-folder"),
    (
        "e4 a disk of one node for two pods",
        JETSTREAM,
        {"service.storage": {"kind": "claim", "claim": "disk", "accessMode": "ReadWriteOnce"}},
        "storage-one-node",
    ),
    (
        "e5 one node for two pods",
        JETSTREAM,
        {"tpuPool.nodes": 1, "tpuPool.minNodes": 1, "tpuPool.maxNodes": 1},
        "replicas-exceed-pool",
    ),
    (
        "e8 chips that wait for CPUs",
        JETSTREAM,
        {f"{CONVERTER}.machineType": "ct5lp-hightpu-8t"},
        "conversion-accelerator",
    ),
    ("e9 roles for everyone", JETSTREAM, {"workloadIdentity.projectRoles": ["roles/owner"]}, "role-too-broad"),
    ("e12 disk and machine in two regions", JETSTREAM, {"tpuPool.zones": ["us-central1-a"]}, "zone-outside-region"),
    # what users trip over
    (
        "Triton in 16 bits on too few GPUs",
        TRITON,
        {"host.shape": "VM.GPU.A10.2", "service.tensorParallel": 2},
        "model-too-large",
    ),
    ("evicted since its disk is full", MIXTRAL, {"service.resources.ephemeralStorage": "2Ti"}, "placement-resources"),
    (
        "autoscaler and Pulumi fight",
        DEV,
        {"service.replicas": 1, "service.autoscaling": {"minReplicas": 1, "maxReplicas": 1}},
        "replicas-owned",
    ),
    ("Autopilot is replaced for nothing", MISTRAL, {"cluster.addons": {"gcsFuseCsi": True}}, "autopilot-owned"),
    ("GPU nodes without a CPU pool", MIXTRAL, {"cluster.cpuPool": GONE}, "cpu-pool-missing"),
    ("2x4 on one host or on two", JETSTREAM, {"tpuPool.machineType": "ct5lp-hightpu-4t"}, "placement-multi-host"),
    (
        "a slice with a node too few",
        JETSTREAM,
        {"tpuPool.machineType": "ct5lp-hightpu-4t", "tpuPool.nodes": 1},
        "slice-nodes",
    ),
    ("a topology that there is not", JETSTREAM, {"tpuPool.topology": "4x4"}, "topology-impossible"),
    (
        "a target above the server's slots",
        MISTRAL,
        {"service.autoscaling": {"minReplicas": 1, "maxReplicas": 2, "batchSize": 300}},
        "autoscaling-target",
    ),
    ("no such availability domain", TRITON, {"host.availabilityDomains": ["AD-9"]}, "availability-domain-unknown"),
    ("a zone without the GPU", MIXTRAL, {f"{GPUS}.zones": ["us-central1-f"]}, "zone-without-accelerator"),
    (
        "a disk in another zone",
        JETSTREAM,
        {**HOST_DISK, "cluster.location": "us-west4", "tpuPool.zones": ["us-west4-a", "us-west4-b"]},
        "disk-zone",
    ),
    ("the token in the stack file", MIXTRAL, {"service.token": "hf_1"}, "secret-in-plain"),
]

WARNED: list[tuple[str, str, dict[str, Any], str]] = [
    ("d3 batches of one", TRITON, {"service.maxBatchSize": 1}, "batch-of-one"),
    ("weights from another region", JETSTREAM, {"bucket.location": "us-central1"}, "bucket-other-region"),
    (
        "GPU memory that stands still",
        MISTRAL,
        {"service.autoscaling": {"minReplicas": 1, "maxReplicas": 2, "gpuMemoryPercent": 80}},
        "autoscaling-memory-reserved",
    ),
    ("the whole internet", MIXTRAL, {"sourceRanges": ["0.0.0.0/0"]}, "source-range-open"),
]


def ids(table: list[tuple[str, str, dict[str, Any], str]]) -> list[str]:
    return [mistake for mistake, *_ in table]


@pytest.mark.parametrize(("mistake", "stack", "changes", "code"), REFUSED, ids=ids(REFUSED))
def test_a_mistake_is_refused(mistake: str, stack: str, changes: dict[str, Any], code: str) -> None:
    error = run(stack, changes).error
    assert isinstance(error, ConfigurationError), error
    assert code in {finding.code for finding in error.findings}


@pytest.mark.parametrize(("mistake", "stack", "changes", "code"), WARNED, ids=ids(WARNED))
def test_what_may_be_meant_is_a_warning(mistake: str, stack: str, changes: dict[str, Any], code: str) -> None:
    recording = run(stack, changes)
    assert recording.error is None
    assert [message for message in recording.messages if f"warning[{code}]" in message]


@pytest.mark.parametrize("stack", [MIXTRAL, MISTRAL, TORCHSERVE, TRITON, JETSTREAM, DEV])
def test_without_a_mistake_there_is_no_word(stack: str) -> None:
    recording = run(stack)
    assert (recording.error, recording.messages) == (None, [])
