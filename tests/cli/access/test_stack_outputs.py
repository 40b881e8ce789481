"""What the outputs of a stack say of its endpoint."""

from typing import Any

import pytest

from cli.access.stack_outputs import StackOutputs
from cli.errors import RefusedError
from tests.stacks.stack_file import DEV, JETSTREAM, MISTRAL, MIXTRAL, TORCHSERVE, TRITON, run


def outputs_of(stack: str, changes: dict[str, Any] | None = None) -> StackOutputs:
    """What the stack exports. Pulumi leaves out what is null."""
    exported = run(stack, changes).stack_outputs()
    return StackOutputs(stack, {name: value for name, value in exported.items() if value is not None})


@pytest.mark.parametrize(
    ("stack", "server", "service"),
    [
        (DEV, "llama-cpp", "dev-service"),
        (JETSTREAM, "jetstream", "jetstream-pytorch-server-service"),
        (TORCHSERVE, "torchserve", "mixtral-torchserve-server-service"),
    ],
)
def test_a_service_of_the_cluster(stack: str, server: str, service: str) -> None:
    outputs = outputs_of(stack)
    assert outputs.server.name == server
    assert outputs.forward is not None
    assert outputs.forward[1] == service
    assert outputs.on_kubernetes
    assert outputs.url.startswith(f"http://{service}.default.svc.cluster.local")
    assert "/" not in outputs.url.removeprefix("http://")
    assert outputs.model is None
    assert outputs.hints == ""


def test_a_load_balancer() -> None:
    outputs = outputs_of(MIXTRAL)
    assert outputs.server.name == "tgi"
    assert outputs.url == f"http://{outputs.values['loadBalancerIp']}"
    assert outputs.forward is None
    assert outputs.key_container is None
    assert outputs.on_kubernetes


def test_the_model_is_called_as_the_request_of_the_stack_calls_it() -> None:
    assert outputs_of(MISTRAL, {"service.server": "vllm"}).model is not None


def test_the_key_that_requests_need() -> None:
    assert outputs_of(TORCHSERVE).key_container == "mixtral-torchserve-server"
    assert outputs_of(TORCHSERVE, {"service.torchserve.tokenAuthorization": False}).key_container is None


def test_hosts_without_kubernetes() -> None:
    outputs = outputs_of(TRITON)
    assert outputs.server.name == "triton"
    assert outputs.url == f"http://{outputs.values['loadBalancerIp']}:8000"
    assert not outputs.on_kubernetes
    assert outputs.values["sshCommand"] in outputs.hints
    assert outputs.values["setupLog"] in outputs.hints


def test_a_stack_that_exports_no_endpoint() -> None:
    with pytest.raises(RefusedError, match="mine has no output `endpoint`: is it up"):
        _ = StackOutputs("mine", {}).url
    with pytest.raises(RefusedError, match="the output `server` is 'ollama', and must be one of tgi,"):
        _ = StackOutputs("mine", {"server": "ollama (x)"}).server


def test_nobody_sees_the_kubeconfig() -> None:
    assert "apiVersion" not in repr(StackOutputs("mine", {"kubeconfig": "apiVersion: v1"}))
