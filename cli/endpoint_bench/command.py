"""`llm-serving bench`: the command line."""

import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console

from cli.options import repeated
from cli.smoke import (
    DEFAULT_TIMEOUT,
    DEFAULT_WAIT,
    Headers,
    Model,
    ProtocolName,
    Server,
    Stack,
    Timeout,
    Url,
    Wait,
    ended_by_signals,
    fail,
    read_headers,
)

if TYPE_CHECKING:
    from cli.endpoint_bench.report import Report
    from cli.endpoint_bench.session import Options

Number = TypeVar("Number", int, float)


def bench(
    stack: Stack = None,
    *,
    header: Headers,
    parameter: Annotated[
        list[str],
        repeated(
            metavar="NAME=JSON",
            help="Sampling parameter under the server's own name, such as ignore_eos=true. Can be repeated.",
        ),
    ],
    target: Annotated[
        list[str],
        repeated(
            metavar="TARGET",
            help="Exit with 1 unless each load meets it: p95.ttft=500ms, p50.tpot=30ms, p99.latency=20s, "
            "tokens-per-second=100, requests-per-second=2. Can be repeated.",
        ),
    ],
    url: Url = None,
    server: Server = None,
    model: Model = None,
    protocol: ProtocolName = None,
    concurrency: Annotated[
        str | None,
        typer.Option(metavar="N,...", help="Closed loop: so many requests at a time. Default: 1, unless with --rate."),
    ] = None,
    rate: Annotated[
        str | None, typer.Option(metavar="N,...", help="Open loop: so many requests per second, come what may.")
    ] = None,
    arrivals: Annotated[
        str, typer.Option(metavar="poisson|constant", help="How the requests of an open loop follow each other.")
    ] = "poisson",
    requests: Annotated[int, typer.Option(min=1, metavar="N", help="Most requests of each load.")] = 20,
    seconds: Annotated[
        float, typer.Option(min=0.001, metavar="SECONDS", help="No request of a load is begun after this.")
    ] = 300,
    warm_up: Annotated[
        int, typer.Option("--warm-up", min=0, metavar="N", help="Requests after the first one that do not count.")
    ] = 2,
    prompt: Annotated[str | None, typer.Option(metavar="TEXT", help="Default: the guide's.")] = None,
    prompt_tokens: Annotated[
        str | None, typer.Option(metavar="N,...", help="Make up prompts of about so many tokens, each another one.")
    ] = None,
    output_tokens: Annotated[
        str | None, typer.Option(metavar="N,...", help="Longest answer. Default: the guide's.")
    ] = None,
    no_stream: Annotated[bool, typer.Option("--no-stream", help="Ask for each answer in one piece.")] = False,
    tokenizer: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|REPOSITORY",
            help="Count with a tokenizer.json, or that of a repository on Hugging Face, what the server does not tell.",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(metavar="N", help="Of made-up prompts and random arrivals. Default: another each time."),
    ] = None,
    cold: Annotated[
        bool,
        typer.Option("--cold", help="Restart the stack's pods before, so that the first request meets a cold one."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether to restart the pods.")] = False,
    wait: Wait = DEFAULT_WAIT,
    timeout: Timeout = DEFAULT_TIMEOUT,
    max_error_share: Annotated[
        float | None,
        typer.Option(min=0, max=1, metavar="SHARE", help="Exit with 1 if a greater share of a load's requests fails."),
    ] = None,
    repository: Annotated[str | None, typer.Option(metavar="MODEL", help="What --accelerators serve.")] = None,
    accelerators: Annotated[
        str | None,
        typer.Option(metavar="'N x NAME'", help="Of one replica, for the bound to compare with. Default: the stack's."),
    ] = None,
    quantization: Annotated[
        str | None, typer.Option(metavar="NAME", help="How --accelerators keep weights. Default: as published.")
    ] = None,
    replicas: Annotated[int, typer.Option(min=1, metavar="N", help="How often --accelerators are there.")] = 1,
    compare: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Compare with an earlier report, of --output or --json.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the report there as JSON.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw it there as SVG.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON, and the rest elsewhere.")] = False,
) -> None:
    """Measure how fast a stack's endpoint, or another one, answers. Requests are sent once, and never again.

    Waits until the server is ready, sends a first request, some to warm up, and then each load: all combinations of
    --concurrency and --rate, --prompt-tokens and --output-tokens. Exit codes: **0** done, **1** a target was missed or
    a load got no answer at all, **2** the command line or the stack was refused, **3** there is no pulumi or kubectl,
    **4** the server was not ready in time, **130** interrupted.
    """
    # here, because they take seconds, which the other commands' help need not wait for
    from cli.access import MissingProgramError, NotReadyError, Target
    from cli.endpoint_bench.load import Limits
    from cli.endpoint_bench.session import Options, measure
    from cli.endpoint_bench.targets import error_share_target, parse_target
    from cli.endpoint_bench.tokens import load_tokenizer
    from cli.errors import RefusedError

    console = Console(stderr=as_json, highlight=False)
    document: dict[str, Any] = {}  # Any: JSON
    try:
        targets = [parse_target(each) for each in target]
        options = Options(
            target=Target(stack, url, server, model, protocol, read_headers(header), wait),
            timeout_seconds=timeout,
            limits=Limits(requests, seconds),
            warm_up=warm_up,
            concurrencies=_numbers("--concurrency", concurrency or ("" if rate else "1"), int),
            rates=_numbers("--rate", rate or "", float),
            arrivals=_arrivals(arrivals),
            prompt=prompt,
            prompt_tokens=_numbers("--prompt-tokens", prompt_tokens or "", int),
            output_tokens=_numbers("--output-tokens", output_tokens or "", int),
            parameters=_parameters(parameter),
            stream=not no_stream,
            # only made-up prompts depend on it
            seed=random.randrange(2**32) if seed is None else seed,  # noqa: S311
            cold=cold,
            count=load_tokenizer(tokenizer) if tokenizer else None,
            targets=[*targets, *([] if max_error_share is None else [error_share_target(max_error_share)])],
            hardware=_hardware(repository, accelerators, quantization, replicas),
            earlier=_earlier(compare),
        )
        _check(prompt, prompt_tokens, [output, plot])
        if cold:
            _confirm(stack, yes=yes)
        with ended_by_signals():
            report = measure(options, console)
        _write(report, options, output, plot, console, as_json=as_json)
        code = 1 if report.missed or not all(load.answered for load in report.loads) else 0
    except RefusedError as refused:
        code = fail(document, "refused", refused, 2)
    except MissingProgramError as missing:
        code = fail(document, "missing program", missing, 3)
    except NotReadyError as not_ready:
        code = fail(document, "not ready", not_ready, 4)
    except KeyboardInterrupt:
        code = 130
        Console(stderr=True, style="yellow").print("Interrupted.")
    if as_json and document:
        print(json.dumps(document, indent=2))
    raise typer.Exit(code)


def _write(
    report: "Report", options: "Options", output: Path | None, plot: Path | None, console: Console, *, as_json: bool
) -> None:
    from cli.endpoint_bench.plot import plot as draw
    from cli.endpoint_bench.table import show

    text = report.model_dump_json(by_alias=True, indent=2)
    if as_json:
        print(text)
    show(report, console)
    if output:
        output.write_text(text + "\n", encoding="utf-8")
    if plot:
        plot.write_text(draw(report, options.earlier[1] if options.earlier else None), encoding="utf-8")


def _numbers(option: str, text: str, kind: Callable[[str], Number]) -> list[Number]:
    from cli.errors import RefusedError

    try:
        numbers = [kind(each) for each in text.split(",") if text]
    except ValueError:
        numbers = [kind("-1")]
    if any(not 0 < number < float("inf") for number in numbers) or len(set(numbers)) < len(numbers):
        raise RefusedError(f"{option} {text}: write different numbers above 0, such as 1 or 1,4,16.")
    return numbers


def _arrivals(written: str) -> Any:  # a literal type, which the caller names
    from cli.errors import RefusedError

    if written not in ("poisson", "constant"):
        raise RefusedError(f"--arrivals {written}: must be poisson or constant.")
    return written


def _parameters(written: list[str]) -> dict[str, Any]:  # Any: JSON
    from cli.errors import RefusedError

    parameters: dict[str, Any] = {}
    for each in written:
        name, equals, value = each.partition("=")
        try:
            parameters[name] = json.loads(value)
        except ValueError:
            equals = ""
        if not (name and equals):
            raise RefusedError(f"--parameter {each}: write NAME=JSON, such as ignore_eos=true or stop='[\"END\"]'.")
    return parameters


def _hardware(repository: str | None, accelerators: str | None, quantization: str | None, replicas: int) -> Any:
    """Return a `Hardware`, or None. `Any`: it is imported only here."""
    from cli.endpoint_bench.bound import hardware
    from cli.errors import RefusedError

    if accelerators is None and repository is None and quantization is None and replicas == 1:
        return None
    if accelerators is None or repository is None:
        raise RefusedError("The bound takes both --repository and --accelerators.")
    return hardware(repository, accelerators, quantization, replicas)


def _earlier(file: Path | None) -> "tuple[Path, Report] | None":
    from cli.endpoint_bench.comparison import read_report

    return None if file is None else (file, read_report(file))


def _check(prompt: str | None, prompt_tokens: str | None, files: list[Path | None]) -> None:
    from cli.errors import RefusedError

    if prompt is not None and prompt_tokens is not None:
        raise RefusedError("--prompt and --prompt-tokens exclude each other.")
    for file in files:
        if file is not None and (file.is_dir() or not file.parent.is_dir()):
            raise RefusedError(f"{file}: nothing can be written there. Name a file in a folder that exists.")


def _confirm(stack: str | None, *, yes: bool) -> None:
    from cli.errors import RefusedError

    if yes or stack is None:
        return
    if not sys.stdin.isatty():
        raise RefusedError(f"--cold restarts the pods of {stack}, which ends what they are doing. Confirm with --yes.")
    if not typer.confirm(f"Restart the pods of {stack}? What they are doing ends, and no others answer meanwhile."):
        raise RefusedError("Nothing was restarted, and nothing measured.")
