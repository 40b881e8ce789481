"""Each kind of change that breaks a program in another language is found, and what breaks none is not."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from package.plugin.compatibility import breaking_changes, may_break
from package.plugin.schema_files import current

SCHEMA = current()
BUCKET = "llm-serving:index:CheckpointBucket"
STORAGE = "llm-serving:index:Storage"
SERVER = "llm-serving:index:Server"

Change = Callable[[dict[str, Any]], object]


def changed(change: Change) -> dict[str, Any]:
    schema = copy.deepcopy(SCHEMA)
    change(schema)
    return schema


def resource(schema: dict[str, Any]) -> dict[str, Any]:
    return schema["resources"][BUCKET]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda s: s["resources"].pop(BUCKET), "component CheckpointBucket: is gone"),
        (lambda s: s["types"].pop(STORAGE), "type Storage: is gone"),
        (lambda s: resource(s)["inputProperties"].pop("labels"), "CheckpointBucket, input labels: is gone"),
        (lambda s: resource(s)["properties"].pop("url"), "CheckpointBucket, output url: is gone"),
        (lambda s: resource(s)["required"].remove("url"), "CheckpointBucket, output url: can now be absent"),
        (lambda s: resource(s)["requiredInputs"].append("labels"), "CheckpointBucket, input labels: is now required"),
        (lambda s: s["types"][STORAGE]["required"].append("size"), "Storage, input size: is now required"),
        (lambda s: s["types"][STORAGE]["properties"].pop("size"), "Storage, input size: is gone"),
        (
            lambda s: resource(s)["inputProperties"].update(labels={"type": "string", "description": "x"}),
            "CheckpointBucket, input labels: was {'type': 'object', 'additionalProperties': {'type': 'string',"
            " 'plain': True}, 'plain': True} and is {'type': 'string'}",
        ),
        (
            lambda s: resource(s)["inputProperties"]["project"].update(plain=True),
            "CheckpointBucket, input project: was {'type': 'string'} and is {'type': 'string', 'plain': True}",
        ),
        (
            lambda s: resource(s)["properties"]["url"].update(type="integer"),
            "CheckpointBucket, output url: was {'type': 'string'} and is {'type': 'integer'}",
        ),
        (
            lambda s: s["types"][SERVER]["enum"].pop(0),
            "Server: has no longer the value TGI = tgi",
        ),
        (
            lambda s: s["types"][SERVER]["enum"][0].update(value="tgi-3"),
            "Server: has no longer the value TGI = tgi",
        ),
        (
            lambda s: s["types"].update({SERVER: {"type": "object", "properties": {}}}),
            "Server: is another kind of type",
        ),
        (
            lambda s: s["resources"]["llm-serving:index:InferenceService"]["inputProperties"]["token"].pop("secret"),
            "InferenceService, input token: is no longer kept secret",
        ),
    ],
)
def test_what_breaks_a_program_is_told(change: Change, told: str) -> None:
    assert breaking_changes(SCHEMA, changed(change)) == [told]


def test_a_new_input_that_is_required_breaks_every_program() -> None:
    def change(schema: dict[str, Any]) -> None:
        resource(schema)["inputProperties"]["owner"] = {"type": "string", "description": "x"}
        resource(schema)["requiredInputs"].append("owner")

    assert breaking_changes(SCHEMA, changed(change)) == ["CheckpointBucket, input owner: is now required"]


@pytest.mark.parametrize(
    "change",
    [
        lambda s: resource(s)["inputProperties"].update(owner={"type": "string", "description": "x"}),
        lambda s: resource(s)["properties"].update(owner={"type": "string", "description": "x"}),
        lambda s: resource(s)["requiredInputs"].remove("location"),
        lambda s: resource(s).update(description="x"),
        lambda s: resource(s)["inputProperties"]["labels"].update(description="x"),
        lambda s: s["types"][SERVER]["enum"].append({"name": "X", "value": "x", "description": "x"}),
        lambda s: s["resources"].update({"llm-serving:index:New": copy.deepcopy(resource(s))}),
    ],
)
def test_what_breaks_none_is_not_told(change: Change) -> None:
    new = changed(change)
    assert new != SCHEMA
    assert breaking_changes(SCHEMA, new) == []


@pytest.mark.parametrize(
    ("old", "new", "may"),
    [
        ("0.1.0", "0.1.0", False),
        ("0.1.0", "0.1.9", False),
        ("0.1.0", "0.2.0", True),
        ("0.9.0", "1.0.0", True),
        ("1.1.0", "1.2.0", False),
        ("1.9.3", "2.0.0", True),
    ],
)
def test_a_version_tells_whether_it_may_break_users(old: str, new: str, *, may: bool) -> None:
    assert may_break({"version": old}, {"version": new}) is may
