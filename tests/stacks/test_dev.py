"""The stack `dev`: a small model on whatever cluster the kubeconfig names, and no cloud."""

import pytest

from tests.recording import Recording
from tests.stacks.stack_file import DEV, run


@pytest.fixture(scope="module")
def recording() -> Recording:
    result = run(DEV)
    assert result.error is None
    return result


def test_no_cloud(recording: Recording) -> None:
    assert {resource.type.partition(":")[0] for resource in recording.resources} == {
        "pulumi",
        "kubernetes",
        "llm-serving",
    }


def test_the_kubeconfig_in_use_is_chosen_openly(recording: Recording) -> None:
    (provider,) = [resource for resource in recording.resources if resource.type == "pulumi:providers:kubernetes"]
    assert provider.inputs == {}
    on_cluster = [resource for resource in recording.resources if resource.type.startswith("kubernetes:")]
    assert {resource.provider() for resource in on_cluster} == {provider.name}


def test_what_is_deployed(recording: Recording) -> None:
    assert sorted(resource.type.rpartition(":")[2] for resource in recording.resources if resource.parent) == [
        "Deployment",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "Service",
    ]
    spec = recording["Deployment", "dev"].inputs["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    assert "qwen2.5-0.5b-instruct-q4_k_m.gguf" in container["args"]
    assert container["resources"]["limits"] == {"cpu": "2", "memory": "2Gi"}
    assert {"name": "data", "emptyDir": {"sizeLimit": "2Gi"}} in spec["volumes"]
    assert recording["core/v1:Service", "dev-service"].inputs["spec"]["type"] == "ClusterIP"


def test_outputs(recording: Recording) -> None:
    outputs = recording.stack_outputs()
    assert outputs["access"] == "port-forward: kubectl --namespace default port-forward service/dev-service 8080:80"
    assert outputs["tryIt"].startswith("curl http://localhost:8080/completion ")
    assert outputs["endpoint"] == "http://dev-service.default.svc.cluster.local/completion"
    assert outputs["model"] == "Qwen/Qwen2.5-0.5B-Instruct-GGUF"
    assert outputs["server"].startswith("llama-cpp (ghcr.io/ggml-org/llama.cpp:server-b")
    assert outputs["accelerators"] == "none"


def test_a_token_for_another_model() -> None:
    result = run(DEV, {"huggingFaceToken": "hf_1"}, secret=("huggingFaceToken",))
    assert result.error is None
    assert result["Secret", "dev-token"].secret("stringData") == {"HF_TOKEN": "hf_1"}
