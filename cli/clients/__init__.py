"""Clients of the model servers: one request in, the pieces of its answer with the times of their arrival out.

    async with open_client("tgi", Endpoint("http://localhost:8080")) as client:
        generation = await client.generate(GenerationRequest("What is a mixture of experts?", max_output_tokens=64))

A client sends each request once, and never again.
"""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol, Self

from cli.clients import grpc_protocols, protocols
from cli.clients.endpoint import Endpoint
from cli.clients.failures import GenerationError
from cli.clients.generation import Generation, GenerationRequest, Piece, Watch, ignore
from cli.clients.grpc_client import GrpcClient, GrpcProtocol
from cli.clients.http_client import HttpClient
from cli.clients.http_protocol import HttpProtocol

_OPENAI = {"completions": protocols.COMPLETIONS, "chat": protocols.CHAT}

PROTOCOLS: Mapping[str, Mapping[str, HttpProtocol | GrpcProtocol]] = {
    "tgi": {"generate": protocols.TGI},
    "vllm": _OPENAI,
    "vllm-tpu": _OPENAI,
    "vllm-generate": {"generate": protocols.VLLM_GENERATE},
    "torchserve": {"predictions": protocols.TORCHSERVE},
    "triton": {"generate": protocols.TRITON, "grpc": grpc_protocols.TRITON_GRPC},
    "jetstream": {"generate": protocols.JETSTREAM, "grpc": grpc_protocols.JETSTREAM_GRPC},
    "llama-cpp": {"completion": protocols.LLAMA_CPP, **_OPENAI},
}
"""By server, and by the name of the protocol: its default first."""

GRPC = "grpc"
"""Name of the protocols that have a port of their own, which has that name, too."""


class Client(AbstractAsyncContextManager["Client"], Protocol):
    """Speaks to one endpoint. Tasks of one event loop may share it."""

    async def __aenter__(self) -> Self: ...

    async def generate(self, request: GenerationRequest, watch: Watch = ignore) -> Generation:
        """Send `request` once, call `watch` with each piece as it arrives, and return the whole answer.

        Raises:
            GenerationError: there is none.
        """
        ...

    async def check_health(self) -> None:
        """Return if the server says that it is healthy.

        Raises:
            GenerationError: it does not.
        """
        ...


def open_client(server: str, endpoint: Endpoint, protocol: str | None = None) -> Client:
    """Return a client, to be used with `async with`.

    Args:
        server: name of the server, as in `components.servers.SERVERS`.
        endpoint: where it is.
        protocol: one of the names in `PROTOCOLS[server]`. Default: the first.
    """
    chosen = PROTOCOLS[server][protocol or next(iter(PROTOCOLS[server]))]
    return GrpcClient(endpoint, chosen) if isinstance(chosen, GrpcProtocol) else HttpClient(endpoint, chosen)


__all__ = [
    "GRPC",
    "PROTOCOLS",
    "Client",
    "Endpoint",
    "Generation",
    "GenerationError",
    "GenerationRequest",
    "Piece",
    "Watch",
    "open_client",
]
