"""Runs one operation for a person at a terminal or for a script: progress, Ctrl-C, what came of it."""

import json
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

from pydantic_core import PydanticSerializationError, to_json
from rich.console import Console
from rich.text import Text

from cli.display import LineDisplay, TreeDisplay
from cli.errors import RefusedError
from cli.progress import Diagnostic, short_type
from cli.rehearsal import Rehearsal
from cli.result import Outcome, Result
from cli.words import duration_text, output_lines, summary_text
from engine import EngineError
from simulator import SimulatedClouds

REMINDER = "Nothing was created in any cloud."


def conduct(
    operation: Callable[[Rehearsal], Result], make: Callable[[], Rehearsal], stack: str, *, as_json: bool, debug: bool
) -> Result:
    """Run `operation` on the rehearsal that `make` gives, show how it goes, and print and return what came of it."""
    console = Console(stderr=as_json, highlight=False)
    try:
        result = _show(operation, make(), console)
    except RefusedError as error:
        result = _stopped(operation.__name__, stack, Outcome.REFUSED, str(error))
    except EngineError as error:
        result = _stopped(operation.__name__, stack, Outcome.MISSING, str(error))
    except KeyboardInterrupt:
        result = _stopped(operation.__name__, stack, Outcome.CANCELLED, "Interrupted.")
    if as_json:
        print(_json_text(result))
    report(result, console, debug=debug, as_json=as_json)
    return result


def _json_text(result: Result) -> str:
    document = result.to_json()
    try:
        # ten times as fast as Python's own for hundreds of resources
        return to_json(document, indent=2, ensure_ascii=True).decode()
    except PydanticSerializationError:
        # it takes no path that is not UTF-8
        return json.dumps(document, indent=2)


def _show(operation: Callable[[Rehearsal], Result], rehearsal: Rehearsal, console: Console) -> Result:
    kind = TreeDisplay if console.is_terminal else LineDisplay
    with kind(console, rehearsal.time_scale) as display, _cancelled_by_signals(rehearsal, console):
        rehearsal.foresight = console.is_terminal
        rehearsal.begin = display.begin
        rehearsal.watch = display.watch
        rehearsal.say = lambda line: console.print(Text(line), soft_wrap=True)
        rehearsal.say(SimulatedClouds.notice)
        return operation(rehearsal)


@contextmanager
def _cancelled_by_signals(rehearsal: Rehearsal, console: Console) -> Generator[None]:
    def cancel(_signal: int, _frame: FrameType | None) -> None:
        again = rehearsal.cancelled
        if not rehearsal.cancel():
            raise KeyboardInterrupt
        told = "Stopping at once." if again else "Stopping once what is under way has ended. Again to stop at once."
        console.print(told, style="yellow")

    previous = {each: signal.signal(each, cancel) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in previous.items():
            signal.signal(each, handler)


def _stopped(operation: str, stack: str, outcome: Outcome, message: str) -> Result:
    return Result(operation, stack, outcome, diagnostics=(Diagnostic("error", None, message),))


def report(result: Result, console: Console, *, debug: bool, as_json: bool) -> None:
    """Print what came of an operation. What to do about a failure comes last."""
    for each in result.diagnostics:
        if each.message not in result.advice:
            _print_diagnostic(each, result, console, debug=debug)
    if result.changes and result.outcome is not Outcome.REFUSED:
        simulated = f", about {duration_text(result.simulated_seconds)} simulated" if result.simulated_seconds else ""
        took = f"in {duration_text(result.seconds)}{simulated}"
        summary = f"{summary_text(result.operation, dict(result.changes))}, {took}. {REMINDER}"
        console.print(summary, soft_wrap=True)
    again = f"`llm-serving rehearse {result.operation} {result.stack}` goes on from here."
    if result.outcome is Outcome.CANCELLED:
        console.print(f"Stopped. {again}", soft_wrap=True)
    if result.advice:
        console.print("What to do:")
        for line in result.advice:
            console.print(Text(f"  {line}"), soft_wrap=True)
        console.print(f"Then {again}", soft_wrap=True)
    if result.outputs and not as_json:
        console.print()
        for line in output_lines(dict(result.outputs)):
            console.print(Text(line), soft_wrap=True)
        console.print()


def _print_diagnostic(diagnostic: Diagnostic, result: Result, console: Console, *, debug: bool) -> None:
    style = {"error": "red", "warning": "yellow"}.get(diagnostic.severity, "")
    resource = next((each for each in result.resources if each.urn == diagnostic.urn), None)
    where = f"{short_type(resource.type)} {resource.name}: " if resource else ""
    label = "" if result.outcome is Outcome.REFUSED and diagnostic.severity == "error" else f"{diagnostic.severity}: "
    text = f"{label}{where}{diagnostic.message}"
    if diagnostic.traceback:
        more = diagnostic.traceback if debug else f"The traceback is in {result.log}, and shown with --debug."
        text = f"The program failed: {diagnostic.message}\n{more}"
    console.print(Text(text, style=style), soft_wrap=True)
