"""What is known to be wrong with Triton on a host before there is one."""

from typing import Any

import pytest

from components.catalog import load_catalog
from components.findings import Finding, Severity
from components.inference.triton_checks import boot_volume_least_gb, check_triton
from components.triton.args import TritonArgs
from components.triton.release import load_release
from tests.workloads.triton_host import MODEL

SHAPES = load_catalog().shapes


def args_of(**changes: Any) -> TritonArgs:
    return TritonArgs.parse({"model": MODEL, **changes})


def found(shape: str = "BM.GPU4.8", boot: int = 1000, *, nvme: bool = False, **changes: Any) -> list[Finding]:
    return check_triton(args_of(**changes), SHAPES[shape], boot, nvme=nvme)


@pytest.mark.parametrize(
    ("shape", "changes"),
    [
        ("BM.GPU4.8", {}),
        ("BM.GPU.A100-v2.8", {"dtype": "bfloat16"}),
        ("BM.GPU.H100.8", {"gemmPlugin": "auto"}),
        ("BM.GPU4.8", {"buildImage": True}),
        ("BM.GPU4.8", {"image": "nvcr.io/nvidia/tritonserver:25.03-trtllm-python-py3"}),
        ("VM.GPU.A10.1", {"model": "meta-llama/Llama-3.2-3B-Instruct"}),
        ("VM.GPU.A10.2", {"model": "mistralai/Mistral-7B-Instruct-v0.3"}),
        ("BM.GPU4.8", {"inflightBatching": False, "decoupled": False}),
    ],
)
def test_what_is_right(shape: str, changes: dict[str, Any]) -> None:
    assert found(shape, **changes) == []


@pytest.mark.parametrize(
    ("shape", "changes", "path", "code"),
    [
        ("BM.GPU4.8", {"tensorParallel": 4}, "tensorParallel", "tensor-parallel-not-accelerators"),
        ("BM.GPU4.8", {"tensorParallel": 16}, "tensorParallel", "tensor-parallel-not-accelerators"),
        ("VM.GPU.A10.2", {}, "model", "model-too-large"),
        (
            "VM.GPU.A10.1",
            {"model": "meta-llama/Meta-Llama-3-8B", "maxInputTokens": 8000},
            "maxInputTokens",
            "context-too-short",
        ),
        ("BM.GPU4.8", {"model": "google/gemma-2b"}, "model", "triton-model-unknown"),
        ("BM.GPU4.8", {"model": "mixtral"}, "model", "model-invalid"),
        ("BM.GPU4.8", {"maxInputTokens": 32_000}, "maxInputTokens", "context-too-short"),
        ("BM.GPU4.8", {"maxBatchTokens": 2048}, "maxBatchTokens", "batch-tokens"),
        ("BM.GPU4.8", {"maxBatchSize": 9000}, "maxBatchTokens", "batch-tokens"),
        ("BM.GPU4.8", {"inflightBatching": False}, "decoupled", "decoupled-without-inflight"),
        (
            "BM.GPU4.8",
            {"inflightBatching": False, "decoupled": False, "batchSchedulerPolicy": "max_utilization"},
            "batchSchedulerPolicy",
            "scheduler-without-inflight",
        ),
        ("BM.GPU4.8", {"gemmPlugin": "bfloat16"}, "gemmPlugin", "gemm-plugin-dtype"),
        ("BM.GPU4.8", {"image": "nvcr.io/x:1", "buildImage": True}, "image", "image-and-build"),
        ("BM.GPU4.8", {"image": "nvcr.io/nvidia/tritonserver"}, "image", "image-not-pinned"),
    ],
)
def test_one_mistake_is_one_error(shape: str, changes: dict[str, Any], path: str, code: str) -> None:
    (finding,) = found(shape, **changes)
    assert (finding.severity, finding.path, finding.code) == (Severity.ERROR, path, code)
    assert finding.remedy.endswith(".")


def test_heads_that_cannot_be_split() -> None:
    # 24 heads over 16 GPUs: no shape of the catalogue has as many
    shape = SHAPES["BM.GPU4.8"].model_copy(update={"accelerator_count": 16})
    (finding,) = check_triton(args_of(model="meta-llama/Llama-3.2-3B-Instruct"), shape, 1000)
    assert (finding.path, finding.code) == ("tensorParallel", "tensor-parallel-not-heads")
    assert "24 attention heads and 8 key-value heads" in finding.message


def test_a_request_that_the_cache_cannot_hold() -> None:
    (finding,) = found(
        "VM.GPU.A10.1",
        model="meta-llama/Llama-3.2-3B-Instruct",
        maxInputTokens=130_000,
        maxOutputTokens=1000,
    )
    assert (finding.path, finding.code) == ("maxInputTokens", "cache-too-small")
    assert finding.message.startswith("a request of 131000 tokens does not fit the key-value cache of 125")


def test_the_guides_batch_of_one_is_possible_and_warned_of() -> None:
    (finding,) = found(maxBatchSize=1)
    assert (finding.severity, finding.path) == (Severity.WARNING, "maxBatchSize")


def test_a_model_that_is_not_known_is_warned_of() -> None:
    (finding,) = found(model="someone/mixtral-tuned")
    assert (finding.severity, finding.path, finding.code) == (Severity.WARNING, "model", "model-unknown")


def test_the_boot_volume_holds_all_that_is_made() -> None:
    # 40 for the system, 60 for the image, 93.4 each for weights, checkpoint and engine
    least = boot_volume_least_gb(args_of(), nvme=False)
    assert least == 381
    assert found(boot=least) == []
    (finding,) = found(boot=least - 1)
    assert (finding.path, finding.code) == ("bootVolumeGb", "boot-volume-too-small")
    assert finding.message.endswith("take 381 GB, and the boot volume of the BM.GPU4.8 has 380.")
    assert finding.remedy == "Set at least 381, or nvme to true."
    assert found(boot=100, nvme=True) == []
    assert [each.code for each in found(boot=99, nvme=True)] == ["boot-volume-too-small"]
    # no drives to turn to
    (finding,) = found("VM.GPU.A10.1", 100, model="meta-llama/Llama-3.2-3B-Instruct")
    assert "nvme" not in finding.remedy


def test_a_build_takes_more_disk() -> None:
    assert boot_volume_least_gb(args_of(buildImage=True), nvme=False) == 381 + 140


def test_the_guides_dockerfile_is_of_the_release_that_is_pinned() -> None:
    release = load_release()
    assert release.built.tag == f"v{release.release.tensorrt_llm}"
    assert f":{release.release.triton}-" in release.ready.image
    # the older layout, and before 1.0
    assert release.built.dockerfile == "dockerfile/Dockerfile.trt_llm_backend"


def test_every_model_with_a_converter_is_in_the_catalogue() -> None:
    assert set(load_release().converters) <= set(load_catalog().models)
