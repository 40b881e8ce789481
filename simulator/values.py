"""Property values of the provider protocol: structs to Python and back, secrets, unknown values, paths."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any, TypeAlias, TypeGuard

from google.protobuf import struct_pb2

Properties: TypeAlias = dict[str, Any]  # Any: whatever JSON a cloud takes
Path: TypeAlias = tuple[str | int, ...]

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 (the protocol's mark of a secret, not one)
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
UNKNOWNS = frozenset(
    {
        UNKNOWN,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
"""Stand-ins for values that are not known before the deployment, by type. Source: sdk/go/common/resource/plugin/rpc.go
of pulumi/pulumi, v3.256.0."""

_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$-]*")


def is_object(value: Any) -> TypeGuard[Properties]:  # Any: any JSON
    """Whether the value is an object that is neither a secret, an asset nor an archive."""
    return isinstance(value, dict) and SIGNATURE not in value


def is_list(value: Any) -> TypeGuard[list[Any]]:  # Any: any JSON
    """Whether the value is a list."""
    return isinstance(value, list)


def is_unknown(value: Any) -> bool:  # Any: any JSON
    """Whether the value is known only after the deployment."""
    return isinstance(value, str) and value in UNKNOWNS


def has_unknown(value: Any) -> bool:  # Any: any JSON
    """Whether the value or anything in it is known only after the deployment."""
    if is_object(value):
        return any(has_unknown(item) for item in value.values())
    if is_list(value):
        return any(has_unknown(item) for item in value)
    return is_unknown(value)


def is_secret(value: Any) -> TypeGuard[Properties]:  # Any: any JSON
    """Whether the value is marked as a secret."""
    return isinstance(value, dict) and value.get(SIGNATURE) == SECRET  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] (JSON)


def secret(value: Any) -> Properties:  # Any: any JSON
    """Mark the value as a secret."""
    return {SIGNATURE: SECRET, "value": value}


def from_struct(struct: struct_pb2.Struct) -> Properties:
    """Read a struct. Whole numbers become `int`."""
    return {key: _from_value(value) for key, value in struct.fields.items()}


def _from_value(value: struct_pb2.Value) -> Any:  # Any: any JSON
    match value.WhichOneof("kind"):
        case "string_value":
            return value.string_value
        case "struct_value":
            return from_struct(value.struct_value)
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [_from_value(item) for item in value.list_value.values]
        case _:
            return None


def to_struct(properties: Properties) -> struct_pb2.Struct:
    """Write a struct."""
    struct = struct_pb2.Struct()
    struct.update(properties)
    return struct


def plain(value: Any) -> Any:  # Any: any JSON
    """The value without the marks of its secrets. Null properties count as absent."""
    if is_secret(value):
        return plain(value["value"])
    if is_object(value):
        return {key: plain(item) for key, item in value.items() if item is not None}
    if is_list(value):
        return [plain(item) for item in value]
    return value


def merge(base: Any, changes: Any) -> Any:  # Any: any JSON
    """`base` with `changes` laid over it, objects merged at every depth. What is secret in either stays secret."""
    if is_secret(base) or is_secret(changes):
        # of a secret that was sealed nothing is left to merge with
        inner = base.get("value") if is_secret(base) else base
        return secret(merge(inner, changes["value"] if is_secret(changes) else changes))
    if is_object(base) and is_object(changes):
        return {**base, **{key: merge(base[key], item) if key in base else item for key, item in changes.items()}}
    return changes


def seal(value: Any) -> Any:  # Any: any JSON
    """The value with each secret replaced by its digest, so that no secret is ever written to the disk."""
    if is_secret(value):
        # of one that was sealed there is no more than the digest
        return {SIGNATURE: SECRET, "sha256": _digest(value["value"])} if "value" in value else value
    if is_object(value):
        return {key: seal(item) for key, item in value.items()}
    if is_list(value):
        return [seal(item) for item in value]
    return value


def unseal(sealed: Any, known: Any) -> Any:  # Any: any JSON
    """The value with each digest replaced by the secret at the same place in `known`, where that is the same secret."""
    if is_secret(sealed):
        if "value" in sealed:
            return sealed
        if is_secret(known) and _digest(known.get("value")) == sealed["sha256"]:
            return known
        return secret("changed outside Pulumi, or not known to this stack")
    if is_object(sealed):
        items: Properties = known if is_object(known) else {}
        return {key: unseal(item, items.get(key)) for key, item in sealed.items()}
    if is_list(sealed):
        others: list[Any] = known if is_list(known) else []
        return [unseal(item, others[i] if i < len(others) else None) for i, item in enumerate(sealed)]
    return sealed


def _digest(value: Any) -> str:  # Any: any JSON
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def format_path(path: Sequence[str | int]) -> str:
    """A path as Pulumi writes it: `spec.template.containers[0].env`, keys with dots in `["quotes"]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _IDENTIFIER.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{json.dumps(part)}]"
    return text


def at(value: Any, *names: str) -> Any:  # Any: any JSON
    """What is at these names, or None where any of them is missing."""
    for name in names:
        if not is_object(value):
            return None
        value = value.get(name)
    return value


def each_at(value: Any, path: Sequence[str]) -> list[Any]:  # Any: any JSON
    """Every value at these names; each item of a list on the way is looked into."""
    if is_list(value):
        return [found for item in value for found in each_at(item, path)]
    if not path:
        return [] if value is None else [value]
    return each_at(value.get(path[0]), path[1:]) if is_object(value) else []
