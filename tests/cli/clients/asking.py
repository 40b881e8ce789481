"""Asks a server of each protocol one thing."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from cli.clients import Endpoint, Generation, GenerationRequest, Watch, open_client
from cli.clients.generation import ignore
from tests.cli.servers.behavior import Behavior
from tests.cli.servers.grpc_server import grpc_server
from tests.cli.servers.http_server import http_server

HTTP = {
    "tgi": ("tgi", "generate"),
    "vllm": ("vllm", "completions"),
    "vllm:chat": ("vllm", "chat"),
    "vllm-generate": ("vllm-generate", "generate"),
    "vllm-generate:nul": ("vllm-generate", "generate"),
    "torchserve": ("torchserve", "predictions"),
    "triton": ("triton", "generate"),
    "jetstream": ("jetstream", "generate"),
    "llama-cpp": ("llama-cpp", "completion"),
}
"""Server and protocol, by dialect."""

GRPC = {"triton:grpc": ("triton", "grpc"), "jetstream:grpc": ("jetstream", "grpc")}

ALL = HTTP | GRPC


@contextmanager
def serve(name: str, behavior: Behavior) -> Iterator[str]:
    """Run the server called `name` in `ALL`, and give its URL."""
    running = grpc_server(name.partition(":")[0], behavior) if name in GRPC else http_server(name, behavior)
    with running as url:
        yield url


def ask(name: str, endpoint: Endpoint, request: GenerationRequest, watch: Watch = ignore) -> Generation:
    """Send one request to a server that is called `name` in `ALL`."""

    async def send() -> Generation:
        server, protocol = ALL[name]
        async with open_client(server, endpoint, protocol) as client:
            return await client.generate(request, watch)

    return asyncio.run(send())


def check_health(name: str, endpoint: Endpoint) -> None:
    async def send() -> None:
        server, protocol = ALL[name]
        async with open_client(server, endpoint, protocol) as client:
            await client.check_health()

    asyncio.run(send())
