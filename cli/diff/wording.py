"""How the difference of a stack is put in lines, for a terminal and for a comment alike."""

import difflib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cli.diff.comparison import COST
from cli.diff.recording import HIDDEN, NOT_KNOWN
from cli.diff.report import Cost, EffectKind, Field, ResourceChange, StackDiff, Status
from cli.progress import short_type
from cli.words import OPERATIONS, summary_text

EFFECTS = {
    EffectKind.DATA_LOST: "data is lost",
    EffectKind.ENDPOINT_DOWN: "the endpoint goes down",
    EffectKind.ENDPOINT_MOVES: "the endpoint moves",
    EffectKind.ENDPOINT_RESTARTS: "the model server restarts",
}
STATUSES = {
    Status.BROKEN: "cannot be planned any more",
    Status.UNPLANNABLE: "cannot be planned, before or after",
    Status.REMOVED: "removed",
    Status.ADDED: "new",
    Status.REPAIRED: "can be planned again, which the base cannot: nothing to compare with",
    Status.UNCHANGED: "unchanged",
}
SIGNS = {"create": "+", "update": "~", "replace": "!", "delete": "-"}

_LONGEST_VALUE = 120
_LONGEST_TEXT_LINES = 30


@dataclass(frozen=True)
class Line:
    """One line. Its sign says of what kind it is: `!` dangerous, `-` and `+` gone and new, `~` changed, or none."""

    sign: str
    text: str


def headline(diff: StackDiff) -> str:
    """Tell in a line what becomes of a stack."""
    operations = Counter(each.operation for each in diff.resources)
    parts = [STATUSES[diff.status]] if diff.status in STATUSES else []
    parts += [EFFECTS[kind] for kind in EffectKind if any(each.kind is kind for each in diff.effects)]
    if operations:
        parts.append(summary_text("preview", dict(operations)))
    elif diff.status is Status.CHANGED:
        parts.append("no resource changes")
    if diff.cost:
        parts.append(cost_text(diff.cost))
    return "; ".join(parts)


def cost_text(cost: Cost) -> str:
    """Write what a stack costs on both sides, and the difference."""
    old, new = (_bounds(*each) for each in (_of_old(cost), _of_new(cost)))
    text = f"{old} -> {new} {cost.unit or 'USD per hour'}"
    if None in (*_of_old(cost), *_of_new(cost)):
        return text
    low, high = (b - a for a, b in zip(_known(*_of_old(cost)), _known(*_of_new(cost)), strict=True))
    return f"{text} ({low:+.2f})" if f"{low:+.2f}" == f"{high:+.2f}" else f"{text} ({low:+.2f} to {high:+.2f})"


def lines_of(diff: StackDiff, *, fields: bool = True) -> Iterator[Line]:
    """Return everything about a stack but its name, the most dangerous first.

    Args:
        diff: what becomes of it.
        fields: whether each changed property is told.
    """
    for error in diff.errors:
        yield from _text("!", error)
    for error in diff.base_errors:
        yield from _text("", f"The base: {error}")
    for effect in diff.effects:
        yield Line("!", printable(f"{EFFECTS[effect.kind]}: {effect.reason}"))
    for note in diff.notes:
        yield Line("", printable(note))
    for finding in diff.new_findings:
        yield from _text("+", f"new finding: {finding.text}")
    for finding in diff.resolved_findings:
        yield from _text("-", f"resolved finding: {finding.text}")
    # of a whole stack that is new or gone, the names are enough
    whole = diff.status in (Status.ADDED, Status.REMOVED)
    for each in diff.resources:
        yield from _resource(each, fields=fields and not whole)
    for output in diff.outputs:
        if output.name != COST or not diff.cost:
            yield from _field(Field(path=f"output {output.name}", old=output.old, new=output.new), indent="")


def printable(text: str) -> str:
    """Return `text` without what would move a terminal's cursor or hide in a comment."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _resource(change: ResourceChange, *, fields: bool) -> Iterator[Line]:
    because = f", because of {', '.join(change.replaced_for)}" if change.replaced_for else ""
    planned = OPERATIONS[change.operation].planned
    yield Line(SIGNS[change.operation], printable(f"{short_type(change.type)} {change.name} {planned}{because}"))
    if fields:
        for field in change.fields:
            yield from _field(field, indent="    ")


def _field(field: Field, indent: str) -> Iterator[Line]:
    mark = " (replaces)" if field.replaces else ""
    told = text_difference(field.old, field.new)
    if told:
        yield Line("", printable(f"{indent}{field.path}:{mark}"))
        for line in told[:_LONGEST_TEXT_LINES]:
            yield Line(line[:1].strip("@ "), printable(f"{indent}  {line[1:] if line[:1] in '+- ' else line}"))
        if len(told) > _LONGEST_TEXT_LINES:
            yield Line("", f"{indent}  ... {len(told) - _LONGEST_TEXT_LINES} more lines")
    elif field.old is None:
        yield Line("+", printable(f"{indent}{field.path}: {_value(field.new)}{mark}"))
    elif field.new is None:
        yield Line("-", printable(f"{indent}{field.path}: {_value(field.old)}{mark}"))
    else:
        old, new = _pair(written(field.old), written(field.new))
        yield Line("~", printable(f"{indent}{field.path}: {old} -> {new}{mark}"))


def text_difference(old: Any, new: Any) -> list[str]:  # Any: whatever JSON can say
    """Return how two texts of several lines differ, as `diff -u` tells; nothing of other values."""
    if not (isinstance(old, str) and isinstance(new, str) and "\n" in old and "\n" in new):
        return []
    return list(difflib.unified_diff(old.splitlines(), new.splitlines(), n=1, lineterm=""))[2:]


def _pair(old: str, new: str) -> tuple[str, str]:
    """Cut two long values so that where they begin to differ can be seen."""
    same = next(
        (index for index, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new))
    )  # fmt: skip
    start = max(0, same - 20) if max(len(old), len(new)) > _LONGEST_VALUE else 0
    return _cut(old, start), _cut(new, start)


def _cut(text: str, start: int = 0) -> str:
    end = start + _LONGEST_VALUE
    return f"{'...' if start else ''}{text[start:end]}{'...' if len(text) > end else ''}"


def _value(value: Any) -> str:  # Any: whatever JSON can say
    return _cut(written(value))


def written(value: Any) -> str:  # Any: whatever JSON can say
    """Write a value as JSON, and as it is what stands for one that is not shown."""
    # words in brackets stand for values that are not shown
    return value if value in (HIDDEN, NOT_KNOWN) else json.dumps(value, ensure_ascii=False)


def _text(sign: str, text: str) -> Iterator[Line]:
    return (Line(sign, printable(line)) for line in text.splitlines())


def _of_old(cost: Cost) -> tuple[float | None, float | None]:
    return cost.old_minimum, cost.old_maximum


def _of_new(cost: Cost) -> tuple[float | None, float | None]:
    return cost.new_minimum, cost.new_maximum


def _known(*bounds: float | None) -> tuple[float, ...]:
    return tuple(each for each in bounds if each is not None)


def _bounds(minimum: float | None, maximum: float | None) -> str:
    if minimum is None or maximum is None:
        return "unknown"
    return f"{minimum:.2f}" if minimum == maximum else f"{minimum:.2f} to {maximum:.2f}"
