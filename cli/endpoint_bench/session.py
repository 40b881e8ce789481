"""One run of the benchmark: reaches the endpoint, puts each load on it, and returns the report."""

import asyncio
import datetime
import signal
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import repeat
from pathlib import Path
from types import FrameType
from typing import Any, Literal, cast

from rich.console import Console
from rich.text import Text

from cli.access import NotReadyError, Reached, Target, reach
from cli.access.restart import restart
from cli.access.stack_outputs import StackOutputs, read_outputs
from cli.access.waiting import WaitingDisplay
from cli.endpoint_bench.bound import Hardware, hardware
from cli.endpoint_bench.comparison import compare
from cli.endpoint_bench.load import Limits, Load, Prompts, due_times, loads
from cli.endpoint_bench.report import First, LoadReport, Report, WarmUp
from cli.endpoint_bench.run import Run, run_load
from cli.endpoint_bench.statistics import count_errors, record
from cli.endpoint_bench.summary import summarize
from cli.endpoint_bench.targets import Target as FigureTarget
from cli.endpoint_bench.tokens import CountTokens, TokenSource
from cli.errors import RefusedError
from cli.project import Project, find_project
from cli.prompts import load_prompts


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    target: Target
    timeout_seconds: float
    limits: Limits
    warm_up: int
    concurrencies: list[int]
    rates: list[float]
    arrivals: Literal["poisson", "constant"]
    prompt: str | None
    prompt_tokens: list[int]
    output_tokens: list[int]
    """None of them: the guide's."""
    parameters: Mapping[str, Any]
    """Of sampling, over the guide's. `Any`: JSON."""
    stream: bool
    seed: int
    cold: bool
    count: CountTokens | None = None
    targets: list[FigureTarget] = field(default_factory=list[FigureTarget])
    hardware: Hardware | None = None
    """None: the stack's, where there is one."""
    earlier: tuple[Path, Report] | None = None


def measure(options: Options, console: Console) -> Report:
    """Run the benchmark.

    Raises:
        RefusedError: the stack or the endpoint is none that can be asked.
        MissingProgramError: a program is missing.
        NotReadyError: the server did not get ready.
    """
    target = options.target
    project = find_project(Path.cwd())
    outputs = read_outputs(project, target.stack) if target.stack and not target.url else None
    bounds, notes = _hardware(options, project, outputs)
    with ExitStack() as exits:
        display = exits.enter_context(WaitingDisplay(console, target.wait_seconds))
        label: Literal["cold", "first"] = "cold"
        if options.cold:
            if outputs is None:
                raise RefusedError("--cold goes with a stack, whose pods it restarts.")
            restart(outputs, display.say, target.wait_seconds)
            why = "its pods were just restarted"
            reached = exits.enter_context(reach(target, display.say))
        else:
            try:
                reached = exits.enter_context(reach(replace(target, wait_seconds=0), lambda _: None))
                label, why = "first", "the server was ready already, so it may have answered others before"
            except NotReadyError:
                reached = exits.enter_context(reach(target, display.say))
                why = "the server was seen to get ready"
        display.end()
        endpoint = replace(
            reached.endpoint, total_seconds=options.timeout_seconds, first_piece_seconds=options.timeout_seconds
        )
        try:
            report = asyncio.run(_measure(options, replace(reached, endpoint=endpoint), label, why, console))
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
    if outputs is not None and outputs.forward:
        notes.append("A port-forward of kubectl is in between: it adds to each time, and bounds the load.")
    measured = [
        each.model_copy(update={"bound": bounds.bound(each) if bounds and each.answered else None})
        for each in report.loads
    ]
    report = report.model_copy(
        update={
            "loads": tuple(measured),
            "targets": tuple(target.judge(load) for load in measured for target in options.targets),
            "notes": (*notes, *_notes(report)),
        }
    )
    if options.earlier:
        file, earlier = options.earlier
        report = report.model_copy(update={"comparison": compare(report, earlier, file)})
    return report


