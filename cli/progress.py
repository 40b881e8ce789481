"""What a running operation has done so far, told from the engine's events."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, cast

from pulumi.automation import EngineEvent, OpType
from pulumi.automation.events import DiagnosticEvent, PolicyEvent, StepEventMetadata

SECRET_KEY = "4dabf18193072939515e22adb298388d"  # noqa: S105  the key by which Pulumi marks a secret, no secret itself
REPLACING = {OpType.REPLACE, OpType.CREATE_REPLACEMENT, OpType.DELETE_REPLACED, OpType.DISCARD_REPLACED}
STACK_TYPE = "pulumi:pulumi:Stack"


class Status(StrEnum):
    """How far a resource is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass
class ResourceProgress:
    """One resource of the running operation. `Any`: properties are whatever the engine tells."""

    urn: str
    type: str
    parent: str | None
    custom: bool = False
    """Whether a cloud has it; a component is only a group of others."""
    operation: str | None = None
    """What the engine does with it: create, update, replace, delete, same, refresh, read; None before it starts."""
    step: str | None = None
    """The engine's step of the operation: a replacement has two, create-replacement and delete-replaced."""
    status: Status = Status.WAITING
    dependencies: frozenset[str] = frozenset()
    """URNs of what has to be finished first, as far as that is known."""
    changed: tuple[str, ...] = ()
    """Names of the properties that change."""
    replacing: tuple[str, ...] = ()
    """Names of the properties whose change replaces the resource."""
    old: Mapping[str, Any] | None = None
    new: Mapping[str, Any] | None = None
    started: float | None = None
    finished: float | None = None

    @property
    def name(self) -> str:
        """Its name in the program."""
        return self.urn.rpartition("::")[2]

    def seconds(self) -> float:
        """Return how long the engine has worked on it."""
        return 0.0 if self.started is None else (self.finished or time.monotonic()) - self.started


@dataclass(frozen=True)
class Diagnostic:
    """A message of the engine, of a cloud, or of the program."""

    severity: str
    """error, warning or info."""
    urn: str | None
    message: str
    traceback: str | None = None


def nothing_waits() -> dict[str, str]:
    """Tell that nothing is known to wait."""
    return {}


