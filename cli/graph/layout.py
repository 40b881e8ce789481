"""Where the boxes of a picture are: each inside its own, in rows, all positions on a grid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cli.graph.picture import Box, Kind, Picture
from cli.graph.text import wrapped
from cli.words import OPERATIONS

GRID = 8
"""Pixels that every position and size is a multiple of, so that arrows find their way between the boxes."""
PADDING, GAP, ROW_GAP, MARGIN = 2 * GRID, 4 * GRID, 5 * GRID, 2 * GRID
TITLE_SIZE, TEXT_SIZE = 14, 12
TITLE_LINE, TEXT_LINE = 20, 16
"""Heights of a line, in pixels."""
SIGNS = {"create": "+", "update": "~", "replace": "!", "delete": "-", "inside": "~"}

_LEAST, _MOST = 22 * GRID, 46 * GRID
"""Widths of a box with no other in it, in pixels."""
_ROWS = (
    {Kind.CLIENTS},
    {Kind.ENTRY, Kind.CONTROL},
    {Kind.CLOUD, Kind.NETWORK, Kind.CLUSTER, Kind.SUBNET, Kind.MACHINES, Kind.PODS, Kind.JOB},
    {Kind.STORAGE, Kind.IDENTITY, Kind.OTHER},
    {Kind.OUTSIDE},
)


@dataclass(frozen=True)
class TextLine:
    """One line of text in a box, with where it begins."""

    text: str
    style: str
    """title, text, mark or rest."""
    x: float
    baseline: float


@dataclass
class Placed:
    """A box with its position and size, in pixels."""

    box: Box
    width: int
    height: int = 0
    x: int = 0
    y: int = 0
    header: int = 0
    """Height of what is above the boxes in it."""
    rows: list[list["Placed"]] = field(default_factory=list["list[Placed]"])

    @property
    def inner(self) -> list["Placed"]:
        """The boxes in it."""
        return [each for row in self.rows for each in row]

    def text_lines(self) -> list[TextLine]:
        """Return what is written in it."""
        lines: list[TextLine] = []
        bottom = self.y + GRID
        for style, text in _written(self.box, self.width, container=bool(self.rows)):
            bottom += TITLE_LINE if style == "title" else TEXT_LINE
            lines.append(TextLine(text, style, self.x + PADDING, bottom - 5))
        return lines


@dataclass(frozen=True)
class Layout:
    """A whole picture."""

    width: int
    height: int
    boxes: tuple[Placed, ...]
    """Each after the one that it is in."""


def lay_out(picture: Picture, width: int) -> Layout:
    """Return where the boxes of `picture` are if it is `width` pixels wide, rounded to the grid."""
    width = max(width // GRID, 40) * GRID
    children: dict[str | None, list[Box]] = {}
    for box in picture.boxes:
        children.setdefault(box.parent, []).append(box)
    rows, height = _rows(None, children, width - 2 * MARGIN)
    _place(rows, MARGIN, MARGIN, width - 2 * MARGIN)
    return Layout(width, height + 2 * MARGIN, tuple(_flat(rows)))


def mark_of(box: Box) -> str:
    """Tell in words what is done to a box; nothing where it stays as it is."""
    if box.marks == "inside":
        changed = sum(each.operation != "same" for each in box.members)
        return f"{SIGNS['inside']} {changed} of its parts change{'s' if changed == 1 else ''}"
    return f"{SIGNS[box.marks]} {OPERATIONS[box.marks].planned}" if box.marks in SIGNS else ""


def _rows(parent: str | None, children: Mapping[str | None, list[Box]], width: int) -> tuple[list[list[Placed]], int]:
    """Return the boxes in `parent`, sized, and how high they are together."""
    rows: list[list[Placed]] = []
    for kinds in _ROWS:
        row = [each for each in children.get(parent, ()) if each.kind in kinds]
        row.sort(key=lambda box: _usefulness(box, children))
        while row:
            count = _fitting(row, children, width)
            rows.append(_row(row[:count], children, width))
            row = row[count:]
    return rows, sum(_height(row) for row in rows) + ROW_GAP * max(0, len(rows) - 1)


def _usefulness(box: Box, children: Mapping[str | None, list[Box]]) -> int:
    """Return what boxes of a row are ordered by: what serves comes first, then what works, then the rest."""
    kinds = {each.kind for each in (box, *_all_in(box, children))}
    return 0 if kinds & {Kind.ENTRY, Kind.PODS} else 1 if Kind.JOB in kinds else 2


def _all_in(box: Box, children: Mapping[str | None, list[Box]]) -> list[Box]:
    return [found for each in children.get(box.id, ()) for found in (each, *_all_in(each, children))]


def _least(box: Box, children: Mapping[str | None, list[Box]]) -> int:
    inner = [_least(each, children) for each in children.get(box.id, ())]
    return max(inner) + 2 * PADDING if inner else _LEAST


def _fitting(row: Sequence[Box], children: Mapping[str | None, list[Box]], width: int) -> int:
    """Return how many of the boxes fit beside each other, at least one."""
    taken, count = -GAP, 0
    for box in row:
        taken += GAP + _least(box, children)
        if taken > width:
            break
        count += 1
    return max(1, count)


def _row(row: Sequence[Box], children: Mapping[str | None, list[Box]], width: int) -> list[Placed]:
    weights = [max(1, len(children.get(box.id, ()))) for box in row]
    free = width - GAP * (len(row) - 1) - sum(_least(box, children) for box in row)
    placed: list[Placed] = []
    for box, weight in zip(row, weights, strict=True):
        share = _least(box, children) + max(0, free) * weight // sum(weights) // GRID * GRID
        wide = min(share, width) if box.id in children else min(share, _MOST, width)
        placed.append(_sized(box, children, wide))
    height = _height(placed)
    for each in placed:
        # what has boxes in it reaches as far down as its neighbours; beside it, the others need not
        if each.rows or not any(other.rows for other in placed):
            each.height = height
    return placed


def _sized(box: Box, children: Mapping[str | None, list[Box]], width: int) -> Placed:
    rows, inner = _rows(box.id, children, width - 2 * PADDING)
    written = _written(box, width, container=bool(rows))
    lines = sum(TITLE_LINE if style == "title" else TEXT_LINE for style, _ in written)
    # between what is written and the boxes below it arrows have to pass
    header = -(-(lines + (3 if rows else 2) * GRID) // GRID) * GRID
    placed = Placed(box, width, header=header, rows=rows)
    placed.height = header + (inner + PADDING if rows else 0)
    return placed


def _place(rows: list[list[Placed]], x: int, y: int, width: int) -> None:
    """Put the rows below each other, each in the middle of the width."""
    for row in rows:
        taken = sum(each.width for each in row) + GAP * (len(row) - 1)
        left = x + (width - taken) // 2 // GRID * GRID
        for each in row:
            each.x, each.y = left, y
            _place(each.rows, each.x + PADDING, each.y + each.header, each.width - 2 * PADDING)
            left += each.width + GAP
        y += _height(row) + ROW_GAP


def _height(row: Sequence[Placed]) -> int:
    return max(each.height for each in row)


def _flat(rows: list[list[Placed]]) -> list[Placed]:
    return [found for row in rows for each in row for found in (each, *_flat(each.rows))]


def _written(box: Box, width: int, *, container: bool) -> list[tuple[str, str]]:
    """Return the lines of text of a box with their styles."""
    space = width - 2 * PADDING
    written = [("title", line) for line in wrapped(box.title, space, TITLE_SIZE, bold=True)]
    written += [("mark", line) for line in wrapped(mark_of(box), space, TEXT_SIZE, bold=True)]
    joined = " · ".join(box.lines)
    told = [joined] if container and len(wrapped(joined, space, TEXT_SIZE)) == 1 else box.lines
    written += [("text", line) for text in told for line in wrapped(text, space, TEXT_SIZE)]
    rest = f"with {box.summary}" if box.summary else ""
    return written + [("rest", line) for line in wrapped(rest, space, TEXT_SIZE)]
