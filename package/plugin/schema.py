"""The schema of the Pulumi package: what programs in other languages see of the components."""

import inspect
from collections.abc import Mapping
from typing import Any, cast

from pulumi.provider.experimental.analyzer import TypeDefinition
from pydantic import BaseModel

NAME = "llm-serving"
SECRETS = frozenset({"token", "wandbApiKey", "secretKey", "kubeconfig"})
"""Properties whose values Pulumi has to keep encrypted, wherever they occur."""
HIDDEN_OUTPUTS = frozenset({"provider"})
"""Outputs for Python alone. In no other language can a resource option take an output for a provider."""

Schema = dict[str, Any]  # Any: JSON

_ABOUT: Schema = {
    "displayName": "LLM serving",
    "description": "Large language models on GPU and TPU clusters: GKE, Autopilot, Oracle Cloud",
    "keywords": ["pulumi", "kubernetes", "gke", "gpu", "tpu", "llm", "category/infrastructure", "kind/component"],
    "license": "Apache-2.0",
    "language": {
        "csharp": {"respectSchemaVersion": True},
        "go": {"respectSchemaVersion": True, "generateResourceContainerTypes": False},
        "java": {"respectSchemaVersion": True},
        "nodejs": {"respectSchemaVersion": True},
        # not that of the components' own Python package, beside which it may be installed
        "python": {"respectSchemaVersion": True, "packageName": "llm_serving_sdk"},
    },
}


def complete(schema: Schema, arguments: Mapping[str, type[BaseModel]], types: Mapping[str, TypeDefinition]) -> Schema:
    """Return what the SDK's analyzer made of the components, with what it leaves out.

    It reads the descriptions of a class but not of those that it inherits from, and knows no secrets. The names of
    nested types lose their `Args`, which the languages put behind the name of an input themselves.

    Args:
        schema: what the analyzer made.
        arguments: the arguments of every component, by the component's name.
        types: the types that the analyzer found in them.
    """
    names = {name: name.removesuffix("Args") for name in types}
    for name, model in arguments.items():
        resource = schema["resources"][_token(name)]
        _describe(resource["inputProperties"], model)
        for hidden in HIDDEN_OUTPUTS & resource["properties"].keys():
            del resource["properties"][hidden]
            resource["required"].remove(hidden)
    for name, found in types.items():
        if issubclass(found.python_type, BaseModel):
            _describe(schema["types"][_token(name)]["properties"], found.python_type)
    nested = {_token(names[name]): schema["types"][_token(name)] for name in sorted(types)}
    references = {f"#/types/{_token(name)}": f"#/types/{_token(names[name])}" for name in types}
    tidy = _tidy({**schema, **_ABOUT, "types": nested, "dependencies": []}, references)
    _open_maps(tidy)
    return tidy


def _open_maps(schema: Schema) -> None:
    """Let the members of a map be no plain values where they take inputs: the SDK for Go would lack their type."""
    with_inputs = {
        f"#/types/{token}"
        for token, kind in schema["types"].items()
        if any(not each.get("plain") for each in kind.get("properties", {}).values())
    }
    for part in [*schema["resources"].values(), *schema["types"].values()]:
        for each in {**part.get("properties", {}), **part.get("inputProperties", {})}.values():
            members: Schema = each.get("additionalProperties", {})
            if members.get("$ref") in with_inputs:
                members.pop("plain", None)


def _token(name: str) -> str:
    return f"{NAME}:index:{name}"


def _describe(properties: Schema, model: type[BaseModel]) -> None:
    for name, field in model.model_fields.items():
        properties[field.alias or name]["description"] = field.description


def _tidy(part: Any, references: Mapping[str, str], name: str = "") -> Any:  # Any: JSON
    """Return `part`, which is called `name`, with secrets marked, references renamed and descriptions on one margin."""
    match part:
        case dict():
            given = cast("Schema", part)
            members = {
                key: _tidy(member, references, key)
                for key, member in given.items()
                # the analyzer repeats the description of a list or map for its members
                if member is not None and not (key == "description" and name in ("items", "additionalProperties"))
            }
            return {**members, "secret": True} if name in SECRETS else members
        case list():
            parts = cast("list[Any]", part)  # Any: JSON
            return [_tidy(each, references) for each in parts]
        case str():
            return references.get(part, inspect.cleandoc(part) if name == "description" else part)
        case _:
            return part
