"""The chat page: what it registers, who can reach it, and what is refused."""

from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest

from components.findings import ConfigurationError
from components.inference.chat_page import ChatPage, ChatPageArgs, check_chat_page
from tests.components.guide import GONE, changed
from tests.components.inference.test_inference_service import strings
from tests.recording import Recording, record

KEY = "signs-the-sessions"
PAGE: dict[str, Any] = {"apiUrl": "http://llm-service.default.svc.cluster.local:8000/v1"}
PUBLIC: dict[str, Any] = {"exposure": "public", "sourceRanges": ["198.51.100.0/24"], "region": "us-central1"}


def recorded(changes: dict[str, Any] | None = None, *, name: str = "chat", preview: bool = False) -> Recording:
    def program() -> None:
        there = kubernetes.Provider("there", kubeconfig="{}")
        args: Any = changed(PAGE, changes or {})
        ChatPage(name, args, pulumi.ResourceOptions(providers=[there]))

    return record(program, preview=preview)


def container(recording: Recording) -> dict[str, Any]:
    assert recording.error is None
    (only,) = recording["StatefulSet", "chat"].inputs["spec"]["template"]["spec"]["containers"]
    return only


def service(recording: Recording) -> dict[str, Any]:
    assert recording.error is None
    return recording["core/v1:Service", "chat-service"].inputs


def outputs(recording: Recording) -> dict[str, Any]:
    assert recording.error is None
    return recording["ChatPage", "chat"].outputs or {}


@pytest.fixture(scope="module")
def page() -> Recording:
    recording = recorded()
    assert recording.error is None
    return recording


def test_the_stateful_set(page: Recording) -> None:
    probe = {"httpGet": {"path": "/health", "port": "http"}, "periodSeconds": 10, "timeoutSeconds": 5}
    resources = {"cpu": "1", "memory": "2Gi"}
    assert page["StatefulSet", "chat"].inputs == {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "chat", "namespace": "default", "labels": {"app": "chat"}},
        "spec": {
            "replicas": 1,
            "serviceName": "chat-service",
            "selector": {"matchLabels": {"app": "chat"}},
            # a volume that outlives the page would be paid for unseen
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete", "whenScaled": "Retain"},
            "volumeClaimTemplates": [
                {
                    "metadata": {"name": "data"},
                    "spec": {
                        "accessModes": ["ReadWriteOnce"],
                        "resources": {"requests": {"storage": "5Gi"}},
                    },
                }
            ],
            "template": {
                "metadata": {"labels": {"app": "chat"}},
                "spec": {
                    "automountServiceAccountToken": False,
                    "enableServiceLinks": False,
                    "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
                    "containers": [
                        {
                            "name": "chat",
                            "image": "ghcr.io/open-webui/open-webui:v0.6.43",
                            "env": [
                                {"name": "OPENAI_API_BASE_URL", "value": PAGE["apiUrl"]},
                                {"name": "OPENAI_API_KEY", "value": "none"},
                                {"name": "ENABLE_OLLAMA_API", "value": "false"},
                                {"name": "ANONYMIZED_TELEMETRY", "value": "false"},
                                {"name": "DO_NOT_TRACK", "value": "true"},
                                {"name": "SCARF_NO_ANALYTICS", "value": "true"},
                            ],
                            "ports": [{"name": "http", "containerPort": 8080}],
                            "resources": {"requests": resources, "limits": resources},
                            "startupProbe": {**probe, "failureThreshold": 60},
                            "readinessProbe": probe,
                            "securityContext": {
                                "allowPrivilegeEscalation": False,
                                "capabilities": {"drop": ["ALL"]},
                            },
                            "volumeMounts": [{"name": "data", "mountPath": "/app/backend/data"}],
                        }
                    ],
                },
            },
        },
    }


def test_only_pods_of_the_cluster_reach_it_unless_asked(page: Recording) -> None:
    assert service(page) == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "chat-service", "namespace": "default", "labels": {"app": "chat"}},
        "spec": {
            "type": "ClusterIP",
            "selector": {"app": "chat"},
            "ports": [{"name": "http", "port": 80, "targetPort": "http"}],
        },
    }
    assert outputs(page) == {
        "url": "http://localhost:8080",
        "access": "port-forward: kubectl --namespace default port-forward service/chat-service 8080:80",
    }
    assert sorted(r.type.rpartition(":")[2] for r in page.resources if r.parent == "chat") == [
        "NetworkPolicy",
        "Service",
        "StatefulSet",
    ]
    assert {r.provider() for r in page.resources if r.type.startswith("kubernetes:")} == {"there"}


