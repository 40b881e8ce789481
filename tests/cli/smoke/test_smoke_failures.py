"""How `llm-serving smoke` ends when there is no answer."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.cli.access.cluster import Cluster, container, pod, waiting
from tests.cli.servers.behavior import Behavior
from tests.cli.servers.http_server import http_server
from tests.cli.smoke.smoking import READY, internal, smoke


def test_a_service_of_the_cluster_does(cluster: Cluster) -> None:
    cluster.outputs(**internal())
    result = smoke("mine")
    assert result.exit_code == 3
    assert "There is no `kubectl` on PATH, which reaches into the stack's cluster." in result.output


def test_pods_that_do_not_get_ready(cluster: Cluster) -> None:
    cluster.outputs(**internal())
    ended = {"terminated": {"exitCode": 1, "reason": "Error"}}
    cluster.serves([pod(container(waiting("CrashLoopBackOff"), lastState=ended))])
    result = smoke("mine", "--wait", "0", "--json")
    assert result.exit_code == 4
    error = json.loads(result.stdout)["error"]
    assert error["kind"] == "not ready"
    assert error["message"].startswith(
        "Not ready within 0 s. Last seen: pod dev-5c9: container dev: it ends again and ag"
    )


def test_a_port_forward_that_fails(cluster: Cluster) -> None:
    cluster.outputs(**internal())
    cluster.serves(READY)
    (cluster.folder / "forward-fails").write_text("error: pods is forbidden: User cannot create pods/portforward")
    result = smoke("mine")
    assert result.exit_code == 4
    assert "cannot forward a port to the pod dev-5c9: error: pods is forbidden" in result.output


def test_a_stack_that_was_only_rehearsed(cluster: Cluster) -> None:
    work = cluster.folder / "project" / ".rehearsal" / "mine" / "work"
    work.mkdir(parents=True)
    (work / "Pulumi.mine.yaml").write_text("config: {}\n")
    told = "mine was only rehearsed: its addresses are made up, and no server answers there."
    assert told in smoke("mine").output  # without a Pulumi CLI
    cluster.outputs()
    result = smoke("mine")
    assert result.exit_code == 2
    assert told in result.output


def test_a_stack_that_pulumi_does_not_know(cluster: Cluster) -> None:
    assert smoke("mine").exit_code == 3
    cluster.outputs()
    (cluster.folder / "outputs.json").unlink()
    result = smoke("mine")
    assert result.exit_code == 2
    assert "Pulumi does not tell the outputs of mine: no stack named 'mine' found" in result.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "Name a stack, or an endpoint with --url and --server."),
        (("mine", "--url", "http://x"), "Name a stack, or an endpoint with --url and --server."),
        (("mine", "--server", "tgi"), "--server goes with --url"),
        (("--url", "http://x"), "--url needs --server. Servers: tgi, "),
        (("--url", "http://x", "--server", "ollama"), "--server ollama: there is no such server. Servers: tgi, "),
        (("--url", "x:80", "--server", "tgi"), "--url x:80: write it like https://llm.example.com"),
        (("--url", "http://x:y", "--server", "tgi"), "--url http://x:y: write it like"),
        (("--url", "http://x", "--server", "tgi", "--protocol", "grpc"), "--protocol grpc: Text Generation Inference"),
        (("--url", "http://x", "--server", "tgi", "--header", "nobody-sees-it"), "--header: write it like 'Authorizat"),
        (("--url", "http://x", "--server", "tgi", "--header", "@gone"), "--header @gone: this file cannot be read."),
    ],
)
def test_a_command_line_that_is_refused(cluster: Cluster, arguments: tuple[str, ...], told: str) -> None:
    result = smoke(*arguments)
    assert result.exit_code == 2
    assert told in result.output


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"status": 429, "message": "busy"}, "answered 429: busy."),
        ({"cut_after": 2}, "stopped in the middle of an answer"),
        ({"raw": b"<html>"}, "which is not this kind of server's answer"),
        ({"first_token_seconds": 3600}, "did not end its answer within 1 s"),
        ({"tokens": ()}, "It answered without any text."),
    ],
)
def test_a_request_that_fails(cluster: Cluster, change: Mapping[str, Any], told: str) -> None:
    with http_server("llama-cpp", Behavior(**change)) as url:
        result = smoke(
            "--url",
            url,
            "--server",
            "llama-cpp",
            "--timeout",
            "1",
            "--no-stream" if "first_token_seconds" in change else "--json",
        )
    assert result.exit_code == 1, result.output
    assert told in result.output
