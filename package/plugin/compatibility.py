"""What of a new schema would break programs that were written for an older one."""

from collections.abc import Iterator
from typing import Any

from semver import VersionInfo

from package.plugin.schema import Schema

_NO_PART_OF_THE_TYPE = frozenset({"description", "secret"})


def may_break(old: Schema, new: Schema) -> bool:
    """Whether the version of `new` tells users that it may break them: by its first number, or its second after 0."""
    before, after = VersionInfo.parse(old["version"]), VersionInfo.parse(new["version"])
    return after.major > before.major or (before.major == 0 and after.minor > before.minor)


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """Return everything of `new` that breaks a program that works with `old`, in words."""
    return [
        *_gone("component", old["resources"], new["resources"]),
        *_gone("type", old["types"], new["types"]),
        *(
            change
            for token, component in old["resources"].items()
            if token in new["resources"]
            for change in _component(token.rpartition(":")[2], component, new["resources"][token])
        ),
        *(
            change
            for token, kind in old["types"].items()
            if token in new["types"]
            for change in _type(token.rpartition(":")[2], kind, new["types"][token])
        ),
    ]


def _component(name: str, old: Schema, new: Schema) -> Iterator[str]:
    yield from _inputs(
        name, old["inputProperties"], new["inputProperties"], old["requiredInputs"], new["requiredInputs"]
    )
    yield from _properties(f"{name}, output", old["properties"], new["properties"])
    for output in sorted(set(old["required"]) & new["properties"].keys() - set(new["required"])):
        yield f"{name}, output {output}: can now be absent"


def _type(name: str, old: Schema, new: Schema) -> Iterator[str]:
    if ("enum" in old) != ("enum" in new):
        yield f"{name}: is another kind of type"
    elif "enum" in old:
        values = {each["name"]: each["value"] for each in new["enum"]}
        for each in old["enum"]:
            if values.get(each["name"]) != each["value"]:
                yield f"{name}: has no longer the value {each['name']} = {each['value']}"
    else:
        yield from _inputs(name, old["properties"], new["properties"], old.get("required", []), new.get("required", []))


def _inputs(name: str, old: Schema, new: Schema, old_required: list[str], new_required: list[str]) -> Iterator[str]:
    yield from _properties(f"{name}, input", old, new)
    for required in sorted(set(new_required) - set(old_required)):
        yield f"{name}, input {required}: is now required"


def _properties(where: str, old: Schema, new: Schema) -> Iterator[str]:
    yield from _gone(where, old, new)
    for name in sorted(old.keys() & new.keys()):
        before, after = _shape(old[name]), _shape(new[name])
        if before != after:
            yield f"{where} {name}: was {before} and is {after}"
        if old[name].get("secret") and not new[name].get("secret"):
            yield f"{where} {name}: is no longer kept secret"


def _shape(part: Any) -> Any:  # Any: JSON
    return {key: value for key, value in part.items() if key not in _NO_PART_OF_THE_TYPE}


def _gone(what: str, old: Schema, new: Schema) -> Iterator[str]:
    for name in sorted(old.keys() - new.keys()):
        yield f"{what} {name.rpartition(':')[2]}: is gone"
