"""InferenceService with vLLM: the pod of seeds/001 repaired, and what adapters, folders and Spot VMs change of it."""

from typing import Any

import pytest

from tests.components.guide import GONE, container, deployment, environment, pod, volumes
from tests.components.inference.vllm_guide import (
    ADAPTERS,
    BASE,
    DEMONSTRATION,
    FOLDER,
    LABELS,
    STANDARD,
    TUNED,
    findings,
    record_vllm,
    vllm_args,
)
from tests.recording import Recording

# 14.5 GB at 25 MB/s and 600 s to warm up
STARTUP_SECONDS = 1180

BUCKET = {
    "driver": "gcsfuse.csi.storage.gke.io",
    "readOnly": True,
    "volumeAttributes": {
        "mountOptions": "implicit-dirs,metadata-cache:ttl-secs:-1,metadata-cache:stat-cache-max-size-mb:-1,"
        "metadata-cache:type-cache-max-size-mb:-1,file-system:kernel-list-cache-ttl-secs:-1,"
        "metadata-cache:negative-ttl-secs:0",
        "skipCSIBucketAccessCheck": "true",
    },
}

CACHED = (
    ",file-cache:max-size-mb:-1,file-cache:cache-file-for-range-read:true,file-cache:enable-parallel-downloads:true"
)


def bucket(name: str, *, cached: bool) -> dict[str, Any]:
    """A volume that is a bucket."""
    attributes = {**BUCKET["volumeAttributes"], "bucketName": name}
    attributes["mountOptions"] += CACHED if cached else ""
    return {"csi": {**BUCKET, "volumeAttributes": attributes}}


def mounts(recording: Recording) -> dict[str, Any]:
    return {
        mount["name"]: (mount["mountPath"], mount.get("readOnly")) for mount in container(recording)["volumeMounts"]
    }


@pytest.fixture(scope="module")
def guide() -> Recording:
    return record_vllm()


def test_the_deployment(guide: Recording) -> None:
    def probe(failures: int) -> dict[str, Any]:
        return {
            "httpGet": {"path": "/health", "port": "http"},
            "periodSeconds": 10,
            "timeoutSeconds": 5,
            "failureThreshold": failures,
        }

    resources = {"cpu": "6", "memory": "24Gi", "ephemeral-storage": "4Gi", "nvidia.com/gpu": "1"}
    token = {"secretKeyRef": {"name": "llm-token-12345678", "key": "HF_TOKEN"}}
    assert guide["Deployment", "llm"].inputs == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        # labels of the pods alone: a selector cannot change afterwards
        "metadata": {"name": "llm", "namespace": "default", "labels": {"app": "llm"}},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "llm"}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
            # the guide waits 700 seconds
            "progressDeadlineSeconds": STARTUP_SECONDS + 900,
            "template": {
                "metadata": {"labels": {**LABELS, "app": "llm"}},
                "spec": {
                    "automountServiceAccountToken": False,
                    "enableServiceLinks": False,
                    "terminationGracePeriodSeconds": 120,
                    "nodeSelector": {
                        "cloud.google.com/gke-gpu-driver-version": "latest",
                        "cloud.google.com/gke-accelerator": "nvidia-l4",
                    },
                    "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
                    "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
                    "containers": [
                        {
                            "name": "llm",
                            "image": "docker.io/vllm/vllm-openai:v0.11.1",
                            "command": ["python3", "-m", "vllm.entrypoints.openai.api_server"],
                            "args": [
                                f"--model={TUNED}",
                                "--tensor-parallel-size=1",
                                "--port=8000",
                                f"--served-model-name={TUNED}",
                            ],
                            "env": [
                                {"name": "HF_HOME", "value": "/data"},
                                {"name": "VLLM_CACHE_ROOT", "value": "/data/vllm"},
                                {"name": "HF_TOKEN", "valueFrom": token},
                            ],
                            "ports": [{"name": "http", "containerPort": 8000}],
                            "resources": {"requests": resources, "limits": resources},
                            "startupProbe": probe(STARTUP_SECONDS // 10),
                            "readinessProbe": probe(3),
                            "livenessProbe": probe(6),
                            "lifecycle": {"preStop": {"sleep": {"seconds": 15}}},
                            "securityContext": {
                                "allowPrivilegeEscalation": False,
                                "capabilities": {"drop": ["ALL"]},
                            },
                            "volumeMounts": [
                                {"name": "dshm", "mountPath": "/dev/shm"},
                                {"name": "data", "mountPath": "/data"},
                            ],
                        }
                    ],
                    "volumes": [
                        {"name": "dshm", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}},
                        {
                            "name": "data",
                            "ephemeral": {
                                "volumeClaimTemplate": {
                                    "metadata": {"labels": {"type": "ephemeral"}},
                                    "spec": {
                                        "accessModes": ["ReadWriteOnce"],
                                        "storageClassName": "premium-rwo",
                                        "resources": {"requests": {"storage": "40Gi"}},
                                    },
                                }
                            },
                        },
                    ],
                },
            },
        },
    }


