"""What is found wrong with a service, at which setting, and what is not."""

from typing import Any

import pytest

from components.inference.inference_checks import check_inference_service
from components.inference.inference_service_args import InferenceServiceArgs
from tests.components.guide import CPU_SERVICE, GONE, service_args

AUTOSCALED: dict[str, Any] = {"autoscaling": {"minReplicas": 1, "maxReplicas": 2}, "poolAccelerators": 8}


def found(args: InferenceServiceArgs, name: str = "llm") -> list[tuple[str, str, str]]:
    return [(finding.severity.value, finding.path, finding.code) for finding in check_inference_service(name, args)]


def errors(args: InferenceServiceArgs, name: str = "llm") -> list[tuple[str, str]]:
    return [(path, code) for severity, path, code in found(args, name) if severity == "error"]


@pytest.mark.parametrize(
    ("changes", "path", "code"),
    [
        ({"model": "mixtral"}, "model", "model-invalid"),
        ({"model": "owner/name/more"}, "model", "model-invalid"),
        ({"token": GONE}, "token", "token-missing"),
        ({"modelFile": "a.gguf"}, "modelFile", "model-file-unused"),
        ({"quantization": "nf4"}, "quantization", "quantization-unknown"),
        ({"accelerators": GONE, "shards": GONE}, "accelerators", "accelerators-missing"),
        ({"accelerator": GONE}, "accelerator", "accelerator-missing"),
        ({"accelerator": "nvidia-l5"}, "accelerator", "accelerator-unknown"),
        ({"accelerator": "nvidia-a10"}, "accelerator", "accelerator-unknown"),
        ({"shards": 2}, "shards", "shards-not-accelerators"),
        ({"accelerators": 3, "shards": 3}, "accelerators", "shards-not-heads"),
        ({"accelerators": 1, "shards": 1}, "accelerators", "model-too-large"),
        ({"quantization": GONE}, "accelerators", "model-too-large"),
        ({"replicas": 3, "poolAccelerators": 8}, "replicas", "replicas-exceed-pool"),
        (
            {"autoscaling": {"minReplicas": 1, "maxReplicas": 3}, "poolAccelerators": 8},
            "autoscaling.maxReplicas",
            "replicas-exceed-pool",
        ),
        ({"autoscaling": {"minReplicas": 3, "maxReplicas": 2}}, "autoscaling.minReplicas", "replicas-bounds"),
        ({"sourceRanges": GONE}, "sourceRanges", "source-ranges-missing"),
        ({"sourceRanges": []}, "sourceRanges", "source-ranges-missing"),
        ({"exposure": "cluster"}, "sourceRanges", "source-ranges-unused"),
        ({"region": GONE}, "region", "region-missing"),
        ({"sourceRanges": ["10.0.0.0/8", "x"]}, "sourceRanges[1]", "source-range-invalid"),
        ({"sourceRanges": ["198.51.100.7/24"]}, "sourceRanges[0]", "source-range-invalid"),
        ({"storage.hostPath": GONE}, "storage.hostPath", "storage-host-path"),
        ({"storage.hostPath": "x"}, "storage.hostPath", "storage-host-path"),
        ({"storage.kind": "empty-dir"}, "storage.hostPath", "storage-host-path"),
        ({"storage.storageClass": "premium-rwo"}, "storage.storageClass", "storage-class-unused"),
        ({"storage.size": "80Gi"}, "storage.size", "storage-too-small"),
        ({"storage.size": "lots"}, "storage.size", "quantity-invalid"),
        ({"resources.cpu": "many"}, "resources.cpu", "quantity-invalid"),
        ({"resources.memory": "160GB"}, "resources.memory", "quantity-invalid"),
        ({"sharedMemory": "all"}, "sharedMemory", "quantity-invalid"),
        ({"sharedMemory": "0"}, "sharedMemory", "quantity-invalid"),
        ({"resources.cpu": "0m"}, "resources.cpu", "quantity-invalid"),
        ({"sharedMemory": "160Gi"}, "sharedMemory", "shared-memory-too-large"),
        ({"environment": {"HF_TOKEN": "x"}}, "environment.HF_TOKEN", "environment-secret"),
        ({"environment": {"my_api_key": "x"}}, "environment.my_api_key", "environment-secret"),
        ({"environment": {"NUM_SHARD": "2"}}, "environment.NUM_SHARD", "environment-owned"),
    ],
)
def test_checks(changes: dict[str, Any], path: str, code: str) -> None:
    assert errors(service_args(**changes)) == [(path, code)]


@pytest.mark.parametrize(
    ("changes", "path", "code"),
    [
        ({"model": "someone/something"}, "model", "model-unknown"),
        ({"sourceRanges": ["0.0.0.0/0"]}, "sourceRanges[0]", "source-range-open"),
        ({"sourceRanges": ["10.0.0.0/8", "::/0"]}, "sourceRanges[1]", "source-range-open"),
        (AUTOSCALED, "autoscaling.adapter", "autoscaling-adapter"),
    ],
)
def test_warnings(changes: dict[str, Any], path: str, code: str) -> None:
    assert found(service_args(**changes)) == [("warning", path, code)]


@pytest.mark.parametrize(
    ("changes", "path", "code"),
    [
        ({"modelFile": GONE}, "modelFile", "model-file-missing"),
        ({"quantization": "q4"}, "quantization", "quantization-unknown"),
        ({"accelerator": "nvidia-l4"}, "accelerator", "accelerators-missing"),
        ({"shards": 2}, "shards", "accelerators-missing"),
    ],
)
def test_checks_of_a_service_on_cpus(changes: dict[str, Any], path: str, code: str) -> None:
    assert errors(service_args(CPU_SERVICE, **changes)) == [(path, code)]


@pytest.mark.parametrize("name", ["", "A", "1a", "-a", "a-", "a_b", "a.b", "a" * 53])
def test_names_that_cannot_be(name: str) -> None:
    assert found(service_args(), name) == [("error", "name", "name-invalid")]


# with a load balancer, of whose address the name is the longest
@pytest.mark.parametrize("name", ["a", "a-1", "a" * 47])
def test_names_that_can_be(name: str) -> None:
    assert found(service_args(), name) == []


@pytest.mark.parametrize("variable", ["MAX_TOTAL_TOKENS", "TOKENIZERS_PARALLELISM", "MAX_BATCH_PREFILL_TOKENS", "KEYS"])
def test_variables_that_only_sound_like_secrets(variable: str) -> None:
    assert found(service_args(environment={variable: "1"})) == []


def test_autoscaling_owns_the_replicas() -> None:
    assert errors(service_args(replicas=1, **AUTOSCALED)) == [("replicas", "replicas-owned")]
