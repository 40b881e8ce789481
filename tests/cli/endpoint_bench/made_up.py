"""Answers whose times are known, and a clock that passes only while something is waited for."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Self

from cli.clients import Generation, GenerationError, GenerationRequest, Piece
from cli.clients.failures import CutOffError, StatusError
from cli.endpoint_bench.load import Load
from cli.endpoint_bench.report import First, LoadReport, Report, RequestRecord, WarmUp
from cli.endpoint_bench.run import Run, Sample
from cli.endpoint_bench.summary import summarize

REQUEST = GenerationRequest("What is it?", max_output_tokens=4)
CUT_OFF = CutOffError("http://x stopped in the middle of an answer.")
BUSY = StatusError("http://x", 429, "overloaded")


def answer(*times: float, seconds: float | None = None, tokens: int | None = None) -> Generation:
    """Return an answer whose pieces arrived at `times`."""
    pieces = tuple(Piece(" yes", each) for each in times)
    return Generation(pieces, seconds if seconds is not None else times[-1], 5 if tokens else None, tokens, "length")


def sample(given: Generation | GenerationError, *, due: float = 0, sent: float = 0) -> Sample:
    ended = sent + (given.seconds if isinstance(given, Generation) else 1)
    return Sample(REQUEST, due, sent, ended, given)


def load_report(*given: Generation | GenerationError, seconds: float = 10, **load: Any) -> LoadReport:
    """Return the summary of answers that came one after the other."""
    samples = [sample(each, due=number, sent=number) for number, each in enumerate(given)]
    run = Run(samples, most_under_way=1, seconds=seconds)
    return summarize(Load(**{"concurrency": 1, "output_tokens": 4, **load}), run, None)


def report(*loads: LoadReport, began: str = "2026-11-21T10:00:00+00:00", **more: Any) -> Report:
    first = RequestRecord(due_seconds=0, sent_seconds=0, ended_seconds=1, latency_seconds=1, output_tokens=4)
    values: dict[str, Any] = {
        "stack": "mine",
        "url": "http://192.0.2.1",
        "server": "tgi",
        "protocol": "generate",
        "model": None,
        "stream": True,
        "prompt": "What is it?",
        "parameters": {"top_k": 10},
        "seed": 1,
        "first": First(label="first", why="nobody knows", request=first),
        "warm_up": WarmUp(requests=2),
    }
    return Report(began=began, loads=loads, **{**values, **more})


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its time stands still, and leaps to what is due next when there is nothing else to do."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__()

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:
            self.now = max(self.now, self._scheduled[0].when())
        super()._run_once()


def virtually(coroutine: Coroutine[Any, Any, Run]) -> Run:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(coroutine)


class Server:
    """Answers each request after so many seconds of the loop's clock, at most `slots` at a time."""

    def __init__(self, *seconds: float, slots: int = 1000, blocks: float = 0) -> None:
        self.seconds = seconds
        self.blocks = blocks
        """Seconds for which a request keeps the loop from anything else."""
        self.asked: list[float] = []
        self._slots = asyncio.Semaphore(slots)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def check_health(self) -> None:
        pass

    async def generate(self, request: GenerationRequest, watch: Any = None) -> Generation:
        loop = asyncio.get_running_loop()
        began = loop.time()
        number = len(self.asked)
        self.asked.append(began)
        if isinstance(loop, VirtualLoop):
            loop.now += self.blocks
        async with self._slots:
            await asyncio.sleep(self.seconds[number % len(self.seconds)])
        passed = loop.time() - began
        return Generation((Piece(" yes", passed),), passed, 5, 1, "length")
