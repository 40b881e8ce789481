"""A stack's configuration, read as the settings of its recipe."""

import json
import os
from typing import Any, TypeVar, get_args

import pulumi
from pulumi.runtime.config import CONFIG

from components.args import ComponentArgs
from components.findings import ConfigurationError, Finding, error

Settings = TypeVar("Settings", bound=ComponentArgs)

EMPTY = frozenset({"", "{}", "[]", "null"})
"""Values that mean "not set": Pulumi.yaml gives them to keys that a stack does not mention."""

RECIPE = "recipe"

PROVIDER_SECRETS = ("gcp:accessToken", "oci:privateKey", "oci:privateKeyPassword")
"""Settings of the providers that hold a secret, whatever they are set to."""


def recipe_name() -> str:
    """Return the recipe that the configuration names, or an empty string."""
    return _own_keys().get(RECIPE, "")


def read_settings(model: type[Settings]) -> Settings:
    """Return the configuration as `model`.

    Raises:
        ConfigurationError: for every key that is unknown, of a wrong type, or secret where it must be known.
    """
    values: dict[str, Any] = {}  # Any: JSON, which the model checks
    everything = _all_keys()
    findings = [
        _in_plain(key)
        for key in PROVIDER_SECRETS
        if everything.get(key, "") not in EMPTY and not pulumi.runtime.is_config_secret(key)
    ]
    # by both names that the model takes, or a secret could stand in plain text under the other one
    fields = {key: field for name, field in model.model_fields.items() for key in (name, field.alias or name)}
    for key, text in _own_keys().items():
        if key == RECIPE or text in EMPTY:
            continue
        may_be_secret = key in fields and any("Output" in str(part) for part in get_args(fields[key].annotation))
        if may_be_secret:
            if not pulumi.runtime.is_config_secret(f"{pulumi.get_project()}:{key}"):
                findings.append(_in_plain(key))
            values[key] = pulumi.Output.secret(text)
        elif pulumi.runtime.is_config_secret(f"{pulumi.get_project()}:{key}"):
            findings.append(
                error(
                    "secret-misplaced",
                    key,
                    "this setting, or a part of it, is a secret, and must be known to check and plan the stack.",
                    "Set it without --secret; tokens have settings of their own.",
                )
            )
        else:
            values[key] = _decoded(text)
    try:
        settings = model.parse(values)
    except ConfigurationError as invalid:
        told = {finding.path for finding in findings}  # a secret that was left out above is not missing, too
        others = [finding for finding in invalid.findings if finding.path not in told]
        raise ConfigurationError([*findings, *others]) from None
    if findings:
        raise ConfigurationError(findings)
    return settings


def _in_plain(key: str) -> Finding:
    return error(
        "secret-in-plain",
        key,
        "this value is a secret, and stands in the stack file for all to read.",
        f"Revoke it, and run `pulumi config set --secret {key} VALUE` with a new one.",
    )


def _all_keys() -> dict[str, str]:
    """Return the whole configuration, as text. Pulumi has no call that lists all keys."""
    return {**json.loads(os.environ.get("PULUMI_CONFIG", "{}")), **CONFIG.get()}


def _own_keys() -> dict[str, str]:
    """Return the configuration of the project's own namespace, as text."""
    prefix = f"{pulumi.get_project()}:"
    return {key.removeprefix(prefix): value for key, value in _all_keys().items() if key.startswith(prefix)}


def _decoded(text: str) -> Any:  # Any: JSON, which the model checks
    """Return the object or list that `text` is in JSON, or the text itself."""
    if text[:1] in "{[":
        try:
            return json.loads(text)
        except (ValueError, RecursionError):  # no JSON, or deeper than anything that settings have
            return text
    return text
