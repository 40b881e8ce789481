"""The program: one stack for each deployment recipe, chosen by the stack's configuration."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import pulumi

from components.findings import ConfigurationError, Finding, Severity, error, refuse
from stacks.configuration import read_settings, recipe_name
from stacks.recipe import AccountValue, Needs, Recipe

_NAMES = (
    "mixtral-tgi-gke-l4",
    "mistral-vllm-autopilot",
    "mixtral-torchserve-gke",
    "mixtral-triton-oci",
    "llama-jetstream-tpu",
    "dev",
)


class _Recipes(Mapping[str, Recipe[Any]]):  # Any: each recipe has settings of its own
    """Imports the module of a recipe when that is asked for: a stack need not wait for another cloud's SDK."""

    def __getitem__(self, name: str) -> Recipe[Any]:  # Any: as above
        if name not in _NAMES:
            raise KeyError(name)
        return import_module(f"{__name__}.{name.replace('-', '_')}").RECIPE

    def __iter__(self) -> Iterator[str]:
        return iter(_NAMES)

    def __len__(self) -> int:
        return len(_NAMES)


RECIPES = _Recipes()
"""Every recipe by its name."""

__all__ = ["RECIPES", "AccountValue", "Examination", "Needs", "Recipe", "examine", "main"]


@dataclass(frozen=True)
class Examination:
    """What is known of a stack from its configuration alone."""

    findings: tuple[Finding, ...]
    """Everything that is wrong."""
    recipe: Recipe[Any] | None = None  # Any: as in `RECIPES`
    """None if the configuration names none that there is."""
    settings: Any = None  # Any: of the recipe's own type
    """None if the configuration does not even have the form of the recipe's settings."""

    def errors(self) -> list[Finding]:
        """Return the findings that stop the deployment."""
        return [finding for finding in self.findings if finding.severity is Severity.ERROR]

    def needs(self) -> Needs | None:
        """Return what the stack takes to come up, or None while there are errors."""
        return None if self.recipe is None or self.errors() else self.recipe.needs(self.settings)


def examine() -> Examination:
    """Return everything that can be known of the stack whose configuration Pulumi has. Nothing is registered."""
    name = recipe_name()
    if name not in RECIPES:
        known = ", ".join(RECIPES)
        return Examination((error("recipe-unknown", "recipe", f"there is no recipe '{name}'.", f"Known: {known}."),))
    recipe = RECIPES[name]
    try:
        settings = read_settings(recipe.settings)
    except ConfigurationError as refused:
        return Examination(refused.findings, recipe)
    return Examination(tuple(recipe.check(settings)), recipe, settings)


def main() -> None:
    """Deploy the recipe that the stack's configuration names, and export its outputs.

    Raises:
        ConfigurationError: if anything is wrong that can be known beforehand; no resource is registered then.
    """
    found = examine()
    # warnings are told by the components, which make the same checks
    refuse(found.errors())
    for output, value in RECIPES[recipe_name()].deploy(found.settings).items():
        pulumi.export(output, value)
