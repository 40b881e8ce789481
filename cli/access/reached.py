"""Reaches an endpoint: finds it, waits until it is ready, and forwards a port to it where only its cluster can."""

import asyncio
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cli.access.errors import MissingProgramError, NotReadyError
from cli.access.kubectl import Kubectl, KubectlError, open_kubectl
from cli.access.pods import pods_state
from cli.access.stack_outputs import StackOutputs, read_outputs
from cli.clients import GRPC, PROTOCOLS, Client, Endpoint, GenerationError, open_client
from cli.clients.failures import StatusError, TlsError
from cli.errors import RefusedError
from cli.project import find_project
from components.servers import SERVERS, ModelServer
from components.servers.torchserve import READ_KEY

POLL_SECONDS = 2.0
"""Between one question for the pods, or for health, and the next."""

REFUSALS = frozenset({400, 401, 403, "UNAUTHENTICATED", "PERMISSION_DENIED"})
"""Statuses that no waiting mends."""

Say = Callable[[str], None]
"""Called with what is waited for, each time that it is looked at."""


@dataclass(frozen=True)
class Target:
    """What the command line says of the endpoint."""

    stack: str | None = None
    """Name of a stack that is up."""
    url: str | None = None
    """Or else, a URL."""
    server: str | None = None
    """Name of the server that is there, with a URL."""
    model: str | None = None
    """Name by which requests call the model. None: the stack's."""
    protocol: str | None = None
    """None: the server's first."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Sent with each request."""
    wait_seconds: float = 1800
    """How long it may take until the server is ready."""


@dataclass(frozen=True)
class Reached:
    """An endpoint whose server says that it is healthy."""

    server: ModelServer
    protocol: str
    """Name of the protocol, as in `cli.clients.PROTOCOLS`."""
    endpoint: Endpoint
    waited_seconds: float
    """How long it took until the server was ready."""

    def client(self) -> Client:
        """Return a client, to be used with `async with`."""
        return open_client(self.server.name, self.endpoint, self.protocol)


@contextmanager
def reach(target: Target, say: Say) -> Generator[Reached]:
    """Give the endpoint of `target` once it is ready. What it takes to reach it is there meanwhile.

    Raises:
        RefusedError: there is no such endpoint, or not enough is said of it.
        MissingProgramError: a program is missing.
        NotReadyError: it did not get ready.
    """
    began = time.monotonic()
    deadline = began + target.wait_seconds
    outputs = _outputs(target)
    server = outputs.server if outputs else _server(target)
    protocol = _protocol(server, target.protocol)
    with ExitStack() as exits:
        if outputs:
            endpoint = _endpoint_of_stack(outputs, target, server, protocol, exits, say, deadline)
        else:
            endpoint = Endpoint(_url(target.url or "", server), target.headers, target.model)
        reached = Reached(server, protocol, endpoint, time.monotonic() - began)
        _wait_for_health(reached, outputs.hints if outputs else "", say, deadline, target.wait_seconds)
        yield Reached(server, protocol, endpoint, time.monotonic() - began)


def _outputs(target: Target) -> StackOutputs | None:
    if (target.stack is None) == (target.url is None):
        raise RefusedError("Name a stack, or an endpoint with --url and --server.")
    if target.stack is None:
        return None
    if target.server is not None:
        raise RefusedError("--server goes with --url: a stack says itself what it serves with.")
    return read_outputs(find_project(Path.cwd()), target.stack)


def _server(target: Target) -> ModelServer:
    if target.server not in SERVERS:
        said = f"--server {target.server}: there is no such server." if target.server else "--url needs --server."
        raise RefusedError(f"{said} Servers: {', '.join(SERVERS)}.")
    return SERVERS[target.server]


def _protocol(server: ModelServer, named: str | None) -> str:
    known = PROTOCOLS[server.name]
    if named is not None and named not in known:
        raise RefusedError(f"--protocol {named}: {server.title} speaks {', '.join(known)}.")
    return named or next(iter(known))


def _url(url: str, server: ModelServer) -> str:
    parts = urlsplit(url)
    try:
        complete = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:  # a port that is no number
        complete = False
    if not complete or parts.username or parts.query or parts.fragment:
        raise RefusedError(f"--url {url}: write it like https://llm.example.com or http://192.0.2.1:8080.")
    return url.removesuffix("/").removesuffix(server.generate_path)


