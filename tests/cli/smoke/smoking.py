"""Runs `llm-serving smoke`, and says what stacks export."""

from typing import Any

from typer.testing import CliRunner

from cli.app import app
from components.servers import SERVERS
from tests.cli.access.cluster import RUNNING, container, pod

KUBECONFIG = "apiVersion: v1\nusers: [{name: me, user: {token: nobody-sees-it}}]\n"
READY = [pod(container(RUNNING, ready=True), ready=True)]


def smoke(*arguments: str) -> Any:
    result = CliRunner().invoke(app, ["smoke", *arguments])
    assert "nobody-sees-it" not in result.output
    assert "Traceback" not in result.output
    return result


def internal(server: str = "llama-cpp", **more: Any) -> dict[str, Any]:
    profile = SERVERS[server]
    return {
        "endpoint": f"http://dev-service.models.svc.cluster.local{profile.generate_path}",
        "access": "port-forward: kubectl --namespace models port-forward service/dev-service 8080:80",
        "server": f"{server} ({profile.image})",
        "tryIt": """curl http://localhost:8080/x -d '{"prompt": "Hi"}'""",
        **more,
    }


def public(url: str) -> dict[str, Any]:
    return internal(endpoint=f"{url}/completion", access="public", loadBalancerIp="192.0.2.9", kubeconfig=KUBECONFIG)
