"""All that InferenceService registers for the guide's service, and how each setting changes it."""

from collections.abc import Iterator
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest

from components.findings import ConfigurationError
from components.inference.inference_service import InferenceService
from tests.components.guide import (
    GONE,
    MODEL,
    SERVICE,
    TOKEN,
    changed,
    container,
    deployment,
    inputs,
    pod,
    record_service,
    service_args,
)
from tests.components.inference.test_autoscaling import SERVICES
from tests.recording import SECRET, Recording, record

# 93.4 GB at 25 MB/s and 600 s to warm up
STARTUP_SECONDS = 4337
# and 15 minutes for a node
ROLLOUT_SECONDS = STARTUP_SECONDS + 900
AUTOSCALED: dict[str, Any] = {
    "autoscaling": {"minReplicas": 1, "maxReplicas": 2, "queueSize": 3},
    "poolAccelerators": 8,
}


@pytest.fixture(scope="module")
def guide() -> Recording:
    return recorded()


def recorded(**changes: Any) -> Recording:
    recording = record_service(**changes)
    assert recording.error is None
    return recording


def service(recording: Recording) -> dict[str, Any]:
    return recording["core/v1:Service", "llm-service"].inputs


def test_the_deployment(guide: Recording) -> None:
    def probe(failures: int) -> dict[str, Any]:
        return {
            "httpGet": {"path": "/health", "port": "http"},
            "periodSeconds": 10,
            "timeoutSeconds": 5,
            "failureThreshold": failures,
        }

    token = {"secretKeyRef": {"name": "llm-token-12345678", "key": "HF_TOKEN"}}
    resources = {"cpu": "40", "memory": "160Gi", "nvidia.com/gpu": "4"}
    assert guide["Deployment", "llm"].inputs == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "llm", "namespace": "default", "labels": {"app": "llm"}},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "llm"}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
            "progressDeadlineSeconds": ROLLOUT_SECONDS,
            "template": {
                "metadata": {"labels": {"app": "llm"}},
                "spec": {
                    "automountServiceAccountToken": False,
                    "enableServiceLinks": False,
                    "terminationGracePeriodSeconds": 120,
                    "nodeSelector": {
                        "accelerator": "nvidia-gpu",
                        "cloud.google.com/gke-accelerator": "nvidia-l4",
                    },
                    "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
                    "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
                    "containers": [
                        {
                            "name": "llm",
                            "image": "ghcr.io/huggingface/text-generation-inference:1.4.3",
                            "env": [
                                {"name": "MODEL_ID", "value": MODEL},
                                {"name": "NUM_SHARD", "value": "4"},
                                {"name": "PORT", "value": "8080"},
                                {"name": "QUANTIZE", "value": "bitsandbytes-nf4"},
                                {"name": "HF_TOKEN", "valueFrom": token},
                                {"name": "HUGGING_FACE_HUB_TOKEN", "valueFrom": token},
                            ],
                            "ports": [{"name": "http", "containerPort": 8080}],
                            "resources": {"requests": resources, "limits": resources},
                            "startupProbe": probe(434),
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
                        {"name": "dshm", "emptyDir": {"medium": "Memory", "sizeLimit": "8Gi"}},
                        {
                            "name": "data",
                            "hostPath": {
                                "path": "/mnt/stateful_partition/kube-ephemeral-ssd/x",
                                "type": "DirectoryOrCreate",
                            },
                        },
                    ],
                },
            },
        },
    }


def test_the_service_the_budget_the_address_and_the_secret(guide: Recording) -> None:
    assert service(guide) == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "llm-service",
            "namespace": "default",
            "labels": {"LLM_deployment": "true", "model_LoadBalancer": "true", "Ingress_Point": "true"},
        },
        "spec": {
            "type": "LoadBalancer",
            "selector": {"app": "llm"},
            "ports": [{"name": "http", "port": 80, "targetPort": "http"}],
            "loadBalancerIP": "203.0.113.10",
            "loadBalancerSourceRanges": ["198.51.100.0/24"],
        },
    }
    assert guide["PodDisruptionBudget", "llm-budget"].inputs == {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "llm", "namespace": "default", "labels": {"app": "llm"}},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "llm"}}},
    }
    assert guide["Address", "llm-address"].inputs == {"region": "us-central1", "addressType": "EXTERNAL"}
    secret = guide["Secret", "llm-token"]
    assert secret.secret("stringData") == {"HF_TOKEN": TOKEN}
    rest = {key: value for key, value in secret.inputs.items() if key != "stringData"}
    # without a name: Pulumi gives one, and a new one with a new token, so that the pods restart
    assert rest == {"apiVersion": "v1", "kind": "Secret", "immutable": True, "metadata": {"namespace": "default"}}


def test_only_the_ports_of_its_service_are_open(guide: Recording) -> None:
    assert guide["NetworkPolicy", "llm-ports"].inputs == {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        # without a name: Pulumi gives one that no other policy has
        "metadata": {"namespace": "default"},
        "spec": {
            "podSelector": {"matchLabels": {"app": "llm"}},
            "policyTypes": ["Ingress"],
            "ingress": [{"ports": [{"port": 8080, "protocol": "TCP"}]}],
        },
    }
    assert not recorded(networkPolicy=False).of("NetworkPolicy")


