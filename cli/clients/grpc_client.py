"""Sends requests over gRPC and times the answers."""

from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import grpc
import grpc.aio

from cli.clients.endpoint import Endpoint
from cli.clients.failures import (
    ConnectionFailedError,
    CutOffError,
    GenerationError,
    ReportedError,
    StatusError,
    TlsError,
    UnexpectedAnswerError,
)
from cli.clients.generation import Generation, GenerationRequest, Watch, ignore
from cli.clients.reading import Reading

HEALTH_SECONDS = 20

OPTIONS = (
    ("grpc.enable_retries", 0),
    # whole answers, and prompts, may be larger than 4 MB
    ("grpc.max_receive_message_length", -1),
    # each client has connections of its own
    ("grpc.use_local_subchannel_pool", 1),
)


@dataclass(frozen=True)
class GrpcProtocol:
    """How requests are written and answers read. `Any`: protobuf messages have no types here."""

    start: Callable[[grpc.aio.Channel, GenerationRequest, Endpoint, tuple[tuple[str, str], ...]], AsyncIterable[Any]]
    """Begins a call: channel, request, endpoint, metadata."""
    read: Callable[[Reading, Any], str]
    """Returns the new text of a message. Raises LookupError or ValueError if it is not what it should be."""
    error: Callable[[Any], str]
    """Returns what a message says of a failure, or nothing."""
    is_healthy: Callable[[grpc.aio.Channel, Endpoint, tuple[tuple[str, str], ...], float], Any]
    """Awaits what the server says of itself, for so many seconds."""


class GrpcClient:
    """Speaks one protocol to one endpoint. One event loop's tasks may share it, and its connection."""

    def __init__(self, endpoint: Endpoint, protocol: GrpcProtocol) -> None:
        self._endpoint = endpoint
        self._protocol = protocol
        # gRPC has them in lower case
        self._metadata = tuple((name.lower(), value) for name, value in endpoint.headers.items())
        self._channel: grpc.aio.Channel | None = None

    async def __aenter__(self) -> Self:
        url = urlsplit(self._endpoint.url)
        secure = url.scheme == "https"
        target = f"{url.hostname}:{url.port or (443 if secure else 80)}"
        options = [
            *OPTIONS,
            ("grpc.enable_http_proxy", int(not self._endpoint.loopback)),
            # which is also how long one attempt to connect may take
            ("grpc.min_reconnect_backoff_ms", int(self._endpoint.connect_seconds * 1000)),
        ]
        if secure:
            self._channel = grpc.aio.secure_channel(target, grpc.ssl_channel_credentials(), options=options)
        else:
            self._channel = grpc.aio.insecure_channel(target, options=options)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._channel:
            await self._channel.close()

    async def generate(self, request: GenerationRequest, watch: Watch = ignore) -> Generation:
        """Send `request` once, and return the whole answer.

        Raises:
            GenerationError: there is none.
        """
        endpoint, protocol = self._endpoint, self._protocol
        reading = Reading(request, watch)
        messages = protocol.start(self._opened, request, endpoint, self._metadata)
        try:
            async with reading.limits(endpoint):
                async for message in messages:
                    if failure := protocol.error(message):
                        told = endpoint.hide_keys(failure)
                        raise ReportedError(f"{endpoint.base} gave up: {told}. Its log says more.")
                    reading.take(protocol.read(reading, message))
        except grpc.aio.AioRpcError as error:
            raise self._failure(error, begun=bool(reading.pieces)) from None
        except (LookupError, ValueError):
            raise UnexpectedAnswerError(
                f"{endpoint.base} answered with a message without text. Is it another model? Set --model."
            ) from None
        return reading.generation()

    async def check_health(self) -> None:
        """Return if the server says that it is healthy.

        Raises:
            GenerationError: it does not.
        """
        try:
            healthy = await self._protocol.is_healthy(self._opened, self._endpoint, self._metadata, HEALTH_SECONDS)
        except grpc.aio.AioRpcError as error:
            raise self._failure(error, begun=False) from None
        if not healthy:
            raise StatusError(self._endpoint.base, "UNAVAILABLE", "the model is not ready")

    @property
    def _opened(self) -> grpc.aio.Channel:
        if self._channel is None:
            raise RuntimeError("the client is used outside `async with`")
        return self._channel

    def _failure(self, error: grpc.aio.AioRpcError, *, begun: bool) -> GenerationError:
        base, told = self._endpoint.base, self._endpoint.hide_keys(error.details() or "").strip()
        if error.code() is not grpc.StatusCode.UNAVAILABLE:
            return StatusError(base, error.code().name, told)
        if begun:
            return CutOffError(
                f"{base} stopped in the middle of an answer. Did the server, the port-forward or a load balancer's "
                "timeout end the connection?"
            )
        if "CERTIFICATE_VERIFY_FAILED" in told:
            return TlsError(
                f"The certificate of {base} is not to be trusted. Use the name that it was issued for, or name the "
                "authority that issued it in GRPC_DEFAULT_SSL_ROOTS_FILE_PATH."
            )
        if "Ssl handshake failed" in told or "WRONG_VERSION_NUMBER" in told:
            return TlsError(f"{base} does not speak TLS. Is it http, or another port?")
        return ConnectionFailedError(
            f"Nothing answers at {base}: {told.rpartition(': ')[2] or 'the connection failed'}. Is the server up, is "
            "the port that of gRPC, and does a firewall or the stack's sourceRanges let this machine in?"
        )