def test_the_service_and_the_outputs(guide: Recording) -> None:
    assert guide["core/v1:Service", "llm-service"].inputs["spec"] == {
        "type": "ClusterIP",
        "selector": {"app": "llm"},
        "ports": [{"name": "http", "port": 8000, "targetPort": "http"}],
    }
    url = "http://llm-service.default.svc.cluster.local:8000"
    assert guide["InferenceService", "llm"].outputs == {
        "endpoint": f"{url}/v1/completions",
        "healthUrl": f"{url}/health",
        "metricsUrl": f"{url}/metrics",
        "access": "port-forward: kubectl --namespace default port-forward service/llm-service 8080:8000",
        "tryIt": "curl http://localhost:8080/v1/completions -H 'Content-Type: application/json' -d"
        f' \'{{"model": "{TUNED}", "prompt": "What is a mixture of experts?", "max_tokens": 64}}\'',
        "deploymentName": "llm",
        "serviceName": "llm-service",
        "namespace": "default",
    }


def test_the_guides_own_entrypoint() -> None:
    recording = record_vllm(DEMONSTRATION)
    only = container(recording)
    assert only["image"] == (
        "us-docker.pkg.dev/vertex-ai/vertex-vision-model-garden-dockers/pytorch-vllm-serve:20240930_0945_RC00"
    )
    assert only["command"] == ["python3", "-m", "vllm.entrypoints.api_server"]
    assert only["args"] == [f"--model={TUNED}", "--tensor-parallel-size=1", "--port=8000"]
    # the guide's variable, and the newer one
    assert {"HUGGING_FACE_HUB_TOKEN", "HF_TOKEN"} < set(environment(recording))
    outputs = recording["InferenceService", "llm"].outputs or {}
    assert outputs["endpoint"].endswith(":8000/generate")
    assert "metricsUrl" not in outputs
    assert outputs["tryIt"].endswith('{"prompt": "What is a mixture of experts?", "max_tokens": 64}\'')


def test_adapters_of_a_bucket_and_of_repositories() -> None:
    recording = record_vllm(ADAPTERS)
    assert container(recording)["args"] == [
        f"--model={BASE}",
        "--tensor-parallel-size=1",
        "--port=8000",
        f"--served-model-name={BASE}",
        "--enable-lora",
        # the least that holds ranks 16 and 20
        "--max-lora-rank=32",
        "--lora-modules",
        "summarizer=/adapters/adapters/mistral-7b",
        "other=someone/other",
    ]
    assert volumes(recording)["adapters"] == bucket("tuned", cached=False)
    assert mounts(recording) == {"dshm": ("/dev/shm", None), "data": ("/data", None), "adapters": ("/adapters", True)}
    # an adapter answers to its own name
    assert '"model": "summarizer"' in (recording["InferenceService", "llm"].outputs or {})["tryIt"]
    # GKE adds the driver's container, on Autopilot with limits
    assert deployment(recording)["template"]["metadata"]["annotations"] == {
        "gke-gcsfuse/volumes": "true",
        "gke-gcsfuse/cpu-limit": "1",
        "gke-gcsfuse/memory-limit": "2Gi",
        "gke-gcsfuse/ephemeral-storage-limit": "1Gi",
    }


def test_without_a_bucket_there_is_nothing_of_one(guide: Recording) -> None:
    assert set(volumes(guide)) == {"dshm", "data"}
    assert "annotations" not in deployment(guide)["template"]["metadata"]
    repositories = {**ADAPTERS, "vllm": {"adapters": {"other": {"repository": "someone/other"}}}}
    assert set(volumes(record_vllm(repositories))) == {"dshm", "data"}


