"""Takes YAML as Pulumi does, and refuses what Pulumi refuses, what it changes on the way, and what would take hours.

Source: what Pulumi 3.256 makes of a stack file, by `pulumi config get`, 2026-11-30.
"""

# PyYAML's stubs are untyped in part
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false

import math
import re
from typing import Any, cast

import yaml
from yaml.composer import ComposerError
from yaml.constructor import ConstructorError
from yaml.events import AliasEvent
from yaml.nodes import MappingNode, Node, ScalarNode
from yaml.scanner import ScannerError

MOST_CHARACTERS = 256 * 1024
"""Of a file, and of what its aliases make of it. Stack files have some thousand."""
MOST_LEVELS = 100
"""Maps and lists within each other."""

_CORE = "tag:yaml.org,2002:"
_PATTERNS = (
    ("merge", re.compile(r"<<$"), "<"),
    ("null", re.compile(r"(~|null|Null|NULL|)$"), ["~", "n", "N", ""]),
    ("bool", re.compile(r"(true|True|TRUE|false|False|FALSE)$"), "tTfF"),
    (
        "int",
        re.compile(r"[-+]?(0b_*[01][01_]{0,62}|0x_*[0-9a-fA-F][0-9a-fA-F_]{0,14}|0o?_*[0-7][0-7_]{0,18}|0_*|[1-9][0-9_]{0,17})$"),
        "-+0123456789",
    ),
    ("float", re.compile(r"[-+]?(\.[0-9_]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?$"), "-+.0123456789"),
    ("float", re.compile(r"([-+]?\.(inf|Inf|INF)|\.nan|\.NaN|\.NAN)$"), "-+."),
    ("timestamp", re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt]|\s+|$)"), "0123456789"),
)  # fmt: skip


class PulumiLoader(yaml.SafeLoader):
    """Takes `yes` and `12:00` for text, as Pulumi does. PyYAML does not."""

    yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012  Any: as PyYAML has it

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._level = 0
        self._characters: dict[Node, int] = {}
        """Of each node that is complete, with what its aliases stand for."""

    def get_single_data(self) -> Any:  # Any: whatever YAML can say
        """Return what the text says."""
        try:
            return super().get_single_data()
        except (ValueError, OverflowError):
            raise ScannerError(None, None, "an escape stands for no character", self.get_mark()) from None

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:  # Any: as PyYAML has it
        """Compose what comes next, unless it is without end, too deep or too much."""
        event: Any = self.peek_event()  # Any: untyped
        mark, is_alias = event.start_mark, isinstance(event, AliasEvent)
        if self._level == MOST_LEVELS:
            raise ComposerError(None, None, f"more than {MOST_LEVELS} maps and lists stand within each other", mark)
        if not is_alias and event.tag not in (None, f"{_CORE}str"):
            raise ComposerError(None, None, f"settings have no tags as '{event.tag:.60}'; remove it", mark)
        self._level += 1
        node = cast("Node", super().compose_node(parent, index))
        self._level -= 1
        if node not in self._characters:
            if is_alias:
                raise ComposerError(None, None, "a value contains itself, by its alias", mark)
            self._characters[node] = self._count(node, mark)
        if self._characters[node] > MOST_CHARACTERS:
            raise ComposerError(None, None, f"its aliases make more than {MOST_CHARACTERS} characters of it", mark)
        return node

    def _count(self, node: Node, mark: yaml.Mark) -> int:
        if isinstance(node, ScalarNode):
            if any("\ud800" <= letter <= "\udfff" for letter in node.value):
                raise ComposerError(None, None, "half of a pair of escapes (\\ud800 to \\udfff) is no letter", mark)
            return len(node.value) + 1
        parts = [part for pair in node.value for part in pair] if isinstance(node, MappingNode) else node.value
        if isinstance(node, MappingNode):
            _refuse_keys(node)
        return 1 + sum(self._characters[part] for part in parts)


class PulumiDumper(yaml.SafeDumper):
    """Writes in quotes what Pulumi would take for more than text, as `08` and `1e3`. PyYAML does not."""

    yaml_implicit_resolvers = PulumiLoader.yaml_implicit_resolvers


def _refuse_keys(node: MappingNode) -> None:
    seen: set[str] = set()
    for key, _ in node.value:
        if not isinstance(key, ScalarNode) or key.tag not in (f"{_CORE}str", f"{_CORE}merge"):
            raise ConstructorError(None, None, "a key is no text; write it in quotes", key.start_mark)
        if key.value in seen:
            raise ConstructorError(None, None, f"the key '{key.value}' stands twice in one map", key.start_mark)
        seen.add(key.value)


def _float(_loader: PulumiLoader, node: ScalarNode) -> float | str:
    if re.search(r"(?i)inf|nan", node.value):
        raise ConstructorError(None, None, f"'{node.value}' is no number that Pulumi takes", node.start_mark)
    number = float(node.value.replace("_", ""))
    return number if math.isfinite(number) else node.value


def _timestamp(_loader: PulumiLoader, node: ScalarNode) -> object:
    message = f"Pulumi makes another text of the date '{node.value}'; write it in quotes"
    raise ConstructorError(None, None, message, node.start_mark)


for _name, _pattern, _first in _PATTERNS:
    PulumiLoader.add_implicit_resolver(f"{_CORE}{_name}", _pattern, list(_first))
# where it is no key
PulumiLoader.add_constructor(f"{_CORE}merge", PulumiLoader.construct_yaml_str)
PulumiLoader.add_constructor(f"{_CORE}float", _float)
PulumiLoader.add_constructor(f"{_CORE}timestamp", _timestamp)
