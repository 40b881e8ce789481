"""How each setting of InferenceService changes what it registers around the pod."""

from typing import Any

import pulumi
import pytest

from components.inference.inference_service import InferenceService
from components.inference.inference_service_args import InferenceServiceArgs
from tests.components.guide import GONE, SERVICE, TOKEN, deployment, record_cpu_service, record_service
from tests.recording import Recording, record

AUTOSCALED: dict[str, Any] = {
    "autoscaling": {"minReplicas": 1, "maxReplicas": 2, "queueSize": 3},
    "poolAccelerators": 8,
}

INTERNAL: dict[str, Any] = {"exposure": "internal", "sourceRanges": GONE, "subnetwork": "ours"}

CLUSTER_ONLY: dict[str, Any] = {"exposure": "cluster", "sourceRanges": GONE, "region": GONE}


@pytest.fixture(scope="module")
def guide() -> Recording:
    return recorded()


def recorded(**changes: Any) -> Recording:
    recording = record_service(**changes)
    assert recording.error is None
    return recording


def service(recording: Recording) -> dict[str, Any]:
    return recording["core/v1:Service", "llm-service"].inputs


def test_autoscaling_on_the_queue() -> None:
    recording = recorded(**AUTOSCALED)
    assert recording["HorizontalPodAutoscaler", "llm-autoscaler"].inputs == {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "llm", "namespace": "default", "labels": {"app": "llm"}},
        "spec": {
            # the guide's targeted a Deployment that did not exist
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "llm"},
            "minReplicas": 1,
            "maxReplicas": 2,
            "metrics": [
                {
                    "type": "Pods",
                    "pods": {
                        "metric": {"name": "prometheus.googleapis.com|tgi_queue_size|gauge"},
                        "target": {"type": "AverageValue", "averageValue": "3"},
                    },
                }
            ],
            "behavior": {
                "scaleUp": {"stabilizationWindowSeconds": 0},
                "scaleDown": {
                    "stabilizationWindowSeconds": 300,
                    "policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}],
                },
            },
        },
    }
    assert recording["PodMonitoring", "llm-metrics"].inputs == {
        "apiVersion": "monitoring.googleapis.com/v1",
        "kind": "PodMonitoring",
        "metadata": {"name": "llm", "namespace": "default", "labels": {"app": "llm"}},
        "spec": {
            "selector": {"matchLabels": {"app": "llm"}},
            "endpoints": [{"port": "http", "path": "/metrics", "interval": "15s"}],
        },
    }
    (told,) = recording.messages
    assert told.startswith("warning[autoscaling-adapter]")


def test_the_queue_has_a_default() -> None:
    recording = recorded(autoscaling={"minReplicas": 1, "maxReplicas": 2}, poolAccelerators=8)
    (metric,) = recording["HorizontalPodAutoscaler", "llm-autoscaler"].inputs["spec"]["metrics"]
    assert metric["pods"]["target"]["averageValue"] == "5"


def test_within_the_cluster() -> None:
    recording = recorded(**CLUSTER_ONLY)
    assert not recording.of("Address")
    spec = service(recording)["spec"]
    assert spec == {
        "type": "ClusterIP",
        "selector": {"app": "llm"},
        "ports": [{"name": "http", "port": 80, "targetPort": "http"}],
    }
    outputs = recording["InferenceService", "llm"].outputs or {}
    assert outputs["endpoint"] == "http://llm-service.default.svc.cluster.local/generate"
    assert outputs["access"] == "port-forward: kubectl --namespace default port-forward service/llm-service 8080:80"
    assert outputs["tryIt"].startswith("curl http://localhost:8080/generate ")
    assert "loadBalancerIp" not in outputs or outputs["loadBalancerIp"] is None
    # closed by default
    assert service(recorded(**CLUSTER_ONLY | {"exposure": GONE}))["spec"] == spec


def test_within_the_network() -> None:
    recording = recorded(**INTERNAL)
    assert recording["Address", "llm-address"].inputs == {
        "region": "us-central1",
        "addressType": "INTERNAL",
        "subnetwork": "ours",
    }
    assert service(recording)["metadata"]["annotations"] == {"networking.gke.io/load-balancer-type": "Internal"}
    assert service(recording)["spec"]["type"] == "LoadBalancer"
    assert "loadBalancerSourceRanges" not in service(recording)["spec"]
    assert (recording["InferenceService", "llm"].outputs or {})["access"] == "internal"
    default = recorded(exposure="internal", sourceRanges=GONE)
    assert default["Address", "llm-address"].inputs["subnetwork"] == "default"
    narrowed = recorded(**INTERNAL | {"sourceRanges": ["10.0.0.0/8"]})
    assert service(narrowed)["spec"]["loadBalancerSourceRanges"] == ["10.0.0.0/8"]


