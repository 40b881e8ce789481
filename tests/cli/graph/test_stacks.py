"""The pictures of the project's own stacks are what their programs make."""

from pathlib import Path

import pytest

from cli.graph.command import planned
from cli.graph.drawing import picture_of
from cli.graph.mermaid import mermaid
from cli.graph.svg import svg
from cli.project import find_project

ROOT = Path(__file__).resolve().parents[3]
PROJECT = find_project(ROOT)


@pytest.mark.parametrize("stack", PROJECT.stacks())
def test_the_picture_in_the_documentation_is_what_the_program_makes(stack: str) -> None:
    recording = planned(PROJECT, stack)
    picture = picture_of(stack, recording, "same")
    assert svg(picture) == (ROOT / "docs" / "pictures" / f"{stack}.svg").read_text(), "draw it anew: make pictures"

    # each resource is drawn, or told by the box that it belongs to, once
    resources = [each for each in recording.of_the_cloud() if not each.type.startswith("pulumi:")]
    told = [box for box in picture.boxes if box.id in recording.steps and recording.steps[box.id].custom]
    assert len(told) + sum(len(box.members) for box in picture.boxes) == len(resources)
    assert mermaid(picture).count("\n  b") + mermaid(picture).count(" subgraph ") >= len(picture.boxes)


def test_each_stack_has_a_picture_and_no_other() -> None:
    assert sorted(path.stem for path in (ROOT / "docs" / "pictures").iterdir()) == PROJECT.stacks()


def test_each_page_shows_its_picture() -> None:
    for page in (ROOT / "docs" / "recipes").glob("*.md"):
        assert f"](../pictures/{page.stem}.svg)" in page.read_text(), page
