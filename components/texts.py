"""What clouds and Kubernetes take for a name, a label or another text, and how text stays what it is on its way."""

import functools
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .findings import Finding, error


@dataclass(frozen=True)
class Text:
    """A kind of text, by `texts.toml`."""

    source: str
    pattern: str
    """Regular expression of the whole."""
    most: int
    """Characters that it may have."""
    what: str
    """What it is, with an article."""
    remedy: str
    """What to write instead, without the limit."""


@functools.cache
def load_texts() -> Mapping[str, Text]:
    """Return every kind of text by its name."""
    data: dict[str, Any] = tomllib.loads(Path(__file__).with_name("texts.toml").read_text(encoding="utf-8"))  # TOML
    return {kind: Text(**entry) for kind, entry in data.items()}


def fits(kind: str, text: object) -> bool:
    """Return whether `text` is one of its kind. What is None or known later counts as one."""
    rule = load_texts()[kind]
    return not isinstance(text, str) or (len(text) <= rule.most and re.fullmatch(rule.pattern, text) is not None)


def check_text(kind: str, text: object, path: str) -> list[Finding]:
    """Return why `text` at `path` is none of its kind."""
    if not isinstance(text, str) or fits(kind, text):
        return []
    rule = load_texts()[kind]
    shown = f"'{text}'" if len(text) <= rule.most else f"a text of {len(text)} characters"
    message = f"{shown} is not {rule.what}."
    return [error("text-invalid", path, message, f"{rule.remedy}; at most {rule.most} characters.")]


def check_map(kind: str, texts: Mapping[str, str] | None, path: str) -> list[Finding]:
    """Return what is wrong with labels or tags: names of the kind `KIND-key`, values of the kind `KIND-value`."""
    return [
        finding
        for key, value in (texts or {}).items()
        for finding in (
            check_text(f"{kind}-key", key, f"{path}.{key}") or check_text(f"{kind}-value", value, f"{path}.{key}")
        )
    ]


def literal(text: str) -> str:
    """Return `text` as Kubernetes takes it for itself in a command, an argument or a variable.

    There it replaces `$(NAME)` by the variable of that name, be it a secret, and two dollars by one.
    Source: kubernetes/kubernetes, third_party/forked/golang/expansion, v1.34.
    """
    return re.sub(r"\$(?=[$(])", "$$", text)
