"""The base of every component's arguments: one model types them, validates settings and is their schema."""

import difflib
import re
from collections.abc import Awaitable, Mapping
from typing import Any, Self, TypeVar, Union, cast, get_args, get_origin

import pulumi
from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails, PydanticCustomError

from .findings import ConfigurationError, Finding, error, join

T = TypeVar("T")

# `pulumi.Input` has a forward reference that pydantic cannot resolve. `Union`, since the analyzer of Pulumi's component
# host looks for it.
Input = Union[T, Awaitable[T], pulumi.Output[T]]  # noqa: UP007

LARGEST = 2**31 - 1
"""Kubernetes and Google Cloud count in 32 bits."""


class ComponentArgs(BaseModel):
    """Arguments of a component, or a group of them. Unknown names and wrong types are refused, never dropped."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        arbitrary_types_allowed=True,
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        validate_by_alias=True,
        validate_by_name=True,
    )

    @field_validator("*", mode="before")
    @classmethod
    def _no_boolean_as_number(cls, value: Any, info: ValidationInfo) -> Any:  # Any: runs before the type is checked
        annotation: Any = cls.model_fields[info.field_name or ""].annotation  # Any: as `_model_at`
        if isinstance(value, bool) and annotation in (int, float, int | None, float | None):
            raise PydanticCustomError("number_type", "Input should be a number")
        return value

    @field_validator("*", mode="after")
    @classmethod
    def _no_number_beyond_32_bits(cls, value: Any) -> Any:  # Any: whatever type the field has
        if isinstance(value, int) and abs(value) > LARGEST:
            raise PydanticCustomError("number_size", "Input should be a number of at most {most}", {"most": LARGEST})
        return value

    @field_validator("*", mode="after")
    @classmethod
    def _no_text_without_a_meaning(cls, value: Any) -> Any:  # Any: as above
        if any(re.search("[\0\ud800-\udfff]", text) for text in _texts(value)):
            raise PydanticCustomError("text", "Input should be text without NUL and without halves of letters")
        return value

    @classmethod
    def parse(cls, value: Self | Mapping[str, Any], path: str = "") -> Self:
        """Return the arguments that `value` means.

        `path` is where `value` stands in the configuration, for messages.

        Raises:
            ConfigurationError: with one finding for each problem.
        """
        if isinstance(value, cls):
            return value
        try:
            return cls.model_validate(value)
        except ValidationError as invalid:
            raise ConfigurationError(_findings(cls, invalid.errors(include_url=False), path)) from None


def _texts(value: object) -> list[str]:
    if isinstance(value, Mapping):
        return [text for pair in cast("Mapping[str, object]", value).items() for text in _texts(list(pair))]
    if isinstance(value, list):
        return [text for part in cast("list[object]", value) for text in _texts(part)]
    return [value] if isinstance(value, str) else []


def given(**values: Any) -> dict[str, Any]:  # Any: arguments of whatever the caller builds
    """Return the `values` that are not None, since None in a map of inputs is not the same as absence."""
    return {name: value for name, value in values.items() if value is not None}


def _findings(model: type[BaseModel], details: list[ErrorDetails], path: str) -> list[Finding]:
    """Return one finding for each place, since a wrong plain value of an `Input` is reported once per member."""
    findings: dict[str, Finding] = {}
    for detail in details:
        place = [str(part) for part in detail["loc"]]
        # the members of a union appear as last part of the place: `str`, `is-instance[Output]`
        if detail["type"] != "extra_forbidden" and len(place) > 1 and (place[-1] in _PLAIN or "[" in place[-1]):
            place.pop()
        where = join(path, *place)
        if where not in findings:
            findings[where] = _finding(model, detail, where)
    return list(findings.values())


_PLAIN = frozenset({"str", "int", "bool", "float", "int-constrained", "none"})


def _finding(model: type[BaseModel], detail: ErrorDetails, where: str) -> Finding:
    name = str(detail["loc"][-1]) if detail["loc"] else ""
    match detail["type"]:
        case "extra_forbidden":
            known = _names(_model_at(model, detail["loc"][:-1]))
            close = difflib.get_close_matches(name, known, n=1)
            remedy = f"Did you mean '{close[0]}'?" if close else f"Known here: {', '.join(known)}."
            return error("unknown-setting", where, f"'{name}' is not a setting.", remedy)
        case "missing":
            return error("missing-setting", where, "this setting is required.", "Set it.")
        case _ if isinstance(detail["input"], pulumi.Output):
            message = "this has to be known before anything is deployed, and an output of a resource is not."
            return error("wrong-value", where, message, "Set the value itself.")
        case _:
            # the input may be a secret or hold one, so only its type is shown
            kind = type(detail["input"]).__name__
            return error("wrong-value", where, f"{detail['msg']}, not {_shown(detail['input'], kind)}.", "Correct it.")


def _shown(value: object, kind: str) -> str:
    return f"{value!r} ({kind})" if isinstance(value, bool | int | float) else f"a {kind}"


def _names(model: type[BaseModel] | None) -> list[str]:
    if model is None:
        return []
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_at(model: type[BaseModel], place: tuple[int | str, ...]) -> type[BaseModel] | None:
    """Return the model that stands at `place`, which names fields by alias and members of maps and lists by key."""
    annotation: Any = model  # Any: an annotation can be a class or a typing construct
    for part in place:
        found = _model_in(annotation)
        if found is not None:
            by_alias = {field.alias or name: field.annotation for name, field in found.model_fields.items()}
            annotation = by_alias.get(str(part), getattr(found.model_fields.get(str(part)), "annotation", None))
        else:
            members = (annotation, *get_args(annotation))  # such a map or list may be optional
            annotation = next((get_args(member)[-1] for member in members if get_origin(member) in (dict, list)), None)
    return _model_in(annotation)


def _model_in(annotation: Any) -> type[BaseModel] | None:  # Any: see `_model_at`
    candidates = (annotation, *get_args(annotation)) if get_origin(annotation) not in (dict, list) else ()
    for candidate in candidates:
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None
