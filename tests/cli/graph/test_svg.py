"""What is in the SVG of each stack: boxes inside boxes, text inside its box, nothing from elsewhere."""

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli.graph.picture import Arrow, Box, Kind, Member, Picture
from cli.graph.svg import svg
from cli.graph.text import width_of

PICTURES = sorted((Path(__file__).resolve().parents[3] / "docs" / "pictures").glob("*.svg"))
EVERY_PICTURE = pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
SPACE = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True)
class Area:
    left: float
    top: float
    right: float
    bottom: float

    def holds(self, other: "Area") -> bool:
        return (
            self.left < other.left and other.right < self.right and self.top < other.top and other.bottom < self.bottom
        )

    def touches(self, other: "Area") -> bool:
        return not (
            self.right < other.left or other.right < self.left or self.bottom < other.top or other.bottom < self.top
        )


def number(element: ET.Element, name: str) -> float:
    return float(element.attrib[name])


def boxes_of(root: ET.Element) -> list[tuple[Area, list[Area]]]:
    """Where the boxes are, and the lines of text in each."""
    found: list[tuple[Area, list[Area]]] = []
    for group in root.iter(f"{SPACE}g"):
        rect = group.find(f"{SPACE}rect")
        if rect is None:
            continue
        left, top = number(rect, "x"), number(rect, "y")
        lines: list[Area] = []
        for text in group.findall(f"{SPACE}text"):
            style = text.attrib["class"]
            size, bold = (14 if style == "title" else 12), style in ("title", "mark")
            x, y = number(text, "x"), number(text, "y")
            assert text.text
            lines.append(Area(x, y - size, x + width_of(text.text, size, bold=bold), y + 0.25 * size))
        found.append((Area(left, top, left + number(rect, "width"), top + number(rect, "height")), lines))
    return found


def check(text: str) -> ET.Element:
    """Check what holds for every picture."""
    root = ET.fromstring(text)
    whole = Area(0, 0, number(root, "width"), number(root, "height"))
    boxes = boxes_of(root)
    for index, (area, lines) in enumerate(boxes):
        assert whole.holds(area)
        for line in lines:
            assert area.holds(line)
        for other, _ in boxes[index + 1 :]:
            assert area.holds(other) or not area.touches(other), (area, other)
            # what is written in a box is not below a box in it
            assert not area.holds(other) or not any(line.touches(other) for line in lines)
        assert not any(a.touches(b) for at, a in enumerate(lines) for b in lines[at + 2 :])
    ids = [each.attrib["id"] for each in root.iter() if "id" in each.attrib]
    assert len(ids) == len(set(ids))
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-labelledby"].split() == ids
    assert all(each.text for each in root if each.attrib.get("id") in ids)
    return root


@EVERY_PICTURE
def test_boxes_hold_what_is_in_them_and_do_not_overlap(path: Path) -> None:
    root = check(path.read_text())
    assert number(root, "width") == 1000


@EVERY_PICTURE
def test_numbers_do_not_hide_each_other_or_text(path: Path) -> None:
    root = ET.fromstring(path.read_text())
    spots = [(number(each, "cx"), number(each, "cy")) for each in root.iter(f"{SPACE}circle")]
    areas = [Area(x - 7, y - 7, x + 7, y + 7) for x, y in spots]
    lines = [line for _, each in boxes_of(root) for line in each]
    assert areas
    for index, area in enumerate(areas):
        assert not any(area.touches(other) for other in areas[index + 1 :])
        assert not any(area.touches(line) for line in lines)


@EVERY_PICTURE
def test_nothing_comes_from_elsewhere(path: Path) -> None:
    text = path.read_text().replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|url\(|@import|<script|<image|<use|href|[A-Za-z]on\w+=", text)
    assert "prefers-color-scheme: dark" in text


def hostile(text: str) -> Picture:
    boxes = (
        Box(id="cloud", kind=Kind.CLOUD, title=text, lines=(text, text), summary=text),
        Box(id=text, kind=Kind.PODS, title=text, lines=(text,), parent="cloud", operation="replace", summary=text),
        Box(id="hub", kind=Kind.OUTSIDE, title="Hub", members=(Member(text=text, operation="create"),), summary=text),
    )
    return Picture(title=text, boxes=boxes, arrows=(Arrow(start=text, end="hub", text=text),))


@pytest.mark.parametrize("width", [320, 360, 1000])
@pytest.mark.parametrize(
    "text",
    [
        "</text><script>alert(1)</script>",
        "\x1b[2J\x00\u202e&amp;\"'",
        "M" * 300,
        "no-space/" * 60,
        "漢字" * 90,
        "word " * 80,
    ],
    ids=["markup", "control", "wide", "path", "full", "words"],
)
def test_any_text_is_shown_as_it_is_and_inside_its_box(text: str, width: int) -> None:
    drawn = svg(hostile(text), width)
    root = check(drawn)
    assert not list(root.iter(f"{SPACE}script"))
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", drawn)


def test_what_changes_is_told_by_a_sign_and_not_by_colour_alone() -> None:
    boxes = [
        Box(id=operation, kind=Kind.STORAGE, title=f"Bucket {operation}", operation=operation)
        for operation in ("create", "update", "replace", "delete", "same")
    ]
    inside = Box(id="inside", kind=Kind.PODS, title="Pods", members=(Member(text="Secret", operation="update"),))
    root = check(svg(Picture(title="dev", boxes=(*boxes, inside))))
    marks = {
        "".join(each.attrib["class"].split()[1:2]): [text.text for text in each.iter() if text.get("class") == "mark"]
        for each in root.iter(f"{SPACE}g")
    }
    assert marks == {
        "op-create": ["+ to create"],
        "op-update": ["~ to update"],
        "op-replace": ["! to replace"],
        "op-delete": ["- to delete"],
        "op-same": [],
        "op-inside": ["~ 1 of its parts changes"],
    }


def test_an_unchanged_picture_has_no_marks() -> None:
    drawn = svg(Picture(title="dev", boxes=(Box(id="one", kind=Kind.PODS, title="Pods"),)))
    assert 'class="box kind-pods"' in drawn
    assert not re.search(r'class="(legend )?mark|class="box op-', drawn)
