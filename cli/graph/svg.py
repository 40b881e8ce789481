"""Draws the picture of a stack as SVG, for light and dark, without anything from elsewhere."""

from collections.abc import Iterator
from functools import cache
from html import escape
from pathlib import Path

from cli.graph.layout import GRID, MARGIN, SIGNS, TEXT_LINE, TEXT_SIZE, Layout, Placed, lay_out, mark_of
from cli.graph.picture import Arrow, Picture
from cli.graph.routes import Route, routes_of
from cli.graph.text import width_of, wrapped
from cli.words import OPERATIONS

WIDTH = 1000
_RADIUS = 6
_COLUMN = 440
"""Least width of a column of the list of arrows, in pixels."""


def svg(picture: Picture, width: int = WIDTH, *, standalone: bool = True, key: str = "") -> str:
    """Return `picture` as an SVG element.

    Args:
        picture: what is drawn.
        width: in pixels.
        standalone: whether it is a file by itself, with its own styles.
        key: what makes its ids unique among the pictures of one page.
    """
    layout = lay_out(picture, width)
    routes = routes_of(layout, [(each.start, each.end) for each in picture.arrows])
    changing = any(each.marks != "same" for each in picture.boxes)
    legend, height = _legend(picture, layout, changing=changing)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="stack-picture" viewBox="0 0 {layout.width} {height}" '
        f'width="{layout.width}" height="{height}" role="img" aria-labelledby="title-{key} about-{key}">',
        f'<title id="title-{key}">{_safe(f"The stack {picture.title}")}</title>',
        f'<desc id="about-{key}">{_safe(description(picture))}</desc>',
    ]
    if standalone:
        parts += [f"<style>{styles()}</style>", f'<rect class="page" width="{layout.width}" height="{height}"/>']
    for placed in layout.boxes:
        parts += _box(placed, changing=changing)
    for number, (arrow, route) in enumerate(zip(picture.arrows, routes, strict=True), 1):
        parts += _arrow(number, arrow, route, picture)
    for number, route in enumerate(routes, 1):
        parts += _badge(number, *route.badge)
    return "\n".join([*parts, *legend, "</svg>"]) + "\n"


@cache
def styles() -> str:
    """Return the styles that pictures need."""
    return Path(__file__).with_name("svg.css").read_text(encoding="utf-8")


def description(picture: Picture) -> str:
    """Tell in sentences what `picture` shows."""
    inside = [
        f"{each.title}{f' ({each.lines[0]})' if each.lines else ''} in {picture.title_of(each.parent)}"
        for each in picture.boxes
        if each.parent
    ]
    marked = [f"{each.title}: {mark_of(each)[2:]}" for each in picture.boxes if mark_of(each)]
    told = [f"{number}. {_sentence(arrow, picture)}" for number, arrow in enumerate(picture.arrows, 1)]
    return " ".join(f"{part}." for part in ("; ".join(inside), "; ".join(marked), "; ".join(told)) if part)


def _sentence(arrow: Arrow, picture: Picture) -> str:
    return f"{picture.title_of(arrow.start)} → {picture.title_of(arrow.end)}: {arrow.text}"


def _box(placed: Placed, *, changing: bool) -> Iterator[str]:
    box = placed.box
    look = f"op-{box.marks}" if changing else f"kind-{box.kind.value}"
    yield f'<g class="box {look}{" container" if placed.rows else ""}{" exists" if box.exists else ""}">'
    told = [f"{SIGNS[each.operation]} {each.text}" if each.operation in SIGNS else each.text for each in box.members]
    yield f"<title>{_safe(chr(10).join((box.title, *box.lines, *told)))}</title>"
    yield (f'<rect x="{placed.x}" y="{placed.y}" width="{placed.width}" height="{placed.height}" rx="{_RADIUS}"/>')
    for line in placed.text_lines():
        yield f'<text class="{line.style}" x="{line.x:g}" y="{line.baseline:g}">{_safe(line.text)}</text>'
    yield "</g>"


