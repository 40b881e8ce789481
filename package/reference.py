"""Writes the pages of docs/api: every component's arguments, types and outputs, from the docstrings in the code.

    python -m package.reference

Not made by a documentation tool: griffe and pdoc show the Python of a class, and what counts here is what pydantic
makes of it: inherited fields, bounds, what may be an output.
"""

import ast
import inspect
import itertools
import textwrap
from collections.abc import Awaitable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin

import annotated_types
import pulumi
import pulumi_kubernetes as kubernetes
from pydantic import BaseModel
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

import components
from package.plugin.schema import SECRETS

FOLDER = Path(__file__).parents[1] / "docs" / "api"

GENERATED = "<!-- Made by `make reference` from the docstrings in components/. Change those. -->"

PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean", kubernetes.Provider: "Kubernetes provider"}

Annotation = Any
"""A class or a typing construct."""


def component_classes() -> list[type[pulumi.ComponentResource]]:
    """Return the components that the library exports."""
    exported = [getattr(components, name) for name in components.__all__]
    return [each for each in exported if inspect.isclass(each) and issubclass(each, pulumi.ComponentResource)]


def arguments_of(component: type[pulumi.ComponentResource]) -> type[BaseModel]:
    """Return the model of a component's arguments."""
    return inspect.get_annotations(component.__init__)["args"]


def types_of(model: type[BaseModel]) -> list[type[BaseModel | Enum]]:
    """Return the models and enumerations that a model is made of, itself first, each before those it is made of."""
    found: dict[type[BaseModel | Enum], None] = {model: None}
    for field in model.model_fields.values():
        for part in _classes(field.annotation):
            if issubclass(part, BaseModel):
                found |= dict.fromkeys(types_of(part))
            elif issubclass(part, Enum):
                found[part] = None
    return list(found)


def docstrings(each: type) -> dict[str, str]:
    """Return what stands under each attribute or member of a class."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(each))).body
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    found: dict[str, str] = {}
    for statement, following in itertools.pairwise(body):
        match statement, following:
            case (
                ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[name] = inspect.cleandoc(text)
            case _:
                pass
    return found


def outputs_of(component: type[pulumi.ComponentResource]) -> dict[str, Annotation]:
    """Return the types of a component's outputs by name."""
    return {name: each for name, each in inspect.get_annotations(component).items() if not name.startswith("_")}


def pages() -> dict[str, str]:
    """Return the text of each page by its file name."""
    found = {f"{each.__name__}.md": _page(each) for each in component_classes()}
    rows = [f"| [`{each.__name__}`]({each.__name__}.md) | {_summary(each)} |" for each in component_classes()]
    text = (
        "# Components\n\n"
        "Every component of `pulumi-llm-serving`, with its arguments and outputs. "
        "Python writes names as they stand here; the settings of a stack and all other languages write them in camel "
        "case: `minNodes` for `min_nodes`. What may be an output may come from another resource; everything else must "
        "be known when the program runs, since it is checked before anything is made.\n"
    )
    index = "\n".join([GENERATED, "", text, "| component | what it is |", "|---|---|", *rows, ""])
    return {"README.md": index, **found}


def _page(component: type[pulumi.ComponentResource]) -> str:
    name, model = component.__name__, arguments_of(component)
    types = types_of(model)
    parts = [
        GENERATED,
        f"# {name}",
        inspect.getdoc(component) or "",
        f"```python\nfrom pulumi_llm_serving import {name}, {model.__name__}\n```",
        f"Its type, in a state and in YAML, is `llm-serving:index:{name}`. All [components](README.md).",
        f"## Arguments\n\n`{model.__name__}`:",
        _fields(model),
        "## Outputs",
        "\n".join(["| output | type | meaning |", "|---|---|---|", *_outputs(component)]),
    ]
    if len(types) > 1:
        parts.append("## Types")
    for each in types[1:]:
        parts += [f"### {each.__name__}", inspect.getdoc(each) or ""]
        parts.append(_fields(each) if issubclass(each, BaseModel) else _members(each))
    return "\n\n".join(parts) + "\n"


def _fields(model: type[BaseModel]) -> str:
    rows = [_row(name, field) for name, field in model.model_fields.items()]
    return "\n".join(["| argument | type | meaning | default |", "|---|---|---|---|", *rows])


def _row(name: str, field: FieldInfo) -> str:
    meaning, _, default = (field.description or "").partition("Default:")
    kind = ", ".join([_type(field.annotation), *_bounds(field), *_secret(name)])
    default = "**required**" if field.is_required() else default.strip().removesuffix(".") or "none"
    return f"| `{name}` | {kind} | {_cell(meaning)} | {_cell(default)} |"


def _outputs(component: type[pulumi.ComponentResource]) -> Iterator[str]:
    described = docstrings(component)
    for name, annotation in outputs_of(component).items():
        text = described.get(name, "")
        kind = _type(get_args(annotation)[0] if get_origin(annotation) is pulumi.Output else annotation)
        kinds = [kind, *(["or none"] if type(None) in _classes(annotation) else []), *_secret(name)]
        yield f"| `{name}` | {', '.join(kinds)} | {_cell(text)} |"


def _secret(name: str) -> list[str]:
    return ["secret"] if to_camel(name) in SECRETS else []


def _members(each: type[Enum]) -> str:
    described = docstrings(each)
    rows = [f"| `{member.value}` | {_cell(described.get(member.name, ''))} |" for member in each]
    return "\n".join(["| value | meaning |", "|---|---|", *rows])


def _type(annotation: Annotation) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is list:
        return f"list of {_type(arguments[0])}"
    if origin is dict:
        return f"map of {_type(arguments[1])}"
    if arguments:
        members = [each for each in arguments if each is not type(None)]
        plain = [_type(each) for each in members if get_origin(each) not in (Awaitable, pulumi.Output)]
        return " or ".join(plain) + (", may be an output" if len(plain) < len(members) else "")
    return PLAIN.get(annotation) or f"[`{annotation.__name__}`](#{annotation.__name__.lower()})"


def _bounds(field: FieldInfo) -> Iterator[str]:
    for each in field.metadata:
        match each:
            case annotated_types.Ge(ge=least):
                yield f"at least {least}"
            case annotated_types.Gt(gt=less):
                yield f"above {less}"
            case annotated_types.Le(le=most):
                yield f"at most {most}"
            case _:
                raise TypeError(f"no words for {each}")


def _classes(annotation: Annotation) -> Iterator[type]:
    if get_args(annotation):
        for each in get_args(annotation):
            yield from _classes(each)
    elif inspect.isclass(annotation):
        yield annotation


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def _summary(each: type) -> str:
    return _cell((inspect.getdoc(each) or "").split("\n\n")[0])


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.md"):
        old.unlink()
    for file, page in pages().items():
        (FOLDER / file).write_text(page, encoding="utf-8")
