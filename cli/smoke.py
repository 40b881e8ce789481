"""`llm-serving smoke`: one request to an endpoint, once that is ready."""

import asyncio
import json
import signal
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from cli.options import repeated

if TYPE_CHECKING:
    from collections.abc import Generator

    from cli.access import Reached, Target
    from cli.clients import Generation, GenerationRequest, Watch

DEFAULT_WAIT = 1800
DEFAULT_TIMEOUT = 900

Stack = Annotated[str | None, typer.Argument(metavar="[STACK]", help="Name of a stack that is up.")]
Url = Annotated[
    str | None, typer.Option("--url", metavar="URL", help="Another endpoint: https://HOST, or http://HOST:PORT.")
]
Server = Annotated[
    str | None, typer.Option("--server", metavar="NAME", help="The server that is there, such as vllm or tgi.")
]
Model = Annotated[
    str | None, typer.Option("--model", metavar="NAME", help="Name by which requests call the model, where they do.")
]
ProtocolName = Annotated[
    str | None,
    typer.Option(
        "--protocol",
        metavar="NAME",
        help="Another protocol than the server's first: grpc for Triton and JetStream, chat for vLLM, completions or "
        "chat for llama.cpp.",
    ),
]
Headers = Annotated[
    list[str],
    repeated(
        "--header",
        metavar="'NAME: VALUE'",
        help="Sent with each request. @FILE reads such lines from a file, for keys. Can be repeated.",
    ),
]
Wait = Annotated[
    float,
    typer.Option("--wait", min=0, metavar="SECONDS", help="How long to wait until the server is ready, at the most."),
]
Timeout = Annotated[
    float, typer.Option("--timeout", min=0.001, metavar="SECONDS", help="How long the answer may take, at the most.")
]


def smoke(
    stack: Stack = None,
    *,
    header: Headers,
    url: Url = None,
    server: Server = None,
    model: Model = None,
    protocol: ProtocolName = None,
    prompt: Annotated[str | None, typer.Option(metavar="TEXT", help="Default: the guide's.")] = None,
    max_tokens: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Longest answer. Default: the guide's.")
    ] = None,
    no_stream: Annotated[bool, typer.Option("--no-stream", help="Ask for the answer in one piece.")] = False,
    wait: Wait = DEFAULT_WAIT,
    timeout: Timeout = DEFAULT_TIMEOUT,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document, and the rest elsewhere.")] = False,
) -> None:
    """Send one request to a stack's endpoint, or to another one, and show the answer.

    Waits until the server is ready, and tells what for; forwards a port where only the cluster reaches the server.
    Exit codes: **0** it answered, **1** it failed or answered nothing, **2** the command line or the stack was refused,
    **3** there is no pulumi or kubectl, **4** it was not ready in time, **130** interrupted.
    """
    # here, because they take seconds, which the other commands' help need not wait for
    from cli.access import MissingProgramError, NotReadyError, Target
    from cli.clients import GenerationError
    from cli.errors import RefusedError

    console = Console(stderr=as_json, highlight=False)
    document: dict[str, Any] = {}  # Any: JSON
    code = 0
    try:
        target = Target(stack, url, server, model, protocol, read_headers(header), wait)
        with ended_by_signals():
            generation = _run(target, console, document, prompt, max_tokens, timeout, stream=not no_stream)
        code = 0 if generation.pieces else 1
    except RefusedError as refused:
        code = fail(document, "refused", refused, 2)
    except MissingProgramError as missing:
        code = fail(document, "missing program", missing, 3)
    except NotReadyError as not_ready:
        code = fail(document, "not ready", not_ready, 4)
    except GenerationError as failed:
        code = fail(document, failed.kind, failed, 1)
    except KeyboardInterrupt:
        code = 130
        Console(stderr=True, style="yellow").print("Interrupted.")
    if as_json:
        print(json.dumps(document, indent=2))
    raise typer.Exit(code)


def fail(document: dict[str, Any], kind: str, error: Exception, code: int) -> int:  # Any: JSON
    """Tell of an error, on the terminal and in `document`, and return the exit code."""
    document["error"] = {"kind": kind, "message": str(error)}
    Console(stderr=True, style="red").print(Text(str(error)), soft_wrap=True)
    return code


