"""InferenceService on TPUs: JetStream's two containers on a converted checkpoint, and vLLM, its successor."""

from typing import Any

import pytest

from components.findings import Finding
from components.gke.node_pool import TpuPoolArgs
from components.inference.inference_checks import check_inference_service
from components.placement import check_placement, pool_accelerators
from tests.components.guide import GONE, TOKEN, deployment, pod, record_service, service_args, volumes
from tests.recording import Recording

JETSTREAM: dict[str, Any] = {
    "server": "jetstream",
    "model": "meta-llama/Llama-2-7b-hf",
    "jetstream": {"batchSize": 80, "maxCacheLength": 2048},
    "accelerator": "tpu-v5-lite-podslice",
    "accelerators": 8,
    "topology": "2x4",
    "replicas": 2,
    "resources": {"cpu": "100", "memory": "200Gi"},
    "storage": {"kind": "bucket", "bucket": "weights"},
    "serviceAccount": "reader",
    "port": 8000,
}
VLLM: dict[str, Any] = {
    "server": "vllm-tpu",
    "jetstream": GONE,
    "storage": {"kind": "empty-dir", "size": "40Gi"},
    "token": TOKEN,
}
POOL: dict[str, Any] = {"machineType": "ct5lp-hightpu-8t", "topology": "2x4", "minNodes": 2, "maxNodes": 2}
# 13.5 GB at 25 MB/s and 600 s to warm up
STARTUP_SECONDS = 1140


def recorded(**changes: Any) -> Recording:
    recording = record_service(service_args(JETSTREAM, **changes))
    assert recording.error is None
    return recording


def found(base: dict[str, Any] = JETSTREAM, **changes: Any) -> list[Finding]:
    return check_inference_service("llm", service_args(base, **changes))


@pytest.fixture(scope="module")
def guide() -> Recording:
    return recorded()


