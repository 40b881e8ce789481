"""The Custom Metrics Stackdriver Adapter: its objects, its rights, which are the least, and the order of it all."""

from collections.abc import Iterator
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest

from components.findings import ConfigurationError
from components.gke.custom_metrics_adapter import CustomMetricsAdapter, CustomMetricsAdapterArgs
from tests.recording import Recording, Registered, record

ADAPTER = "custom-metrics-stackdriver-adapter"
LABELS = {"k8s-app": ADAPTER}
SUBJECT = {"kind": "ServiceAccount", "name": ADAPTER, "namespace": "custom-metrics"}
READ = ["get", "list", "watch"]


def recorded(settings: Any = None, *, name: str = "metrics", preview: bool = False) -> Recording:
    def program() -> None:
        there = kubernetes.Provider("there", kubeconfig="{}")
        adapter = CustomMetricsAdapter(
            name, {"project": "test-project", **(settings or {})}, pulumi.ResourceOptions(providers=[there])
        )
        kubernetes.core.v1.ConfigMap(
            "after", data={"namespace": adapter.namespace}, opts=pulumi.ResourceOptions(provider=there)
        )

    return record(program, preview=preview)


@pytest.fixture(scope="module")
def plain() -> Recording:
    recording = recorded()
    assert recording.error is None
    return recording


@pytest.fixture(scope="module")
def with_gpus() -> Recording:
    recording = recorded({"gpuMemory": True})
    assert recording.error is None
    return recording


def beneath(recording: Recording) -> Iterator[Registered]:
    for resource in recording.resources:
        if resource.parent == "metrics":
            yield resource


def test_all_that_there_is(plain: Recording) -> None:
    assert sorted((resource.type.rpartition(":")[2], resource.name) for resource in beneath(plain)) == [
        ("APIService", "metrics-custom-v1beta1"),
        ("APIService", "metrics-custom-v1beta2"),
        ("APIService", "metrics-external-v1beta1"),
        ("ClusterRole", "metrics-external-reader"),
        ("ClusterRole", "metrics-pod-reader"),
        ("ClusterRoleBinding", "metrics-delegator-binding"),
        ("ClusterRoleBinding", "metrics-external-reader-binding"),
        ("ClusterRoleBinding", "metrics-pod-reader-binding"),
        ("Deployment", "metrics-deployment"),
        # of the binding, whose name is the same
        ("IAMMember", "metrics-monitoring.viewer"),
        ("Namespace", "metrics-namespace"),
        ("RoleBinding", "metrics-auth-reader-binding"),
        ("Service", "metrics-service"),
        ("ServiceAccount", "metrics-service-account"),
        ("WorkloadIdentityBinding", "metrics"),
    ]
    on_cluster = [resource for resource in plain.resources if resource.type.startswith("kubernetes:")]
    assert {resource.provider() for resource in on_cluster} == {"there"}


def test_the_deployment(plain: Recording) -> None:
    resources = {"cpu": "250m", "memory": "200Mi"}
    assert plain["Namespace", "metrics-namespace"].inputs["metadata"] == {"name": "custom-metrics"}
    assert plain["Deployment", "metrics-deployment"].inputs == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": ADAPTER, "namespace": "custom-metrics", "labels": LABELS},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": LABELS},
            "template": {
                "metadata": {"labels": LABELS},
                "spec": {
                    "serviceAccountName": ADAPTER,
                    "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
                    "containers": [
                        {
                            "name": ADAPTER,
                            "image": "gcr.io/gke-release/custom-metrics-stackdriver-adapter:v0.16.9-gke.0",
                            "command": [
                                "/adapter",
                                "--use-new-resource-model=true",
                                "--fallback-for-container-metrics=true",
                            ],
                            "resources": {"requests": resources, "limits": resources},
                            "readinessProbe": {
                                "httpGet": {"path": "/healthz", "port": 443, "scheme": "HTTPS"},
                                "initialDelaySeconds": 40,
                                "periodSeconds": 10,
                                "timeoutSeconds": 5,
                            },
                            "securityContext": {
                                "allowPrivilegeEscalation": False,
                                "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
                            },
                        }
                    ],
                },
            },
        },
    }
    assert plain["core/v1:Service", "metrics-service"].inputs == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": ADAPTER, "namespace": "custom-metrics"},
        "spec": {
            "type": "ClusterIP",
            "selector": LABELS,
            "ports": [{"port": 443, "targetPort": 443, "protocol": "TCP"}],
        },
    }


