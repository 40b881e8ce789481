"""Turns a check of one resource's inputs into a policy."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

Inputs = dict[str, Any]
"""Inputs of a resource, as its provider takes them. `Any`: they are of every provider's every type."""
Config = Mapping[str, Any]
"""What the policy is configured with. `Any`: settings are whatever their schema allows."""


class Unknown:
    """A value that a preview does not know yet. It is true, so that it passes for something that is set."""


UNKNOWN = Unknown()


@dataclass(frozen=True)
class Violation:
    """What is wrong with a resource."""

    path: str
    """Of the input, such as `spec.type`."""
    message: str
    """What is wrong, beginning with what follows the path's colon."""
    remedy: str
    """What to do instead: a sentence."""

    def __str__(self) -> str:
        return f"{self.path}: {self.message} {self.remedy}"


Check = Callable[[str, Inputs, Config], Iterable[Violation]]
"""Given the type of a resource, its inputs and the policy's configuration, tells what is wrong."""


def resource_policy(
    name: str,
    description: str,
    check: Check,
    config_schema: PolicyConfigSchema | None = None,
    enforcement_level: EnforcementLevel | None = None,
) -> ResourceValidationPolicy:
    """Make a policy that reports what `check` finds, at the pack's level of enforcement where none is given."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        for violation in check(args.resource_type, plain(args.props), args.get_config()):
            report(str(violation), None)

    return ResourceValidationPolicy(
        name, description, validate, enforcement_level=enforcement_level, config_schema=config_schema
    )


def plain(value: Any) -> Any:
    """Return inputs as dictionaries and lists, with `UNKNOWN` where the policy SDK would raise."""
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, Any]", value)
        return {key: _item(entries, key) for key in entries}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        items = cast("Sequence[Any]", value)
        return [_item(items, index) for index in range(len(items))]
    return value


def _item(container: Any, key: str | int) -> Any:
    try:
        return plain(container[key])
    except UnknownValueError:
        return UNKNOWN


def get(inputs: Any, path: str) -> Any:
    """Return what is at `path`, such as `spec.template`: None where nothing is, `UNKNOWN` from where it is unknown."""
    for key in path.split("."):
        if not isinstance(inputs, dict):
            return UNKNOWN if inputs is UNKNOWN else None
        inputs = cast("Inputs", inputs).get(key)
    return inputs


def find(inputs: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Give what is at `path` with where it is; `[]` in it stands for every item of a list."""
    head, brackets, rest = path.partition("[]")
    value = get(inputs, head) if head else inputs
    if not brackets:
        if value is not None:
            yield head, value
        return
    for index, item in enumerate(cast("list[Any]", value) if isinstance(value, list) else []):
        at = f"{head}[{index}]"
        if not rest:
            yield at, item
            continue
        for where, found in find(item, rest.removeprefix(".")):
            yield f"{at}{where}" if where.startswith("[") else f"{at}.{where}", found


def walk(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Give every map, list and plain value within `value`, itself included, with where it is."""
    yield path, value
    if isinstance(value, dict):
        for key, item in cast("Inputs", value).items():
            yield from walk(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, item in enumerate(cast("list[Any]", value)):
            yield from walk(item, f"{path}[{index}]")
