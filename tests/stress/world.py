"""What a rehearsal has come to, in a form that two of them can be compared in."""

import json
import re
import shutil
from pathlib import Path
from typing import Any, NamedTuple

from cli.rehearsal import Rehearsal
from simulator.cloud import Cloud
from tests.stacks.stack_file import ROOT

MADE_UP = re.compile(
    r"(?<=-)[0-9a-f]{7,8}(?![0-9a-z])"  # the end of a name that Pulumi made up
    r"|ocid1\.[\w.-]+|(?:192\.0\.2|198\.51\.100|203\.0\.113)\.\d+|2001:db8::[\w:.]+"
    r"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}|\d{4}-\d\d-\d\dT[\d:.]+Z|sha256:[0-9a-f]+|\b[0-9a-f]{40,64}\b"
)
"""What differs from one world to the next though nothing is different."""


class Made(NamedTuple):
    """One resource, on a cloud or in the engine's state."""

    urn: str
    state: str
    properties: str


class World(NamedTuple):
    """Everything that exists, and everything that the engine knows of."""

    clouds: list[Made]
    known: list[Made]
    outputs: str


def copy_project(folder: Path) -> Path:
    """Make a project like this one, whose rehearsals meet no other's."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in [*ROOT.glob("Pulumi*.yaml"), ROOT / "__main__.py"]:
        shutil.copy(path, folder)
    return folder


def world(rehearsal: Rehearsal) -> World:
    """Read what the clouds and the engine of a rehearsal hold, neither of which runs."""
    cloud = Cloud(rehearsal.home.cloud / "clouds.sqlite")
    existing = cloud.all()
    cloud.close()
    folder = str(rehearsal.home.project.folder)
    resources = _state(rehearsal)
    stack = next(each for each in resources if each["type"] == "pulumi:pulumi:Stack")
    return World(
        clouds=sorted(
            Made(each.urn, f"{each.state}{' orphan' * each.orphan}", _alike(each.inputs, folder)) for each in existing
        ),
        known=sorted(
            Made(each["urn"], _condition(each), _alike([each.get("inputs"), each.get("parent")], folder))
            for each in resources
        ),
        outputs=_alike(stack.get("outputs", {}), folder),
    )


def _state(rehearsal: Rehearsal) -> list[dict[str, Any]]:
    latest = json.loads(rehearsal.home.state.read_text())["checkpoint"]["latest"]
    assert not latest.get("pending_operations"), latest["pending_operations"]
    return latest["resources"]


def _condition(resource: dict[str, Any]) -> str:
    marks = ("delete", "pendingReplacement", "initErrors", "external", "taint")
    return " ".join(mark for mark in marks if resource.get(mark))


def _alike(properties: Any, folder: str) -> str:
    text = json.dumps(_without_ciphertext(properties), sort_keys=True)
    return MADE_UP.sub("*", text.replace(folder, "*"))


def _without_ciphertext(value: Any) -> Any:
    if isinstance(value, dict):
        return "secret" if "ciphertext" in value else {key: _without_ciphertext(part) for key, part in value.items()}
    return [_without_ciphertext(part) for part in value] if isinstance(value, list) else value
