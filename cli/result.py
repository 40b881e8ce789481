"""What an operation on a rehearsed stack came to, as scripts and tests read it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cli.progress import Diagnostic, Progress, ResourceProgress, Status
from simulator import SimulatedClouds


class Outcome(StrEnum):
    """How an operation ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """A cloud, or the program in an unforeseen way, failed."""
    REFUSED = "refused"
    """The program's own checks, or the project's schema, refused the settings; nothing was changed."""
    CANCELLED = "cancelled"
    MISSING = "missing"
    """There is no Pulumi CLI, and none can be got."""

    @property
    def exit_code(self) -> int:
        """What a command that ends like this exits with."""
        return {"succeeded": 0, "failed": 1, "refused": 2, "missing": 3, "cancelled": 130}[self.value]


@dataclass(frozen=True)
class Output:
    """One output of the stack. `Any`: whatever the program exports."""

    value: Any
    secret: bool


@dataclass(frozen=True)
class Resource:
    """One resource that the operation looked at. `Any`: inputs are whatever the engine tells, secrets masked."""

    urn: str
    type: str
    name: str
    operation: str
    """create, update, replace, delete, same, refresh or read."""
    failed: bool
    changed: tuple[str, ...]
    """Names of the properties that change."""
    replacing: tuple[str, ...]
    """Names of the properties whose change replaces the resource."""
    old: Mapping[str, Any] | None
    new: Mapping[str, Any] | None
    simulated_seconds: float
    """How long its cloud took, in simulated time, however fast that passed."""


@dataclass(frozen=True)
class Result:
    """What an operation came to."""

    operation: str
    """preview, up, refresh, destroy or outputs."""
    stack: str
    outcome: Outcome
    changes: Mapping[str, int] = field(default_factory=dict[str, int])
    """How many resources each operation was applied to, as the engine counts."""
    resources: tuple[Resource, ...] = ()
    outputs: Mapping[str, Output] = field(default_factory=dict[str, Output])
    diagnostics: tuple[Diagnostic, ...] = ()
    advice: tuple[str, ...] = ()
    """What to do about it, where it failed."""
    stand_ins: Mapping[str, str] = field(default_factory=dict[str, str])
    """What stood in for account values that the stack file has not."""
    placeholders: tuple[str, ...] = ()
    """Encrypted settings of the stack file in whose place a placeholder stood."""
    seconds: float = 0.0
    """Real time."""
    simulated_seconds: float | None = None
    """About how long it would have taken in a real cloud; None when simulated time did not pass."""
    notice: str = SimulatedClouds.notice
    """That nothing was created in any cloud."""
    log: str = ""
    """Path of the file that holds all that the engine printed."""

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON has it, without what is secret. `Any`: JSON."""
        return {
            **vars(self),
            "resources": [vars(each) for each in self.resources],
            "outputs": {name: "[secret]" if output.secret else output.value for name, output in self.outputs.items()},
            "diagnostics": [
                {key: value for key, value in vars(each).items() if key != "traceback"} for each in self.diagnostics
            ],
        }


def resources_of(progress: Progress, passed: Mapping[str, float]) -> tuple[Resource, ...]:
    """Return the resources that the engine looked at, in the order in which it began.

    Args:
        progress: of the operation.
        passed: the simulated seconds that each took, by URN.
    """
    return tuple(
        _resource(each, passed.get(each.urn, 0.0)) for each in progress.resources.values() if each.operation is not None
    )


def _resource(progress: ResourceProgress, seconds: float) -> Resource:
    return Resource(
        urn=progress.urn,
        type=progress.type,
        name=progress.name,
        operation=progress.operation or "",
        failed=progress.status is Status.FAILED,
        changed=progress.changed,
        replacing=progress.replacing,
        old=progress.old,
        new=progress.new,
        simulated_seconds=seconds,
    )
