"""Checks inputs against the input classes of the installed SDKs: the name, type and presence of every property, nested.

A misspelled key in a dictionary passes the SDK silently and fails only in the cloud or, with Kubernetes, nowhere.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import re
import sys
import types
import typing
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi import _types as sdk_types

from simulator.values import SIGNATURE, Path, Properties, format_path, is_list, is_object, is_secret, is_unknown

PACKAGES = {"gcp": "pulumi_gcp", "kubernetes": "pulumi_kubernetes", "oci": "pulumi_oci"}
"""Python package of each provider's SDK."""


@dataclass(frozen=True)
class Problem:
    """What is wrong with one input."""

    path: str
    reason: str


@dataclass(frozen=True)
class Kind:
    """What values a property takes. Exactly one of the attributes is set; none means that anything is taken."""

    scalar: type | None = None
    literal: str | None = None
    items: Kind | None = None
    values: Kind | None = None
    input_class: type | None = None
    choices: tuple[Kind, ...] = ()

    def __str__(self) -> str:
        if self.choices:
            return " or ".join(str(choice) for choice in self.choices)
        if self.literal is not None:
            return f'"{self.literal}"'
        if self.scalar is not None:
            return {str: "a string", int: "a whole number", float: "a number", bool: "true or false"}[self.scalar]
        if self.items is not None:
            return "a list"
        return "anything" if self.values is None and self.input_class is None else "an object"


ANYTHING = Kind()


@dataclass(frozen=True)
class Property:
    """One property of an input class."""

    kind: Kind
    required: bool


@functools.cache
def properties(input_class: type) -> Mapping[str, Property]:
    """The properties of an SDK input class by their names on the wire."""
    # the parameters tell what is required, the getters the names on the wire
    constructor = input_class.__init__
    defaults: Mapping[str, object] = getattr(constructor, "__kwdefaults__", None) or {}
    hints = typing.get_type_hints(
        constructor, vars(sys.modules[input_class.__module__]), {"Output": pulumi.Output, "T": type(None)}
    )
    names = sdk_types.input_type_py_to_pulumi_names(input_class)
    return {
        names[parameter]: Property(_kind(hint), parameter not in defaults)
        for parameter, hint in hints.items()
        if parameter in names
    }


def _kind(hint: Any) -> Kind:  # Any: a type annotation of any form
    origin = typing.get_origin(hint)
    arguments = typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        kept = [
            argument
            for argument in arguments
            if argument is not type(None) and typing.get_origin(argument) not in (pulumi.Output, Awaitable)
        ]
        kinds = tuple(dict.fromkeys(_kind(argument) for argument in kept))
        return kinds[0] if len(kinds) == 1 else ANYTHING if ANYTHING in kinds else Kind(choices=kinds)
    if origin is typing.Literal:
        return Kind(literal=str(arguments[0]))
    if origin in (Sequence, list):
        return Kind(items=_kind(arguments[0]))
    if origin in (Mapping, dict):
        return Kind(values=_kind(arguments[1]))
    if isinstance(hint, type):
        if sdk_types.is_input_type(hint):
            return Kind(input_class=hint)
        for scalar in (bool, int, float, str):
            if issubclass(hint, scalar):  # the SDK's enums are strings or numbers
                return Kind(scalar=scalar)
    return ANYTHING


@functools.cache
def input_class(token: str) -> type | None:
    """The SDK's input class of a resource type, or None where the SDK does not know the type."""
    package, module, name = token.split(":")
    if package == "pulumi" and module == "providers":
        return _class(f"{PACKAGES[name]}.provider", "ProviderArgs")
    if package == "kubernetes":
        group, _, version = module.rpartition("/")
        if group and "." in group and not group.endswith(".k8s.io"):
            return None
        module = f"{group.partition('.')[0] or 'core'}.{version}"
    else:
        module = module.partition("/")[0].lower()
    resource = _class(f"{PACKAGES[package]}.{module}", name)
    if resource is None or getattr(resource, "pulumi_type", None) != token:
        return None
    return _class(resource.__module__, f"{name}InitArgs") or _class(resource.__module__, f"{name}Args")


def _class(module: str, name: str) -> type | None:
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError:
        return None
    return found if isinstance(found, type) else None


