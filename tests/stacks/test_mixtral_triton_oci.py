"""The stack of seeds/003: what the guide asks for, its mistakes put back, and what users trip over."""

import base64
import gzip
from typing import Any

import pytest

from components.findings import ConfigurationError
from tests.components.guide import GONE
from tests.recording import Recording
from tests.stacks.stack_file import ROOT, TRITON, run, stack_file

HOST = "mixtral-triton"
MODEL = "mistralai/Mixtral-8x7B-Instruct-v0.1"


@pytest.fixture(scope="module")
def guide() -> Recording:
    recording = run(TRITON)
    assert recording.error is None
    return recording


def host(recording: Recording) -> dict[str, Any]:
    assert recording.error is None
    return recording["Core/instance:Instance", f"{HOST}-1"].inputs


def set_up(recording: Recording) -> str:
    return gzip.decompress(base64.b64decode(host(recording)["metadata"]["user_data"])).decode()


def test_one_host_of_the_guides_shape(guide: Recording) -> None:
    described = host(guide)
    assert described["shape"] == "BM.GPU4.8"
    assert described["sourceDetails"]["sourceId"] == "ocid1.image.oc1.iad.newest"  # Oracle Linux Gen2 GPU
    assert described["sourceDetails"]["bootVolumeSizeInGbs"] == "1000"
    assert len(guide.of("Core/instance:Instance")) == 1


@pytest.mark.parametrize(
    "setting",
    [
        f"MODEL={MODEL}",
        "TENSOR_PARALLEL=8",
        "DTYPE=float16",
        "GEMM_PLUGIN=float16",
        "IMAGE=nvcr.io/nvidia/tritonserver:25.04-trtllm-python-py3",
        "NVME=no",
        "HTTP_PORT=8000",
    ],
)
def test_the_set_up_is_told(guide: Recording, setting: str) -> None:
    assert f"{setting}\\n" in set_up(guide)


def test_outputs(guide: Recording) -> None:
    outputs = guide.stack_outputs()
    assert outputs["endpoint"] == "http://10.0.128.7:8000/v2/models/ensemble/generate"
    assert outputs["healthUrl"] == "http://10.0.128.7:8000/v2/health/ready"
    assert outputs["metricsUrl"] == "http://10.0.128.7:8002/metrics"
    assert outputs["access"] == "internal"
    assert outputs["model"] == MODEL
    assert outputs["server"] == "triton (nvcr.io/nvidia/tritonserver:25.04-trtllm-python-py3)"
    assert outputs["accelerators"] == "8 x nvidia-tesla-a100"
    assert outputs["hourlyCost"] == {
        "minimum": 24.4,
        "maximum": 24.4,
        "onDemand": {"minimum": 24.4, "maximum": 24.4},
        "unit": "USD per hour, hosts only",
        "pricesOf": "2026-11-21",
    }
    assert outputs["setupLog"] == "/var/log/llm-serving-setup.log"
    assert outputs["sshCommand"].startswith("session=$(oci bastion session create-managed-ssh ")
    assert '"text_input": "What is a mixture of experts?"' in outputs["tryIt"]


def test_every_host_counts() -> None:
    outputs = run(TRITON, {"host.hosts": 2}).stack_outputs()
    assert outputs["accelerators"] == "16 x nvidia-tesla-a100"
    assert outputs["hourlyCost"]["maximum"] == 48.8


def test_another_image_is_told_as_it_is() -> None:
    built = run(TRITON, {"service.buildImage": True})
    assert built.stack_outputs()["server"] == "triton (triton_trt_llm:v0.18.2)"


def test_the_token_is_a_secret_of_the_vault(guide: Recording) -> None:
    secret = guide["Vault/secret:Secret", f"{HOST}-token"].secret("secretContent")
    assert base64.b64decode(secret["content"]).decode() == "rehearsal-token"
    assert "rehearsal-token" not in set_up(guide)


def test_the_settings_name_each_choice_of_the_guide() -> None:
    settings = stack_file(TRITON)
    assert settings["llm-serving:service"] == {
        "model": MODEL,
        "tensorParallel": 8,
        "dtype": "float16",
        "gemmPlugin": "float16",
        "maxBatchSize": 64,
        "maxInputTokens": 4096,
        "maxOutputTokens": 2048,
        "decoupled": True,
        "batchSchedulerPolicy": "max_utilization",
        "maxQueueDelayMicroseconds": 100,
    }


# the guide's mistakes, put back
REFUSED_AGAIN: list[tuple[str, dict[str, Any], str, str]] = [
    ("d1-unpinned", {"service.image": "triton_trt_llm"}, "image-not-pinned", "service.image"),
    ("d2-two-models", {"service.tokenizer": "x/y"}, "unknown-setting", "service.tokenizer"),
    ("d5-open", {"host.exposure": "public", "sourceRanges": GONE}, "source-ranges-missing", "sourceRanges"),
    ("d6-engine-for-other-gpus", {"service.tensorParallel": 4}, "tensor-parallel-not-accelerators", "service.t"),
    ("prerequisites-no-token", {"huggingFaceToken": GONE}, "token-missing", "huggingFaceToken"),
    ("disk-not-grown", {"host.bootVolumeGb": 50}, "boot-volume-too-small", "host.bootVolumeGb"),
]


@pytest.mark.parametrize(("changes", "code", "path"), [pytest.param(*rest, id=name) for name, *rest in REFUSED_AGAIN])
def test_a_mistake_of_the_guide_put_back_is_refused(changes: dict[str, Any], code: str, path: str) -> None:
    error = run(TRITON, changes).error
    assert isinstance(error, ConfigurationError)
    (finding,) = error.findings
    assert finding.code == code
    assert finding.path.startswith(path)


def test_d3_batches_of_one_are_told() -> None:
    recording = run(TRITON, {"service.maxBatchSize": 1})
    assert recording.error is None
    (told,) = recording.messages
    assert told.startswith("warning[batch-of-one] triton.maxBatchSize: ")


def test_d4_the_server_survives_a_reboot(guide: Recording) -> None:
    assert "/etc/systemd/system/triton.service" in set_up(guide)


# what users trip over
TRIPS: list[tuple[str, Any, Any]] = [
    ("25-several-availability-domains", lambda r: len(r.of("ComputeCapacityReport")), 3),
    ("26-service-gateway", lambda r: len(r.of("ServiceGateway")), 1),
    ("26-availability-domain-by-name", lambda r: host(r)["availabilityDomain"], "Uocm:PHX-AD-1"),
    ("26-root-grown", lambda r: "10-grow-root.sh" in set_up(r), True),
    ("27-a-plain-host", lambda r: [x for x in r.resources if "ontainerengine" in x.type or "kubernetes" in x.type], []),
    (
        "3.7-no-open-port",
        lambda r: [x.name for x in r.of("SecurityRule") if x.inputs.get("source") == "0.0.0.0/0"],
        [f"{HOST}-hosts-path-mtu"],
    ),
]


@pytest.mark.parametrize(("seen", "expected"), [pytest.param(*rest, id=name) for name, *rest in TRIPS])
def test_what_users_trip_over(guide: Recording, seen: Any, expected: Any) -> None:
    assert seen(guide) == expected


def test_the_documentation_names_the_catalogues_price(guide: Recording) -> None:
    price = f"{guide.stack_outputs()['hourlyCost']['maximum']:.2f}"
    assert f"| {price} |" in (ROOT / "README.md").read_text()
    assert f"**{price} USD per hour**" in (ROOT / "docs/recipes/mixtral-triton-oci.md").read_text()
