"""Draws a timeline as SVG, for light and dark, without anything from elsewhere."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from pathlib import Path

from cli.graph.svg import WIDTH, styles
from cli.graph.text import width_of, wrapped
from cli.progress import STACK_TYPE, short_type
from cli.timeline.schedule import Span, Task
from cli.timeline.timeline import Timeline
from cli.timeline.words import clock_text, summary

MARGIN = 16
ROW = 20
"""Height of a row, in pixels."""
BAR = 12
"""Height of a bar, in pixels."""
SIZE = 12
"""Of the text, in pixels."""
LABELS = 380
"""Greatest width of the names, in pixels."""
TICKS = (5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 21600, 86400)
"""Seconds that may lie between two lines of the grid."""


def svg(timeline: Timeline, stack: str) -> str:
    """Return `timeline` as an SVG file: a bar for all that takes time, by component, the longest chain marked."""
    drawing = _Drawing(timeline)
    head = wrapped(summary(timeline), WIDTH - 2 * MARGIN, SIZE)
    top = MARGIN + 22 + ROW * len(head) + ROW
    height = top + ROW * len(drawing.rows) + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="stack-picture" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" aria-labelledby="title about">',
        f'<title id="title">{escape(f"The timeline of {stack}")}</title>',
        f'<desc id="about">{escape(_description(timeline))}</desc>',
        f"<style>{styles()}{Path(__file__).with_name('svg.css').read_text(encoding='utf-8')}</style>",
        f'<rect class="page" width="{WIDTH}" height="{height}"/>',
        f'<text class="title" x="{MARGIN}" y="{MARGIN + 12}">{escape(stack)}</text>',
        *(f'<text x="{MARGIN}" y="{MARGIN + 12 + ROW * (i + 1)}">{escape(line)}</text>' for i, line in enumerate(head)),
        *drawing.grid(top, height - MARGIN),
        *drawing.links(top),
        *drawing.bars(top),
    ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _description(timeline: Timeline) -> str:
    return " ".join([summary(timeline), *(f"{_told(each)}." for each in timeline.critical)])


def _told(span: Span) -> str:
    return f"{_label(span.task)}: {clock_text(span.start)} to {clock_text(span.end)}"


def _label(task: Task, component: Task | None = None) -> str:
    """Return the name and the type of a task, without what all parts of its component begin with."""
    name = task.name.removeprefix(component.name).lstrip("-") if component else task.name
    return f"{name} {short_type(task.type)}".strip()


@dataclass(frozen=True)
class _Row:
    """A line of the picture: a part of a component, or the component's own name above its parts."""

    component: Task
    span: Span | None = None

    @property
    def label(self) -> str:
        return _label(self.span.task, self.component) if self.span else _label(self.component)


class _Drawing:
    """Where the bars and their names are."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.critical = {each.task.urn for each in timeline.critical}
        self.rows = list(_rows(timeline))
        labels = (width_of(each.label, SIZE, bold=True) for each in self.rows if each.span)
        self.left = 2 * MARGIN + min(LABELS, max(labels, default=0))
        self.scale = (WIDTH - self.left - 4 * MARGIN) / (timeline.end or 1)

    def x(self, seconds: float) -> float:
        """Return where a time is."""
        return self.left + seconds * self.scale

    def grid(self, top: int, bottom: int) -> Iterator[str]:
        step = next((each for each in TICKS if self.timeline.end / each <= 9), TICKS[-1])
        for number in range(int(self.timeline.end // step) + 1):
            x = self.x(number * step)
            yield f'<path class="grid" d="M{x:.1f} {top}V{bottom}"/>'
            yield (
                f'<text class="rest" text-anchor="middle" x="{x:.1f}" y="{top - 6}">{clock_text(number * step)}</text>'
            )
        if self.timeline.critical:
            yield f'<path class="ready" d="M{self.x(self.timeline.ready):.1f} {top}V{bottom}"/>'

    def links(self, top: int) -> Iterator[str]:
        rows = {each.span.task.urn: number for number, each in enumerate(self.rows) if each.span}
        for before, after in pairwise(self.timeline.critical):
            y, end = (top + ROW * rows[each.task.urn] + ROW // 2 for each in (before, after))
            yield f'<path class="link" d="M{self.x(before.end):.1f} {y}V{end}"/>'

    def bars(self, top: int) -> Iterator[str]:
        for number, row in enumerate(self.rows):
            y = top + ROW * number
            span = row.span
            if span is None:
                yield f'<text class="title" x="{MARGIN}" y="{y + 15}">{escape(row.label)}</text>'
                continue
            start, end = self.x(span.start), self.x(span.end)
            critical = span.task.urn in self.critical
            name = ' class="critical-name"' if critical else ""
            shown = wrapped(row.label, LABELS - 2 * MARGIN, SIZE, bold=True)
            label = shown[0] + ("…" if len(shown) > 1 else "")
            yield f"<g><title>{escape(_told(span))}</title>"
            yield f'<text{name} x="{2 * MARGIN}" y="{y + 14}">{escape(label)}</text>'
            yield (
                f'<rect class="bar{" critical" if critical else ""}" x="{start:.1f}" y="{y + (ROW - BAR) // 2}" '
                f'width="{max(end - start, 1.5):.1f}" height="{BAR}" rx="2"/>'
            )
            yield f'<text class="rest" x="{end + 5:.1f}" y="{y + 14}">{clock_text(span.task.seconds)}</text></g>'


def _rows(timeline: Timeline) -> Iterator[_Row]:
    tasks = {urn: span.task for urn, span in timeline.spans.items()}
    groups: dict[str, list[_Row]] = {}
    for span in sorted(timeline.spans.values(), key=lambda each: (each.start, each.end, each.task.urn)):
        if span.task.seconds:
            component = _component(span.task, tasks)
            groups.setdefault(component.urn, [_Row(component)]).append(_Row(component, span))
    for rows in groups.values():
        yield from rows


def _component(task: Task, tasks: Mapping[str, Task]) -> Task:
    """Return the outermost component that the task is of; itself where it is of none."""
    while (parent := tasks.get(task.parent or "")) is not None and parent.type != STACK_TYPE:
        task = parent
    return task
