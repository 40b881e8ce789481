"""A repository with two commits' worth of changes, one kind of change for each stack, compared once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.diff.report import Report, StackDiff

PROJECT_FILE = """\
name: tiny
runtime: python
config:
  port: {type: integer, default: 80}
  app: {default: server}
"""

PROGRAM = """\
import pulumi
import pulumi_kubernetes as kubernetes

config = pulumi.Config()
if config.get("refuse"):
    raise pulumi.RunError("The configuration is refused:\\n  port: taken.")
if config.get("warn"):
    pulumi.log.warn("the port is " + config.get("warn") + " with " + config.get("token"))
token = config.get_secret("token") or pulumi.Output.secret("canary-in-code")
print(config.get("token"))
token.apply(lambda text: print(text))

options = pulumi.ResourceOptions(provider=kubernetes.Provider("cluster"))
labels = {"app": config.require("app")}
space = kubernetes.core.v1.Namespace("space", metadata={"name": "tiny"}, opts=options)
place = {"namespace": space.metadata.name}
kubernetes.core.v1.Secret(
    "token", metadata=place, string_data={"token": token, "size": str(config.require_int("port"))}, opts=options
)
kubernetes.core.v1.ConfigMap(
    "page", metadata=place, data={"page": "first\\nport " + config.require("port") + "\\nlast\\n"}, opts=options
)
service = kubernetes.core.v1.Service(
    "service", metadata=place, spec={"selector": labels, "ports": [{"port": config.require_int("port")}]}, opts=options
)
kubernetes.apps.v1.Deployment(
    "server",
    metadata=place,
    spec={
        "selector": {"match_labels": labels},
        "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [{
                "name": "server", "image": config.get("image") or "server:1",
                "args": ["--greeting", config.get("greeting") or "hello"],
                "env": [{"name": "TOKEN", "value": token}],
            }]},
        },
    },
    opts=options,
)
if config.get("disk"):
    kubernetes.core.v1.PersistentVolumeClaim(
        "disk",
        metadata=place,
        spec={"access_modes": ["ReadWriteOnce"], "resources": {"requests": {"storage": config.get("disk")}}},
        opts=options,
    )
pulumi.export("endpoint", f"http://192.0.2.1:{config.require('port')}")
pulumi.export("token", token)
price = float(config.get("price") or 1)
pulumi.export("hourlyCost", {"minimum": price, "maximum": 2 * price, "unit": "USD per hour"})
"""

CIPHERTEXT = "v1:rhJmAMe4IyyZTl9h:Tq0Fyx3nEYJkVfYmXq"
OTHER_CIPHERTEXT = "v1:LE7hR4oL5sC5vGc9:uYv2Aw8GmWqPz1nKxB"

TOKEN = f"token:\n    secure: {CIPHERTEXT}"

STACKS: dict[str, tuple[str | None, str | None]] = {
    "added": (None, "port: 80"),
    "broken": ("port: 80", "refuse: yes"),
    "creates": (f"warn: low\n  tiny:{TOKEN}", f"warn: high\n  tiny:disk: 1Gi\n  tiny:price: 1.5\n  tiny:{TOKEN}"),
    "moves": ("port: 80", "port: 81"),
    "plain": ("token: canary-old-in-file", "token: canary-new-in-file"),
    "removed": ("disk: 1Gi", None),
    "repaired": ("refuse: yes", "port: 80"),
    "replaces": ("app: server\n  tiny:disk: 1Gi", "app: other"),
    "restarts": ("image: server:1", 'image: server:2\n  tiny:greeting: "```\\n</details> @team \\e[2J"'),
    "rotated": (TOKEN, f"token:\n    secure: {OTHER_CIPHERTEXT}"),
    "same": (TOKEN, TOKEN),
    "unplannable": ("refuse: yes", "refuse: again"),
}
"""What each stack's file says in the base, and in the working tree."""

SECRETS = (
    "canary-in-code",
    "canary-old-in-file",
    "canary-new-in-file",
    "rehearsal-placeholder",
    CIPHERTEXT,
    OTHER_CIPHERTEXT,
)
"""What must be in no report: plain and encrypted, and what stands for a value that only its owner can decrypt."""


class Repository:
    """A repository, and `llm-serving diff` run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "--quiet")
        (folder / ".gitignore").write_text("__pycache__\n")

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.com"]
        command = ["git", *identity, "-C", str(self.folder), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def write(self, **files: str | None) -> None:
        """Write the project, and a settings file for each stack; None removes it."""
        (self.folder / "Pulumi.yaml").write_text(PROJECT_FILE)
        (self.folder / "__main__.py").write_text(PROGRAM)
        for stack, setting in files.items():
            path = self.folder / f"Pulumi.{stack}.yaml"
            path.unlink(missing_ok=True)
            if setting is not None:
                path.write_text(f"config:\n  tiny:{setting}\n")

    def commit(self) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "change")
        return self.git("rev-parse", "HEAD").strip()

    def start(self, *arguments: str, command: str = "diff") -> "subprocess.Popen[str]":
        root = Path(__file__).resolve().parents[3]
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "cli", command, *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(root), "COLUMNS": "200"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def diff(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return self.run("diff", *arguments)

    def graph(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return self.run("graph", *arguments)

    def run(self, command: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        process = self.start(*arguments, command=command)
        stdout, stderr = process.communicate(timeout=1800)
        return subprocess.CompletedProcess(arguments, process.returncode, stdout, stderr)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "my project")


@pytest.fixture(scope="session")
def compared(tmp_path_factory: pytest.TempPathFactory) -> "subprocess.CompletedProcess[str]":
    repository = Repository(tmp_path_factory.mktemp("compared") / "my project")
    repository.write(**{stack: base for stack, (base, _) in STACKS.items()})
    repository.commit()
    repository.write(**{stack: head for stack, (_, head) in STACKS.items()})
    return repository.diff("--against", "HEAD", "--json")


@pytest.fixture
def report(compared: "subprocess.CompletedProcess[str]") -> Report:
    return Report.model_validate_json(compared.stdout)


@pytest.fixture
def stacks(report: Report) -> dict[str, StackDiff]:
    return {each.stack: each for each in report.stacks}
