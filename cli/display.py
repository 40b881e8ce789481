"""Shows a running operation: a live tree on a terminal, plain lines anywhere else."""

import itertools
import math
from collections.abc import Iterator
from types import TracebackType
from typing import Literal, Self, TypedDict

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cli.progress import STACK_TYPE, Diagnostic, Progress, ResourceProgress, Status, short_type
from cli.words import change_text, status_text, wording


class _OneLine(TypedDict):
    no_wrap: bool
    overflow: Literal["ellipsis"]


QUIET = {"same", "refresh", "read"}
"""Operations that plain lines leave out: they change nothing."""

ONE_LINE: _OneLine = {"no_wrap": True, "overflow": "ellipsis"}


class LineDisplay:
    """Prints a line whenever something starts or ends that changes something."""

    def __init__(self, console: Console, time_scale: float) -> None:
        self._console = console
        self._time_scale = time_scale

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        pass

    def begin(self, progress: Progress) -> None:
        """Take no notice: a line is printed when something happens."""

    def watch(self, progress: Progress, change: ResourceProgress | Diagnostic) -> None:
        """Print what happened. Diagnostics are told at the end."""
        if isinstance(change, Diagnostic) or is_hidden(change) or change.operation in QUIET:
            return
        if progress.operation == "preview" and change.status is Status.RUNNING:
            return
        words = wording(change.operation)
        parts = [f"{words.sign} {short_type(change.type)} {change.name}", status_text(progress, change)]
        if change.status is Status.RUNNING or progress.operation == "preview":
            parts.append(change_text(change))
        elif passed := simulated_text(change, self._time_scale):
            parts.append(f"in about {passed}")
        style = "red" if change.status is Status.FAILED else words.style
        self._console.print(Text(" ".join(part for part in parts if part), style=style), soft_wrap=True)


class TreeDisplay:
    """Keeps a tree of the resources on the terminal: what each is doing, how long, and what it waits for."""

    def __init__(self, console: Console, time_scale: float) -> None:
        self._time_scale = time_scale
        self._progress: Progress | None = None
        self._console = console
        self._ended = False
        self._live = Live(console=console, get_renderable=self._render, refresh_per_second=8)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended = True
        self._live.stop()

    def begin(self, progress: Progress) -> None:
        """Show `progress` from now on."""
        self._progress = progress

    def watch(self, progress: Progress, change: ResourceProgress | Diagnostic) -> None:
        """Take no notice: the tree is drawn several times a second."""

    def _render(self) -> Table | Text:
        if self._progress is None:
            return Text("Preparing the stack ...", style="dim")
        # one more than there is room for, by which the terminal is told to show that there are more
        most = None if self._ended else self._console.height + 1
        return tree(self._progress, self._time_scale, most)


def tree(progress: Progress, time_scale: float, most: int | None = None) -> Table:
    """Draw the resources of `progress` by parent, the first `most` of them: drawing is what takes time."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for column in ("resource", "name", "status", "time", "note"):
        # What may shrink is cut off, so that every resource keeps to its line.
        table.add_column(column, no_wrap=column in ("status", "time"))
    shown = {each.urn: each for each in list(progress.resources.values()) if not is_hidden(each)}
    children: dict[str, list[ResourceProgress]] = {}
    for each in shown.values():
        children.setdefault(each.parent if each.parent in shown else "", []).append(each)
    for prefix, each in itertools.islice(_branches(children, "", ""), most):
        words = wording(each.operation)
        style = {Status.FAILED: "red", Status.WAITING: "dim"}.get(each.status, words.style)
        waits_for = progress.waits_for(each)
        if waits_for and each.status is Status.WAITING:
            waits_for = f"waits for {waits_for}"
        table.add_row(
            Text.assemble((prefix, "dim"), (f"{words.sign} {short_type(each.type)}", style), **ONE_LINE),
            Text(progress.label(each), **ONE_LINE),
            Text(status_text(progress, each), style=style),
            Text(simulated_text(each, time_scale)),
            Text(waits_for or change_text(each), style="dim", **ONE_LINE),
        )
    return table


def _branches(
    children: dict[str, list[ResourceProgress]], parent: str, indent: str
) -> Iterator[tuple[str, ResourceProgress]]:
    siblings = children.get(parent, [])
    for each in siblings:
        last = each is siblings[-1]
        yield indent + ("└─ " if last else "├─ "), each
        yield from _branches(children, each.urn, indent + ("   " if last else "│  "))


def is_hidden(resource: ResourceProgress) -> bool:
    """Tell whether it is one of the engine's own resources: the stack and the default providers."""
    default_provider = resource.type.startswith("pulumi:providers:") and resource.name.startswith("default")
    return resource.type == STACK_TYPE or default_provider


def simulated_text(resource: ResourceProgress, time_scale: float) -> str:
    """Tell about how much simulated time has gone into `resource`, in minutes: what is shorter is lost in real time."""
    seconds = 0.0 if math.isinf(time_scale) else resource.seconds() * time_scale
    if not resource.custom or resource.operation in QUIET or seconds < 60:
        return ""
    return f"{seconds / 60:.0f} min"
