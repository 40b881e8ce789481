"""Draws how many of the requests were how fast, as SVG, for light and dark, without anything from elsewhere."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from cli.endpoint_bench.report import LoadReport, Report

WIDTH = 1000
MARGIN = 24
HEIGHT = 220
"""Of the part of a panel that curves lie in."""
GAP = 64
LEFT, TOP = 64, 96
COLORS = 6
LINE = 20
LABEL_WIDTH = 90
"""Of what stands beside a bound, in pixels."""
MILLISECONDS_BELOW = 1.0
"""Seconds below which an axis tells milliseconds."""

PANELS = {
    "time_to_first_token_seconds": "Time to first token",
    "time_per_output_token_seconds": "Time per output token",
    "latency_seconds": "Latency",
}


@dataclass(frozen=True)
class _Curve:
    title: str
    look: str
    load: LoadReport


@dataclass(frozen=True)
class _Panel:
    """Where one figure is drawn, and the largest value that it holds."""

    field: str
    left: float
    width: float
    most: float

    def x(self, seconds: float) -> float:
        return self.left + self.width * seconds / self.most


def plot(report: Report, earlier: Report | None = None) -> str:
    """Return the picture of a report, with the same loads of an earlier one in dashes."""
    curves = list(_curves(report, earlier))
    fields = [field for field in PANELS if any(curve.load.of(field) for curve in curves)]
    legend = TOP + HEIGHT + 64
    height = legend + LINE * len(curves) + MARGIN
    server = f"{report.server} at {report.stack or report.url}"
    told = ". ".join(f"{each.title}: {_failed(each.load) or 'none failed'}" for each in curves)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="bench-plot" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" aria-labelledby="plot-title plot-about">',
        f'<title id="plot-title">{escape(f"How fast {server} answered")}</title>',
        f'<desc id="plot-about">{escape(f"Share of all requests, by time. {told}")}</desc>',
        f"<style>{Path(__file__).with_name('plot.css').read_text(encoding='utf-8')}</style>",
        f'<rect class="page" width="{WIDTH}" height="{height}"/>',
        f'<text class="title" x="{MARGIN}" y="{MARGIN + 8}">{escape(f"{server}, {_date(report)}")}</text>',
        f'<text class="quiet" x="{MARGIN}" y="{MARGIN + 28}">Share of all requests that took no longer. '
        "A curve ends below 100 % where requests failed.</text>",
    ]
    for number, field in enumerate(fields):
        width = (WIDTH - LEFT - MARGIN - GAP * (len(fields) - 1)) / len(fields)
        values = [value for curve in curves for value in curve.load.of(field)]
        bounds = _bounds(report) if field == "time_per_output_token_seconds" else []
        panel = _Panel(field, LEFT + number * (width + GAP), width, 1.05 * max([*values, *bounds]) or 1)
        parts += _axes(panel, first=number == 0)
        parts += (_bound(panel, seconds) for seconds in bounds)
        parts += (path for curve in curves if (path := _curve(panel, curve)))
    for number, curve in enumerate(curves):
        y = legend + LINE * number
        text = ", ".join(part for part in (curve.title, _failed(curve.load)) if part)
        parts.append(f'<path class="curve {curve.look}" d="M{MARGIN} {y - 4}h32"/>')
        parts.append(f'<text x="{MARGIN + 44}" y="{y}">{escape(text)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _curves(report: Report, earlier: Report | None) -> Iterator[_Curve]:
    before = {each.load: each for each in earlier.loads} if earlier else {}
    for number, load in enumerate(report.loads):
        look = f"series-{number % COLORS}"
        yield _Curve(load.load.title, look if number < COLORS else f"{look} second", load)
        if load.load in before:
            then = _date(earlier) if earlier else ""
            yield _Curve(f"{load.load.title}, {then}", f"{look} earlier", before[load.load])


def _date(report: Report) -> str:
    return f"{report.began[:16].replace('T', ' ')} UTC"


def _failed(load: LoadReport) -> str:
    return f"{load.failed} of {load.sent} failed" if load.failed else ""


def _bounds(report: Report) -> list[float]:
    return sorted({load.bound.time_per_output_token_seconds for load in report.loads if load.bound})


def _axes(panel: _Panel, *, first: bool) -> Iterator[str]:
    left, bottom = panel.left, TOP + HEIGHT
    scale, unit = (1000, "ms") if panel.most < MILLISECONDS_BELOW else (1, "s")
    yield f'<text class="title" x="{left:g}" y="{TOP - 12}">{PANELS[panel.field]}, {unit}</text>'
    for percent in (0, 25, 50, 75, 100):
        y = bottom - HEIGHT * percent / 100
        yield f'<path class="grid" d="M{left:g} {y:g}h{panel.width:g}"/>'
        if first:
            yield f'<text class="quiet" x="{left - 8:g}" y="{y + 4:g}" text-anchor="end">{percent} %</text>'
    for tick in ticks(panel.most):
        x = panel.x(tick)
        yield f'<path class="grid" d="M{x:.1f} {TOP}V{bottom + 4}"/>'
        yield f'<text class="quiet" x="{x:.1f}" y="{bottom + 20}" text-anchor="middle">{tick * scale:g}</text>'


def ticks(most: float) -> list[float]:
    """Return round numbers from 0 to `most`: 2 to 6 of them."""
    step = 10 ** math.floor(math.log10(most))
    step = next(step * part for part in (0.2, 0.5, 1, 2) if most / (step * part) < 6)
    return [float(f"{number * step:.6g}") for number in range(int(most / step) + 1)]


def _bound(panel: _Panel, seconds: float) -> str:
    x = panel.x(seconds)
    # curves are to the right of it
    side, anchor = (-4, "end") if x - panel.left > LABEL_WIDTH else (4, "start")
    return (
        f'<path class="bound" d="M{x:.1f} {TOP}V{TOP + HEIGHT}"/>'
        f'<text class="quiet" x="{x + side:.1f}" y="{TOP + 14}" text-anchor="{anchor}">least possible</text>'
    )


def _curve(panel: _Panel, curve: _Curve) -> str:
    values: Sequence[float] = curve.load.of(panel.field)
    if not values:
        return ""
    bottom = TOP + HEIGHT
    path = f"M{panel.x(values[0]):.1f} {bottom}"
    for number, value in enumerate(values, 1):
        path += f"H{panel.x(value):.1f}V{bottom - HEIGHT * number / curve.load.sent:.1f}"
    return f'<path class="curve {curve.look}" d="{path}"/>'
