"""States of stacks as a version of this project left them, and what the program of today does to them.

`make upgrade-states` brings every stack, and a program with every component, up on simulated clouds and records the
state and the settings of each in `states/VERSION`, once for each version that is released. Names of stacks, as
arguments of `python -m tests.upgrades.states`, record these alone.
"""

from __future__ import annotations

import gzip
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pulumi.automation import Deployment

from cli.rehearsal import Rehearsal, ignore
from cli.result import Outcome, Resource
from cli.session import Session, open_session
from components import __version__
from engine import find_pulumi
from stacks import RECIPES

FOLDER = Path(__file__).parent
STATES = FOLDER / "states"
PROGRAMS = {
    **dict.fromkeys(RECIPES, FOLDER.parents[1]),
    "every-component": FOLDER / "every_component",
}
"""Folder of the program of each stack."""

OF_ONE_RUN = ("created", "modified", "sourcePosition", "stackTrace")
"""What a state tells of the run and of the machine, and not of the resource."""

REPLACED_AS_THEY_CHANGE = (
    "kubernetes:core/v1:ConfigMap",
    "kubernetes:core/v1:Secret",
    "kubernetes:batch/v1:Job",
    # its bucket's name is an output of such a Job, for which it waits
    "gcp:storage/bucketIAMMember:BucketIAMMember",
)
"""Types of which the component makes a new one when the content is another: scripts, tokens, what runs once."""

State = dict[str, Any]
"""`deployment`, as `pulumi stack export` gives it, and `settings`, the text of the stack file."""


def read_state(version: str, stack: str) -> State:
    """The recorded state of `stack`."""
    return json.loads(gzip.decompress((STATES / version / f"{stack}.json.gz").read_bytes()))


def record_state(stack: str) -> State:
    """The state of `stack` after an `up` by the program of today."""
    with tempfile.TemporaryDirectory() as folder:
        settings = (PROGRAMS[stack] / f"Pulumi.{stack}.yaml").read_text()
        rehearsal = _project(stack, settings, Path(folder))
        result = rehearsal.up()
        if result.outcome is not Outcome.SUCCEEDED:
            raise SystemExit(f"{stack}: {result.diagnostics}")
        deployment = _in_session(rehearsal, lambda session: session.stack.export_stack().deployment or {})
    deployment["manifest"] = {"time": "2026-01-01T00:00:00Z", "magic": "", "version": ""}
    for resource in deployment["resources"]:
        for key in OF_ONE_RUN:
            resource.pop(key, None)
    return {"settings": settings, "deployment": deployment}


def lost(stack: str, state: State, folder: Path) -> list[Resource]:
    """What the program of today would delete or replace of `state`, and should not."""
    rehearsal = _project(stack, state["settings"], folder)
    deployment = Deployment(version=3, deployment=state["deployment"])
    _in_session(rehearsal, lambda session: session.stack.import_stack(deployment))
    result = rehearsal.preview()
    assert result.outcome is Outcome.SUCCEEDED, result.diagnostics
    assert {"same", "update"} & result.changes.keys(), "nothing of the state was seen"
    return [
        each
        for each in result.resources
        if each.operation in ("delete", "replace")
        # the SDK gives its version to the provider that it makes by itself
        and not (each.type.startswith("pulumi:providers:") and each.name.startswith("default"))
        and not (each.operation == "replace" and each.type in REPLACED_AS_THEY_CHANGE)
    ]


def _project(stack: str, settings: str, folder: Path) -> Rehearsal:
    for name in ("Pulumi.yaml", "__main__.py"):
        shutil.copy(PROGRAMS[stack] / name, folder)
    (folder / f"Pulumi.{stack}.yaml").write_text(settings)
    return Rehearsal(stack, folder=folder)


def _in_session(rehearsal: Rehearsal, act: Callable[[Session], Any]) -> Any:
    with open_session(
        rehearsal.home,
        lambda: None,
        settings=rehearsal.settings(),
        find_engine=find_pulumi,
        time_scale=rehearsal.time_scale,
        faults=(),
        control_plane=False,
        say=ignore,
        use=ignore,
    ) as session:
        return act(session)


if __name__ == "__main__":
    folder = STATES / __version__
    folder.mkdir(parents=True, exist_ok=True)
    for each in sys.argv[1:] or PROGRAMS:
        text = json.dumps(record_state(each), sort_keys=True, separators=(",", ":"))
        (folder / f"{each}.json.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