def check(inputs: Properties, checked_class: type) -> list[Problem]:
    """Everything in the inputs that the SDK's class does not allow. Unknown values pass; secrets are looked into."""
    return list(_check_object(inputs, checked_class, ()))


def check_resource(token: str, inputs: Properties) -> list[Problem]:
    """Everything in a resource's inputs that the SDK does not allow. It knows only the metadata of custom resources."""
    checked_class = input_class(token)
    if checked_class is not None:
        return check(inputs, checked_class)
    if not token.startswith("kubernetes:"):
        return []
    group_version, kind = token.split(":")[1:]
    if "." not in group_version.partition("/")[0]:
        # only Kubernetes itself has groups without a dot
        return [Problem("kind", f'no matches for kind "{kind}" in version "{group_version}"')]
    metadata = {"metadata": inputs.get("metadata")}
    custom = _class("pulumi_kubernetes.apiextensions", "CustomResourceArgs")
    return [found for found in (check(metadata, custom) if custom else []) if found.path.startswith("metadata")]


def _check_object(value: Properties, checked_class: type, path: Path) -> Iterator[Problem]:
    declared = properties(checked_class)
    for name, item in value.items():
        if name.startswith("__") or item is None:
            continue
        if name in declared:
            yield from _check_value(item, declared[name].kind, (*path, name))
        else:
            yield Problem(format_path((*path, name)), _unknown_name(name, declared, checked_class))
    for name, property_ in declared.items():
        if property_.required and value.get(name) is None:
            yield Problem(format_path((*path, name)), f'Missing required property "{name}"')


def _check_value(value: Any, kind: Kind, path: Path) -> Iterator[Problem]:  # Any: any JSON
    if is_secret(value):
        value = value.get("value")
    if is_unknown(value) or value is None or kind == ANYTHING:
        return
    if kind.choices:
        # the first choice that takes the value, else the problems of the likeliest
        attempts = [list(_check_value(value, choice, path)) for choice in kind.choices]
        if all(attempts):
            wrong_type = Problem(format_path(path), f"Expected {kind}, got {_shown(value)}")
            yield from next((a for a in attempts if a[0].path != wrong_type.path), [wrong_type])
    elif kind.items is not None and is_list(value):
        for index, item in enumerate(value):
            yield from _check_value(item, kind.items, (*path, index))
    elif kind.values is not None and is_object(value):
        for name, item in value.items():
            yield from _check_value(item, kind.values, (*path, name))
    elif kind.input_class is not None and is_object(value):
        yield from _check_object(value, kind.input_class, path)
    elif not _is_scalar(value, kind):
        yield Problem(format_path(path), f"Expected {kind}, got {_shown(value)}")


def _is_scalar(value: Any, kind: Kind) -> bool:  # Any: any JSON
    if kind.literal is not None:
        return value == kind.literal
    if kind.scalar is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return kind.scalar is not None and type(value) is kind.scalar


def _shown(value: Any) -> str:  # Any: any JSON
    if isinstance(value, dict):
        return "an asset" if SIGNATURE in value else "an object"
    if is_list(value):
        return "a list"
    # the value itself may be a secret
    return {str: "a string", bool: "true or false", int: "a whole number", float: "a fraction"}[type(value)]


def _unknown_name(name: str, declared: Mapping[str, Property], checked_class: type) -> str:
    camel = re.sub(r"_(\w)", lambda match: match.group(1).upper(), name)
    close = difflib.get_close_matches(camel, declared, n=1)
    owner = re.sub(r"(Init)?Args$", "", checked_class.__name__)
    hint = f'did you mean "{close[0]}"?' if close else f"it has {', '.join(sorted(declared)[:12])}"
    return f'{owner} has no property "{name}"; {hint}'


def declared_path(token_class: type | None, names: Sequence[str]) -> tuple[str, ...]:
    """The part of a path, without list indices, that names declared properties: keys of maps are left out."""
    if token_class is None:
        return tuple(names)
    kept: list[str] = []
    kind = Kind(input_class=token_class)
    for name in names:
        while kind.items is not None:
            kind = kind.items
        if kind.input_class is None or name not in properties(kind.input_class):
            break
        kept.append(name)
        kind = properties(kind.input_class)[name].kind
    return tuple(kept)
