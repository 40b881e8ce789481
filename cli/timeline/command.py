"""`llm-serving rehearse up --timeline`: how long a real cloud would take, and what the first token waits for."""

import json
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.errors import RefusedError
from cli.progress import short_type
from cli.project import check_stack_name, find_project
from cli.result import Outcome, Result
from cli.session import Home
from cli.timeline.svg import svg
from cli.timeline.timeline import Timeline, timeline_of
from cli.timeline.words import clock_text, summary
from simulator import SimulatedClouds

PICTURE = "timeline.svg"
"""Name of the picture in the folder of the rehearsal."""


def require_durations(stack: str, *, control_plane: bool) -> None:
    """Raise RefusedError where Kubernetes objects are as slow as a real control plane, not as is published."""
    if control_plane or SimulatedClouds.on_control_planes(_home(stack).cloud):
        raise RefusedError(
            "--timeline goes by the simulator's durations, which a real control plane does not keep to: leave out "
            f"--control-plane. Has the rehearsal begun with it, run `llm-serving rehearse destroy {stack}` first."
        )


def show_timeline(result: Result, console: Console) -> None:
    """Print the timeline of an `up` and draw it, if that has succeeded."""
    if result.outcome is not Outcome.SUCCEEDED:
        return
    home = _home(result.stack)
    timeline = timeline_of_run(home, result)
    for part in (summary(timeline), table(timeline)):
        console.print(part, soft_wrap=True)
    picture = home.folder / PICTURE
    picture.write_text(svg(timeline, result.stack), encoding="utf-8")
    console.print(Text(f"\nAll of it as a picture: {picture}"), soft_wrap=True)


def timeline_of_run(home: Home, result: Result) -> Timeline:
    """Return when the parts of a stack were worked on in an `up` that has succeeded."""
    state = json.loads(home.state.read_text(encoding="utf-8"))["checkpoint"]["latest"]["resources"]
    return timeline_of(state, {each.urn: each.simulated_seconds for each in result.resources})


def table(timeline: Timeline) -> Table:
    """Return the longest chain: from when to when, and what."""
    found = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("from", "to", "takes"):
        found.add_column(heading, justify="right")
    found.add_column("what")
    for span in timeline.critical:
        times = (clock_text(each) for each in (span.start, span.end, span.task.seconds))
        found.add_row(*times, Text(f"{short_type(span.task.type)} {span.task.name}", overflow="fold"))
    return found


def _home(stack: str) -> Home:
    return Home(find_project(Path.cwd()), check_stack_name(stack))
