"""Runs `llm-serving diff`: compares, prints, and tells the exit code."""

import signal
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from pydantic import ValidationError
from rich.console import Console
from rich.text import Text

from cli.diff import html, markdown
from cli.diff.report import Report
from cli.diff.stacks import diff
from cli.diff.terminal import show
from cli.errors import RefusedError
from cli.project import find_project
from engine import EngineError

FORMATS = ("terminal", "json", "markdown", "html")
CHANGED, FAILING, MISSING, CANCELLED = 1, 2, 3, 130


def run(against: str | None, read: Path | None, stacks: Sequence[str], forms: Sequence[str], *, exit_code: bool) -> int:
    """Compare the working tree with `against`, or read an earlier report, print it, and return the exit code.

    Args:
        against: names the base's commit.
        read: the file of an earlier report, as JSON.
        stacks: names of the stacks to compare; none: all.
        forms: what the report is to be printed as, at most one of `FORMATS`; none: for a terminal.
        exit_code: whether changes are told by the exit code.
    """
    console = Console(highlight=False)
    progress = Console(stderr=True, highlight=False)

    def say(line: str) -> None:
        progress.print(Text(line, style="dim"), soft_wrap=True)

    try:
        form = _chosen(forms)
        report = _made(against, read, stacks, say)
    except (RefusedError, EngineError) as error:
        progress.print(Text(str(error), style="red"), soft_wrap=True)
        return MISSING if isinstance(error, EngineError) else FAILING
    except KeyboardInterrupt:
        progress.print("Interrupted.")
        return CANCELLED
    if form == "json":
        print(report.model_dump_json(by_alias=True, indent=2))
    elif form == "markdown":
        print(markdown.write(report), end="")
    elif form == "html":
        print(html.write(report), end="")
    else:
        show(report, console)
    return _exit_code(report, tell_changes=exit_code)


def _chosen(forms: Sequence[str]) -> str:
    if len(set(forms)) > 1:
        raise RefusedError(f"--format {' and '.join(forms)}: choose one.")
    form = forms[0] if forms else "terminal"
    if form not in FORMATS:
        raise RefusedError(f"--format {form}: must be one of {', '.join(FORMATS)}.")
    return form


def _exit_code(report: Report, *, tell_changes: bool) -> int:
    if report.fails:
        return FAILING
    return CHANGED if tell_changes and report.changes else 0


def _made(against: str | None, read: Path | None, stacks: Sequence[str], say: Callable[[str], None]) -> Report:
    if against and not read:
        with _interrupted_by_termination():
            return diff(find_project(Path.cwd()), against, stacks, say)
    if not read or against or stacks:
        raise RefusedError("Either --against, and stacks if not all are wanted, or --read alone.")
    try:
        return Report.model_validate_json(read.read_bytes())
    except OSError as error:
        raise RefusedError(f"--read {read}: {error.strerror}.") from None
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(step) for step in problem["loc"])
        raise RefusedError(f"--read {read}: is no report of `llm-serving diff`: {where}: {problem['msg']}.") from None


@contextmanager
def _interrupted_by_termination() -> Generator[None]:
    """Let SIGTERM end the block as Ctrl-C does, so that nothing is left behind."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous: Callable[[int, FrameType | None], object] | int | None = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
