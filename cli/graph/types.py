"""How resources are drawn, by type: `types.toml`."""

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from cli.graph.picture import Kind


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BoxType(_Record):
    """A type with a box of its own."""

    kind: Kind
    title: str
    inside: tuple[str, ...] = ()
    """Types whose box it is in."""
    beside: str | None = None
    """A type of the same component whose surroundings it shares."""


class Types(_Record):
    """The whole file."""

    boxes: Mapping[str, BoxType]
    members: Mapping[str, tuple[str, ...]]
    components: Mapping[str, BoxType]
    roles: Mapping[str, str]
    nouns: Mapping[str, str]
    rights: Mapping[str, str]
    clouds: Mapping[str, str]
    outside: Mapping[str, tuple[str, ...]]


@functools.cache
def load_types() -> Types:
    """Return the file's content."""
    return Types.model_validate(tomllib.loads(Path(__file__).with_name("types.toml").read_text(encoding="utf-8")))
