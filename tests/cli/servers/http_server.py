"""A model server on this machine that speaks HTTP as one of the dialects."""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.cli.servers.behavior import Asked, Behavior
from tests.cli.servers.dialects import DIALECTS, Dialect
from tests.waiting import PATIENCE_SECONDS


@dataclass(frozen=True)
class _Server:
    dialect: Dialect
    behavior: Behavior

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_get(self.dialect.health, self.health)
        for path in self.dialect.routes:
            application.router.add_post(path, self.generate)
        return application

    def refused(self, request: web.Request) -> web.Response | None:
        key = self.behavior.key
        if key and request.headers.get("Authorization") != f"Bearer {key}":
            return web.json_response(self.dialect.error("Token Authorization failed"), status=400)
        return None

    async def health(self, request: web.Request) -> web.Response:
        self.behavior.health_asked += 1
        if self.behavior.health_asked <= self.behavior.unhealthy:
            return web.json_response(self.dialect.error("Loading model"), status=503)
        return self.refused(request) or web.json_response({"status": "ok"})

    async def generate(self, request: web.Request) -> web.StreamResponse:
        behavior = self.behavior
        body: Any = await request.json()
        behavior.asked.append(Asked(request.path, dict(request.headers), body))
        if no := self.refused(request):
            return no
        if behavior.status != 200:
            document = self.dialect.error(behavior.message)
            return web.json_response(document, status=behavior.status, headers=behavior.answer_headers)
        if behavior.raw is not None:
            return web.Response(body=behavior.raw)
        streams = self.dialect.routes[request.path]
        if streams is None:
            # TorchServe's handler decides by itself
            streams = body.get("stream", self.dialect.health == "/ping")
        return await (self.stream if streams else self.whole)(request, body)

    async def whole(self, request: web.Request, body: Any) -> web.StreamResponse:
        for index in range(len(self.behavior.tokens)):
            await asyncio.sleep(self.behavior.delay(index))
        content, headers = self.dialect.whole(self.behavior, body)
        if self.behavior.cut_after is None:
            return web.Response(body=content, headers=headers)
        response = web.StreamResponse(headers={**headers, "Content-Length": str(len(content))})
        await response.prepare(request)
        await response.write(content[: len(content) // 2])
        return _cut(request, response)

    async def stream(self, request: web.Request, body: Any) -> web.StreamResponse:
        behavior = self.behavior
        response = web.StreamResponse(headers={"Content-Type": self.dialect.content_type})
        await response.prepare(request)
        for index in range(len(behavior.tokens)):
            if behavior.cut_after == index:
                return _cut(request, response)
            if behavior.report_after == index:
                await response.write(self.dialect.reported(behavior.message))
                return response
            if behavior.steps:
                await asyncio.to_thread(behavior.wait_for_step, index)
            await asyncio.sleep(behavior.delay(index))
            await response.write(self.dialect.event(behavior, body, index))
        await response.write(self.dialect.end(behavior))
        return response


def _cut(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    assert request.transport
    request.transport.close()
    return response


@contextlib.contextmanager
def http_server(dialect: str, behavior: Behavior, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Run one, and give its URL."""
    loop = asyncio.new_event_loop()
    started = threading.Event()
    ports: list[int] = []
    stop = asyncio.Event()

    async def serve() -> None:
        runner = web.AppRunner(
            _Server(DIALECTS[dialect], behavior).application(), handler_cancellation=True, shutdown_timeout=0.1
        )
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        ports.append(runner.addresses[0][1])
        started.set()
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    try:
        assert started.wait(PATIENCE_SECONDS)
        yield f"{'https' if tls else 'http'}://127.0.0.1:{ports[0]}"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(PATIENCE_SECONDS)
        loop.close()