def test_only_its_port_is_open(page: Recording) -> None:
    assert page["NetworkPolicy", "chat-ports"].inputs == {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"namespace": "default"},
        "spec": {
            "podSelector": {"matchLabels": {"app": "chat"}},
            "policyTypes": ["Ingress"],
            "ingress": [{"ports": [{"port": 8080, "protocol": "TCP"}]}],
        },
    }
    assert not recorded({"networkPolicy": False}).of("NetworkPolicy")


def test_through_a_public_load_balancer() -> None:
    recording = recorded({**PUBLIC, "project": "our-project"})
    assert recording["Address", "chat-address"].inputs == {
        "project": "our-project",
        "region": "us-central1",
        "addressType": "EXTERNAL",
    }
    assert service(recording)["spec"] == {
        "type": "LoadBalancer",
        "selector": {"app": "chat"},
        "ports": [{"name": "http", "port": 80, "targetPort": "http"}],
        "loadBalancerIP": "203.0.113.10",
        "loadBalancerSourceRanges": ["198.51.100.0/24"],
    }
    assert "annotations" not in service(recording)["metadata"]
    assert outputs(recording) == {"url": "http://203.0.113.10", "access": "public"}


def test_through_a_load_balancer_of_the_network() -> None:
    recording = recorded({"exposure": "internal", "region": "us-central1", "subnetwork": "ours"})
    assert recording["Address", "chat-address"].inputs == {
        "region": "us-central1",
        "addressType": "INTERNAL",
        "subnetwork": "ours",
    }
    assert service(recording)["metadata"]["annotations"] == {"networking.gke.io/load-balancer-type": "Internal"}
    assert "loadBalancerSourceRanges" not in service(recording)["spec"]
    assert outputs(recording)["access"] == "internal"


def test_another_namespace_image_and_volume() -> None:
    recording = recorded(
        {"namespace": "ours", "image": "example.org/ui:1", "size": "20Gi", "storageClass": "premium-rwo"}
    )
    assert container(recording)["image"] == "example.org/ui:1"
    (claim,) = recording["StatefulSet", "chat"].inputs["spec"]["volumeClaimTemplates"]
    assert claim["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "premium-rwo",
        "resources": {"requests": {"storage": "20Gi"}},
    }
    named = [r.inputs["metadata"]["namespace"] for r in recording.resources if r.parent == "chat"]
    assert named == ["ours"] * 3
    assert "--namespace ours " in outputs(recording)["access"]


@pytest.mark.parametrize("preview", [False, True])
def test_the_key_is_only_in_the_secret_and_only_as_a_secret(preview: bool) -> None:
    recording = recorded({"secretKey": KEY}, preview=preview)
    assert recording.error is None
    found = [
        (resource.name, secret)
        for resource in recording.resources
        for text, secret in strings([resource.inputs, resource.outputs])
        if KEY in text
    ]
    assert found == [("chat-secret-key", True)]
    assert not any(KEY in message for message in recording.messages)


def test_the_key_reaches_the_page_by_reference() -> None:
    recording = recorded({"secretKey": KEY})
    secret = recording["Secret", "chat-secret-key"]
    assert secret.secret("stringData") == {"key": KEY}
    rest = {key: value for key, value in secret.inputs.items() if key != "stringData"}
    # without a name: a new key makes a new Secret, so that the pod restarts
    assert rest == {"apiVersion": "v1", "kind": "Secret", "immutable": True, "metadata": {"namespace": "default"}}
    assert container(recording)["env"][-1] == {
        "name": "WEBUI_SECRET_KEY",
        "valueFrom": {"secretKeyRef": {"name": "chat-secret-key-12345678", "key": "key"}},
    }
    assert not recorded().of("Secret")


def test_a_url_that_is_known_later_is_taken() -> None:
    def program() -> None:
        ChatPage("chat", ChatPageArgs(api_url=pulumi.Output.from_input("http://made-later/v1")))

    assert container(record(program))["env"][0] == {"name": "OPENAI_API_BASE_URL", "value": "http://made-later/v1"}


