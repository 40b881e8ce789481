"""Runs one side's program of a stack in the engine, on simulated clouds."""

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pulumi.automation import CommandError

from cli.diff.recording import Recording
from cli.diff.side import Side
from cli.engine_command import EngineCommand
from cli.errors import RefusedError
from cli.foresight import dependencies_of
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
    home = Home(side.project, stack, rehearsals)
    update_plan = home.folder / "plan.json"
    try:
        settings = rehearsal_settings(side.project, stack, stand_ins=False)
        stand_in(settings, side.project, side.stand_ins)
        with (
            open_session(
                home,
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
            try:
                if operation == "up":
                    session.stack.up(on_event=recording.apply)
                else:
                    session.stack.preview(on_event=recording.apply, plan=str(update_plan))
                recording.dependencies = _dependencies(home.state, update_plan)
            except (CommandError, RuntimeError) as error:
                # The Automation API raises a bare RuntimeError when a preview ends early.
                told = [each.message for each in recording.diagnostics if each.severity == "error"]
                recording.errors += told or [session.engine.errors() or str(error)]
    except RefusedError as refused:
        recording.errors.append(str(refused))
    return recording


def _dependencies(state: Path, update_plan: Path) -> dict[str, frozenset[str]]:
    """Return what each resource depends on: what is wanted where there is a plan, and what is there."""
    found: dict[str, frozenset[str]] = {}
    if state.exists():
        latest: Mapping[str, Any] = json.loads(state.read_text(encoding="utf-8"))["checkpoint"]["latest"] or {}  # JSON
        found |= {each["urn"]: dependencies_of(each) for each in latest.get("resources") or ()}
    if update_plan.exists():
        plans: Mapping[str, Any] = json.loads(update_plan.read_text(encoding="utf-8"))["resourcePlans"]  # JSON
        found |= {urn: dependencies_of(each["goal"]) for urn, each in plans.items() if each.get("goal")}
    return found


def _ignore(_line: str) -> None:
    """Say nothing: what becomes of a stack is in the report."""
