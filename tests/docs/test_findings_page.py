"""The page of findings has every code of the sources once, and no other."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from components.findings import Severity

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/findings.md").read_text()
ROWS = re.findall(r"^\| `([a-z0-9-]+)`( \(warning\))? \| (.+) \| (.+) \|$", PAGE, re.MULTILINE)
SEVERITIES = {"error": Severity.ERROR, "warning": Severity.WARNING}


@dataclass(frozen=True)
class Said:
    """One place of the sources that tells a finding."""

    code: re.Pattern[str]
    """The code; of one that is put together, all that it can be."""
    severity: Severity
    place: str


def said() -> Iterator[Said]:
    for folder in ("components", "stacks", "cli"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SEVERITIES:
                    place = f"{path.relative_to(ROOT)}:{node.lineno}"
                    yield Said(pattern(node.args[0], place), SEVERITIES[node.func.id], place)


def pattern(code: ast.expr, place: str) -> re.Pattern[str]:
    parts = code.values if isinstance(code, ast.JoinedStr) else [code]
    assert all(isinstance(part, ast.Constant | ast.FormattedValue) for part in parts), f"{place}: a code is written out"
    return re.compile("".join(str(part.value) if isinstance(part, ast.Constant) else "[a-z-]+" for part in parts))


SAID = list(said())


def test_there_are_codes() -> None:
    assert len({each.code.pattern for each in SAID}) > 200


def test_each_code_has_one_row() -> None:
    codes = [code for code, *_ in ROWS]
    assert sorted(codes) == sorted(set(codes))
    assert codes


def test_every_code_of_the_sources_is_on_the_page() -> None:
    codes = {code for code, *_ in ROWS}
    missing = {f"{each.code.pattern} ({each.place})" for each in SAID if not any(map(each.code.fullmatch, codes))}
    assert missing == set()


def test_every_code_of_the_page_is_in_the_sources() -> None:
    assert [code for code, *_ in ROWS if not any(each.code.fullmatch(code) for each in SAID)] == []


def test_a_code_is_either_an_error_or_a_warning_and_the_page_says_so() -> None:
    for code, mark, *_ in ROWS:
        told = {each.severity for each in SAID if each.code.fullmatch(code)}
        assert told == {Severity.WARNING if mark else Severity.ERROR}, code
