"""The stack `llama-jetstream-tpu` with each mistake that its page promises to catch: what exactly it says."""

from typing import Any

import pytest

from components.findings import ConfigurationError
from tests.components.guide import GONE
from tests.stacks.stack_file import JETSTREAM, run

NAMES = (
    "Use 3 to 63 lower-case letters, digits, hyphens and underscores, a letter or digit first and last, and neither a"
    " leading 'goog' nor 'google' anywhere."
)
MODELS = "meta-llama/Llama-2-7b-hf, meta-llama/Meta-Llama-3-8B, google/gemma-2b-pytorch"
TWO_HOSTS = "2x4 on 'ct5lp-hightpu-4t' is 2 nodes, which come and go together."
SECRET = "`pulumi config set --secret huggingFaceToken TOKEN`"

SAID: dict[str, tuple[dict[str, Any], list[str]]] = {
    "topology that the machine cannot make": (
        {"tpuPool.topology": "4x4"},
        [
            "error[topology-impossible] tpuPool.topology: 'ct5lp-hightpu-8t' cannot make a slice of topology '4x4'. It"
            " makes 2x4; '4x4' is made by ct5lp-hightpu-4t or ct6e-standard-4t."
        ],
    ),
    "nodes that contradict the topology": (
        {"tpuPool.machineType": "ct5lp-hightpu-4t", "tpuPool.nodes": 1},
        [
            f"error[slice-nodes] tpuPool.nodes: 1 nodes contradict the topology: {TWO_HOSTS} Set 2, or 0 to begin"
            " without.",
            "error[placement-multi-host] service.topology: a 2x4 slice of pool 'tpu' is several ct5lp-hightpu-4t, and a"
            " pod is on one. Set the topology of a slice on one node, and its machineType.",
        ],
    ),
    "zone without v5e": (
        {"cluster.location": "us-west4-c"},
        [
            "error[zone-without-accelerator] tpuPool.zones[0]: zone 'us-west4-c' does not offer tpu-v5-lite-podslice."
            " Zones of us-west4 that do: us-west4-a, us-west4-b."
        ],
    ),
    "cache that does not fit": (
        {"service.jetstream.batchSize": 120},
        [
            "error[cache-too-large] service.jetstream.batchSize: a batch of 120 with 2048 tokens each takes 15.0 GiB of"
            " cache on each of 8 chips, besides 1.6 GiB of weights, and TPU v5e leaves 13.8 GiB. Set batchSize to at"
            " most 97, or a smaller maxCacheLength."
        ],
    ),
    "disk of one node for two pods": (
        {"service.storage": {"kind": "claim", "claim": "disk", "accessMode": "ReadWriteOnce"}},
        [
            "error[storage-one-node] service.storage.accessMode: a ReadWriteOnce claim is mounted by one node, and"
            " there are up to 2 pods, each on its own. Use a claim of access mode ReadOnlyMany, or set replicas to 1."
        ],
    ),
    "name of a bucket": (
        {"bucket.bucketName": "gs://weights"},
        [f"error[bucket-name-invalid] bucket.bucketName: 'gs://weights' is not the name of a bucket. {NAMES}"],
    ),
    "bucket in a zone": (
        {"bucket.location": "us-west4-a"},
        [
            "error[bucket-location-zone] bucket.location: 'us-west4-a' is a zone, and a bucket is in a region. Set"
            " us-west4."
        ],
    ),
    "unknown model": (
        {"service.model": "nobody/nothing"},
        [
            "error[jetstream-model-unknown] service.model: 'nobody/nothing' is none of the models that JetStream's"
            f" converter and server know. Known ones: {MODELS}. vllm-tpu serves others."
        ],
    ),
    "missing token": (
        {"huggingFaceToken": GONE},
        [
            "error[token-missing] huggingFaceToken: the converter downloads 'meta-llama/Llama-2-7b-hf' with a Hugging"
            f" Face token, and there is none. Accept its terms on Hugging Face, then run {SECRET}; or set ownWeights,"
            " with weights of yours in the bucket."
        ],
    ),
    "missing token for the disk": (
        {"huggingFaceToken": GONE, "service.storage.kind": "claim"},
        [
            "error[token-missing] huggingFaceToken: the machine that fills the disk downloads"
            " 'meta-llama/Llama-2-7b-hf' with a Hugging Face token. Accept its terms on Hugging Face, then run"
            f" {SECRET}."
        ],
    ),
    "disk that is too small": (
        {"service.storage.kind": "claim", "disk.sizeGb": 12},
        [
            "error[disk-size] disk.sizeGb: the checkpoint of 'meta-llama/Llama-2-7b-hf' has 12.6 GiB, and 12 GB are too"
            " small for it. Set at least 15, or leave it out."
        ],
    ),
    "size of a disk that there is not": (
        {"disk.sizeGb": 100},
        [
            "error[disk-unused] disk: the checkpoint is on no disk that the stack makes. Remove it, or set"
            " service.storage.kind to claim."
        ],
    ),
}


@pytest.mark.parametrize(("changes", "said"), SAID.values(), ids=SAID)
def test_what_a_mistake_is_answered_with(changes: dict[str, Any], said: list[str]) -> None:
    recording = run(JETSTREAM, changes)
    assert isinstance(recording.error, ConfigurationError)
    assert str(recording.error) == "\n  ".join(["The configuration is refused, and nothing was changed:", *said])
    assert [resource.type for resource in recording.resources] == ["pulumi:pulumi:Stack"]


def test_a_bucket_in_another_region_is_a_warning() -> None:
    recording = run(JETSTREAM, {"bucket.location": "us-central1"})
    assert recording.error is None
    assert recording.messages == [
        "warning[bucket-other-region] bucket.location: the bucket is in us-central1 and the cluster in us-west4: every"
        " load of the weights crosses regions, slowly and at a price. Set us-west4."
    ]


def test_a_region_without_the_tpu_is_told_the_regions_that_have_it() -> None:
    error = run(JETSTREAM, {"cluster.location": "europe-west9-a", "bucket.location": "europe-west9"}).error
    assert isinstance(error, ConfigurationError)
    (finding,) = error.findings
    assert finding.code == "zone-without-accelerator"
    assert finding.remedy.startswith("Regions that do: ")
    assert "us-west4" in finding.remedy


@pytest.mark.parametrize(
    "changes",
    [
        # the guide's own numbers
        {"service.jetstream.batchSize": 80, "service.jetstream.maxCacheLength": 2048},
        {"service.jetstream.batchSize": 97},
        {"huggingFaceToken": GONE, "conversion.ownWeights": True},
        {"huggingFaceToken": GONE, "service.storage.kind": "claim", "conversion.convert": False},
        {"service.storage": {"kind": "claim", "claim": "disk", "accessMode": "ReadOnlyMany"}},
        {"service.storage.kind": "claim", "disk.sizeGb": 15},
    ],
)
def test_what_is_right_is_not_refused(changes: dict[str, Any]) -> None:
    recording = run(JETSTREAM, changes)
    assert recording.error is None
    assert recording.messages == []
