"""Reads YAML as Pulumi does."""

from pathlib import Path
from typing import Any, cast

import yaml
from yaml.reader import ReaderError

from cli.errors import RefusedError
from cli.yaml_loader import MOST_CHARACTERS, PulumiLoader


def read_yaml_map(path: Path) -> dict[str, Any]:
    """Return the map that the YAML file at `path` holds. `Any`: its values are whatever YAML can say.

    Raises:
        RefusedError: it cannot be read, is no YAML, no map, or of a size or depth that no stack file has.
    """
    text = _text_of(path)
    try:
        content: object = yaml.load(text, PulumiLoader)  # noqa: S506  derived from the safe loader
    except yaml.MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f" line {error.problem_mark.line + 1}:"
        raise RefusedError(f"{path.name}:{line} not valid YAML: {error.problem or error.context}.") from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        message = f"the character U+{ord(text[error.position]):04X} is none of YAML's; remove it"
        raise RefusedError(f"{path.name}: line {line}: not valid YAML: {message}.") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise RefusedError(f"{path.name}: must be a map of settings, as `config:` and below it names and values are.")
    return cast("dict[str, Any]", content)


def _text_of(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_CHARACTERS:
            kilobytes = MOST_CHARACTERS // 1024
            raise RefusedError(f"{path.name}: is larger than {kilobytes} KiB, which no file of settings is.")
        content = path.read_bytes()
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise RefusedError(f"{path.name}: line {line}: is not UTF-8; save it in that encoding.") from None
    except OSError as error:
        raise RefusedError(f"{path.name}: cannot be read: {error.strerror}.") from None
