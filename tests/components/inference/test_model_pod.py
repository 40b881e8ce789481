"""The pod of one model server: what changes with each setting."""

from typing import Any

import pytest

from tests.components.guide import (
    GONE,
    container,
    deployment,
    environment,
    pod,
    record_cpu_service,
    record_service,
    volumes,
)

# 93.4 GB at 25 MB/s and 600 s to warm up
STARTUP_SECONDS = 4337


def test_12_a_model_that_is_not_gated_needs_no_secret() -> None:
    recording = record_cpu_service()
    assert not recording.of("Secret")
    assert set(environment(recording)) == {"LLAMA_CACHE"}


def test_06_shared_memory_is_bounded_even_if_nothing_is_said() -> None:
    assert volumes(record_service(sharedMemory=GONE))["dshm"] == {"emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}
    mounts = {mount["name"]: mount["mountPath"] for mount in container(record_service())["volumeMounts"]}
    assert mounts["dshm"] == "/dev/shm"


@pytest.mark.parametrize(
    ("changes", "seconds"),
    [
        ({}, STARTUP_SECONDS),
        ({"startupMinutes": 5}, 300),
        # of a model that the catalogue does not know
        ({"model": "someone/something"}, 3600),
    ],
)
def test_10_the_startup_probe_waits_as_long_as_loading_may_take(changes: dict[str, Any], seconds: int) -> None:
    recording = record_service(**changes)
    probe = container(recording)["startupProbe"]
    assert seconds <= probe["failureThreshold"] * probe["periodSeconds"] < seconds + 10
    # 15: and the rollout as long as that and a new node together
    assert deployment(recording)["progressDeadlineSeconds"] == seconds + 900
    assert recording["Deployment", "llm"].request.customTimeouts.create == f"{seconds + 1200}s"


def test_storage_on_an_ephemeral_volume() -> None:
    storage = {"kind": "ephemeral-volume", "storageClass": "premium-rwo", "size": "150Gi"}
    claim = volumes(record_service(storage=storage))["data"]["ephemeral"]["volumeClaimTemplate"]
    assert claim == {
        "metadata": {"labels": {"type": "ephemeral"}},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "premium-rwo",
            "resources": {"requests": {"storage": "150Gi"}},
        },
    }
    default = volumes(record_service(storage={"kind": "ephemeral-volume", "size": "150Gi"}))["data"]["ephemeral"]
    assert "storageClassName" not in default["volumeClaimTemplate"]["spec"]


def test_storage_in_an_empty_dir_is_bounded() -> None:
    assert volumes(record_service(storage={"kind": "empty-dir", "size": "150Gi"}))["data"] == {
        "emptyDir": {"sizeLimit": "150Gi"}
    }


@pytest.mark.parametrize("kind", ["host-path", "empty-dir", "ephemeral-volume"])
def test_every_volume_is_mounted(kind: str) -> None:
    # the guide declared a host path and mounted another volume
    recording = record_service(
        storage={"kind": kind, "size": "150Gi", **({"hostPath": "/x"} if kind == "host-path" else {})}
    )
    assert {mount["name"] for mount in container(recording)["volumeMounts"]} == set(volumes(recording))


def test_another_image_and_further_variables_and_arguments() -> None:
    recording = record_service(
        image="example.org/tgi:2", environment={"MAX_TOTAL_TOKENS": "4096"}, arguments=["--trust-remote-code"]
    )
    assert container(recording)["image"] == "example.org/tgi:2"
    assert environment(recording)["MAX_TOTAL_TOKENS"] == "4096"
    assert container(recording)["args"] == ["--trust-remote-code"]


def test_shards_follow_from_the_gpus() -> None:
    assert environment(record_service(shards=GONE))["NUM_SHARD"] == "4"


def test_without_quantization_the_weights_are_as_published() -> None:
    eight = record_service(quantization=GONE, accelerators=8, shards=8)
    assert "QUANTIZE" not in environment(eight)
    assert container(eight)["resources"]["limits"]["nvidia.com/gpu"] == "8"


def test_llama_cpp_on_the_cpu() -> None:
    recording = record_cpu_service()
    only = container(recording)
    assert only["args"] == [
        *("--hf-repo", "Qwen/Qwen2.5-0.5B-Instruct-GGUF"),
        *("--hf-file", "qwen2.5-0.5b-instruct-q4_k_m.gguf"),
        *("--host", "0.0.0.0"),
        *("--port", "8080"),
        "--metrics",
    ]
    assert only["image"].startswith("ghcr.io/ggml-org/llama.cpp:server-b")
    assert environment(recording) == {"LLAMA_CACHE": "/data"}
    assert only["resources"] == {"requests": {"cpu": "2", "memory": "2Gi"}, "limits": {"cpu": "2", "memory": "2Gi"}}
    assert only["startupProbe"]["httpGet"]["path"] == "/health"
    assert "nodeSelector" not in pod(recording)
    assert "tolerations" not in pod(recording)
    outputs = recording["InferenceService", "llm"].outputs or {}
    assert outputs["endpoint"].endswith("/completion")
    assert '{"prompt": ' in outputs["tryIt"]


SECCOMP = {"seccompProfile": {"type": "RuntimeDefault"}}
CLOSED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


@pytest.mark.parametrize(
    "storage",
    [{"kind": "empty-dir", "size": "2Gi"}, {"kind": "ephemeral-volume", "size": "2Gi"}],
    ids=lambda s: s["kind"],
)
def test_llama_cpp_is_not_root_and_writes_to_its_volumes_alone(storage: dict[str, str]) -> None:
    recording = record_cpu_service(storage=storage)
    assert pod(recording)["securityContext"] == {**SECCOMP, "runAsUser": 1000, "runAsNonRoot": True, "fsGroup": 1000}
    assert container(recording)["securityContext"] == {**CLOSED, "readOnlyRootFilesystem": True}


def test_a_folder_of_the_node_is_roots() -> None:
    recording = record_cpu_service(storage={"kind": "host-path", "hostPath": "/mnt/weights", "size": "2Gi"})
    assert pod(recording)["securityContext"] == {**SECCOMP, "fsGroup": 1000}
    assert container(recording)["securityContext"] == {**CLOSED, "readOnlyRootFilesystem": True}


def test_an_image_of_ones_own_runs_as_its_own_user() -> None:
    recording = record_cpu_service(image="example.org/llama:1")
    assert pod(recording)["securityContext"] == {**SECCOMP, "fsGroup": 1000}
    assert container(recording)["securityContext"] == CLOSED