@dataclass
class Progress:
    """One operation on a stack, kept up to date by `apply` from the engine's events."""

    operation: str
    """preview, up, refresh or destroy."""
    waiting: Callable[[], Mapping[str, str]] = nothing_waits
    """What each running resource waits for in its cloud, by URN."""
    resources: dict[str, ResourceProgress] = field(default_factory=dict[str, ResourceProgress])
    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])
    changes: dict[str, int] = field(default_factory=dict[str, int])
    """How many resources each operation was applied to, as the engine counts."""

    def apply(self, event: EngineEvent) -> ResourceProgress | Diagnostic | None:
        """Take in `event` and return what it changed, if that is of interest."""
        if event.diagnostic_event:
            return self._diagnose(event.diagnostic_event)
        if event.policy_event:
            return self._judge(event.policy_event)
        if event.resource_pre_event:
            return self._step(event.resource_pre_event.metadata, Status.RUNNING)
        if event.res_outputs_event:
            return self._step(event.res_outputs_event.metadata, Status.DONE)
        if event.res_op_failed_event:
            return self._step(event.res_op_failed_event.metadata, Status.FAILED)
        if event.summary_event:
            self.changes = {OpType(name).value: n for name, n in event.summary_event.resource_changes.items()}
        return None

    def waits_for(self, resource: ResourceProgress) -> str:
        """Return what keeps `resource` from going on, or nothing."""
        if resource.status is Status.RUNNING:
            return self.waiting().get(resource.urn, "")
        if resource.status is not Status.WAITING:
            return ""
        unfinished = [
            self.resources[urn]
            for urn in sorted(resource.dependencies)
            if urn in self.resources and self.resources[urn].status is not Status.DONE
        ]
        # Components finish after their children: they hold up nothing that a resource of the cloud does not.
        return ", ".join(dict.fromkeys(self.label(each) for each in unfinished))

    def label(self, resource: ResourceProgress) -> str:
        """Return the name of `resource` without what all children of its component begin with: the component's name."""
        parent = self.resources.get(resource.parent or "")
        return resource.name.removeprefix(f"{parent.name}-") if parent else resource.name

    def busy_seconds(self) -> float:
        """Return for how long at least one resource was worked on. Components are only as busy as their children."""
        busy, until = 0.0, 0.0
        spans = ((each.started, each.seconds()) for each in self.resources.values() if each.custom and each.started)
        for started, seconds in sorted(spans):
            busy += max(0.0, started + seconds - max(until, started))
            until = max(until, started + seconds)
        return busy

    def _step(self, step: StepEventMetadata, status: Status) -> ResourceProgress | None:
        state = step.new or step.old
        resource = self.resources.setdefault(step.urn, ResourceProgress(step.urn, step.type, None))
        before = (resource.step, resource.status)
        resource.custom = bool(state and state.custom)
        resource.parent = (state and state.parent) or resource.parent
        resource.operation = "replace" if step.op in REPLACING else str(step.op.value)
        if self.operation == "preview" and resource.status is Status.DONE:
            return None  # the second step of a replacement, of which nothing more is to be told
        if step.op is not OpType.REPLACE:  # only marks that both steps of a replacement are known
            resource.step = resource.operation if self.operation == "preview" else str(step.op.value)
            resource.status = status
        if resource.started is None:
            resource.started = time.monotonic()
        if status is not Status.RUNNING:
            resource.finished = time.monotonic()
        resource.changed = tuple(step.detailed_diff or step.diffs or resource.changed)
        resource.replacing = tuple(step.keys or resource.replacing)
        if resource.operation != "same":
            resource.old = mask_secrets(step.old.inputs) if step.old and step.old.inputs else resource.old
            resource.new = mask_secrets(step.new.inputs) if step.new and step.new.inputs else resource.new
        # A component tells its outputs a second time when its children are registered.
        return resource if before != (resource.step, resource.status) else None

    def _diagnose(self, event: DiagnosticEvent) -> Diagnostic | None:
        severity = event.severity.partition("#")[0]
        text = re.sub(r"<\{%.*?%\}>", "", event.message).strip()
        # The engine repeats as its own what it has been told already, and says at last that something failed.
        if severity == "debug" or not text or text.startswith("an unhandled error occurred:"):
            return None
        if re.fullmatch(r"\w+ (failed|canceled)|using pulumi-analyzer-\S+ from \$PATH at .*", text):
            return None
        message, _, traceback = text.partition("\nTraceback (most recent call last):\n")
        message = re.sub(r"rpc error: code = \w+ desc = |python inline source runtime error: ", "", message).strip()
        if traceback:
            # Only the traceback says of what kind the error is.
            kinds = re.findall(r"^[\w.]+(?=: )|^[\w.]+$", traceback, re.MULTILINE)
            message = f"{kinds[-1]}: {message}" if kinds else message
        if any(message == known.message and event.urn in (known.urn, None, "") for known in self.diagnostics):
            return None
        diagnostic = Diagnostic(severity, event.urn or None, message, traceback or None)
        self.diagnostics.append(diagnostic)
        return diagnostic

    def _judge(self, event: PolicyEvent) -> Diagnostic:
        """Take in what a policy pack found."""
        description, _, found = re.sub(r"<\{%.*?%\}>", "", event.message).strip().partition("\n")
        severity = "error" if event.enforcement_level == "mandatory" else "warning"
        message = f"{found or description} [{event.policy_name}]"
        diagnostic = Diagnostic(severity, event.resource_urn or None, message)
        self.diagnostics.append(diagnostic)
        return diagnostic


def mask_secrets(value: Any) -> Any:
    """Return `value`, whatever it is, with Pulumi's wrapping of secrets replaced by the text [secret]."""
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, Any]", value)
        return "[secret]" if SECRET_KEY in entries else {key: mask_secrets(item) for key, item in entries.items()}
    if isinstance(value, list):
        return [mask_secrets(item) for item in cast("list[Any]", value)]
    return value


def short_type(token: str) -> str:
    """Write a type as people speak of it: `gcp:Cluster` for `gcp:container/cluster:Cluster`."""
    package, _, rest = token.partition(":")
    return f"{package}:{rest.rpartition(':')[2]}"
