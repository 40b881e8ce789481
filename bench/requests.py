"""What `llm-serving bench` itself takes for each request, against a client that only reads.

`python -m bench.requests` sends both kinds by turns to one server, and prints one line of JSON. `python -m
bench.requests serve` is that server: a process of its own, which streams as vLLM does.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from bench.measure import run
from cli.clients import Endpoint, GenerationRequest, open_client
from cli.endpoint_bench.load import Limits, Load
from cli.endpoint_bench.run import run_load
from cli.endpoint_bench.summary import summarize

BOUND = 2.5
"""Most processor time of a request, as a multiple of what the bare client takes."""
ROUNDS = 5
REQUESTS = 192
"""Of each kind in each round."""
CONCURRENCY = 16
TOKENS = 64
TOKEN_SECONDS = 0.002

_BODY = {"prompt": "What is it?", "max_tokens": TOKENS, "stream": True}
_EVENT = b'data: {"id": "c", "object": "text_completion", "choices": [{"text": " it", "finish_reason": null}]}\n\n'
_END = b'data: {"id": "c", "choices": [], "usage": {"prompt_tokens": 4, "completion_tokens": 64}}\n\ndata: [DONE]\n\n'


@dataclass(frozen=True)
class Requests:
    """What was measured: milliseconds of processor time for each request, medians of all rounds."""

    bare: float
    measured: float
    ratio: float
    """Median of the ratios of rounds."""
    lowest: float
    highest: float

    @property
    def kept(self) -> bool:
        """Whether the ratio is within its bound."""
        return self.ratio <= BOUND


def measure_requests(environment: dict[str, str], say: Callable[[str], None]) -> Requests:
    """Send the requests.

    Raises:
        BenchError: it fails.
    """
    say(f"requests of a benchmark and of a bare client, {ROUNDS} rounds")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        done = run([sys.executable, "-m", "bench.requests"], Path(folder), environment)
    return compare_rounds(json.loads(done.printed))


def compare_rounds(rounds: Sequence[tuple[float, float]]) -> Requests:
    """Return what several rounds tell together, each the seconds of a bare request and of a measured one."""
    ratios = [measured / bare for bare, measured in rounds]
    return Requests(
        bare=1000 * statistics.median(bare for bare, _ in rounds),
        measured=1000 * statistics.median(measured for _, measured in rounds),
        ratio=statistics.median(ratios),
        lowest=min(ratios),
        highest=max(ratios),
    )


async def _bare(url: str) -> None:
    """Send the requests, and read what comes."""

    async def ask() -> None:
        for _ in range(REQUESTS // CONCURRENCY):
            async with session.post(f"{url}/v1/completions", json=_BODY) as response:
                async for _ in response.content.iter_any():
                    pass

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(ask() for _ in range(CONCURRENCY)))


async def _measured(url: str) -> None:
    """Send the requests as `llm-serving bench` does, and work out the figures."""
    load = Load(concurrency=CONCURRENCY, output_tokens=TOKENS)
    limits = Limits(REQUESTS, 600)
    request = GenerationRequest("What is it?", TOKENS)
    async with open_client("vllm", Endpoint(url)) as client:
        done = await run_load(client, load, limits, repeat(request), repeat(0.0), lambda _: None)
    if summarize(load, done, None).answered != limits.requests:
        raise SystemExit("requests have failed")


def _seconds(work: Coroutine[Any, Any, None]) -> float:
    """Return the processor time of one request."""
    began = time.process_time()
    asyncio.run(work)
    return (time.process_time() - began) / REQUESTS


async def _answer(request: web.Request) -> web.StreamResponse:
    await request.read()
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for _ in range(TOKENS):
        await asyncio.sleep(TOKEN_SECONDS)
        await response.write(_EVENT)
    await response.write(_END)
    return response


async def _serve() -> None:
    application = web.Application()
    application.router.add_post("/v1/completions", _answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


def main() -> None:
    """Send both kinds by turns, after one round to warm up."""
    server = subprocess.Popen([sys.executable, "-m", "bench.requests", "serve"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout  # noqa: S101 it was asked for
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        rounds = [(_seconds(_bare(url)), _seconds(_measured(url))) for _ in range(ROUNDS + 1)]
    finally:
        server.terminate()
        server.wait()
    print(json.dumps(rounds[1:]))


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        asyncio.run(_serve())
    else:
        main()
