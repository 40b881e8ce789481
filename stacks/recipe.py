"""What a recipe is: a settings model, a function that deploys it, and what only the account's holder can fill in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from components.args import ComponentArgs
from components.cost import Cost
from components.findings import Finding
from components.quota import Quota

Settings = TypeVar("Settings", bound=ComponentArgs)


@dataclass(frozen=True)
class AccountValue:
    """A configuration value that no repository can hold, because it belongs to whoever owns the cloud account."""

    help: str
    """The `pulumi config set` line that sets it."""
    stand_in: str | list[str]
    """What a rehearsal uses where the stack file has none. Never a working value."""
    secret: bool = False
    """Whether it is set with `--secret`."""


@dataclass(frozen=True)
class Needs:
    """What a stack takes of its account, and of others, to come up."""

    quotas: tuple[Quota, ...] = ()
    """Of each metric in each place once. Empty where the stack makes nothing in a cloud."""
    cost: Cost | None = None
    """Per hour; None where a price is not known, or whoever runs the cluster knows it."""
    models: tuple[str, ...] = ()
    """Repositories on Hugging Face that are downloaded."""
    images: tuple[str, ...] = ()
    """Container images that are pulled for the model server."""


@dataclass(frozen=True)
class Recipe(Generic[Settings]):
    """One deployment recipe, deployed by a stack whose configuration names it."""

    name: str
    """Value of the configuration key `llm-serving:recipe`, and the usual name of the stack."""
    title: str
    """One line for tables and listings."""
    guide: str | None
    """Where the recipe was published, or None for one of ours."""
    settings: type[Settings]
    """Model of everything that the stack's configuration may say."""
    check: Callable[[Settings], list[Finding]]
    """Everything that can be known to be wrong before a resource is registered."""
    needs: Callable[[Settings], Needs]
    """What settings that `check` finds no error in take to come up."""
    deploy: Callable[[Settings], Mapping[str, Any]]
    """Registers the resources and returns the stack outputs. `Any`: strings, numbers, None or Outputs of them."""
    account_values: Mapping[str, AccountValue] = field(default_factory=dict[str, AccountValue])
    """By full configuration key, for example `gcp:project`."""
