"""Puts a load on an endpoint, and keeps what became of each request."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from cli.clients import Client, Generation, GenerationError, GenerationRequest
from cli.endpoint_bench.load import Limits, Load


@dataclass(frozen=True)
class Sample:
    """One request, and what became of it. Seconds since its load began."""

    request: GenerationRequest
    due: float
    """When it should have been sent: of a closed loop, when it was."""
    sent: float
    ended: float
    answer: Generation | GenerationError


@dataclass
class Run:
    """What came of one load."""

    samples: list[Sample] = field(default_factory=list[Sample])
    """In the order in which they ended."""
    under_way: int = 0
    most_under_way: int = 0
    """Most requests that were under way at one time."""
    out_of_time: bool = False
    """Whether time ended the load before the number of requests did."""
    seconds: float = 0
    """From the first request until the last one has ended."""


Progress = Callable[[Run], None]
"""Called each time that a request ends."""


async def run_load(
    client: Client,
    load: Load,
    limits: Limits,
    requests: Iterator[GenerationRequest],
    due_times: Iterator[float],
    progress: Progress,
) -> Run:
    """Send requests as `load` says, within `limits`, each once, and wait for the last one.

    `due_times` are those of an open loop. A request that is sent late there counts from when it was due, since whoever
    had sent it would have waited, too.
    """
    run = Run()
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def ask(request: GenerationRequest, due: float | None) -> None:
        run.under_way += 1
        run.most_under_way = max(run.most_under_way, run.under_way)
        sent = loop.time() - began
        try:
            answer: Generation | GenerationError = await client.generate(request)
        except GenerationError as error:
            answer = error
        run.under_way -= 1
        run.samples.append(Sample(request, sent if due is None else due, sent, loop.time() - began, answer))
        progress(run)

    async def ask_in_turn() -> None:
        nonlocal left
        while left:
            if loop.time() - began >= limits.seconds:
                run.out_of_time = True
                return
            left -= 1
            await ask(next(requests), None)

    left = limits.requests
    async with asyncio.TaskGroup() as tasks:
        for _ in range(load.concurrency or 0):
            tasks.create_task(ask_in_turn())
        if load.rate is not None:
            for _, due in zip(range(limits.requests), due_times, strict=False):
                if due >= limits.seconds:
                    run.out_of_time = True
                    break
                await asyncio.sleep(began + due - loop.time())
                tasks.create_task(ask(next(requests), due))
    run.seconds = loop.time() - began
    return run
