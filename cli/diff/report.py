"""What a change of the project does to its stacks, as scripts read it. Secrets are the text `[secret]`."""

from enum import StrEnum
from typing import Any

from cli.graph.picture import Picture
from cli.model import Model
from simulator import SimulatedClouds

FORMAT = 1


class Status(StrEnum):
    """What the change does to a stack as a whole, the most dangerous first."""

    BROKEN = "broken"
    """The working tree's program fails or is refused; the base's is not."""
    UNPLANNABLE = "unplannable"
    """Both sides' programs fail or are refused."""
    REMOVED = "removed"
    """The working tree has no settings file of it any more."""
    CHANGED = "changed"
    ADDED = "added"
    """The base has no settings file of it."""
    REPAIRED = "repaired"
    """The base's program fails or is refused, the working tree's is not: there is nothing to compare with."""
    UNCHANGED = "unchanged"


class EffectKind(StrEnum):
    """What a change does to those who use a stack, the most dangerous first."""

    DATA_LOST = "data-lost"
    """Something that holds data is deleted or replaced."""
    ENDPOINT_DOWN = "endpoint-down"
    """Something that the endpoint needs is deleted or replaced."""
    ENDPOINT_MOVES = "endpoint-moves"
    """The endpoint gets another address or URL."""
    ENDPOINT_RESTARTS = "endpoint-restarts"
    """The model server's pods are replaced by new ones."""


class Effect(Model):
    """One thing that users of the stack notice."""

    kind: EffectKind
    reason: str
    """Which resource or output it follows from."""


class Field(Model):
    """One property that changes. `Any`: whatever JSON can say."""

    path: str
    """As Pulumi writes it: `spec.ports[0].port`."""
    old: Any = None
    """None where there is none."""
    new: Any = None
    """None where there is none, `[not known yet]` where only the cloud will tell."""
    replaces: bool = False
    """Whether this is what the resource is replaced for."""


class ResourceChange(Model):
    """One resource that is created, updated, replaced or deleted."""

    operation: str
    """create, update, replace or delete."""
    type: str
    name: str
    urn: str
    parent: str | None = None
    """URN of the component or stack that it belongs to."""
    fields: tuple[Field, ...] = ()
    """What changes; of what is created, all that is set, of what is deleted, all that was."""
    replaced_for: tuple[str, ...] = ()
    """Properties whose change replaces it; `provider` where it moves with its cluster."""


class OutputChange(Model):
    """One stack output that changes. `Any`: whatever the program exports; as for fields."""

    name: str
    old: Any = None
    new: Any = None


class Message(Model):
    """What the program, a cloud or the engine has told."""

    severity: str
    """error or warning."""
    text: str


class Cost(Model):
    """What a stack costs on each side: its output `hourlyCost`."""

    old_minimum: float | None = None
    """At its fewest machines; None where there is no such side, or a price is not known."""
    old_maximum: float | None = None
    """At its most machines."""
    new_minimum: float | None = None
    new_maximum: float | None = None
    unit: str = ""


class StackDiff(Model):
    """What the change does to one stack."""

    stack: str
    status: Status
    effects: tuple[Effect, ...] = ()
    resources: tuple[ResourceChange, ...] = ()
    """The most dangerous first: replaced, deleted, updated, created."""
    unchanged: int = 0
    """How many resources stay as they are."""
    outputs: tuple[OutputChange, ...] = ()
    cost: Cost | None = None
    """None where it stays the same."""
    new_findings: tuple[Message, ...] = ()
    """Warnings that the base did not give."""
    resolved_findings: tuple[Message, ...] = ()
    """Warnings of the base that are not given any more."""
    errors: tuple[str, ...] = ()
    """Why the working tree's program cannot be planned."""
    base_errors: tuple[str, ...] = ()
    """Why the base's program cannot be brought up."""
    notes: tuple[str, ...] = ()
    """What else is to be known of the comparison."""
    picture: Picture | None = None
    """What the stack is made of, with what is done to it; None where it cannot be planned."""

    @property
    def danger(self) -> tuple[int, int, int, int]:
        """What stacks are ordered by: the more, the sooner it should be read."""
        operations = [each.operation for each in self.resources]
        kinds, statuses = list(EffectKind), list(Status)
        worst = max((len(kinds) - kinds.index(each.kind) for each in self.effects), default=0)
        failing = self.status in (Status.BROKEN, Status.UNPLANNABLE)
        return (
            1 if failing else 0,
            worst,
            operations.count("replace") + operations.count("delete"),
            len(statuses) - statuses.index(self.status),
        )


class Report(Model):
    """What a change of the project does to its stacks."""

    format: int = FORMAT
    """Version of this document's form."""
    base: str
    """What the working tree is compared with, as it was asked for."""
    commit: str
    """The commit that it is."""
    notice: str = SimulatedClouds.notice
    notes: tuple[str, ...] = ()
    """What holds for all stacks."""
    stacks: tuple[StackDiff, ...] = ()
    """The most dangerous first."""

    @property
    def fails(self) -> bool:
        """Whether a stack of the working tree cannot be planned."""
        return any(each.errors for each in self.stacks)

    @property
    def changes(self) -> bool:
        """Whether anything changes."""
        return any(each.status is not Status.UNCHANGED for each in self.stacks)