@contextmanager
def _cancelled_by_signals() -> Generator[None]:
    """Let signals end the task that runs where it waits, as asyncio does with that of Ctrl-C."""
    loop, task = asyncio.get_running_loop(), cast("asyncio.Task[Report]", asyncio.current_task())

    def end(_signal: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(task.cancel)

    previous = {each: signal.signal(each, end) for each in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for each, handler in previous.items():
            signal.signal(each, handler)


async def _measure(
    options: Options, reached: Reached, label: Literal["cold", "first"], why: str, console: Console
) -> Report:
    """Put all loads on the endpoint."""
    with _cancelled_by_signals():
        return await _put_on(options, reached, label, why, console)


async def _put_on(
    options: Options, reached: Reached, label: Literal["cold", "first"], why: str, console: Console
) -> Report:
    guide = load_prompts()[reached.server.name]
    guide = guide.model_copy(update={"parameters": {**guide.parameters, **options.parameters}})
    prompts = Prompts(guide, options.seed, options.stream, options.prompt, options.count)
    planned = loads(
        options.concurrencies,
        options.rates,
        options.arrivals,
        options.prompt_tokens,
        options.output_tokens or [guide.max_output_tokens],
    )
    began = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    alone = planned[0].model_copy(update={"concurrency": 1, "rate": None, "arrivals": None})
    model = f", model {reached.endpoint.model}" if reached.endpoint.model else ""
    console.print(Text(f"{reached.server.title} at {reached.endpoint.base}, {reached.protocol}{model}"), soft_wrap=True)
    measured: list[LoadReport] = []
    async with reached.client() as client:

        async def run(load: Load, limits: Limits, key: str) -> Run:
            with console.status(f"{key}: {load.title}") as status:

                def tell(run: Run) -> None:
                    status.update(f"{key}: {load.title}: {len(run.samples)} of at most {limits.requests} requests")

                due = due_times(load, options.seed, key) if load.rate is not None else repeat(0.0)
                return await run_load(client, load, limits, prompts.requests(load, key), due, tell)

        first = await run(alone, Limits(1, options.limits.seconds), f"the {label} request")
        warm_up = await run(alone, Limits(options.warm_up, options.limits.seconds), "warm-up")
        for number, load in enumerate(planned, 1):
            key = f"{number} of {len(planned)}"
            done = await run(load, options.limits, key)
            if not console.is_terminal:
                console.print(f"{key}: {load.title}: {len(done.samples)} requests in {done.seconds:.1f} s")
            measured.append(summarize(load, done, options.count))
    return Report(
        began=began,
        stack=options.target.stack,
        url=reached.endpoint.base,
        server=reached.server.name,
        protocol=reached.protocol,
        model=reached.endpoint.model,
        stream=options.stream,
        prompt=None if options.prompt_tokens else guide.prompt if options.prompt is None else options.prompt,
        parameters=guide.parameters,
        seed=options.seed,
        first=First(label=label, why=why, request=record(first.samples[0], options.count)),
        warm_up=WarmUp(
            requests=len(warm_up.samples),
            errors=count_errors([record(each, options.count) for each in warm_up.samples]),
        ),
        loads=tuple(measured),
    )


def _hardware(options: Options, project: Project, outputs: StackOutputs | None) -> tuple[Hardware | None, list[str]]:
    """Return what serves the model, and else why that is not known."""
    if options.hardware is not None or outputs is None:
        return options.hardware, []
    accelerators = outputs.values.get("accelerators")
    if accelerators == "none":
        return None, ["There is no bound to compare with, since it is served without accelerators."]
    try:
        config: Any = project.stack_config(outputs.stack).get(f"{project.name}:service") or {}
        autoscaling: Any = config.get("autoscaling") or {}
        replicas = autoscaling.get("maxReplicas") or config.get("replicas") or 1
        found = hardware(str(outputs.values.get("model")), str(accelerators), config.get("quantization"), replicas)
    except RefusedError as refused:
        return None, [f"There is no bound to compare with: {refused}"]
    return found, []


def _notes(report: Report) -> list[str]:
    notes: list[str] = []
    if report.prompt is not None:
        notes.append("All prompts were the same: a server that keeps what it has read of them answers faster.")
    if any(TokenSource.ESTIMATE in load.prompt_tokens_from + load.output_tokens_from for load in report.loads):
        notes.append("The server does not tell all numbers of tokens: where they are estimates, name a --tokenizer.")
    if any(load.failed and load.answered for load in report.loads):
        notes.append("Times are of the answered requests; those that failed are counted beside them.")
    if any(load.latency and load.latency.p99 is None for load in report.loads):
        notes.append("A percentile that is not told takes more requests: 20 for p95, 100 for p99.")
    return notes