@pytest.mark.parametrize(
    ("name", "group", "version", "priority"),
    [
        ("metrics-custom-v1beta1", "custom.metrics.k8s.io", "v1beta1", 100),
        ("metrics-custom-v1beta2", "custom.metrics.k8s.io", "v1beta2", 200),
        ("metrics-external-v1beta1", "external.metrics.k8s.io", "v1beta1", 100),
    ],
)
def test_the_apis_that_it_serves(plain: Recording, name: str, group: str, version: str, priority: int) -> None:
    assert plain["APIService", name].inputs == {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        # the API server takes no other name
        "metadata": {"name": f"{version}.{group}"},
        "spec": {
            "group": group,
            "version": version,
            "groupPriorityMinimum": 100,
            "versionPriority": priority,
            "insecureSkipTLSVerify": True,
            "service": {"name": ADAPTER, "namespace": "custom-metrics"},
        },
    }


def rules(recording: Recording) -> dict[str, Any]:
    return {role.name: role.inputs["rules"] for role in recording.of("rbac.authorization.k8s.io/v1:ClusterRole")}


def test_its_rights_on_the_cluster(plain: Recording) -> None:
    assert rules(plain) == {
        "metrics-pod-reader": [{"apiGroups": [""], "resources": ["pods", "nodes"], "verbs": READ}],
        "metrics-external-reader": [{"apiGroups": ["external.metrics.k8s.io"], "resources": ["*"], "verbs": READ}],
    }

    def binding(kind: str, name: str) -> tuple[Any, Any, Any]:
        inputs = plain[kind, name].inputs
        assert inputs["roleRef"]["apiGroup"] == "rbac.authorization.k8s.io"
        return inputs["roleRef"]["kind"], inputs["roleRef"]["name"], inputs["subjects"]

    assert binding("ClusterRoleBinding", "metrics-delegator-binding") == (
        "ClusterRole",
        "system:auth-delegator",
        [SUBJECT],
    )
    assert binding("ClusterRoleBinding", "metrics-pod-reader-binding") == (
        "ClusterRole",
        "metrics-pod-reader-12345678",
        [SUBJECT],
    )
    # the autoscaler reads through it; it does not read itself
    assert binding("ClusterRoleBinding", "metrics-external-reader-binding") == (
        "ClusterRole",
        "metrics-external-reader-12345678",
        [{"kind": "ServiceAccount", "name": "horizontal-pod-autoscaler", "namespace": "kube-system"}],
    )
    assert binding("v1:RoleBinding", "metrics-auth-reader-binding") == (
        "Role",
        "extension-apiserver-authentication-reader",
        [SUBJECT],
    )
    assert plain["v1:RoleBinding", "metrics-auth-reader-binding"].inputs["metadata"]["namespace"] == "kube-system"


@pytest.mark.parametrize("settings", [{}, {"gpuMemory": True}])
def test_it_can_write_nowhere(settings: dict[str, Any]) -> None:
    recording = recorded(settings)
    verbs = {verb for role in rules(recording).values() for rule in role for verb in rule["verbs"]}
    assert verbs == set(READ)
    # of roles that are the cluster's own, these two read only
    named = {
        binding.inputs["roleRef"]["name"]
        for kind in ("ClusterRoleBinding", "v1:RoleBinding")
        for binding in recording.of(kind)
    }
    assert {name for name in named if not name.startswith("metrics-")} == {
        "system:auth-delegator",
        "extension-apiserver-authentication-reader",
    }
    assert recording.of("v1:Role") == []


def test_its_right_on_the_project_is_to_read_metrics(plain: Recording) -> None:
    grants = [resource for resource in plain.resources if resource.type.startswith("gcp:")]
    assert [(grant.type, grant.inputs) for grant in grants] == [
        (
            "gcp:projects/iAMMember:IAMMember",
            {
                "project": "test-project",
                "role": "roles/monitoring.viewer",
                "member": "principal://iam.googleapis.com/projects/123456789012/locations/global/"
                "workloadIdentityPools/test-project.svc.id.goog/subject/ns/custom-metrics"
                "/sa/custom-metrics-stackdriver-adapter",
            },
        )
    ]
    # a Google service account would be annotated here, which other manifests of it take away again
    assert plain["ServiceAccount", "metrics-service-account"].inputs["metadata"] == {
        "name": ADAPTER,
        "namespace": "custom-metrics",
    }


def test_the_apis_are_there_when_it_answers(plain: Recording) -> None:
    # an API whose server is not there yet blocks the deletion of every namespace of the cluster
    bindings = {
        "metrics-delegator-binding",
        "metrics-pod-reader-binding",
        "metrics-external-reader-binding",
        "metrics-auth-reader-binding",
    }
    assert bindings | {"metrics-service-account"} <= plain["Deployment", "metrics-deployment"].depends_on()
    assert "metrics-deployment" in plain["core/v1:Service", "metrics-service"].depends_on()
    for api in plain.of("APIService"):
        assert "metrics-service" in api.depends_on()
    assert "metrics-namespace" in plain["ServiceAccount", "metrics-service-account"].depends_on()
    # and who scales with it starts after that
    apis = {api.name for api in plain.of("APIService")}
    assert apis <= plain["ConfigMap", "after"].depends_on()
    assert plain["ConfigMap", "after"].inputs["data"] == {"namespace": "custom-metrics"}
    assert plain["CustomMetricsAdapter", "metrics"].outputs == {"namespace": "custom-metrics"}


