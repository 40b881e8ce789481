"""Writes a report as one HTML page: a picture of each stack with what changes, then every field, folded.

The page loads nothing, runs nothing and is shown as well from a file.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from cli.diff.comparison import COST
from cli.diff.elements import Markup, element, joined
from cli.diff.report import Field, Message, Report, ResourceChange, StackDiff, Status
from cli.diff.wording import EFFECTS, SIGNS, STATUSES, cost_text, text_difference, written
from cli.graph.svg import styles, svg
from cli.progress import short_type
from cli.words import OPERATIONS, summary_text

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""What a browser lets the page do: be styled."""

_WIDE, _NARROW = 960, 360
"""Widths of the two pictures of a stack, in pixels. The style sheet shows the one that fits."""
_LONGEST_VALUE = 2000


def write(report: Report) -> str:
    """Return `report` as a page."""
    changed = [diff for diff in report.stacks if diff.status is not Status.UNCHANGED]
    unchanged = [diff for diff in report.stacks if diff.status is Status.UNCHANGED]
    title = f"{len(changed)} of {len(report.stacks)} stacks change" if changed else "No stack changes"
    head = element(
        "head",
        Markup('<meta charset="utf-8">'),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup('<meta name="color-scheme" content="light dark">'),
        element("title", title),
        Markup(f"<style>{styles()}{_page_styles()}</style>"),
    )
    main = element(
        "main",
        element("h1", title),
        element("p", f"Compared with {report.base} ({report.commit[:10]}). {report.notice}", class_="quiet"),
        *(element("p", note) for note in report.notes),
        _summary(changed) if changed else Markup(),
        *(_section(diff, number) for number, diff in enumerate(changed)),
        _unchanged(unchanged, len(changed)) if unchanged else Markup(),
    )
    body = element("body", main, class_="stack-picture-page")
    return f'<!doctype html>\n<html lang="en">\n{head}\n{body}\n</html>\n'


@cache
def _page_styles() -> str:
    return Path(__file__).with_name("html.css").read_text(encoding="utf-8")


def _summary(changed: Sequence[StackDiff]) -> Markup:
    names = ("Stack", "What users notice", "Resources", "Cost")
    rows = [
        element(
            "tr",
            element("th", element("a", diff.stack, href=f"#stack-{number}"), scope="row"),
            element("td", _noticed(diff), class_=f"danger-{_danger(diff)}", data_label=names[1]),
            element("td", _counted(diff.resources) or "none", data_label=names[2]),
            element("td", cost_text(diff.cost) if diff.cost else "the same", data_label=names[3]),
        )
        for number, diff in enumerate(changed)
    ]
    head = element("thead", element("tr", *(element("th", name, scope="col") for name in names)))
    return element("div", element("table", head, element("tbody", *rows), class_="summary"), class_="scrolls")


def _noticed(diff: StackDiff) -> str:
    kinds = dict.fromkeys(EFFECTS[each.kind] for each in diff.effects)
    told = [STATUSES[diff.status]] if diff.status in STATUSES else []
    return "; ".join((*told, *kinds)) or "nothing"


def _danger(diff: StackDiff) -> str:
    failing = bool(diff.errors)
    return "high" if failing or diff.danger[1] > 1 else "some" if diff.danger[1] else "none"


def _counted(resources: Iterable[ResourceChange]) -> str:
    counts = Counter(each.operation for each in resources)
    return summary_text("preview", dict(counts)) if counts else ""


def _section(diff: StackDiff, number: int) -> Markup:
    content = [
        element("h2", diff.stack),
        element(
            "p",
            element("strong", f"What users notice: {_noticed(diff)}."),
            class_=f"danger-{_danger(diff)}",
        ),
        *(element("pre", error) for error in diff.errors),
        *(element("pre", f"The base: {error}") for error in diff.base_errors),
        _list("", [f"{EFFECTS[each.kind]}: {each.reason}" for each in diff.effects]),
        *(element("p", note) for note in diff.notes),
        element("p", f"Cost: {cost_text(diff.cost)}") if diff.cost else Markup(),
        _pictures(diff, number),
        _list("New findings", _texts(diff.new_findings)),
        _list("Resolved findings", _texts(diff.resolved_findings)),
        _outputs(diff),
        _resources(diff),
    ]
    return element("section", *content, id=f"stack-{number}")


def _texts(messages: Iterable[Message]) -> list[str]:
    return [each.text for each in messages]


def _list(title: str, texts: Sequence[str]) -> Markup:
    if not texts:
        return Markup()
    listed = element("ul", *(element("li", text) for text in texts))
    return joined(element("h3", title), listed) if title else listed


def _pictures(diff: StackDiff, number: int) -> Markup:
    if not diff.picture:
        return Markup()
    drawn = [
        element("div", Markup(svg(diff.picture, width, standalone=False, key=f"{number}-{look}")), class_=look)
        for look, width in (("wide", _WIDE), ("narrow", _NARROW))
    ]
    return element("figure", *drawn)


def _outputs(diff: StackDiff) -> Markup:
    fields = [
        Field(path=each.name, old=each.old, new=each.new) for each in diff.outputs if each.name != COST or not diff.cost
    ]
    return joined(element("h3", "Outputs"), _table(fields)) if fields else Markup()


def _resources(diff: StackDiff) -> Markup:
    if not diff.resources:
        return Markup()
    unchanged = f", {diff.unchanged} unchanged" if diff.unchanged else ""
    rows = [element("li", _resource(each)) for each in diff.resources]
    return joined(
        element("h3", f"Resources: {_counted(diff.resources)}{unchanged}"), element("ul", *rows, class_="resources")
    )


def _resource(change: ResourceChange) -> Markup:
    because = f", because of {', '.join(change.replaced_for)}" if change.replaced_for else ""
    name = joined(
        element("span", SIGNS.get(change.operation, "?"), class_=f"sign op-{change.operation}"),
        f" {short_type(change.type)} ",
        element("strong", change.name),
        f" {OPERATIONS[change.operation].planned if change.operation in OPERATIONS else change.operation}{because}",
    )
    if not change.fields:
        return name
    return element("details", element("summary", name), _table(change.fields))


def _table(fields: Sequence[Field]) -> Markup:
    head = element("thead", element("tr", *(element("th", name, scope="col") for name in ("Field", "Before", "After"))))
    table = element("table", head, element("tbody", *(_row(each) for each in fields)), class_="fields")
    return element("div", table, class_="scrolls")


def _row(field: Field) -> Markup:
    path = joined(field.path, element("em", " (replaces)") if field.replaces else Markup())
    difference = text_difference(field.old, field.new)
    if difference:
        values = [element("td", element("pre", _cut("\n".join(difference))), colspan="2")]
    else:
        values = [element("td", _value(field.old), class_="old"), element("td", _value(field.new), class_="new")]
    return element("tr", element("th", path, scope="row"), *values)


def _value(value: object) -> Markup:
    return element("span", "none", class_="quiet") if value is None else element("code", _cut(written(value)))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}... ({len(text)} characters)"


def _unchanged(diffs: Sequence[StackDiff], first: int) -> Markup:
    folded = [
        element("details", element("summary", diff.stack), _pictures(diff, first + number))
        for number, diff in enumerate(diffs)
    ]
    return element("section", element("h2", "Unchanged"), *folded)
