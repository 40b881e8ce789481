"""`llm-serving smoke`, against servers and clusters that are made up, over real sockets."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli.prompts import load_prompts
from components.servers import SERVERS
from tests.cli.access.cluster import RUNNING, Cluster, container, event, pod, waiting
from tests.cli.servers.behavior import Behavior
from tests.cli.servers.certificate import server_tls, write_certificate
from tests.cli.servers.grpc_server import grpc_server
from tests.cli.servers.http_server import http_server
from tests.cli.smoke.smoking import KUBECONFIG, READY, internal, public, smoke
from tests.waiting import PATIENCE_SECONDS, has_ended, wait_until

ROOT = Path(__file__).parents[3]
KEY = "poZXAlqe-nobody-sees-it"
LINES = "Tokens as the server counts: 7 of the prompt, 5 of the answer. Ended by: limit."


def test_every_server_has_a_prompt() -> None:
    assert load_prompts().keys() == SERVERS.keys()


def test_a_url() -> None:
    behavior = Behavior()
    with http_server("llama-cpp", behavior) as url:
        result = smoke("--url", url, "--server", "llama-cpp")
    assert result.exit_code == 0, result.output
    assert f"llama.cpp at {url}, completion" in result.output
    assert "A mixture of experts." in result.output
    assert LINES in result.output
    assert behavior.asked[0].body["prompt"] == load_prompts()["llama-cpp"].prompt


def test_json_and_nothing_else_on_standard_output(cluster: Cluster) -> None:
    with http_server("tgi", Behavior(unhealthy=2)) as url:
        result = smoke("--url", f"{url}/generate", "--server", "tgi", "--json", "--no-stream", "--max-tokens", "9")
    document = json.loads(result.stdout)
    times = {name: document.pop(name) for name in ("seconds", "firstPieceSeconds", "waitedSeconds")}
    assert all(seconds > 0 for seconds in times.values())
    prompt = load_prompts()["tgi"]
    assert document == {
        "url": url,
        "server": "tgi",
        "protocol": "generate",
        "model": None,
        "prompt": prompt.prompt,
        "maxOutputTokens": 9,
        "parameters": prompt.parameters,
        "stream": False,
        "answer": "A mixture of experts.",
        "pieces": 1,
        "promptTokens": 7,
        "outputTokens": 5,
        "finishReason": "length",
    }
    assert "answered 503: Loading model" in result.stderr


def test_it_waits_for_the_pods_and_tells_what_for(cluster: Cluster) -> None:
    behavior = Behavior()
    pulling = event("Pulling", 'Pulling image "llama"', 1)
    states = [
        [],
        [pod(node=False), event("TriggeredScaleUp", "pod triggered scale-up", 1)],
        [pod(container(waiting("ContainerCreating"))), pulling],
        [pod(container(RUNNING)), event("Unhealthy", "Startup probe failed: 503", 2)],
        READY,
    ]
    cluster.outputs(**internal(kubeconfig=KUBECONFIG))
    cluster.serves(*states)
    with http_server("llama-cpp", behavior) as url:
        cluster.forwards_to(url)
        result = smoke("mine", "--prompt", "Hello")
    assert result.exit_code == 0, result.output
    told = [line for line in result.output.splitlines() if line.startswith("Waiting: ")]
    for line, words in zip(
        told,
        ["there is no pod yet", "TriggeredScaleUp: pod triggered", "pulls the image", "loads the weights"],
        strict=True,
    ):
        assert words in line
    assert f"llama.cpp at {url}, completion" in result.output
    assert behavior.asked[0].body["prompt"] == "Hello"
    asked = cluster.asked()
    *_, (forward, config, process) = asked
    assert forward == ["--namespace", "models", "port-forward", "--address", "127.0.0.1", "pod/dev-5c9", ":8080"]
    assert config is not None
    assert config[:2] == [KUBECONFIG, "0o600"]
    assert not Path(config[2]).exists()
    assert has_ended(process)
    pulumi = (cluster.folder / "pulumi-asked").read_text()
    assert pulumi == "stack output --json --show-secrets --non-interactive --stack mine"


def test_a_stack_of_the_current_context(cluster: Cluster) -> None:
    cluster.outputs(**internal())
    cluster.serves(READY)
    with http_server("llama-cpp", Behavior()) as url:
        cluster.forwards_to(url)
        assert smoke("mine").exit_code == 0
    assert all(config is None for _, config, _ in cluster.asked())


def test_the_key_of_torchserve(cluster: Cluster) -> None:
    try_it = (
        'curl x -H "Authorization: Bearer $(kubectl --namespace models exec deployment/dev --container dev -- python'
    )
    cluster.outputs(**internal("torchserve", tryIt=f"{try_it} -c 'x')\" -d '{{}}'"))
    cluster.serves(READY)
    (cluster.folder / "key").write_text(KEY)
    behavior = Behavior(key=KEY)
    with http_server("torchserve", behavior) as url:
        cluster.forwards_to(url)
        result = smoke("mine")
    assert result.exit_code == 0, result.output
    assert behavior.asked[0].headers["Authorization"] == f"Bearer {KEY}"
    (exec_,) = [asked for asked, _, _ in cluster.asked() if "exec" in asked]
    assert exec_[:6] == ["--namespace", "models", "exec", "dev-5c9", "--container", "dev"]
    assert "key_file.json" in exec_[-1]


def test_a_key_of_ones_own_is_taken_instead(cluster: Cluster, tmp_path: Path) -> None:
    file = tmp_path / "headers"
    file.write_text(f"authorization: Bearer {KEY}\nX-Tenant: blue\n")
    with http_server("torchserve", Behavior(key=KEY)) as url:
        assert smoke("--url", url, "--server", "torchserve", "--header", f"@{file}").exit_code == 0
        result = smoke("--url", url, "--server", "torchserve")
    assert result.exit_code == 4
    assert "answered 400: Token Authorization failed" in result.output


@pytest.mark.parametrize(("server", "port"), [("triton", 8001), ("jetstream", 9000)])
def test_grpc_through_the_cluster(cluster: Cluster, server: str, port: int) -> None:
    cluster.outputs(**internal(server))
    cluster.serves(READY)
    with grpc_server(server, Behavior(unhealthy=1)) as url:
        cluster.forwards_to(url)
        result = smoke("mine", "--protocol", "grpc")
    assert result.exit_code == 0, result.output
    assert "the model is not ready" in result.output
    assert cluster.asked()[-1][0][-1] == f":{port}"


def test_the_pods_behind_a_load_balancer_are_told_too(cluster: Cluster) -> None:
    with http_server("llama-cpp", Behavior()) as url:
        cluster.outputs(**public(url))
        cluster.serves([pod(node=False)], READY, address="192.0.2.9")
        result = smoke("mine")
    assert result.exit_code == 0, result.output
    assert "no node takes it" in result.output
    assert not [asked for asked, _, _ in cluster.asked() if "port-forward" in asked]


def test_a_load_balancer_needs_no_kubectl(cluster: Cluster) -> None:
    with http_server("llama-cpp", Behavior()) as url:
        cluster.outputs(**public(url))
        without = smoke("mine")
        cluster.serves(address="192.0.2.9")  # and none that reaches the cluster
        unreachable = smoke("mine")
    assert without.exit_code == unreachable.exit_code == 0
    assert "There is no `kubectl` on PATH" in without.output
    assert "the cluster cannot be asked: Unable to connect to the server" in unreachable.output


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return {**kept, "PYTHONPATH": str(ROOT), "COLUMNS": "200", **more}


def test_tls(tmp_path: Path) -> None:
    certificate = write_certificate(tmp_path)
    with http_server("llama-cpp", Behavior(), server_tls(certificate)) as url:
        refused = smoke("--url", url, "--server", "llama-cpp")
        # in a process of its own, since that is read when Python's ssl is made ready
        trusted = subprocess.run(
            [sys.executable, "-m", "cli", "smoke", "--url", url, "--server", "llama-cpp"],
            env=environment(SSL_CERT_FILE=str(certificate)),
            capture_output=True,
            text=True,
            check=False,
        )
    assert refused.exit_code == 4
    assert f"The certificate of {url} is not to be trusted: self-signed certificate." in refused.output
    assert trusted.returncode == 0, trusted.stderr
    assert "A mixture of experts." in trusted.stdout


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_the_port_forward(cluster: Cluster, stop: signal.Signals) -> None:
    cluster.outputs(**internal())
    cluster.serves(READY)
    behavior = Behavior(first_token_seconds=3600)
    with http_server("llama-cpp", behavior) as url:
        cluster.forwards_to(url)
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", "smoke", "mine"],
            env=environment(PATH=cluster.path()),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # whoever runs the tests in the background has them ignore it
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        wait_until(lambda: behavior.asked or process.poll() is not None)
        assert process.poll() is None
        process.send_signal(stop)
        _, stderr = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130
    assert stderr.strip() == "Interrupted."
    assert has_ended(cluster.asked()[-1][2])
