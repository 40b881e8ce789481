"""The Pulumi schema of a simulated provider, which a program in YAML is checked against."""

from __future__ import annotations

import functools
import importlib.metadata
import json
from typing import Any

from simulator import schema

_SCALARS = {str: "string", int: "integer", float: "number", bool: "boolean"}


@functools.cache
def provider_schema(name: str) -> str:
    """Return the schema of provider `name` as JSON: its settings alone, and none of its resources."""
    arguments = schema.input_class(f"pulumi:providers:{name}")
    properties = {key: _type(each.kind) for key, each in schema.properties(arguments).items()} if arguments else {}
    version = importlib.metadata.version(schema.PACKAGES[name].replace("_", "-"))
    return json.dumps({"name": name, "version": version, "provider": {"inputProperties": properties}})


def _type(kind: schema.Kind) -> dict[str, Any]:  # Any: JSON
    if kind.scalar:
        return {"type": _SCALARS[kind.scalar]}
    if kind.items:
        return {"type": "array", "items": _type(kind.items)}
    return {"$ref": "pulumi.json#/Any"}
