"""The outputs of a stack that is up, which say where its endpoint is."""

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cli.access.errors import MissingProgramError
from cli.errors import RefusedError
from cli.project import Project
from cli.session import Home
from components.servers import SERVERS, ModelServer

FORWARD = re.compile(r"port-forward: kubectl --namespace (?P<namespace>\S+) port-forward service/(?P<service>\S+) \d+:")
KEY = re.compile(r'"Authorization: Bearer \$\(kubectl .* exec deployment/\S+ --container (?P<container>\S+) -- ')


@dataclass(frozen=True)
class StackOutputs:
    """What the stack exports. `Any`: JSON."""

    stack: str
    values: Mapping[str, Any] = field(repr=False)
    """With the kubeconfig, which nobody may see."""

    @property
    def server(self) -> ModelServer:
        """The model server.

        Raises:
            RefusedError: the stack exports none that is known.
        """
        name = self._text("server").partition(" ")[0]
        if name not in SERVERS:
            known = ", ".join(SERVERS)
            raise RefusedError(f"{self.stack}: the output `server` is {name!r}, and must be one of {known}.")
        return SERVERS[name]

    @property
    def url(self) -> str:
        """What comes before the server's own paths, as its clients see it.

        Raises:
            RefusedError: the stack exports no endpoint.
        """
        return self._text("endpoint").removesuffix(self.server.generate_path)

    @property
    def model(self) -> str | None:
        """Name by which requests call the model. None: they do not."""
        try:
            body: Any = json.loads(shlex.split(self._text("tryIt"))[-1])
        except ValueError:
            return None
        return body.get("model")

    @property
    def forward(self) -> tuple[str, str] | None:
        """Namespace and Service of what is cluster-internal. None: a load balancer is in front of it."""
        match = FORWARD.match(self._text("access"))
        return (match["namespace"], match["service"]) if match else None

    @property
    def key_container(self) -> str | None:
        """Container that knows the key which requests need. None: they need none."""
        match = KEY.search(self._text("tryIt"))
        return match["container"] if match else None

    @property
    def on_kubernetes(self) -> bool:
        """Whether pods serve it."""
        # that of a stack without a cluster of its own is null, which Pulumi leaves out
        return "kubeconfig" in self.values or self.forward is not None

    @property
    def hints(self) -> str:
        """Where to look if it does not get ready."""
        values = self.values
        found: list[str] = []
        if values.get("access") == "internal":
            found.append("Only its own network reaches it: run this from a machine there.")
        if values.get("sshCommand"):
            found.append(f"To look at the host: {values['sshCommand']}; the log of its set-up is {values['setupLog']}.")
        return " ".join(found)

    def _text(self, name: str) -> str:
        value = self.values.get(name)
        if not isinstance(value, str):
            raise RefusedError(
                f"{self.stack} has no output `{name}`: is it up? Run `pulumi up --stack {self.stack}`, or name the "
                "endpoint with --url and --server."
            )
        return value


def read_outputs(project: Project, stack: str) -> StackOutputs:
    """Ask Pulumi's backend for the outputs of `stack`, the secret ones included.

    Raises:
        MissingProgramError: there is no Pulumi CLI.
        RefusedError: the backend does not tell, or the stack was only rehearsed.
    """
    rehearsed = Home(project, stack).exists()
    command = shutil.which("pulumi")
    if command is None:
        if rehearsed:
            raise RefusedError(_only_rehearsed(stack))
        raise MissingProgramError("There is no `pulumi` on PATH, which knows the outputs of the stack.")
    asked = subprocess.run(
        [command, "stack", "output", "--json", "--show-secrets", "--non-interactive", "--stack", stack],
        cwd=project.folder,
        env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode != 0:
        told = " ".join(asked.stderr.split()).removeprefix("error: ") or f"exit code {asked.returncode}"
        if rehearsed:
            raise RefusedError(_only_rehearsed(stack))
        raise RefusedError(f"Pulumi does not tell the outputs of {stack}: {told}")
    values = json.loads(asked.stdout)
    if not values and rehearsed:
        raise RefusedError(_only_rehearsed(stack))
    return StackOutputs(stack, values)


def _only_rehearsed(stack: str) -> str:
    return (
        f"{stack} was only rehearsed: its addresses are made up, and no server answers there. "
        f"Bring it up with `pulumi up --stack {stack}`, or name an endpoint with --url and --server."
    )
