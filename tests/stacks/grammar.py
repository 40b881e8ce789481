"""Settings made from the models that read them: each field by its type, bounds and examples, well-formed as a rule."""

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from random import Random
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

import stacks
from components.catalog import load_catalog
from tests.stacks.stack_file import configuration

Place = tuple[str | int, ...]

NAMES = (
    "a",
    "l4",
    "mixtral-moe-gpu-pool",
    "converter",
    "cloud.google.com/x",
    "x" * 63,
    "x" * 64,
    "x/y/z",
    "A_b.c",
    "-a",
)
TEXTS = (
    *("", " ", "x", "no", "0", "-1", "8", "1e9Gi", "500m", "0Gi", "1Ei", "10.0.0.0/33", "::/0", "0.0.0.0/0", "x" * 254),
    *("None", "null", "{", "[]", "../..", "/", "gs://x", "a\nb", "a\0b", "\ud800", "\u202eabc", "e\u0301", "\u200b"),
    *("\N{FULLWIDTH DIGIT EIGHT}", "mistralai/Mixtral\N{FULLWIDTH DIGIT EIGHT}", "\N{GRINNING FACE}", "$(touch x)"),
    *("`x`", "a; b", "--x", "~", "*", "'", '"', "# x", "a: b", "{{ x }}", "%s", "\\", "@x", "EOF"),
)


def _catalog_names() -> tuple[str, ...]:
    catalog = load_catalog()
    zones = [zone for region in catalog.regions.values() for zone in region.zones]
    groups = (catalog.machines, catalog.accelerators, catalog.models, catalog.regions, catalog.shapes)
    return (*zones, *catalog.oci_regions, *(name for group in groups for name in group))


def _strings(value: Any) -> Iterator[tuple[str, str]]:
    """Every text of the stack files, by the name of its field."""
    for name, part in value.items() if isinstance(value, dict) else ():
        for each in part if isinstance(part, list) else [part]:
            if isinstance(each, str):
                yield name.rpartition(":")[2], each
            else:
                yield from _strings(each)


CATALOG = _catalog_names()
FILES: Mapping[str, dict[str, Any]] = {name: configuration(name) for name in stacks.RECIPES}
USED = [pair for file in FILES.values() for pair in _strings(file)]


def _text(random: Random, name: str, field: FieldInfo) -> str:
    """A text that is likely for the field: of its own documentation, of a stack file, of the catalogue; or any."""
    examples = re.findall(r"`([^`]+)`", field.description or "")
    used = [text for key, text in USED if key == (field.alias or name)]
    likely = random.choice([examples, used, used, CATALOG])
    return random.choice(likely or TEXTS) if random.random() < 0.8 else random.choice(TEXTS)


def _number(random: Random, field: FieldInfo) -> int:
    bounds = [getattr(each, name) for each in field.metadata for name in ("ge", "gt", "le") if hasattr(each, name)]
    near = [int(bound) + step for bound in bounds for step in (-1, 0, 1)]
    return random.choice([*near, 0, 1, 2, 4, 8, random.randint(1, 300), random.randint(-5, 2**40)])


def value_of(random: Random, annotation: Any, name: str, field: FieldInfo) -> Any:
    """A value of the type, as JSON has it."""
    members = [each for each in get_args(annotation) if each is not type(None)]
    match get_origin(annotation):
        case origin if origin in (Union, UnionType):
            plain = [each for each in members if each in (str, int, float, bool) or isinstance(each, type)]
            return value_of(random, str if str in members else (plain or members)[0], name, field)
        case origin if origin is list:
            return [value_of(random, members[0], name, field) for _ in range(random.choice([0, 1, 1, 2, 3]))]
        case origin if origin is dict:
            keys = [random.choice(NAMES) if random.random() < 0.8 else random.choice(TEXTS) for _ in range(2)]
            return {key: value_of(random, members[1], name, field) for key in keys[: random.randint(0, 2)]}
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return settings_of(random, annotation)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return random.choice(list(annotation)).value
    if annotation is bool:
        return random.random() < 0.5
    if annotation is float:
        return random.choice([0.0, 0.5, 1.0, 1.5, -1.0, 1e308])
    return _number(random, field) if annotation is int else _text(random, name, field)


def settings_of(random: Random, model: type[BaseModel]) -> dict[str, Any]:
    """Settings of a model: what is required, and some of what is not."""
    return {
        field.alias or name: value_of(random, field.annotation, name, field)
        for name, field in model.model_fields.items()
        if field.is_required() or random.random() < 0.15
    }


def _models_in(annotation: Any, value: Any, place: Place) -> Iterator[tuple[Place, type[BaseModel]]]:
    """Every place of `value` that holds settings of a model, by what `annotation` says of it."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and isinstance(value, dict):
        yield place, annotation
        for name, field in annotation.model_fields.items():
            key = field.alias or name
            yield from _models_in(field.annotation, value.get(key), (*place, key))
    elif get_origin(annotation) is dict and isinstance(value, dict):
        for key, part in value.items():
            yield from _models_in(get_args(annotation)[1], part, (*place, key))
    else:
        for member in get_args(annotation):
            yield from _models_in(member, value, place)


def at(value: Any, place: Place) -> Any:
    """The part of nested settings at a place."""
    for key in place:
        value = value[key]
    return value


def change(random: Random, settings: dict[str, Any], model: type[BaseModel]) -> None:
    """Give one field of the settings, or of what is in them, another value or none; or add what no model has."""
    place, found = random.choice(list(_models_in(model, settings, ())))
    parent = at(settings, place)
    if random.random() < 0.03 and place:
        parent[random.choice(TEXTS)] = random.choice(TEXTS)
        return
    name, field = random.choice(list(found.model_fields.items()))
    key = field.alias or name
    match random.random():
        case chance if chance < 0.15:
            parent.pop(key, None)
        case chance if chance < 0.18:
            parent[key] = random.choice([None, [], {}, "", 0, True, 10**400, 0.5, [[]], {"": {}}, *TEXTS])
        case _:
            parent[key] = value_of(random, field.annotation, name, field)
