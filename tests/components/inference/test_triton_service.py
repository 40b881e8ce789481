"""InferenceService with Triton: an engine from a bucket or a claim, on the GPUs that it was built for."""

from typing import Any

import pytest

from components.findings import Finding
from components.inference.inference_checks import check_inference_service
from components.servers import SERVERS, Serving
from components.servers.triton import SCRIPT
from components.triton.engine import repository_path
from tests.components.guide import (
    GONE,
    MODEL,
    TOKEN,
    container,
    environment,
    pod,
    record_service,
    service_args,
    volumes,
)
from tests.recording import Recording

TRITON: dict[str, Any] = {
    "server": "triton",
    "model": MODEL,
    "accelerator": "nvidia-tesla-a100",
    "accelerators": 8,
    "resources": {"cpu": "80", "memory": "600Gi"},
    "sharedMemory": "2Gi",
    "storage": {"kind": "bucket", "bucket": "engines"},
    "serviceAccount": "reader",
    "port": 8080,
}
REPOSITORY = "/models/triton/mistralai/mixtral-8x7b-instruct-v0.1/tp8/repository"


def recorded(**changes: Any) -> Recording:
    recording = record_service(service_args(TRITON, **changes))
    assert recording.error is None
    return recording


def found(**changes: Any) -> list[Finding]:
    return check_inference_service("llm", service_args(TRITON, **changes))


@pytest.fixture(scope="module")
def recording() -> Recording:
    return recorded()


def test_the_container(recording: Recording) -> None:
    only = container(recording)
    assert only["image"] == "nvcr.io/nvidia/tritonserver:25.04-trtllm-python-py3"
    assert only["command"] == ["bash", "-c"]
    # the very script that runs on a host
    assert only["args"] == [SCRIPT.read_text(), "serve.sh"]
    assert environment(recording) == {
        "LAUNCH": "/app/scripts/launch_triton_server.py",
        "TENSOR_PARALLEL": "8",
        "MODEL_REPOSITORY": REPOSITORY,
        "HTTP_PORT": "8000",
        "GRPC_PORT": "8001",
        "METRICS_PORT": "8002",
    }
    assert only["ports"] == [
        {"name": "http", "containerPort": 8000},
        {"name": "grpc", "containerPort": 8001},
        {"name": "metrics", "containerPort": 8002},
    ]
    assert only["resources"]["limits"]["nvidia.com/gpu"] == "8"
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert only[probe]["httpGet"] == {"path": "/v2/health/ready", "port": "http"}


def test_kubernetes_leaves_the_script_as_it_is() -> None:
    # $(NAME) would be replaced by a variable of the container
    assert "$(" not in SCRIPT.read_text()


def test_the_engine_is_mounted_where_the_repository_says_it_is(recording: Recording) -> None:
    mounts = {mount["name"]: mount for mount in container(recording)["volumeMounts"]}
    assert mounts["data"] == {"name": "data", "mountPath": "/models", "readOnly": True}
    assert repository_path(MODEL, 8) == REPOSITORY
    assert volumes(recording)["data"]["csi"]["volumeAttributes"]["bucketName"] == "engines"
    assert volumes(recording)["dshm"] == {"emptyDir": {"medium": "Memory", "sizeLimit": "2Gi"}}
    claim = recorded(storage={"kind": "claim", "claim": "engines"})
    assert volumes(claim)["data"] == {"persistentVolumeClaim": {"claimName": "engines", "readOnly": True}}


def test_it_runs_on_the_gpus_of_the_engine(recording: Recording) -> None:
    assert pod(recording)["nodeSelector"] == {"cloud.google.com/gke-accelerator": "nvidia-tesla-a100"}


def test_what_it_is_asked(recording: Recording) -> None:
    outputs = recording["InferenceService", "llm"].outputs or {}
    base = "http://llm-service.default.svc.cluster.local"
    assert outputs["endpoint"] == f"{base}:8080/v2/models/ensemble/generate"
    assert outputs["healthUrl"] == f"{base}:8080/v2/health/ready"
    assert outputs["metricsUrl"] == f"{base}:8002/metrics"
    # the guide's request
    body = dict(SERVERS["triton"].request(Serving(MODEL, None, None, 8), "What is cloud computing?"))
    assert body == {"text_input": "What is cloud computing?", "max_tokens": 64, "bad_words": "", "stop_words": ""}


def test_its_queue_is_one_series_of_a_metric() -> None:
    scaling = {"minReplicas": 1, "maxReplicas": 2}
    recording = recorded(autoscaling=scaling, poolAccelerators=16)
    (endpoint,) = recording["PodMonitoring", "llm-metrics"].inputs["spec"]["endpoints"]
    assert (endpoint["port"], endpoint["path"]) == ("metrics", "/metrics")
    (metric,) = recording["HorizontalPodAutoscaler", "llm-autoscaler"].inputs["spec"]["metrics"]
    assert metric["pods"]["metric"] == {
        "name": "prometheus.googleapis.com|nv_trt_llm_request_metrics|gauge",
        "selector": {"matchLabels": {"metric.labels.request_type": "waiting"}},
    }


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"storage": {"kind": "claim", "claim": "engines"}},
        {"model": "someone/tuned"},
        {"accelerator": "nvidia-l4", "accelerators": 1, "model": "meta-llama/Llama-3.2-3B-Instruct"},
    ],
)
def test_what_is_right(changes: dict[str, Any]) -> None:
    assert found(**changes) == []


@pytest.mark.parametrize(
    ("changes", "path", "code"),
    [
        ({"shards": 4}, "shards", "shards-not-accelerators"),
        ({"accelerators": 3}, "accelerators", "shards-not-heads"),
        ({"accelerator": "nvidia-l4", "accelerators": 4}, "accelerators", "model-too-large"),
        ({"accelerator": "tpu-v5-lite-podslice"}, "accelerator", "accelerator-kind"),
        ({"accelerators": GONE}, "accelerators", "accelerators-missing"),
        ({"storage": {"kind": "empty-dir", "size": "200Gi"}}, "storage.kind", "storage-kind"),
        ({"storage": {"kind": "bucket"}}, "storage.bucket", "storage-bucket"),
        ({"storage__folder": "x"}, "storage.folder", "storage-folder"),
        ({"token": TOKEN}, "token", "token-unused"),
        ({"quantization": "awq"}, "quantization", "quantization-unknown"),
        ({"port": 8002}, "port", "port-taken"),
        ({"environment": {"LAUNCH": "x"}}, "environment.LAUNCH", "environment-owned"),
        ({"jetstream": {"batchSize": 1, "maxCacheLength": 1}}, "jetstream", "jetstream-unused"),
    ],
)
def test_one_mistake_is_one_error(changes: dict[str, Any], path: str, code: str) -> None:
    assert [(each.severity, each.path, each.code) for each in found(**changes)] == [("error", path, code)]
