"""What one operation of the engine did, or would do, to each resource, from its events."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from pulumi.automation import EngineEvent, OpType
from pulumi.automation.events import StepEventMetadata

from cli.diff.report import Field, ResourceChange
from cli.display import is_hidden
from cli.progress import REPLACING, STACK_TYPE, Diagnostic, Progress, ResourceProgress, mask_secrets

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What the engine writes in a preview for a value that only the cloud will tell."""

_PATH_STEP = re.compile(r"""\[(?P<index>\d+)\]|\[(?P<quoted>"(?:[^"\\]|\\.)*")\]|(?P<name>[^.\[\]]+)""")

HIDDEN, NOT_KNOWN = "[secret]", "[not known yet]"
"""What is shown for values that must not be, and that cannot be."""

Properties = Mapping[str, Any]
"""Inputs or outputs. `Any`: whatever JSON can say."""


@dataclass
class Step:
    """What is done to one resource."""

    urn: str
    type: str
    operation: str = "same"
    parent: str | None = None
    provider: str | None = None
    """URN of the provider that makes it."""
    custom: bool = False
    kept: bool = False
    """Whether the cloud keeps it when the stack gives it up."""
    changed: dict[str, str] = field(default_factory=dict[str, str])
    """Paths of what changes, and how, as the engine says: add, delete or update, with `-replace` where it replaces."""
    replacing: tuple[str, ...] = ()
    old: Properties | None = None
    """Inputs."""
    new: Properties | None = None
    state: Properties | None = None
    """What the cloud said of it so far."""


@dataclass
class Recording:
    """One operation, kept up to date by `apply` from the engine's events."""

    operation: str
    """preview or up."""
    steps: dict[str, Step] = field(default_factory=dict[str, Step])
    outputs: Properties = field(default_factory=dict[str, Any])
    """Of the stack, secrets masked."""
    errors: list[str] = field(default_factory=list[str])
    """Why it failed, if it did."""
    dependencies: dict[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    """What each resource depends on, by URN."""

    def __post_init__(self) -> None:
        self._progress = Progress(self.operation)

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """What the program, the clouds and the engine have told."""
        return self._progress.diagnostics

    def apply(self, event: EngineEvent) -> None:
        """Take in `event`."""
        self._progress.apply(event)
        told = event.resource_pre_event or event.res_outputs_event
        if not told:
            return
        self._step(told.metadata)
        if event.res_outputs_event and told.metadata.type == STACK_TYPE and told.metadata.new:
            # twice for a stack that is there already: first as it was
            self.outputs = shown(told.metadata.new.outputs or {})

    def of_the_cloud(self) -> list[Step]:
        """Return the resources that a cloud has, without the engine's own."""
        return [each for each in self.steps.values() if each.custom and not is_hidden(_for_display(each))]

    def _step(self, told: StepEventMetadata) -> None:
        step = self.steps.setdefault(told.urn, Step(told.urn, told.type))
        if told.op in REPLACING:
            step.operation = "replace"
        elif told.op is OpType.IMPORT:
            step.operation = "create"
        else:
            step.operation = str(told.op.value)
        for state in (told.old, told.new):
            if state:
                step.custom = step.custom or bool(state.custom)
                step.parent = state.parent or step.parent
                step.provider = (state.provider or "").rpartition("::")[0] or step.provider
        step.kept = step.kept or bool(told.old and told.old.retain_on_delete)
        step.replacing = tuple(told.keys or step.replacing)
        if told.detailed_diff:
            step.changed = {path: each.diff_kind.value for path, each in told.detailed_diff.items()}
        elif told.diffs and not step.changed:
            step.changed = {path: "update-replace" if path in step.replacing else "update" for path in told.diffs}
        if told.old:
            step.old = shown(told.old.inputs or {})
            step.state = shown(told.old.outputs or {})
        if told.new:
            step.new = shown(told.new.inputs or {})


def change_of(step: Step, operation: str | None = None) -> ResourceChange:
    """Return `step` as the report tells it.

    Args:
        step: what is done.
        operation: what is done instead, as when a stack is removed as a whole.
    """
    operation = operation or step.operation
    new = step.new or {}
    if operation == "create":
        fields = [Field(path=name, new=value) for name, value in sorted(new.items())]
    elif operation == "delete":
        fields = [Field(path=name, old=value) for name, value in sorted((step.old or new).items())]
    else:
        fields = [_field(step, path, kind) for path, kind in sorted(step.changed.items())]
    return ResourceChange(
        operation=operation,
        type=step.type,
        name=step.urn.rpartition("::")[2],
        urn=step.urn,
        parent=step.parent,
        fields=tuple(fields),
        replaced_for=tuple(sorted(_reasons(step))) if operation == "replace" else (),
    )


def _field(step: Step, path: str, kind: str) -> Field:
    old, new = _at(step.old, path), _at(step.new, path)
    if kind.startswith("update"):
        # what the program has left open, the cloud has filled in, and will again
        old = _at(step.state, path) if old is None else old
        new = NOT_KNOWN if new is None else new
    return Field(path=path, old=old, new=new, replaces=kind.endswith("-replace"))


def _reasons(step: Step) -> Iterator[str]:
    """Return the full paths where they are known, and the rest of what the engine names."""
    paths = [path for path, kind in step.changed.items() if kind.endswith("-replace")]
    yield from paths
    told = {*paths, *(steps_of(path)[0] for path in paths)}
    yield from (key for key in step.replacing if key not in told)


def shown(value: Any) -> Any:  # Any: whatever JSON can say
    """Return `value` as it may be shown: without secrets, and with words for what is not known yet."""
    return _worded(mask_secrets(value))


def _worded(value: Any) -> Any:  # Any: whatever JSON can say
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, Any]", value)
        # `__defaults` and its like are notes of the providers, no properties
        return {key: _worded(item) for key, item in entries.items() if not key.startswith("__")}
    if isinstance(value, list):
        return [_worded(item) for item in cast("list[Any]", value)]
    return NOT_KNOWN if value == UNKNOWN else value


def _at(value: Any, path: str) -> Any:  # Any: whatever JSON can say
    """Return what is at `path`; what hides the whole, hides the part."""
    for step in steps_of(path):
        if value in (HIDDEN, NOT_KNOWN):
            return value
        if isinstance(value, Mapping):
            value = cast("Mapping[str | int, Any]", value).get(step)
        elif isinstance(value, list) and isinstance(step, int):
            items = cast("list[Any]", value)
            value = items[step] if step < len(items) else None
        else:
            return None
    return value


def steps_of(path: str) -> list[str | int]:
    """Return the names and indices of a path as Pulumi writes it: `spec.ports[0]["app.kubernetes.io/name"]`."""
    return [
        int(match["index"]) if match["index"] else json.loads(match["quoted"]) if match["quoted"] else match["name"]
        for match in _PATH_STEP.finditer(path)
    ]


def _for_display(step: Step) -> ResourceProgress:
    return ResourceProgress(step.urn, step.type, step.parent)