def test_another_port_is_in_every_url() -> None:
    outputs = recorded(port=8000)["InferenceService", "llm"].outputs or {}
    assert outputs["endpoint"] == "http://203.0.113.10:8000/generate"
    assert outputs["healthUrl"] == "http://203.0.113.10:8000/health"
    assert outputs["metricsUrl"] == "http://203.0.113.10:8000/metrics"
    forwarded = recorded(port=8000, **CLUSTER_ONLY)["InferenceService", "llm"].outputs or {}
    assert forwarded["access"].endswith(" 8080:8000")
    assert forwarded["endpoint"] == "http://llm-service.default.svc.cluster.local:8000/generate"


def test_another_namespace() -> None:
    recording = recorded(namespace="models", **AUTOSCALED)
    on_cluster = [resource for resource in recording.resources if resource.type.startswith("kubernetes:")]
    assert {resource.inputs["metadata"]["namespace"] for resource in on_cluster} == {"models"}


def test_14_the_autoscaler_owns_the_number_of_pods() -> None:
    assert "replicas" not in deployment(recorded(**AUTOSCALED))
    assert deployment(recorded(replicas=3))["replicas"] == 3


@pytest.mark.parametrize(
    ("changes", "surge"),
    [
        pytest.param({}, 0, id="the pool is not known"),
        pytest.param({"poolAccelerators": 4}, 0, id="no GPU is free"),
        pytest.param({"poolAccelerators": 7}, 0, id="too few GPUs are free"),
        pytest.param({"poolAccelerators": 8}, 1, id="as many GPUs are free"),
        pytest.param({"poolAccelerators": 8, "replicas": 2}, 0, id="both replicas hold them"),
        pytest.param(AUTOSCALED, 0, id="the autoscaler may hold them"),
        pytest.param({**AUTOSCALED, "poolAccelerators": 12}, 1, id="room beside all that the autoscaler may start"),
    ],
)
def test_11_a_rollout_starts_a_new_pod_first_only_where_there_is_room(changes: dict[str, Any], surge: int) -> None:
    assert deployment(recorded(**changes))["strategy"]["rollingUpdate"] == {
        "maxSurge": surge,
        "maxUnavailable": 1 - surge,
    }


def test_11_on_cpus_there_is_room() -> None:
    assert deployment(record_cpu_service())["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


def test_a_mapping_means_the_same_as_the_model(guide: Recording) -> None:
    snake = {
        **{key: SERVICE[key] for key in ("server", "model", "quantization", "accelerator", "region", "exposure")},
        "accelerators": 4.0,
        "shards": 4.0,
        "node_selector": SERVICE["nodeSelector"],
        "resources": SERVICE["resources"],
        "shared_memory": "8Gi",
        "storage": {"kind": "host-path", "host_path": SERVICE["storage"]["hostPath"], "size": "150Gi"},
        "source_ranges": SERVICE["sourceRanges"],
        "service_labels": SERVICE["serviceLabels"],
        "token": TOKEN,
    }
    for args in (SERVICE, snake):
        recording = record_service(args)
        assert recording.error is None
        assert {r.name: r.inputs for r in recording.resources} == {r.name: r.inputs for r in guide.resources}


def test_outputs_of_other_resources_are_taken() -> None:
    def program() -> None:
        outputs = {
            "token": pulumi.Output.secret(TOKEN),
            "namespace": pulumi.Output.from_input("made-elsewhere"),
            "project": pulumi.Output.from_input("other-project"),
        }
        InferenceService("llm", InferenceServiceArgs.parse({**SERVICE, **outputs}))

    recording = record(program)
    assert recording.error is None
    assert recording["Secret", "llm-token"].secret("stringData") == {"HF_TOKEN": TOKEN}
    assert service(recording)["metadata"]["namespace"] == "made-elsewhere"
    assert recording["Address", "llm-address"].inputs["project"] == "other-project"
