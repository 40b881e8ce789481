"""Asks a policy as the policy SDK does, without an engine."""

from collections.abc import Mapping
from typing import Any

from pulumi_policy import (
    PolicyCustomTimeouts,
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

UNKNOWN = UNKNOWN_STRING_VALUE
"""How a preview writes what it does not know yet."""


def judge(
    policy: ResourceValidationPolicy,
    resource_type: str,
    inputs: dict[str, Any],
    config: Mapping[str, Any] | None = None,
) -> list[str]:
    """Return what the policy reports of a resource."""
    reports: list[str] = []
    args = ResourceValidationArgs(
        resource_type, unknown_checking_proxy(inputs), "urn", "name", _options(), None, config
    )  # fmt: skip
    policy.validate(args, lambda message, _urn: reports.append(message))
    return reports


def paths(
    policy: ResourceValidationPolicy,
    resource_type: str,
    inputs: dict[str, Any],
    config: Mapping[str, Any] | None = None,
) -> list[str]:
    """Return where in a resource the policy finds something wrong."""
    return [report.partition(": ")[0] for report in judge(policy, resource_type, inputs, config)]


def judge_stack(
    policy: StackValidationPolicy, resources: list[PolicyResource], config: Mapping[str, Any] | None = None
) -> list[str]:
    """Return what the policy reports of a stack."""
    reports: list[str] = []
    policy.validate(StackValidationArgs(resources, config), lambda message, _urn: reports.append(message))
    return reports


def resource(
    resource_type: str, name: str, inputs: dict[str, Any], cluster: PolicyResource | None = None
) -> PolicyResource:
    """Make a resource of a stack; `cluster` is what its input of that name comes from."""
    dependencies = {"cluster": [cluster]} if cluster else {}
    props = unknown_checking_proxy(inputs)
    return PolicyResource(resource_type, props, f"urn:{name}", name, _options(), None, None, [], dependencies)


def _options() -> PolicyResourceOptions:
    return PolicyResourceOptions(False, [], None, [], PolicyCustomTimeouts(0, 0, 0), [])
