"""What the simulator knows of each resource type: read from gcp.toml, kubernetes.toml and oci.toml."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class NameRule:
    """How resources of a type are named."""

    property: str = "metadata.name"
    """Path of the property that holds the name."""
    pattern: str = ""
    """Regular expression that the whole name matches."""
    min: int = 1
    max: int = 253
    lower: bool = False
    """Whether a name that is made from the resource's name is put in lower case."""
    prefix_property: str = ""
    """Property that asks the cloud to make the name itself, from this prefix."""


@dataclass(frozen=True)
class Inside:
    """The resource in which another lives."""

    type: str
    property: str
    """Input that names it. Where it is not set, the resource lives in nothing."""
    id: str = ""
    """Template of its id; empty: the property holds it."""
    on_delete: str = "cascade"
    """`cascade`: it takes this resource along when it is deleted. `refuse`: it cannot be deleted before."""
    must_exist: bool = False
    """Whether it has to be one that the simulated cloud made. Otherwise it is taken to be there already."""


@dataclass(frozen=True)
class TypeRules:
    """What the simulator knows of one resource type. Durations are simulated seconds."""

    token: str
    known: bool = True
    """False for a type that no file tells of: its inputs are echoed."""
    id: str = ""
    """Template of the id; Kubernetes objects have `namespace/name`."""
    plural: str = ""
    """Name of the kind in the messages of a Kubernetes API server."""
    cluster_wide: bool = False
    """Whether objects of the kind live outside namespaces."""
    scope: Sequence[str] = ()
    """Properties that come from the provider's configuration where the resource does not set them."""
    shared: bool = False
    """Whether the cloud takes the same one twice, as an API can be enabled by two programs."""
    api: str = ""
    """Google API that must be enabled."""
    quota: str = ""
    """Quota metric or service limit that each resource counts against, one per resource."""
    waits_for: str = "it is ready"
    seconds: Mapping[str, float] = field(default_factory=dict[str, float])
    """Duration by operation: create, update, delete."""
    timeout: float = 0
    """After which the provider gives up, unless customTimeouts say otherwise."""
    name: NameRule | None = None
    labels: str = ""
    """Property with the labels, for types with `effectiveLabels`."""
    replaces: Sequence[str] = ()
    """Property paths whose change replaces the resource; with `.**` also what is in them."""
    values: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    """Allowed values by property path."""
    planned: Mapping[str, Any] = field(default_factory=dict[str, Any])  # Any: templates of any JSON
    """Outputs that are known before the deployment."""
    outputs: Mapping[str, Any] = field(default_factory=dict[str, Any])  # Any: templates of any JSON
    """Outputs that only the cloud knows."""
    inside: Inside | None = None

    def replaced_by(self, path: str) -> bool:
        """Whether a change of the declared property at this path replaces the resource."""
        exact, below = _matchers(tuple(self.replaces))
        return path in exact or any(path == rule or path.startswith(f"{rule}.") for rule in below)


@functools.cache
def _matchers(rules: tuple[str, ...]) -> tuple[frozenset[str], frozenset[str]]:
    below = frozenset(rule.removesuffix(".**") for rule in rules if rule.endswith(".**"))
    return frozenset(rules), below


@dataclass(frozen=True)
class Rules:
    """Everything in the file of one provider."""

    data: Mapping[str, Any]  # Any: TOML
    types: Mapping[str, TypeRules]
    common: TypeRules
    """What holds for types that the file does not list."""
    fallbacks: Mapping[str, Sequence[str]]
    """Keys of the provider's configuration by the property that they stand in for."""

    def of(self, token: str) -> TypeRules:
        """The rules of a resource type."""
        return self.types.get(token) or _with(self.common, token=token, known=False)


@functools.cache
def load_rules(package: str) -> Rules:
    """Read the file of a provider: `gcp`, `kubernetes` or `oci`."""
    data = tomllib.loads(files("simulator").joinpath(f"{package}.toml").read_text(encoding="utf-8"))
    common = TypeRules(
        token="",
        id="{name}",
        seconds=data["default_seconds"],
        timeout=data["default_timeout"],
        replaces=data.get("replaces", ()),
        name=_name_rule({}, data) if package == "kubernetes" else None,
    )
    types = {token: _type_rules(token, table, data, common) for token, table in data["types"].items()}
    return Rules(data, types, common, data["fallbacks"])


def _type_rules(
    token: str, table: dict[str, Any], data: Mapping[str, Any], common: TypeRules
) -> TypeRules:  # Any: TOML
    """Complete one type's table. A key that is no field of TypeRules is a mistake in the file and raises TypeError."""
    given = dict(table)
    given["seconds"] = {**common.seconds, **given.get("seconds", {})}
    given["replaces"] = [*common.replaces, *_expanded(given.get("replaces", []), data["shapes"])]
    given["values"] = {path: data["values"][name] for path, name in given.get("values", {}).items()}
    if "name" in given:
        given["name"] = _name_rule(given["name"], data)
    if "inside" in given:
        given["inside"] = Inside(**given["inside"])
    return _with(common, token=token, **given)


def _name_rule(table: Mapping[str, Any], data: Mapping[str, Any]) -> NameRule:  # Any: TOML
    given = dict(table)
    if "pattern" in given:
        given["pattern"] = data["patterns"][given["pattern"]]
    return NameRule(**given)


def _expanded(rules: Sequence[str], shapes: Mapping[str, Sequence[str]]) -> list[str]:
    expanded: list[str] = []
    for rule in rules:
        prefix, _, shape = rule.partition(":")
        expanded += [f"{prefix}.{path}" for path in shapes[shape]] if shape else [rule]
    return expanded


def _with(rules: TypeRules, **changes: Any) -> TypeRules:  # Any: fields of every type
    return TypeRules(**{**vars(rules), **changes})