@pytest.mark.parametrize("autopilot", [True, False])
def test_a_folder_of_a_bucket_is_served_and_nothing_downloaded(autopilot: bool) -> None:
    recording = record_vllm({**FOLDER, **({} if autopilot else STANDARD)})
    assert container(recording)["args"] == [
        "--model=/data/models/mistral-7b",
        "--tensor-parallel-size=1",
        "--port=8000",
        f"--served-model-name={TUNED}",
    ]
    # what it would write there is not on the bucket, which it only reads
    assert set(environment(recording)) == {"HF_TOKEN"}
    # on Autopilot the driver's container has limits, which a cache in memory would exceed
    data = {"data": bucket("weights", cached=not autopilot)}
    cache = {} if autopilot else {"gke-gcsfuse-cache": {"emptyDir": {"medium": "Memory"}}}
    assert volumes(recording) == {"dshm": {"emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}, **data, **cache}
    assert mounts(recording) == {"dshm": ("/dev/shm", None), "data": ("/data", True)}


def test_a_folder_of_a_claim() -> None:
    recording = record_vllm({"storage": {"kind": "claim", "claim": "weights", "folder": "mistral"}})
    assert "--model=/data/mistral" in container(recording)["args"]
    assert volumes(recording)["data"] == {"persistentVolumeClaim": {"claimName": "weights", "readOnly": True}}


def test_weights_and_adapters_of_two_buckets() -> None:
    recording = record_vllm({**STANDARD, **ADAPTERS, **FOLDER})
    # one cache for a pod
    assert set(volumes(recording)) == {"dshm", "data", "gke-gcsfuse-cache", "adapters"}
    assert volumes(recording)["adapters"] == bucket("tuned", cached=False)
    assert volumes(recording)["data"] == bucket("weights", cached=True)
    assert deployment(recording)["template"]["metadata"]["annotations"]["gke-gcsfuse/memory-limit"] == "0"


def test_every_flag() -> None:
    flags = {"dtype": "half", "maxModelLength": 8192, "maxSequences": 64, "gpuMemoryFraction": 0.95}
    recording = record_vllm({"vllm": flags, "quantization": "bitsandbytes"})
    assert container(recording)["args"] == [
        f"--model={TUNED}",
        "--tensor-parallel-size=1",
        "--dtype=half",
        "--max-model-len=8192",
        "--max-num-seqs=64",
        "--gpu-memory-utilization=0.95",
        "--quantization=bitsandbytes",
        "--port=8000",
        f"--served-model-name={TUNED}",
    ]


def test_where_pods_run() -> None:
    selector = pod(record_vllm({"spot": True, "computeClass": "Accelerator"}))["nodeSelector"]
    assert selector == {
        "cloud.google.com/gke-gpu-driver-version": "latest",
        "cloud.google.com/gke-accelerator": "nvidia-l4",
        "cloud.google.com/gke-spot": "true",
        "cloud.google.com/compute-class": "Accelerator",
    }
    # on demand is no label of its own
    assert "cloud.google.com/gke-spot" not in pod(record_vllm({"spot": False}))["nodeSelector"]


def test_ephemeral_storage_is_set_aside_only_if_asked() -> None:
    resources = container(record_vllm({"resources.ephemeralStorage": GONE}))["resources"]
    assert resources["limits"] == {"cpu": "6", "memory": "24Gi", "nvidia.com/gpu": "1"}
    assert resources["requests"] == resources["limits"]


def test_a_label_of_the_pods_cannot_take_them_from_their_deployment() -> None:
    labels = deployment(record_vllm({"podLabels": {"app": "other", "team": "ours"}}))["template"]["metadata"]["labels"]
    assert labels == {"app": "llm", "team": "ours"}


def test_startup_follows_from_the_model_it_was_made_from() -> None:
    assert vllm_args().base_model == BASE
    unknown = container(record_vllm({"baseModel": GONE}))["startupProbe"]
    assert unknown["failureThreshold"] * unknown["periodSeconds"] == 3600


def test_a_claim_of_a_bucket_brings_the_driver_and_its_cache() -> None:
    claim = {"kind": "claim", "claim": "weights", "folder": "mistral"}
    of_bucket = record_vllm({"storage": {**claim, "bucketClaim": True}, **STANDARD})
    assert deployment(of_bucket)["template"]["metadata"]["annotations"]["gke-gcsfuse/volumes"] == "true"
    assert volumes(of_bucket)["gke-gcsfuse-cache"] == {"emptyDir": {"medium": "Memory"}}
    of_disk = record_vllm({"storage": claim, **STANDARD})
    assert "annotations" not in deployment(of_disk)["template"]["metadata"]
    assert "gke-gcsfuse-cache" not in volumes(of_disk)


def test_autopilot_has_no_memory_for_the_cache_of_such_a_claim() -> None:
    storage = {"kind": "claim", "claim": "weights", "folder": "mistral", "bucketClaim": True}
    assert [(finding.code, finding.path) for finding in findings({"storage": storage})] == [
        ("autopilot-bucket-claim", "storage.bucketClaim")
    ]