def test_both_containers(guide: Recording) -> None:
    def probe(failures: int) -> dict[str, Any]:
        # through the HTTP server to the model server, which is the one that is restarted
        return {
            "httpGet": {"path": "/healthcheck", "port": 8000},
            "periodSeconds": 10,
            "timeoutSeconds": 5,
            "failureThreshold": failures,
        }

    resources = {"cpu": "100", "memory": "200Gi", "google.com/tpu": "8"}
    same = {
        "lifecycle": {"preStop": {"sleep": {"seconds": 15}}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    assert pod(guide)["containers"] == [
        {
            "name": "llm",
            "image": "us-docker.pkg.dev/cloud-tpu-images/inference/jetstream-pytorch-server:v0.2.3",
            "args": [
                "--size=7b",
                "--model_name=llama-2",
                "--batch_size=80",
                "--max_cache_length=2048",
                "--quantize_weights=False",
                "--quantize_kv_cache=False",
                "--tokenizer_path=/models/pytorch/llama-2-7b/final/bf16/tokenizer.model",
                "--checkpoint_path=/models/pytorch/llama-2-7b/final/bf16/model.safetensors",
                "--prometheus_port=9100",
            ],
            "env": [],
            "ports": [{"name": "grpc", "containerPort": 9000}, {"name": "metrics", "containerPort": 9100}],
            "resources": {"requests": resources, "limits": resources},
            "startupProbe": probe(STARTUP_SECONDS // 10),
            "readinessProbe": probe(3),
            "livenessProbe": probe(6),
            **same,
            "volumeMounts": [
                {"name": "dshm", "mountPath": "/dev/shm"},
                {"name": "data", "mountPath": "/models", "readOnly": True},
            ],
        },
        {
            "name": "jetstream-http",
            "image": "us-docker.pkg.dev/cloud-tpu-images/inference/jetstream-http:v0.2.2",
            "ports": [{"name": "http", "containerPort": 8000}],
            "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1Gi"}},
            **same,
        },
    ]


def test_where_the_pods_run_and_as_whom(guide: Recording) -> None:
    spec = pod(guide)
    assert deployment(guide)["replicas"] == 2
    assert spec["nodeSelector"] == {
        "cloud.google.com/gke-tpu-accelerator": "tpu-v5-lite-podslice",
        "cloud.google.com/gke-tpu-topology": "2x4",
    }
    assert spec["tolerations"] == [{"key": "google.com/tpu", "operator": "Exists", "effect": "NoSchedule"}]
    assert (spec["serviceAccountName"], spec["automountServiceAccountToken"]) == ("reader", False)
    assert "serviceAccountName" not in pod(recorded(serviceAccount=GONE))


def test_the_bucket_is_mounted_through_gcs_fuse(guide: Recording) -> None:
    metadata = deployment(guide)["template"]["metadata"]
    assert metadata["annotations"]["gke-gcsfuse/volumes"] == "true"
    data = volumes(guide)["data"]["csi"]
    assert (data["driver"], data["readOnly"]) == ("gcsfuse.csi.storage.gke.io", True)
    assert data["volumeAttributes"]["bucketName"] == "weights"
    assert volumes(guide)["gke-gcsfuse-cache"]


def test_a_claim_is_mounted_read_only() -> None:
    recording = recorded(storage={"kind": "claim", "claim": "checkpoints"})
    assert volumes(recording)["data"] == {"persistentVolumeClaim": {"claimName": "checkpoints", "readOnly": True}}
    assert "annotations" not in deployment(recording)["template"]["metadata"]


def test_the_service_has_all_ports(guide: Recording) -> None:
    assert guide["core/v1:Service", "llm-service"].inputs["spec"]["ports"] == [
        {"name": "http", "port": 8000, "targetPort": "http"},
        {"name": "grpc", "port": 9000, "targetPort": "grpc"},
        {"name": "metrics", "port": 9100, "targetPort": "metrics"},
    ]
    outputs = guide["InferenceService", "llm"].outputs or {}
    base = "http://llm-service.default.svc.cluster.local"
    assert outputs["endpoint"] == f"{base}:8000/generate"
    assert outputs["healthUrl"] == f"{base}:8000/healthcheck"
    assert outputs["metricsUrl"] == f"{base}:9100/"
    assert '{"prompt": ' in outputs["tryIt"]


def test_autoscaling_on_the_prefill_backlog_at_the_metrics_port() -> None:
    recording = recorded(replicas=GONE, autoscaling={"minReplicas": 1, "maxReplicas": 2}, poolAccelerators=16)
    (endpoint,) = recording["PodMonitoring", "llm-metrics"].inputs["spec"]["endpoints"]
    assert (endpoint["port"], endpoint["path"]) == ("metrics", "/")
    (metric,) = recording["HorizontalPodAutoscaler", "llm-autoscaler"].inputs["spec"]["metrics"]
    assert metric["pods"]["metric"]["name"] == "prometheus.googleapis.com|jetstream_prefill_backlog_size|gauge"


def test_vllm_on_the_same_slice() -> None:
    recording = recorded(**VLLM)
    (only,) = pod(recording)["containers"]
    assert only["command"] == ["vllm", "serve"]
    assert only["args"] == ["meta-llama/Llama-2-7b-hf", "--port", "8000", "--tensor-parallel-size", "8"]
    assert only["ports"] == [{"name": "http", "containerPort": 8000}]
    assert only["readinessProbe"]["httpGet"] == {"path": "/health", "port": "http"}
    assert {"name": "data", "mountPath": "/data"} in only["volumeMounts"]
    outputs = recording["InferenceService", "llm"].outputs or {}
    assert outputs["endpoint"].endswith(":8000/v1/completions")
    assert outputs["metricsUrl"].endswith(":8000/metrics")
    assert '"model": "meta-llama/Llama-2-7b-hf"' in outputs["tryIt"]


@pytest.mark.parametrize(
    "changes", [{}, VLLM, {"jetstream__batchSize": 97}, {"storage": {"kind": "claim", "claim": "c"}}]
)
def test_what_is_right(changes: dict[str, Any]) -> None:
    assert found(**changes) == []


@pytest.mark.parametrize(
    ("changes", "path", "code"),
    [
        ({"jetstream__batchSize": 120}, "jetstream.batchSize", "cache-too-large"),
        ({"jetstream__maxCacheLength": 4096}, "jetstream.batchSize", "cache-too-large"),
        ({"jetstream": GONE}, "jetstream", "jetstream-missing"),
        ({"model": "mistralai/Mixtral-8x7B-Instruct-v0.1"}, "model", "jetstream-model-unknown"),
        ({"model": "o/m"}, "model", "jetstream-model-unknown"),
        ({"token": TOKEN}, "token", "token-unused"),
        ({"topology": GONE}, "topology", "topology-missing"),
        ({"topology": "2x2"}, "accelerators", "topology-accelerators"),
        ({"topology": "4x4"}, "topology", "topology-unknown"),
        ({"topology": "banana"}, "topology", "topology-unknown"),
        ({"accelerators": 4}, "accelerators", "topology-accelerators"),
        ({"accelerator": "nvidia-l4", "topology": GONE}, "accelerator", "accelerator-kind"),
        ({"accelerators": GONE}, "accelerators", "accelerators-missing"),
        ({"storage": {"kind": "bucket"}}, "storage.bucket", "storage-bucket"),
        ({"storage": {"kind": "claim"}}, "storage.claim", "storage-claim"),
        ({"storage": {"kind": "claim", "claim": "A b"}}, "storage.claim", "storage-claim"),
        ({"storage__claim": "c"}, "storage.claim", "storage-claim"),
        ({"storage__bucket": "gs://weights"}, "storage.bucket", "storage-bucket"),
        ({"storage__size": "20Gi"}, "storage.size", "storage-size-unused"),
        ({"storage__accessMode": "ReadOnlyMany"}, "storage.accessMode", "storage-access-mode"),
        ({"storage__bucketClaim": True}, "storage.bucketClaim", "storage-bucket-claim"),
        (
            {"storage": {"kind": "claim", "claim": "c", "accessMode": "ReadWriteOnce"}},
            "storage.accessMode",
            "storage-one-node",
        ),
        ({"storage": {"kind": "empty-dir", "size": "20Gi"}}, "storage.kind", "storage-kind"),
        ({**VLLM, "storage": {"kind": "bucket", "bucket": "weights"}}, "storage.kind", "storage-kind"),
        ({**VLLM, "storage": {"kind": "empty-dir"}}, "storage.size", "storage-size-missing"),
        ({name: VLLM[name] for name in VLLM if name != "token"}, "token", "token-missing"),
        ({**VLLM, "jetstream": JETSTREAM["jetstream"]}, "jetstream", "jetstream-unused"),
        ({"port": 9100}, "port", "port-taken"),
        ({"serviceAccount": "a@b.iam.gserviceaccount.com"}, "serviceAccount", "service-account-invalid"),
        ({"replicas": 3, "poolAccelerators": 16}, "replicas", "replicas-exceed-pool"),
    ],
)
def test_one_mistake_is_one_error(changes: dict[str, Any], path: str, code: str) -> None:
    assert [(each.severity, each.path, each.code) for each in found(**changes)] == [("error", path, code)]


def test_the_message_names_the_largest_batch() -> None:
    (finding,) = found(jetstream__batchSize=120)
    assert finding.remedy == "Set batchSize to at most 97, or a smaller maxCacheLength."
    assert "15.0 GiB of cache on each of 8 chips, besides 1.6 GiB of weights" in finding.message
    # 8 bits take half of the weights and, nearly, of the cache
    quantized = {"quantizeWeights": True, "quantizeKvCache": True}
    assert found(jetstream={"batchSize": 120, "maxCacheLength": 2048, **quantized}) == []


def test_a_quantized_cache_of_weights_that_are_not_is_warned_of() -> None:
    (finding,) = found(jetstream__quantizeKvCache=True)
    assert (finding.severity, finding.path) == ("warning", "jetstream.quantizeKvCache")
    # and is counted as what it is
    assert "cache-too-large" in {each.code for each in found(jetstream__quantizeKvCache=True, jetstream__batchSize=120)}


def test_one_pod_may_have_a_disk_for_itself() -> None:
    assert found(replicas=1, storage={"kind": "claim", "claim": "c", "accessMode": "ReadWriteOnce"}) == []


def test_a_pool_of_single_hosts_takes_the_pods_and_a_slice_of_several_does_not() -> None:
    single = {"tpu": TpuPoolArgs.parse(POOL)}
    assert check_placement(service_args(JETSTREAM), single) == []
    assert pool_accelerators(single, service_args(JETSTREAM)) == 16
    several = {"tpu": TpuPoolArgs.parse({**POOL, "machineType": "ct5lp-hightpu-4t"})}
    (finding,) = check_placement(service_args(JETSTREAM), several)
    assert (finding.path, finding.code) == ("topology", "placement-multi-host")


def test_the_sidecar_takes_its_share_of_the_node() -> None:
    pool = {"tpu": TpuPoolArgs.parse(POOL)}
    # 224 CPUs, of which GKE keeps 0.6
    assert check_placement(service_args(JETSTREAM, **VLLM, resources__cpu="223"), pool) == []
    (finding,) = check_placement(service_args(JETSTREAM, resources__cpu="223"), pool)
    assert finding.path == "resources.cpu"