def _arrow(number: int, arrow: Arrow, route: Route, picture: Picture) -> Iterator[str]:
    (x, y), (tip_x, tip_y) = route.points[-2], route.points[-1]
    dx, dy = (tip_x > x) - (tip_x < x), (tip_y > y) - (tip_y < y)
    path = f"M{route.points[0][0]} {route.points[0][1]}"
    for before, corner, after in zip(route.points, route.points[1:], route.points[2:], strict=False):
        (from_x, from_y), (to_x, to_y) = _towards(corner, before), _towards(corner, after)
        path += f"L{from_x} {from_y}Q{corner[0]} {corner[1]} {to_x} {to_y}"
    path += f"L{tip_x - 5 * dx} {tip_y - 5 * dy}"
    side_x, side_y = tip_x - 8 * dx, tip_y - 8 * dy
    head = f"{tip_x},{tip_y} {side_x - 4 * dy},{side_y - 4 * dx} {side_x + 4 * dy},{side_y + 4 * dx}"
    yield f'<g class="arrow{" rights" if arrow.rights else ""}">'
    yield f"<title>{_safe(f'{number}. {_sentence(arrow, picture)}')}</title>"
    yield f'<path d="{path}"/><polygon points="{head}"/></g>'


def _towards(corner: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    """Return where the bend at a corner begins: a little towards its neighbour."""
    dx, dy = other[0] - corner[0], other[1] - corner[1]
    reach = min(_RADIUS, max(abs(dx), abs(dy)) // 2)
    return corner[0] + reach * ((dx > 0) - (dx < 0)), corner[1] + reach * ((dy > 0) - (dy < 0))


def _badge(number: int, x: float, y: float) -> Iterator[str]:
    yield f'<g class="badge"><circle cx="{x:g}" cy="{y:g}" r="8"/>'
    yield f'<text x="{x:g}" y="{y + 4:g}">{number}</text></g>'


def _legend(picture: Picture, layout: Layout, *, changing: bool) -> tuple[list[str], int]:
    """Return the list of the arrows and of the signs, below the boxes, and how high the picture is with it."""
    columns = max(1, (layout.width - 2 * MARGIN) // _COLUMN)
    wide = (layout.width - 2 * MARGIN) // columns
    entries = [wrapped(_sentence(arrow, picture), wide - 4 * GRID, TEXT_SIZE) for arrow in picture.arrows]
    depth = -(-len(entries) // columns)
    parts: list[str] = []
    bottom = layout.height
    for column in range(columns):
        x, y = MARGIN + column * wide, layout.height
        for number, lines in list(enumerate(entries, 1))[column * depth : (column + 1) * depth]:
            parts += _badge(number, x + 8, y + 10)
            for line in lines:
                parts.append(f'<text class="legend" x="{x + 3 * GRID}" y="{y + 14}">{_safe(line)}</text>')
                y += TEXT_LINE
            y += GRID
        bottom = max(bottom, y)
    if changing:
        x, y = MARGIN, bottom + TEXT_LINE
        for text, look in _signs():
            wide = int(width_of(text, TEXT_SIZE, bold=True)) + 3 * GRID
            if x + wide > layout.width - MARGIN:
                x, y = MARGIN, y + TEXT_LINE + GRID
            parts.append(f'<text class="legend mark {look}" x="{x}" y="{y}">{_safe(text)}</text>')
            x += wide
        bottom = y + GRID
    return parts, bottom + GRID


def _signs() -> Iterator[tuple[str, str]]:
    for operation in ("create", "update", "replace", "delete"):
        yield f"{SIGNS[operation]} {OPERATIONS[operation].planned}", f"op-{operation}"
    yield "no sign: stays as it is", "op-same"


def _safe(text: str) -> str:
    return escape("".join(each if each.isprintable() or each == "\n" else "?" for each in text))