def test_it_waits_as_long_as_a_disk_and_a_node_take(page: Recording) -> None:
    for kind, name in (("StatefulSet", "chat"), ("core/v1:Service", "chat-service")):
        assert page[kind, name].request.customTimeouts.create == "20m"


@pytest.mark.parametrize("name", ["a", "chat-2", "c" * 52])
def test_names_that_can_be(name: str) -> None:
    assert check_chat_page(name, ChatPageArgs.parse(PAGE)) == []
    assert recorded(name=name).error is None


@pytest.mark.parametrize("name", ["", "Chat", "1st", "chat-", "a_b", "a.b", "c" * 53])
def test_names_that_cannot_be(name: str) -> None:
    (only,) = check_chat_page(name, ChatPageArgs.parse(PAGE))
    assert (only.severity, only.code, only.path, only.remedy) == (
        "error",
        "name-invalid",
        "name",
        "Use at most 52 lower-case letters, digits and hyphens, beginning with a letter.",
    )


URL = "Write it as http://NAME-service.NAMESPACE.svc.cluster.local/v1."


@pytest.mark.parametrize(
    ("changes", "severity", "code", "path", "remedy"),
    [
        *(
            ({"apiUrl": url}, "error", "api-url-invalid", "apiUrl", URL)
            for url in (
                "",
                "llm-service/v1",
                "http://llm-service",
                "http://llm/generate",
                "ftp://llm/v1",
                "http://a b/v1",
            )
        ),
        ({"apiUrl": "http:///v1"}, "error", "api-url-invalid", "apiUrl", URL),
        ({"apiUrl": "http://llm/v1/"}, "error", "api-url-invalid", "apiUrl", URL),
        ({"size": "five"}, "error", "quantity-invalid", "size", "Set one, for example 5Gi."),
        ({"size": "0"}, "error", "quantity-invalid", "size", "Set more than 0."),
        (
            {**PUBLIC, "sourceRanges": GONE},
            "error",
            "source-ranges-missing",
            "sourceRanges",
            "Set the ranges that may reach it: `pulumi config set --path 'sourceRanges[0]' 198.51.100.7/32`; or set"
            " exposure to internal or cluster.",
        ),
        (
            {"sourceRanges": ["10.0.0.0/8"]},
            "error",
            "source-ranges-unused",
            "sourceRanges",
            "Remove sourceRanges, or set exposure to internal or public.",
        ),
        ({**PUBLIC, "region": GONE}, "error", "region-missing", "region", "Set region."),
        ({"exposure": "internal"}, "error", "region-missing", "region", "Set region."),
        (
            {**PUBLIC, "sourceRanges": ["198.51.100.7/24"]},
            "error",
            "source-range-invalid",
            "sourceRanges[0]",
            "Write it as 198.51.100.0/24.",
        ),
        (
            {**PUBLIC, "sourceRanges": ["10.0.0.0/8", "0.0.0.0/0"]},
            "warning",
            "source-range-open",
            "sourceRanges[1]",
            "Name the networks of your users.",
        ),
    ],
)
def test_findings(changes: dict[str, Any], severity: str, code: str, path: str, remedy: str) -> None:
    changes = {key: value for key, value in changes.items() if value is not GONE}
    (only,) = check_chat_page("chat", ChatPageArgs.parse(changed(PAGE, changes)))
    assert (only.severity, only.code, only.path, only.remedy) == (severity, code, path, remedy)
    assert isinstance(recorded(changes).error, ConfigurationError) == (severity == "error")


def test_the_first_who_comes_is_told_of() -> None:
    (only,) = check_chat_page("chat", ChatPageArgs.parse({**PAGE, "exposure": "public", "region": "us-central1"}))
    assert "whoever comes first administers the page" in only.message


@pytest.mark.parametrize("url", ["https://llm.example.org/v1", "http://llm:8000/openai/v1", "http://llm/v1"])
def test_urls_that_can_be(url: str) -> None:
    assert check_chat_page("chat", ChatPageArgs.parse({"apiUrl": url})) == []


def test_a_refused_page_registers_nothing() -> None:
    recording = recorded({"apiUrl": "llm"})
    assert isinstance(recording.error, ConfigurationError)
    assert {resource.name for resource in recording.resources} == {"llm-serving-test", "there"}
