"""What the real gcp and oci providers say of their types judges the input check and the replace rules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator import schema
from simulator.rules import load_rules

FOLDER = Path(__file__).parents[3] / "shared" / "provider-schemas"
"""Not part of the project: without it there is no judge and there are no tests in this file."""
JUDGE: dict[str, dict[str, Any]] = {"resources": {}, "types": {}}
for file in FOLDER.glob("*.json"):
    for part, found in JUDGE.items():
        found.update(json.loads(file.read_text(encoding="utf-8"))[part])
TYPES = [token for package in ("gcp", "oci") for token in load_rules(package).types if token in JUDGE["resources"]]

NOT_JUDGED = (
    "description",
    "bestEffortProvisioning",
    "networkConfig.additionalNodeNetworkConfigs.stackType",
    "networkInterfaces.enableVpcScopedDns",
    "networkInterfaces.serviceClassId",
    "secretType",
    "launchOptions.isEncryptionInTransitEnabled",
    *(f"EncryptionKey.{key}Wo{version}" for key in ("rawKey", "rsaEncryptedKey") for version in ("", "Version")),
)
"""Ends of paths that the judge does not have: its descriptions were trimmed, and with them the properties of that name;
the others came to the SDKs with a later release."""

SCALARS = {"string": str, "integer": int, "number": float, "boolean": bool}


def properties_of(judged: dict[str, Any]) -> dict[str, Any] | None:
    """The properties of an object type, None where it is none."""
    reference = judged.get("$ref", "")
    return (
        JUDGE["types"][reference.removeprefix("#/types/")].get("properties")
        if reference.startswith("#/types/")
        else None
    )


def walk(
    judged: dict[str, Any], required: list[str], checked_class: type, path: str = ""
) -> Iterator[tuple[str, dict[str, Any] | None, bool, schema.Property | None]]:
    """Every property path with what the judge and what our check say of it."""
    ours = schema.properties(checked_class)
    for name in sorted({*judged, *ours}):
        here = f"{path}{name}"
        theirs = judged.get(name)
        yield here, theirs, name in required, ours.get(name)
        if theirs is None or name not in ours:
            continue
        kind, inner = ours[name].kind, theirs
        while kind.items or kind.values:
            kind = kind.items or kind.values or kind
            inner = inner.get("items") or inner.get("additionalProperties") or {}
        nested = properties_of(inner)
        if nested is not None and kind.input_class is not None:
            type_ = JUDGE["types"][inner["$ref"].removeprefix("#/types/")]
            yield from walk(nested, type_.get("required", []), kind.input_class, f"{here}.")


def everything(token: str) -> list[tuple[str, dict[str, Any] | None, bool, schema.Property | None]]:
    """Every property path of a type."""
    resource = JUDGE["resources"][token]
    checked_class = schema.input_class(token)
    assert checked_class is not None
    return list(walk(resource["inputProperties"], resource.get("requiredInputs") or [], checked_class))


def agree(judged: dict[str, Any], kind: schema.Kind) -> bool:
    """Whether the judge's type and our kind are the same."""
    if "$ref" in judged:
        if properties_of(judged) is not None:
            return kind.input_class is not None
        return True
    if judged["type"] == "array":
        return kind.items is not None and agree(judged["items"], kind.items)
    if judged["type"] == "object":
        return kind.values is not None and agree(judged["additionalProperties"], kind.values)
    return kind.scalar is SCALARS[judged["type"]]


@pytest.mark.parametrize("token", TYPES)
def test_names_types_and_presence_are_the_judges(token: str) -> None:
    disagreements = [
        f"{path}: judge {theirs}, ours {ours}"
        for path, theirs, required, ours in everything(token)
        if not (theirs is None and path.endswith(NOT_JUDGED))
        and (theirs is None or ours is None or not agree(theirs, ours.kind) or required != ours.required)
    ]
    assert not disagreements, "\n".join(disagreements)


@pytest.mark.parametrize("token", TYPES)
def test_replaces_as_the_judge(token: str) -> None:
    rules = load_rules(token.partition(":")[0]).types[token]
    judged = {path for path, theirs, _, _ in everything(token) if theirs and theirs.get("willReplaceOnChanges")}
    ours = {path for path, theirs, _, _ in everything(token) if theirs and rules.replaced_by(path)}
    assert ours == judged