def _run(
    target: "Target",
    console: Console,
    document: dict[str, Any],  # Any: JSON
    prompt: str | None,
    max_tokens: int | None,
    timeout: float,
    *,
    stream: bool,
) -> "Generation":
    from dataclasses import replace

    from cli.access import reach
    from cli.access.waiting import WaitingDisplay
    from cli.prompts import load_prompts

    with WaitingDisplay(console, target.wait_seconds) as display, reach(target, display.say) as reached:
        display.end()
        request = load_prompts()[reached.server.name].request(prompt, max_tokens, stream=stream)
        endpoint = replace(reached.endpoint, total_seconds=timeout, first_piece_seconds=timeout)
        reached = replace(reached, endpoint=endpoint)
        model = f", model {endpoint.model}" if endpoint.model else ""
        console.print(
            Text(f"{reached.server.title} at {endpoint.base}, {reached.protocol}{model}"), soft_wrap=True
        )  # fmt: skip
        console.print(Text(f"> {request.prompt}", style="dim"), soft_wrap=True)
        generation = asyncio.run(
            _ask(reached, request, lambda piece: console.print(Text(piece.text), end="", soft_wrap=True))
        )
    console.print()
    for line in _lines(generation):
        console.print(line, style="" if generation.pieces else "red")
    document.update(_document(reached, request, generation))
    return generation


async def _ask(reached: "Reached", request: "GenerationRequest", watch: "Watch") -> "Generation":
    async with reached.client() as client:
        return await client.generate(request, watch)


def _lines(generation: "Generation") -> list[str]:
    if generation.first_piece_seconds is None:
        return ["It answered without any text."]

    def told(tokens: int | None) -> str:
        return "not told" if tokens is None else str(tokens)

    first = f", the first piece after {generation.first_piece_seconds:.2f} s" if len(generation.pieces) > 1 else ""
    return [
        "",
        f"Answered in {generation.seconds:.2f} s{first}.",
        f"Tokens as the server counts: {told(generation.prompt_tokens)} of the prompt, "
        f"{told(generation.output_tokens)} of the answer. Ended by: {generation.finish_reason or 'not told'}.",
    ]


def _document(reached: "Reached", request: "GenerationRequest", generation: "Generation") -> dict[str, Any]:
    """Return what came of it as JSON has it. `Any`: JSON."""
    return {
        "url": reached.endpoint.base,
        "server": reached.server.name,
        "protocol": reached.protocol,
        "model": reached.endpoint.model,
        "waitedSeconds": reached.waited_seconds,
        "prompt": request.prompt,
        "maxOutputTokens": request.max_output_tokens,
        "parameters": dict(request.parameters),
        "stream": request.stream,
        "answer": generation.text,
        "pieces": len(generation.pieces),
        "seconds": generation.seconds,
        "firstPieceSeconds": generation.first_piece_seconds,
        "promptTokens": generation.prompt_tokens,
        "outputTokens": generation.output_tokens,
        "finishReason": generation.finish_reason,
    }


def read_headers(written: list[str]) -> Mapping[str, str]:
    """Return headers by name.

    Raises:
        RefusedError: one is none, or its file cannot be read.
    """
    from cli.errors import RefusedError

    headers: dict[str, str] = {}
    for each in written:
        try:
            lines = Path(each[1:]).read_text(encoding="utf-8").splitlines() if each.startswith("@") else [each]
        except (OSError, UnicodeDecodeError):
            raise RefusedError(f"--header {each}: this file cannot be read.") from None
        for line in lines:
            name, colon, value = line.partition(":")
            # what was written is not shown: it may be a key
            if line.strip() and not (colon and name.strip().replace("-", "").isalnum()):
                raise RefusedError(
                    "--header: write it like 'Authorization: Bearer KEY', or @FILE for a file of such lines."
                )
            if line.strip():
                headers[name.strip()] = value.strip()
    return headers


@contextmanager
def ended_by_signals() -> "Generator[None]":
    """Let signals that end this program end what it has started, too."""

    def end(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous = {each: signal.signal(each, end) for each in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for each, handler in previous.items():
            signal.signal(each, handler)