def test_memory_of_gpus_under_a_name_in_lower_case(with_gpus: Recording) -> None:
    assert with_gpus["ClusterRules", "metrics-gpu-rules"].inputs == {
        "apiVersion": "monitoring.googleapis.com/v1",
        "kind": "ClusterRules",
        "metadata": {"name": "metrics-gpu-rules"},
        "spec": {
            "groups": [
                {
                    "name": "llm-serving-gpu",
                    "interval": "15s",
                    "rules": [
                        {
                            "record": "llm_serving_gpu_memory_used",
                            "expr": "sum by (namespace, pod) (DCGM_FI_DEV_FB_USED)"
                            " / (sum by (namespace, pod) (DCGM_FI_DEV_FB_USED)"
                            " + sum by (namespace, pod) (DCGM_FI_DEV_FB_FREE))",
                        }
                    ],
                }
            ]
        },
    }
    assert with_gpus["ClusterPodMonitoring", "metrics-gpu-metrics"].inputs == {
        "apiVersion": "monitoring.googleapis.com/v1",
        "kind": "ClusterPodMonitoring",
        "metadata": {"name": "metrics-gpu-metrics"},
        "spec": {
            "selector": {"matchLabels": {"app.kubernetes.io/name": "gke-managed-dcgm-exporter"}},
            "targetLabels": {"metadata": []},
            "endpoints": [
                {
                    "port": "metrics",
                    "interval": "15s",
                    "metricRelabeling": [
                        {"sourceLabels": ["__name__"], "regex": "DCGM_FI_DEV_FB_(USED|FREE)", "action": "keep"}
                    ],
                }
            ],
        },
    }


def test_gpus_are_measured_only_if_asked(plain: Recording, with_gpus: Recording) -> None:
    more = {resource.name for resource in beneath(with_gpus)} - {resource.name for resource in beneath(plain)}
    assert more == {"metrics-gpu-metrics", "metrics-gpu-rules"}
    off = recorded({"gpuMemory": False})
    assert {resource.name for resource in beneath(off)} == {resource.name for resource in beneath(plain)}


def test_another_namespace_is_everywhere() -> None:
    recording = recorded({"namespace": "ours"})
    assert recording.error is None
    assert recording["Namespace", "metrics-namespace"].inputs["metadata"] == {"name": "ours"}
    assert "custom-metrics/" not in str([resource.inputs for resource in recording.resources])
    subjects = [
        subject["namespace"]
        for kind in ("ClusterRoleBinding", "v1:RoleBinding")
        for binding in recording.of(kind)
        for subject in binding.inputs["subjects"]
        if subject["name"] == ADAPTER
    ]
    assert subjects == ["ours"] * 3
    assert {api.inputs["spec"]["service"]["namespace"] for api in recording.of("APIService")} == {"ours"}
    assert "/ns/ours/" in recording["IAMMember", "metrics-monitoring.viewer"].inputs["member"]


def test_a_preview_registers_the_same_although_nothing_is_known_yet(with_gpus: Recording) -> None:
    preview = recorded({"gpuMemory": True}, preview=True)
    assert preview.error is None
    assert {(r.type, r.name) for r in preview.resources} == {(r.type, r.name) for r in with_gpus.resources}


@pytest.mark.parametrize(
    ("settings", "name", "code", "path"),
    [
        ({}, "Metrics", "name-invalid", "name"),
        ({}, "m" * 64, "name-invalid", "name"),
        ({"namespace": "Ours"}, "metrics", "text-invalid", "namespace"),
        ({"namespace": "ours-"}, "metrics", "text-invalid", "namespace"),
    ],
)
def test_refused_before_anything_is_registered(settings: dict[str, Any], name: str, code: str, path: str) -> None:
    recording = recorded(settings, name=name)
    assert isinstance(recording.error, ConfigurationError)
    (finding,) = recording.error.findings
    assert (finding.code, finding.path) == (code, path)
    assert "at most 63 " in finding.remedy
    assert {resource.name for resource in recording.resources} == {"llm-serving-test", "there"}


def test_the_longest_name() -> None:
    assert recorded(name="m" * 63).error is None


def test_the_project_is_required() -> None:
    with pytest.raises(ConfigurationError) as refused:
        CustomMetricsAdapterArgs.parse({})
    assert [finding.path for finding in refused.value.findings] == ["project"]
