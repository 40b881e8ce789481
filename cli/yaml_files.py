"""Reads YAML as Pulumi does."""

import re
from pathlib import Path
from typing import Any, cast

import yaml

from cli.errors import RefusedError


class PulumiLoader(yaml.SafeLoader):
    """Takes `yes`, `12:00` and `2026-01-31` for text, as Pulumi does. PyYAML does not."""


PulumiLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.rpartition(":")[2] not in ("bool", "int", "timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_BOOLEAN = re.compile(r"(true|True|TRUE|false|False|FALSE)$")
_INTEGER = re.compile(r"[-+]?(0b[01_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*)$")
for _name, _pattern, _first in (("bool", _BOOLEAN, "tTfF"), ("int", _INTEGER, "-+0123456789")):
    # untyped in PyYAML's stubs
    PulumiLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", _pattern, list(_first))  # pyright: ignore[reportUnknownMemberType]


def parse_yaml(text: str) -> Any:
    """Return what `text` says: `Any`thing that YAML can say.

    Raises:
        yaml.YAMLError: it is no YAML.
    """
    return yaml.load(text, PulumiLoader)  # noqa: S506  derived from the safe loader


def read_yaml_map(path: Path) -> dict[str, Any]:
    """Return the map that the YAML file at `path` holds. `Any`: its values are whatever YAML can say.

    Raises:
        RefusedError: it is no YAML, or no map.
    """
    try:
        content = parse_yaml(path.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f" line {error.problem_mark.line + 1}:"
        raise RefusedError(f"{path.name}:{line} not valid YAML: {error.problem or error.context}.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RefusedError(f"{path.name}: not valid YAML: {error}.") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        # its content may hold a secret
        raise RefusedError(f"{path.name}: must be a map, and is a {type(content).__name__}.")
    return cast("dict[str, Any]", content)