def _endpoint_of_stack(
    outputs: StackOutputs,
    target: Target,
    server: ModelServer,
    protocol: str,
    exits: ExitStack,
    say: Say,
    deadline: float,
) -> Endpoint:
    """Return the endpoint of a stack. What reaches it ends with `exits`."""
    headers = dict(target.headers)
    has_key = any(name.lower() == "authorization" for name in headers)
    key_container = None if has_key else outputs.key_container
    url, port = outputs.url, server.port
    if protocol == GRPC:
        port = server.further_ports[GRPC]
        url = f"http://{urlsplit(url).hostname}:{port}"
    pod: tuple[str, str] | None = None
    if outputs.on_kubernetes:
        needed = bool(outputs.forward or key_container)
        try:
            kubectl = exits.enter_context(open_kubectl(outputs.values.get("kubeconfig")))
            pod = _wait_for_pod(kubectl, outputs, say, deadline, target.wait_seconds, needed=needed)
        except MissingProgramError as missing:
            if needed:
                raise
            say(f"{missing} So the pods are not looked at.")
        else:
            if pod and key_container:
                headers["Authorization"] = f"Bearer {_key(kubectl, *pod, key_container)}"
            if pod and outputs.forward:
                url = f"http://127.0.0.1:{exits.enter_context(kubectl.forward(*pod, port))}"
    return Endpoint(url, headers, target.model or outputs.model)


def _wait_for_pod(
    kubectl: Kubectl, outputs: StackOutputs, say: Say, deadline: float, limit: float, *, needed: bool
) -> tuple[str, str] | None:
    """Return namespace and name of a pod that takes requests. None: the cluster cannot be asked, and need not be."""
    while True:
        try:
            namespace, selector = service_of(kubectl, outputs)
            objects = kubectl.get("--namespace", namespace, "pods,events")["items"]
        except KubectlError as error:
            waits_for = f"the cluster cannot be asked: {error}"
            if not needed:
                say(f"{waits_for}. So the pods are not looked at.")
                return None
        else:
            state = pods_state(selector, objects)
            if state.ready:
                return namespace, state.ready
            waits_for = state.waits_for
        _go_on_waiting(waits_for, say, deadline, limit)


def service_of(kubectl: Kubectl, outputs: StackOutputs) -> tuple[str, dict[str, str]]:
    """Return the namespace of the stack's Service, and the labels of its pods.

    Raises:
        KubectlError: the cluster does not tell.
    """
    if outputs.forward:
        namespace, name = outputs.forward
        found: Any = kubectl.get("--namespace", namespace, "service", name)
        return namespace, found["spec"]["selector"]
    address = outputs.values.get("loadBalancerIp")
    for service in kubectl.get("--all-namespaces", "services")["items"]:
        if address and service["spec"].get("loadBalancerIP") == address:
            return service["metadata"]["namespace"], service["spec"]["selector"]
    raise KubectlError(f"no Service of the cluster has the address {address}")


def _key(kubectl: Kubectl, namespace: str, pod: str, container: str) -> str:
    read = ("python", "-c", f"import json; print({READ_KEY})")
    try:
        return kubectl.ask("--namespace", namespace, "exec", pod, "--container", container, "--", *read).strip()
    except KubectlError as error:
        raise NotReadyError(f"The key that requests need cannot be read from the pod {pod}: {error}") from None


def _wait_for_health(reached: Reached, hints: str, say: Say, deadline: float, limit: float) -> None:
    async def check() -> None:
        async with reached.client() as client:
            await client.check_health()

    while True:
        try:
            asyncio.run(check())
        except GenerationError as error:
            hopeless = isinstance(error, TlsError) or (isinstance(error, StatusError) and error.status in REFUSALS)
            if hopeless:
                raise NotReadyError(f"{error} {hints}".strip()) from None
            _go_on_waiting(f"{error} {hints}".strip(), say, deadline, limit)
        else:
            return


def _go_on_waiting(waits_for: str, say: Say, deadline: float, limit: float) -> None:
    say(waits_for)
    if time.monotonic() + POLL_SECONDS > deadline:
        raise NotReadyError(f"Not ready within {limit:g} s. Last seen: {waits_for}")
    time.sleep(POLL_SECONDS)
