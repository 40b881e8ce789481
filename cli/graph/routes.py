"""The ways of the arrows: along the grid, around the boxes, apart from each other."""

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cli.graph.layout import GRID, TEXT_SIZE, TITLE_SIZE, Layout, Placed
from cli.graph.text import width_of

Point = tuple[int, int]
"""A place on the grid."""

_State = tuple[Point, int]
"""A place, and which of the directions leads to it."""

_DIRECTIONS: tuple[Point, ...] = ((0, -1), (1, 0), (0, 1), (-1, 0))
"""Up, right, down, left."""
_TURN, _BORDER, _TAKEN, _THROUGH, _OFF = 3, 2, 6, 60, 0.25
"""What a way costs more than a step: for each turn, border, place of another arrow, and place in a box or text; and for
each step that a door is away from the middle of its side."""


@dataclass(frozen=True)
class Route:
    """The way of one arrow, in pixels, from corner to corner, and where its number is."""

    points: tuple[Point, ...]
    badge: Point


def routes_of(layout: Layout, arrows: Sequence[tuple[str, str]]) -> list[Route]:
    """Return the ways of arrows between boxes, given by id, in their order."""
    grid = _Grid(layout)
    return [grid.route(start, end) for start, end in arrows]


class _Grid:
    """What is where. No place is forbidden, only costly, so that there always is a way."""

    def __init__(self, layout: Layout) -> None:
        self._boxes = {each.box.id: each for each in layout.boxes}
        self._size = (layout.width // GRID, layout.height // GRID)
        self._solid = {point for each in layout.boxes for point in (_text(each) if each.rows else _area(each))}
        self._borders = Counter(point for each in layout.boxes if each.rows for point in _border(each))
        self._taken = Counter[Point]()
        self._badges: list[Point] = []

    def route(self, start: str, end: str) -> Route:
        path = self._path(self._boxes[start], self._boxes[end])
        self._taken.update(path)
        badge = max(path, key=lambda point: self._room(point, path))
        self._badges.append(badge)
        corners = [
            here
            for before, here, after in zip(path, path[1:], path[2:], strict=False)
            if (here[0] - before[0], here[1] - before[1]) != (after[0] - here[0], after[1] - here[1])
        ]
        points = tuple((x * GRID, y * GRID) for x, y in (path[0], *corners, path[-1]))
        return Route(points, (badge[0] * GRID, badge[1] * GRID))

    def _room(self, point: Point, path: Sequence[Point]) -> tuple[int, int, int]:
        """Tell how good a place for a number is: apart from the other numbers, from boxes and arrows, in the middle."""
        others = min((max(abs(point[0] - x), abs(point[1] - y)) for x, y in self._badges), default=9)
        near = [(point[0] + x, point[1] + y) for x in (-1, 0, 1) for y in (-1, 0, 1)]
        crowded = sum((each in self._solid) + (self._taken[each] > 1) for each in near) + 3 * self._borders[point]
        middle = abs(path.index(point) - len(path) // 2)
        return min(others, 4), -crowded, -middle

    def _path(self, start: Placed, end: Placed) -> list[Point]:
        goals = dict(_doors(end))
        # out of a door it is the other way round than in
        first = [(point, (into + 2) % 4) for point, into in _doors(start)]
        best: dict[_State, float] = {state: self._door(start, state) for state in first}
        came: dict[_State, _State] = {}
        queue = [(cost + _distance(state[0], end), state) for state, cost in best.items()]
        heapq.heapify(queue)
        while queue:
            _, state = heapq.heappop(queue)
            point, direction = state
            if state in came and goals.get(point) == direction:
                return _back(state, came)
            for heading in _DIRECTIONS if state in came else _DIRECTIONS[direction : direction + 1]:
                turned = _DIRECTIONS.index(heading)
                there = (point[0] + heading[0], point[1] + heading[1])
                if (turned + 2) % 4 == direction or not self._inside(there):
                    continue
                arrives = goals.get(there) == turned
                cost = best[state] + 1 + _TURN * (turned != direction)
                cost += self._door(end, (there, turned)) if arrives else self._cost(there)
                if cost < best.get((there, turned), float("inf")):
                    best[there, turned] = cost
                    came[there, turned] = state
                    heapq.heappush(queue, (cost + _distance(there, end), (there, turned)))
        raise AssertionError("each place of the grid can be reached")

    def _inside(self, point: Point) -> bool:
        return 0 < point[0] < self._size[0] and 0 < point[1] < self._size[1]

    def _cost(self, point: Point) -> int:
        return _THROUGH * (point in self._solid) + _BORDER * self._borders[point] + _TAKEN * self._taken[point]

    def _door(self, placed: Placed, state: _State) -> float:
        """Return what it costs to leave or enter at a place: less in the middle of a side, much where another does."""
        left, top, right, bottom = _edges(placed)
        (x, y), direction = state
        off = abs(2 * y - top - bottom) if _DIRECTIONS[direction][0] else abs(2 * x - left - right)
        return _OFF * off / 2 + _THROUGH * self._taken[x, y]


def _back(state: _State, came: Mapping[_State, _State]) -> list[Point]:
    path = [state[0]]
    while state in came:
        state = came[state]
        path.append(state[0])
    return path[::-1]


def _distance(point: Point, placed: Placed) -> int:
    left, top, right, bottom = _edges(placed)
    return max(left - point[0], 0, point[0] - right) + max(top - point[1], 0, point[1] - bottom)


def _edges(placed: Placed) -> tuple[int, int, int, int]:
    left, top = placed.x // GRID, placed.y // GRID
    return left, top, left + placed.width // GRID, top + placed.height // GRID


def _doors(placed: Placed) -> Iterator[_State]:
    """Return where arrows may meet a box, not at its corners, and in which direction they come in there."""
    left, top, right, bottom = _edges(placed)
    for x in range(left + 2, right - 1):
        yield (x, top), 2
        yield (x, bottom), 0
    for y in range(top + 2, bottom - 1):
        yield (left, y), 1
        yield (right, y), 3


def _area(placed: Placed) -> Iterator[Point]:
    left, top, right, bottom = _edges(placed)
    return ((x, y) for x in range(left, right + 1) for y in range(top, bottom + 1))


def _border(placed: Placed) -> Iterator[Point]:
    left, top, right, bottom = _edges(placed)
    return ((x, y) for x, y in _area(placed) if x in (left, right) or y in (top, bottom))


def _text(placed: Placed) -> Iterator[Point]:
    for line in placed.text_lines():
        size = TITLE_SIZE if line.style == "title" else TEXT_SIZE
        ends = line.x + width_of(line.text, size, bold=line.style in ("title", "mark"))
        for x in range(int(line.x // GRID), int(ends // GRID) + 2):
            for y in range(int((line.baseline - size) // GRID), int((line.baseline + 4) // GRID) + 1):
                yield x, y
