"""Names of resources: made up where the program gives none, checked against the cloud's rules where it does."""

from __future__ import annotations

import hashlib
import re

from pulumi.runtime.proto import provider_pb2

from simulator.rules import NameRule, TypeRules
from simulator.values import Properties, at, is_unknown, merge, plain

AUTONAMED = "pulumi.com/autonamed"
"""Annotation by which pulumi-kubernetes remembers that it made the name."""
DEFAULTS = "__defaults"
"""Input by which a bridged provider remembers which properties it filled in."""


def named_inputs(
    request: provider_pb2.CheckRequest, rules: TypeRules, news: Properties, olds: Properties, digits: int
) -> tuple[Properties, dict[str, str]]:
    """Add a name to the inputs where there is none. Returns them with what is wrong with the name, by property."""
    rule = rules.name
    if rule is None:
        return news, {}
    given = at(plain(news), *rule.property.split("."))
    if given is None and rule.prefix_property and rule.prefix_property in news:
        return news, {}
    if given is not None:
        return news, {} if is_unknown(given) else _problems(str(given), rule)
    before = plain(olds)
    name, problems = at(before, *rule.property.split(".")), {}
    if not name or not is_autonamed(rule, before):
        name, problems = _automatic(request, rule, digits)
    return _with_name(news, rule, name), problems or _problems(name, rule)


def is_autonamed(rule: NameRule, inputs: Properties) -> bool:
    """Whether the name in these inputs was made up."""
    if rule.property == "metadata.name":
        return at(inputs, "metadata", "annotations", AUTONAMED) == "true"
    return rule.property in (inputs.get(DEFAULTS) or ())


def _with_name(news: Properties, rule: NameRule, name: str) -> Properties:
    if rule.property == "metadata.name":
        return merge(news, {"metadata": {"name": name, "annotations": {AUTONAMED: "true"}}})
    return {**news, rule.property: name, DEFAULTS: [rule.property]}


def _automatic(request: provider_pb2.CheckRequest, rule: NameRule, digits: int) -> tuple[str, dict[str, str]]:
    """A name from the resource's name, the same for the same seed; how as the stack's `pulumi:autonaming` has it."""
    options = provider_pb2.CheckRequest.AutonamingOptions
    if request.HasField("autonaming") and request.autonaming.mode == options.Mode.DISABLE:
        problem = f"autonaming is disabled, resource requires the {rule.property} field to be set"
        return "", {rule.property: problem}
    if request.HasField("autonaming") and request.autonaming.proposed_name:
        name = request.autonaming.proposed_name
    else:
        name = f"{request.name}-{hashlib.sha256(request.randomSeed).hexdigest()[:digits]}"
    if rule.lower:
        name = name.lower()
    if len(name) > rule.max:
        problem = (
            f"failed to generate auto-name: name '{request.name}' plus {digits} random chars is longer than maximum "
            f"length {rule.max}. Set {rule.property}, or shorten the resource's name."
        )
        return name, {rule.property: problem}
    return name, {}


def _problems(name: str, rule: NameRule) -> dict[str, str]:
    if rule.min <= len(name) <= rule.max and re.fullmatch(rule.pattern or ".*", name):
        return {}
    return {
        rule.property: f'"{name}" is no valid name: it has to match {rule.pattern} and be {rule.min} to {rule.max} '
        "characters long"
    }
