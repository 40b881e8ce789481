"""Sends requests over HTTP and times the answers."""

import asyncio
import json
import os
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import aiohttp

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
from cli.clients.http_protocol import HttpProtocol, error_message
from cli.clients.reading import Reading

KEEP_ALIVE_SECONDS = 4
"""Less than the 5 seconds after which uvicorn, under vLLM and JetStream, closes a connection that nothing uses."""

HEALTH_SECONDS = 20
"""How long an answer to the question for health may take."""

SHOWN = 300
"""Characters of an unexpected answer that are shown."""


class HttpClient:
    """Speaks one protocol to one endpoint. One event loop's tasks may share it, and its connections, without bound."""

    def __init__(self, endpoint: Endpoint, protocol: HttpProtocol) -> None:
        self._endpoint = endpoint
        self._protocol = protocol
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS),
            headers=self._endpoint.headers,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._endpoint.connect_seconds),
            # a proxy that the environment names does not reach a port-forward
            trust_env=not self._endpoint.loopback,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._session:
            await self._session.close()

    async def generate(self, request: GenerationRequest, watch: Watch = ignore) -> Generation:
        """Send `request` once, and return the whole answer.

        Raises:
            GenerationError: there is none.
        """
        endpoint = self._endpoint
        reading = Reading(request, watch)
        url = endpoint.base + self._protocol.path(request, endpoint.model)
        body = self._protocol.body(request, endpoint.model)
        read = self._read_stream if request.stream else self._read_whole
        try:
            async with reading.limits(endpoint):
                await read(url, body, reading)
        except aiohttp.ServerTimeoutError:
            raise self._unreachable(f"no connection within {endpoint.connect_seconds:g} s") from None
        except aiohttp.ClientError as error:
            raise self._failure(error, begun=bool(reading.pieces)) from None
        return reading.generation()

    async def check_health(self) -> None:
        """Return if the server says that it is healthy.

        Raises:
            GenerationError: it does not.
        """
        url = self._endpoint.base + self._protocol.health_path
        try:
            async with asyncio.timeout(HEALTH_SECONDS), self._opened.get(url, allow_redirects=False) as response:
                await self._check_status(response)
        except TimeoutError:
            raise self._unreachable(f"no answer within {HEALTH_SECONDS} s") from None
        except aiohttp.ClientError as error:
            raise self._failure(error, begun=False) from None

    @property
    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the client is used outside `async with`")
        return self._session

    async def _read_whole(self, url: str, body: Any, reading: Reading) -> None:  # Any: JSON
        async with self._opened.post(url, json=body, allow_redirects=False) as response:
            await self._check_status(response)
            content = await response.text(errors="replace")
            self._protocol.read_headers(reading, response.headers)
        document: Any = content
        if not self._protocol.plain_text:
            try:
                document = json.loads(content)
            except ValueError:
                raise self._unexpected(content) from None
        self._take(reading, self._protocol.read_whole, document)

    async def _read_stream(self, url: str, body: Any, reading: Reading) -> None:  # Any: JSON
        framing = self._protocol.framing()
        answered = self._protocol.plain_text
        async with self._opened.post(url, json=body, allow_redirects=False) as response:
            await self._check_status(response)
            async for data in response.content.iter_any():
                try:
                    events = framing.feed(data)
                except ValueError:
                    raise self._unexpected(data.decode(errors="replace")) from None
                answered = answered or bool(events)
                for event in events:
                    if event is None:
                        reading.complete = True
                    else:
                        self._take(reading, self._protocol.read_event, event)
        rest = framing.rest()
        if not answered:
            raise self._unexpected(rest)
        if not reading.complete if self._protocol.says_end else rest:
            raise self._cut_off()

    def _take(self, reading: Reading, read: Callable[[Reading, Any], str], document: Any) -> None:  # Any: JSON
        try:
            reading.take(read(reading, document))
        except (AttributeError, LookupError, TypeError, ValueError):
            shown = document if isinstance(document, str) else json.dumps(document)
            raise self._reported(document) or self._unexpected(shown) from None

    async def _check_status(self, response: aiohttp.ClientResponse) -> None:
        if response.status == 200:
            return
        content = self._endpoint.hide_keys(await response.text(errors="replace"))
        try:
            message = error_message(json.loads(content))
        except ValueError:
            message = None
        where = str(response.url.with_query(None).with_user(None))
        raise StatusError(
            where, response.status, message or content[:SHOWN].strip(), response.headers.get("Retry-After")
        )  # fmt: skip

    def _reported(self, document: Any) -> ReportedError | None:  # Any: JSON
        message = self._endpoint.hide_keys(error_message(document) or "")
        return ReportedError(f"{self._endpoint.base} gave up: {message}. Its log says more.") if message else None

    def _unexpected(self, content: str) -> UnexpectedAnswerError:
        # before it is cut, since a part of a key would stay
        shown = repr(self._endpoint.hide_keys(content)[:SHOWN]) if content else "nothing"
        return UnexpectedAnswerError(
            f"{self._endpoint.base} answered {shown}, which is not this kind of server's answer. Is it another kind, "
            "or is something else in front of it? Set --server, or correct the URL."
        )

    def _cut_off(self) -> CutOffError:
        return CutOffError(
            f"{self._endpoint.base} stopped in the middle of an answer. Did the server, the port-forward or a load "
            "balancer's timeout end the connection?"
        )

    def _unreachable(self, why: str) -> ConnectionFailedError:
        return ConnectionFailedError(
            f"Nothing answers at {self._endpoint.base}: {why}. Is the server up, is the URL right, and does a "
            "firewall or the stack's sourceRanges let this machine in?"
        )

    def _failure(self, error: aiohttp.ClientError, *, begun: bool) -> GenerationError:
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            # its text repeats the host and ends in the source line of OpenSSL
            why = getattr(error.certificate_error, "verify_message", "") or str(error.certificate_error)
            return TlsError(
                f"The certificate of {self._endpoint.base} is not to be trusted: {why}. Use the name that it was "
                "issued for, or name the authority that issued it in SSL_CERT_FILE."
            )
        if isinstance(error, aiohttp.ClientConnectorSSLError):
            return TlsError(f"{self._endpoint.base} does not speak TLS as it should. Is it http, or another port?")
        if isinstance(error, aiohttp.ClientConnectorError):
            number: int = error.os_error.errno or 0
            # those of the resolver are below 0, and have a text of their own
            return self._unreachable(os.strerror(number) if number > 0 else str(error.os_error.strerror))
        if begun or isinstance(error, aiohttp.ClientPayloadError):
            return self._cut_off()
        return self._unreachable(str(error) or "the connection ended before there was an answer")
