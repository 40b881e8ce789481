"""Whether the simulated clouds would take the names, labels and inputs of what a program registers."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from components.texts import fits
from simulator import schema
from simulator.rules import NameRule, load_rules
from simulator.values import at
from tests.recording import SECRET, Recording, Registered

LABELS = (
    ("metadata", "labels"),
    ("spec", "template", "metadata", "labels"),
    ("spec", "template", "spec", "nodeSelector"),
)


def refused(recording: Recording) -> list[str]:
    """What they would not take, and why."""
    return [
        f"{each.type} {each.name}: {problem}"
        for each in recording.resources
        for problem in _problems(each, _revealed(each.inputs))
    ]


def _problems(resource: Registered, inputs: dict[str, Any]) -> Iterator[str]:
    package = resource.type.partition(":")[0]
    if package not in ("gcp", "kubernetes", "oci"):
        return
    rules = load_rules(package)
    rule = rules.of(resource.type).name
    if rule is not None:
        yield from _wrong_name(resource.name, inputs, rule, int(rules.data["autoname_digits"]))
    yield from (f"{each.path} {each.reason}" for each in schema.check_resource(resource.type, inputs))
    groups = [at(inputs, *path) for path in LABELS] if package == "kubernetes" else [at(inputs, "nodeConfig", "labels")]
    for labels in groups:
        yield from (f"label {key}={value}" for key, value in (labels or {}).items() if not _is_label(key, value))


def _wrong_name(name: str, inputs: dict[str, Any], rule: NameRule, digits: int) -> Iterator[str]:
    given = at(inputs, *rule.property.split("."))
    if given is None and rule.prefix_property in inputs:
        return
    made = f"{name}-{'0' * digits}"
    wanted = given if isinstance(given, str) else made.lower() if rule.lower else made
    if not (rule.min <= len(wanted) <= rule.max and re.fullmatch(rule.pattern or ".*", wanted)):
        yield f"{rule.property} {wanted} has {len(wanted)} characters of {rule.max}, or others than {rule.pattern}"


def _is_label(key: str, value: object) -> bool:
    return fits("label-key", key) and fits("label-value", value)


def _revealed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _revealed(value["value"]) if SECRET.items() <= value.items() else {
            key: _revealed(part) for key, part in value.items()
        }  # fmt: skip
    return [_revealed(part) for part in value] if isinstance(value, list) else value
