"""A small project whose program does with its token what programs do wrong."""

from pathlib import Path

PROJECT_FILE = "name: small\nruntime: python\n"

STACK_FILE = "config: {}\n"

PROGRAM = """\
import base64
import urllib.parse

import pulumi
import pulumi_kubernetes as kubernetes

config = pulumi.Config()
token = config.require_secret("token")
cluster = pulumi.ResourceOptions(provider=kubernetes.Provider("cluster"))
encoded = token.apply(lambda text: base64.b64encode(text.encode()).decode())
secret = kubernetes.core.v1.Secret("token", string_data={"token": token}, data={"encoded": encoded}, opts=cluster)
kubernetes.core.v1.Service(
    "service",
    spec={"type": "LoadBalancer", "ports": [{"port": int(config.get("port") or 80)}]},
    opts=pulumi.ResourceOptions.merge(cluster, pulumi.ResourceOptions(depends_on=[secret])),
)
pulumi.export("token", token)
pulumi.export("url", token.apply(lambda text: f"https://user:{urllib.parse.quote(text)}@192.0.2.1"))


def crash(text):
    raise ValueError(f"cannot log in with { {'token': text} }")


if config.get("crash"):
    token.apply(crash)
if config.get("print"):
    token.apply(lambda text: pulumi.log.warn(f"using {text!r}"))
    token.apply(lambda text: print(f"using {text!r}"))
"""


def write_small_project(folder: Path) -> Path:
    """Write the project into a new folder, and return that."""
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text(PROJECT_FILE)
    (folder / "Pulumi.small.yaml").write_text(STACK_FILE)
    (folder / "__main__.py").write_text(PROGRAM)
    return folder
