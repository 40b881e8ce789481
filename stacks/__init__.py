"""The program: one stack for each deployment recipe, chosen by the stack's configuration."""

from typing import Any

import pulumi

from components.findings import ConfigurationError, Severity, error, refuse
from stacks import dev, llama_jetstream_tpu, mixtral_tgi_gke_l4
from stacks.configuration import read_settings, recipe_name
from stacks.recipe import AccountValue, Recipe

RECIPES: dict[str, Recipe[Any]] = {  # Any: each recipe has settings of its own
    recipe.name: recipe for recipe in (mixtral_tgi_gke_l4.RECIPE, llama_jetstream_tpu.RECIPE, dev.RECIPE)
}
"""Every recipe by its name."""

__all__ = ["RECIPES", "AccountValue", "Recipe", "main"]


def main() -> None:
    """Deploy the recipe that the stack's configuration names, and export its outputs.

    Raises:
        ConfigurationError: if anything is wrong that can be known beforehand; no resource is registered then.
    """
    name = recipe_name()
    if name not in RECIPES:
        known = ", ".join(RECIPES)
        raise ConfigurationError(
            [error("recipe-unknown", "recipe", f"there is no recipe '{name}'.", f"Known: {known}.")]
        )
    recipe = RECIPES[name]
    settings = read_settings(recipe.settings)
    # warnings are told by the components, which make the same checks
    refuse(finding for finding in recipe.check(settings) if finding.severity is Severity.ERROR)
    for output, value in recipe.deploy(settings).items():
        pulumi.export(output, value)
