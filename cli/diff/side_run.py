"""Runs one side's program of a stack in the engine, on simulated clouds."""

import math
from collections.abc import Callable
from pathlib import Path

from pulumi.automation import CommandError

from cli.diff.recording import Recording
from cli.diff.side import Side
from cli.engine_command import EngineCommand
from cli.errors import RefusedError
from cli.session import Home, open_session
from cli.settings import rehearsal_settings, stand_in

UseEngine = Callable[[EngineCommand | None], None]


def bring_up(side: Side, stack: str, rehearsals: Path, pulumi: Path, use: UseEngine) -> Recording:
    """Create what the program of `side` describes, in `rehearsals`."""
    return _run("up", side, stack, rehearsals, pulumi, use)


def plan(side: Side, stack: str, rehearsals: Path, pulumi: Path, use: UseEngine) -> Recording:
    """Tell what the program of `side` would do to what is in `rehearsals`."""
    return _run("preview", side, stack, rehearsals, pulumi, use)


def _run(operation: str, side: Side, stack: str, rehearsals: Path, pulumi: Path, use: UseEngine) -> Recording:
    recording = Recording(operation)
    try:
        settings = rehearsal_settings(side.project, stack, stand_ins=False)
        stand_in(settings, side.project, side.stand_ins)
        with (
            open_session(
                Home(side.project, stack, rehearsals),
                None,
                settings=settings,
                find_engine=lambda: pulumi,
                time_scale=math.inf,
                faults=(),
                control_plane=False,
                say=_ignore,
                use=use,
            ) as session,
            side.program() as address,
        ):
            session.engine.language_host = address
            run = session.stack.up if operation == "up" else session.stack.preview
            try:
                run(on_event=recording.apply)
            except (CommandError, RuntimeError) as error:
                # The Automation API raises a bare RuntimeError when a preview ends early.
                told = [each.message for each in recording.diagnostics if each.severity == "error"]
                recording.errors += told or [session.engine.errors() or str(error)]
    except RefusedError as refused:
        recording.errors.append(str(refused))
    return recording


def _ignore(_line: str) -> None:
    """Say nothing: what becomes of a stack is in the report."""