@pytest.mark.parametrize("server", SERVICES)
def test_the_open_ports_are_those_that_the_service_leads_to(server: str) -> None:
    recording = record_service(SERVICES[server])
    (open_ports,) = inputs(recording, "NetworkPolicy", "llm-ports")["spec"]["ingress"]
    containers = pod(recording)["containers"]
    numbers = {each["name"]: each["containerPort"] for one in containers for each in one.get("ports", [])}
    targets = [numbers[each["targetPort"]] for each in service(recording)["spec"]["ports"]]
    assert [each["port"] for each in open_ports["ports"]] == targets


def test_nothing_else_is_registered(guide: Recording) -> None:
    assert sorted(child.type.rpartition(":")[2] for child in guide.resources if child.parent == "llm") == [
        "Address",
        "Deployment",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "Secret",
        "Service",
    ]
    assert all(child.name.startswith("llm") for child in guide.resources if child.parent)


def test_everything_on_the_cluster_goes_through_the_provider_that_was_passed(guide: Recording) -> None:
    on_cluster = [resource for resource in recorded(**AUTOSCALED).resources if resource.type.startswith("kubernetes:")]
    assert len(on_cluster) == 7
    assert {resource.provider() for resource in on_cluster} == {"there"}


def test_timeouts_outlast_the_rollout(guide: Recording) -> None:
    seconds = f"{ROLLOUT_SECONDS + 300}s"
    for kind, name in (("Deployment", "llm"), ("core/v1:Service", "llm-service")):
        timeouts = guide[kind, name].request.customTimeouts
        assert (timeouts.create, timeouts.update, timeouts.delete) == (seconds, seconds, "15m")


def test_outputs(guide: Recording) -> None:
    assert guide["InferenceService", "llm"].outputs == {
        "endpoint": "http://203.0.113.10/generate",
        "loadBalancerIp": "203.0.113.10",
        "healthUrl": "http://203.0.113.10/health",
        "metricsUrl": "http://203.0.113.10/metrics",
        "access": "public",
        "tryIt": "curl http://203.0.113.10/generate -H 'Content-Type: application/json' -d"
        ' \'{"inputs": "What is a mixture of experts?", "parameters": {"max_new_tokens": 64}}\'',
        "deploymentName": "llm",
        "serviceName": "llm-service",
        "namespace": "default",
    }


def strings(value: Any, inside_secret: bool = False) -> Iterator[tuple[str, bool]]:
    """Every string of a recorded value, and whether it is within a secret."""
    if isinstance(value, dict):
        secret = inside_secret or SECRET.items() <= value.items()
        for part in value.values():
            yield from strings(part, secret)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part, inside_secret)
    elif isinstance(value, str):
        yield value, inside_secret


@pytest.mark.parametrize("preview", [False, True])
def test_12_the_token_is_only_in_the_secret_and_only_as_a_secret(preview: bool) -> None:
    recording = record_service(preview=preview)
    found: list[str] = []
    for resource in recording.resources:
        for text, secret in strings([resource.inputs, resource.outputs]):
            if TOKEN in text:
                found.append(resource.name)
                assert secret, resource.name
    assert found == ["llm-token"]
    assert not any(TOKEN in message for message in recording.messages)


def test_13_the_address_is_reserved_and_exported_from_the_reservation(guide: Recording) -> None:
    assert "llm-address" in guide["core/v1:Service", "llm-service"].depends_on()
    preview = record_service(preview=True)
    assert preview.error is None
    outputs = preview["InferenceService", "llm"].outputs or {}
    # unknown as long as the address is not reserved, and never waiting for the Service
    assert outputs["loadBalancerIp"] == outputs["endpoint"] == "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    assert outputs["serviceName"] == "llm-service"


def test_16_without_a_provider_nothing_chooses_one() -> None:
    # what `pulumi:disable-default-providers` then refuses, instead of taking the kubeconfig's cluster
    recording = record(lambda: InferenceService("llm", service_args()))
    assert {resource.provider() for resource in recording.resources} == {""}


def test_21_pods_and_load_balancer_have_time_to_go(guide: Recording) -> None:
    assert guide["core/v1:Service", "llm-service"].request.customTimeouts.delete == "15m"
    spec = pod(guide)
    assert container(guide)["lifecycle"]["preStop"]["sleep"]["seconds"] < spec["terminationGracePeriodSeconds"]


def test_24_one_pod_at_a_time_may_be_evicted(guide: Recording) -> None:
    budget = guide["PodDisruptionBudget", "llm-budget"].inputs["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"] == deployment(guide)["selector"]


def test_a_preview_registers_the_same_although_nothing_is_known_yet(guide: Recording) -> None:
    preview = record_service(preview=True)
    assert preview.error is None
    assert {(r.type, r.name, r.parent) for r in preview.resources} == {
        (r.type, r.name, r.parent) for r in guide.resources
    }


def test_two_services_in_one_program_do_not_collide() -> None:
    def program() -> None:
        there = pulumi.ResourceOptions(providers=[kubernetes.Provider("there", kubeconfig="{}")])
        for name in ("one", "two"):
            InferenceService(name, service_args(**AUTOSCALED), there)

    assert record(program).error is None


def test_a_refused_service_registers_nothing() -> None:
    recording = record_service(changed(SERVICE, {"token": GONE}))
    assert isinstance(recording.error, ConfigurationError)
    assert [r.type for r in recording.resources if r.name != "there"] == ["pulumi:pulumi:Stack"]
