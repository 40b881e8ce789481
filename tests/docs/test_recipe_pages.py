"""Quota and cost on the page of each recipe are those that `llm-serving check` tells."""

import re
from pathlib import Path

import pytest

import stacks
from cli.check import check_stack
from cli.check_report import bounds_text
from cli.project import Project
from stacks import Needs
from tests.stacks.stack_file import ROOT

PROJECT = Project(ROOT, "llm-serving")
PAGES = sorted((ROOT / "docs/recipes").glob("*.md"))
EVERY_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def needs_of(page: Path) -> Needs:
    needs = check_stack(PROJECT, page.stem).needs
    assert needs is not None
    return needs


def shown(page: Path) -> dict[str, tuple[int, int]]:
    """The rows of the table of quota, one for each metric."""
    lines = page.read_text().splitlines()
    (first,) = [number for number, line in enumerate(lines) if re.match(r"\| (quota|limit) in ", line)]
    rows: dict[str, tuple[int, int]] = {}
    for line in lines[first + 2 :]:
        if not line.startswith("|"):
            break
        metrics, needed, most = (cell.strip() for cell in line.strip("|").split("|"))
        names = re.findall(r"`([a-z0-9-]+-(?:count|gb)|[A-Z0-9_]+)`", metrics)
        assert names, line
        rows |= dict.fromkeys(names, (int(needed), int(most)))
    return rows


def test_every_recipe_that_takes_quota_has_a_page() -> None:
    taking = {name for name in stacks.RECIPES if getattr(check_stack(PROJECT, name).needs, "quotas", ())}
    assert taking == {page.stem for page in PAGES}


@EVERY_PAGE
def test_the_quota(page: Path) -> None:
    assert shown(page) == {quota.metric: (quota.needed, quota.most) for quota in needs_of(page).quotas}


@EVERY_PAGE
def test_the_cost(page: Path) -> None:
    cost, text = needs_of(page).cost, " ".join(page.read_text().split())
    assert cost is not None
    for bound in ("minimum", "maximum"):
        assert f"{cost[bound]:.2f}" in text
    assert "hourlyCost" in text


@EVERY_PAGE
def test_the_readme_tells_the_same_cost(page: Path) -> None:
    (row,) = [line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith(f"| [`{page.stem}`]")]
    assert bounds_text(needs_of(page).cost) in row
