"""What one provider adds to the data in its file, and what it is asked."""
# What most providers leave empty is no mistake:
# ruff: noqa: B027

from __future__ import annotations

import abc
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from simulator.cloud import CloudResource
from simulator.errors import CloudError
from simulator.rules import Rules, TypeRules
from simulator.values import Properties, plain

Verb: TypeAlias = Literal["create", "update", "delete"]


@dataclass(frozen=True)
class Request:
    """What the engine asks of one resource."""

    urn: str
    rules: TypeRules
    raw: Properties
    """Inputs as they came, secrets marked."""
    inputs: Properties
    """The same without the marks and null values, completed by what the provider's configuration gives."""
    config: Properties
    """Configuration of the provider instance that was asked."""
    cancelled: threading.Event
    timeout: float = 0
    """Simulated seconds by customTimeouts; 0: not given."""

    @property
    def token(self) -> str:
        """The type token."""
        return self.rules.token

    @property
    def resource_name(self) -> str:
        """The name in the Pulumi program."""
        return self.urn.rpartition("::")[2]


@dataclass(frozen=True)
class Place:
    """Where a resource is or will be."""

    id: str
    name: str
    parent: CloudResource | None = None


@dataclass(frozen=True)
class Course:
    """How an operation goes on the cloud."""

    seconds: float
    waits_for: str
    problems: Sequence[str] = ()
    """Why the resource will not be ready at the end; empty: it will."""


class Package(abc.ABC):
    """What one provider adds to the data in its file."""

    rules: Rules

    @abc.abstractmethod
    def complete(self, inputs: Properties, rules: TypeRules, config: Properties) -> Properties:
        """The inputs with what the provider's configuration gives."""

    @abc.abstractmethod
    def scope(self, config: Properties) -> str:
        """The part of the cloud that a provider instance works on. Raises CloudError if it is unreachable."""

    @abc.abstractmethod
    def place(self, request: Request) -> Place:
        """Where the resource is or will be. Raises CloudError where there is no such place."""

    @abc.abstractmethod
    def course(self, request: Request, resource: CloudResource, verb: Verb) -> Course:
        """How long it takes and whether the resource becomes ready."""

    @abc.abstractmethod
    def not_ready(self, request: Request, resource: CloudResource, waited: float | None) -> list[str]:
        """The error of a resource that is half-made; `waited`: seconds after which the provider gave up."""

    @abc.abstractmethod
    def outputs(self, request: Request, resource: CloudResource) -> Properties:
        """What the cloud adds to the inputs."""

    def answers(self, request: Request, resource: CloudResource) -> Properties:  # noqa: ARG002
        """What the cloud fills in where the inputs have less: outputs that come before the inputs of that name."""
        return {}

    @abc.abstractmethod
    def planned(self, inputs: Properties, rules: TypeRules) -> Properties:
        """Those of the outputs that are known before the deployment."""

    @abc.abstractmethod
    def config_replaces(self, old: Properties, new: Properties) -> list[str]:
        """The changed keys of the configuration for which everything of the provider instance is replaced."""

    def check(self, inputs: Properties, rules: TypeRules, config: Properties) -> dict[str, str]:  # noqa: ARG002
        """What is wrong with the inputs beyond names, types and presence, by property path."""
        return {}

    def traits(self, inputs: Properties) -> str:  # noqa: ARG002
        """Words by which a fault finds the resource besides its type and name."""
        return ""

    def admit(self, request: Request, place: Place) -> None:
        """Raise CloudError if the cloud refuses to create the resource."""

    def fault(self, kind: Literal["quota", "stockout"], request: Request, place: Place) -> CloudError | None:
        """The error of a fault for which nothing is made, or None where there is none such."""

    def short_of_capacity(self, request: Request, resource: CloudResource) -> list[str]:  # noqa: ARG002
        """Why a resource that is made without capacity is not ready; empty: it is not made, or needs none."""
        return []

    def judges(self, inputs: Properties, config: Properties) -> bool:  # noqa: ARG002
        """Whether the cloud itself will say what is wrong with the inputs, in a preview too."""
        return False

    def dry_run(self, request: Request, *, exists: bool) -> None:
        """Ask the cloud, in a preview, whether it would take the resource. Raises CloudError if not."""

    def apply(self, request: Request, resource: CloudResource) -> None:
        """Make the cloud hold the resource as it is asked for. Raises CloudError if it refuses."""

    def settle(self, request: Request, resource: CloudResource, waited: float) -> list[str]:  # noqa: ARG002
        """Wait until the cloud has the resource ready. Returns why it is not.

        `waited`: simulated seconds that have passed since it was applied.
        """
        return []

    def observe(self, request: Request, resource: CloudResource) -> CloudResource | None:  # noqa: ARG002
        """The resource as the cloud has it now; None: it is gone. Raises CloudError if the cloud does not answer."""
        return resource

    def erase(self, request: Request, resource: CloudResource) -> None:
        """Make the cloud hold the resource no longer. Raises CloudError if it refuses."""

    def refuse_delete(self, resource: CloudResource) -> None:
        """Raise CloudError if the cloud does not delete the resource."""

    def deleted(self, resource: CloudResource) -> None:
        """Clean up after a resource that is gone."""

    def invoke(self, token: str, arguments: Properties, config: Properties) -> Properties | None:
        """The result of a function; None for one that is not known."""


def request_of(
    urn: str,
    rules: TypeRules,
    raw: Properties,
    package: Package,
    config: Properties,
    cancelled: threading.Event,
    timeout: float = 0,
) -> Request:
    """Draw up a request from inputs as the engine sends them."""
    return Request(urn, rules, raw, package.complete(plain(raw), rules, config), config, cancelled, timeout)
