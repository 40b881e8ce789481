"""Compares what two revisions of the program do with one stack."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from cli.diff.effects import ENDPOINT, effects_of
from cli.diff.recording import Properties, Recording, Step, change_of
from cli.diff.report import Cost, Message, OutputChange, StackDiff, Status
from cli.diff.side import Side
from cli.diff.side_run import UseEngine, bring_up, plan
from cli.graph.drawing import picture_of

COST = "hourlyCost"
"""The output that says what a stack costs."""

_ORDER = ("replace", "delete", "update", "create")


def compare(
    stack: str, base: Side | None, head: Side | None, base_error: str | None, folder: Path, pulumi: Path, use: UseEngine
) -> StackDiff:
    """Return what the working tree does to a stack that the base has brought up.

    Args:
        stack: its name.
        base: the base, if it has the stack and its program can be run.
        head: the working tree, if it has the stack.
        base_error: why the base's program cannot be run, although it has the stack.
        folder: where this may put things.
        pulumi: the engine.
        use: called with the engine while there is one.
    """
    before = bring_up(base, stack, folder / "base", pulumi, use) if base else None
    base_errors = tuple(before.errors) if before else (base_error,) if base_error else ()
    if before and before.errors:
        before = None
    if head is None:
        return _removed(stack, before, base_errors)
    # what half came up is nothing to compare with
    after = plan(head, stack, folder / ("base" if before else "new"), pulumi, use)
    if after.errors:
        status = Status.UNPLANNABLE if base_errors else Status.BROKEN
        return StackDiff(stack=stack, status=status, errors=tuple(after.errors), base_errors=base_errors)
    if base_errors:
        return StackDiff(
            stack=stack,
            status=Status.REPAIRED,
            base_errors=base_errors,
            unchanged=len(after.of_the_cloud()),
            picture=picture_of(stack, after, "same"),
        )
    notes = tuple(_changed_ciphertexts(stack, base, head)) if base else ()
    return _planned(stack, before, after, notes)


def _removed(stack: str, before: Recording | None, base_errors: tuple[str, ...]) -> StackDiff:
    if before is None:
        return StackDiff(stack=stack, status=Status.REMOVED, base_errors=base_errors)
    steps = before.of_the_cloud()
    resources = [change_of(step, "delete") for step in sorted(steps, key=lambda step: step.urn)]
    outputs = _output_changes(before.outputs, {})
    return StackDiff(
        stack=stack,
        status=Status.REMOVED,
        effects=effects_of(resources, outputs, serves=bool(before.outputs.get(ENDPOINT)), kept=_kept(steps)),
        resources=tuple(resources),
        outputs=outputs,
        cost=_cost(before.outputs, {}),
        notes=(
            f"Merging deletes nothing: `pulumi destroy` the stack {stack} while the base is checked out, "
            "or its resources stay, and cost.",
        ),
        picture=picture_of(stack, before, "delete"),
    )


def _planned(stack: str, before: Recording | None, after: Recording, notes: tuple[str, ...]) -> StackDiff:
    steps = after.of_the_cloud()
    changed = [change_of(step) for step in steps if step.operation in _ORDER]
    # the engine works on several at once, in whatever order they get ready
    resources = tuple(sorted(changed, key=lambda each: (_ORDER.index(each.operation), each.urn)))
    old: Properties = before.outputs if before else {}
    outputs = _output_changes(old, after.outputs)
    new_findings, resolved = _findings(before, after)
    different = resources or outputs or new_findings or resolved or notes
    return StackDiff(
        stack=stack,
        status=Status.ADDED if before is None else Status.CHANGED if different else Status.UNCHANGED,
        effects=effects_of(resources, outputs, serves=bool(old.get(ENDPOINT)), kept=_kept(steps)),
        resources=resources,
        unchanged=len(steps) - len(resources),
        outputs=outputs,
        cost=_cost(old, after.outputs),
        new_findings=new_findings,
        resolved_findings=resolved,
        notes=notes,
        picture=picture_of(stack, after),
    )


def _kept(steps: list[Step]) -> frozenset[str]:
    return frozenset(step.urn for step in steps if step.kept)


def _output_changes(old: Properties, new: Properties) -> tuple[OutputChange, ...]:
    return tuple(
        OutputChange(name=name, old=old.get(name), new=new.get(name))
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    )


def _findings(before: Recording | None, after: Recording) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    def warnings(recording: Recording | None) -> dict[Message, None]:
        told = recording.diagnostics if recording else []
        return {Message(severity=each.severity, text=each.message): None for each in told if each.severity == "warning"}

    old, new = warnings(before), warnings(after)
    return tuple(each for each in new if each not in old), tuple(each for each in old if each not in new)


def _cost(old: Properties, new: Properties) -> Cost | None:
    before, after = _bounds(old.get(COST)), _bounds(new.get(COST))
    if before == after:
        return None
    told: Any = new.get(COST) or old.get(COST)  # as below
    return Cost(
        old_minimum=before[0],
        old_maximum=before[1],
        new_minimum=after[0],
        new_maximum=after[1],
        unit=told.get("unit", ""),
    )


def _bounds(cost: Any) -> tuple[float | None, float | None]:  # Any: whatever the program exports
    if not isinstance(cost, Mapping):
        return None, None
    entries = cast("Mapping[str, Any]", cost)
    return entries.get("minimum"), entries.get("maximum")


def _changed_ciphertexts(stack: str, base: Side, head: Side) -> list[str]:
    """Tell of encrypted settings that both sides have and that differ: what is in them is not known here."""
    old, new = (_ciphertexts(side.project.stack_config(stack), "") for side in (base, head))
    return [
        f"The encrypted {path} is another. Its value is not known here, nor what follows from it."
        for path in sorted(old.keys() & new.keys())
        if old[path] != new[path]
    ]


def _ciphertexts(value: Any, path: str) -> dict[str, Any]:  # Any: whatever YAML can say
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, Any]", value)
        if set(entries) == {"secure"}:
            return {path: entries["secure"]}
        steps = [(f"{path}.{key}" if path else str(key), item) for key, item in entries.items()]
    elif isinstance(value, list):
        steps = [(f"{path}[{index}]", item) for index, item in enumerate(cast("list[Any]", value))]
    else:
        return {}
    return {found: text for step, item in steps for found, text in _ciphertexts(item, step).items()}
