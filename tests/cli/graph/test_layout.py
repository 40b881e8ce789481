"""Boxes of any nesting at any width, and the ways of arrows between them."""

from hypothesis import given
from hypothesis import strategies as some

from cli.graph.layout import GRID, Layout, Placed, lay_out
from cli.graph.picture import Arrow, Box, Kind, Picture
from cli.graph.routes import routes_of


@some.composite
def pictures(draw: some.DrawFn) -> Picture:
    count = draw(some.integers(1, 14))
    boxes: list[Box] = []
    for index in range(count):
        parent = draw(some.sampled_from([None, *(box.id for box in boxes)]))
        kind = draw(some.sampled_from(list(Kind)))
        title = draw(some.text("abc W-/", min_size=1, max_size=40))
        boxes.append(Box(id=str(index), kind=kind, title=title, parent=parent, lines=(title, title)))
    leaves = [box.id for box in boxes if box.id not in {each.parent for each in boxes}]
    ends = some.tuples(some.sampled_from(leaves), some.sampled_from(leaves)).filter(lambda pair: pair[0] != pair[1])
    arrows = draw(some.lists(ends, max_size=5)) if len(leaves) > 1 else []
    return Picture(title="any", boxes=tuple(boxes), arrows=tuple(Arrow(start=a, end=b, text="") for a, b in arrows))


def edges(placed: Placed) -> tuple[int, int, int, int]:
    return placed.x, placed.y, placed.x + placed.width, placed.y + placed.height


def apart(one: Placed, other: Placed) -> bool:
    a, b = edges(one), edges(other)
    return a[2] < b[0] or b[2] < a[0] or a[3] < b[1] or b[3] < a[1]


def by_id(layout: Layout) -> dict[str, Placed]:
    return {each.box.id: each for each in layout.boxes}


@given(pictures(), some.sampled_from([320, 376, 1000]))
def test_each_box_is_in_its_own_and_apart_from_its_neighbours(picture: Picture, width: int) -> None:
    placed = by_id(lay_out(picture, width))
    assert set(placed) == {box.id for box in picture.boxes}
    for box in picture.boxes:
        here = edges(placed[box.id])
        assert all(edge % GRID == 0 for edge in here)
        if box.parent:
            around = edges(placed[box.parent])
            assert around[0] < here[0]
            assert here[2] < around[2]
            assert around[1] + placed[box.parent].header <= here[1]
            assert here[3] < around[3]
        for other in picture.boxes:
            if other.id != box.id and other.parent == box.parent:
                assert apart(placed[box.id], placed[other.id])


@given(pictures())
def test_arrows_go_straight_from_box_to_box(picture: Picture) -> None:
    layout = lay_out(picture, 1000)
    placed = by_id(layout)
    routes = routes_of(layout, [(each.start, each.end) for each in picture.arrows])
    for arrow, route in zip(picture.arrows, routes, strict=True):
        for point, box in ((route.points[0], arrow.start), (route.points[-1], arrow.end)):
            left, top, right, bottom = edges(placed[box])
            assert left <= point[0] <= right
            assert top <= point[1] <= bottom
            assert point[0] in (left, right) or point[1] in (top, bottom)
        for (x, y), (to_x, to_y) in zip(route.points, route.points[1:], strict=False):
            assert (x == to_x) != (y == to_y)
        assert 0 < route.badge[0] < layout.width
        assert 0 < route.badge[1] < layout.height


def test_an_arrow_goes_around_the_box_between() -> None:
    boxes = tuple(
        Box(id=name, kind=kind, title=name)
        for name, kind in (("top", Kind.CLIENTS), ("between", Kind.ENTRY), ("bottom", Kind.OUTSIDE))
    )
    layout = lay_out(Picture(title="any", boxes=boxes), 1000)
    (route,) = routes_of(layout, [("top", "bottom")])
    left, top, right, bottom = edges(by_id(layout)["between"])
    assert len(route.points) > 2
    for (x, y), (to_x, to_y) in zip(route.points, route.points[1:], strict=False):
        assert max(x, to_x) < left or right < min(x, to_x) or max(y, to_y) < top or bottom < min(y, to_y)


def test_arrows_do_not_share_their_ends() -> None:
    boxes = (Box(id="a", kind=Kind.CLIENTS, title="a"), Box(id="b", kind=Kind.ENTRY, title="b"))
    routes = routes_of(lay_out(Picture(title="any", boxes=boxes), 1000), [("a", "b")] * 4)
    assert len({route.points[0] for route in routes}) == 4
    assert len({route.points[-1] for route in routes}) == 4


def test_what_serves_is_the_first_of_its_row() -> None:
    boxes = (
        Box(id="empty", kind=Kind.MACHINES, title="a"),
        Box(id="works", kind=Kind.MACHINES, title="b"),
        Box(id="serves", kind=Kind.MACHINES, title="c"),
        Box(id="job", kind=Kind.JOB, title="job", parent="works"),
        Box(id="pods", kind=Kind.PODS, title="pods", parent="serves"),
    )
    placed = by_id(lay_out(Picture(title="any", boxes=boxes), 1000))
    assert placed["serves"].x < placed["works"].x < placed["empty"].x
    assert placed["serves"].y == placed["works"].y == placed["empty"].y
