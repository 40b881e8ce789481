"""Configurations of stacks that are made up, and what becomes of them."""

import asyncio
import copy
import json
from random import Random
from typing import Any

from pulumi.runtime import reset_options, set_all_config

import stacks
from tests.stacks.grammar import FILES, change, settings_of

PREFIX = "llm-serving:"
SECRETS = (f"{PREFIX}huggingFaceToken", f"{PREFIX}wandbApiKey")


def generated(recipe: str, seed: int) -> dict[str, Any]:
    """The stack file of a recipe with one to four changes, or settings of nothing but the model's own grammar."""
    random, model = Random(f"{recipe} {seed}"), stacks.RECIPES[recipe].settings
    file = copy.deepcopy(FILES[recipe])
    settings = {key.removeprefix(PREFIX): value for key, value in file.items() if key.startswith(PREFIX)}
    if random.random() < 0.05:
        settings = settings_of(random, model)
    for _ in range(random.randint(1, 4)):
        change(random, settings, model)
    others = {key: value for key, value in file.items() if not key.startswith(PREFIX)}
    return {**others, **{f"{PREFIX}{key}": value for key, value in settings.items()}, f"{PREFIX}recipe": recipe}


def examined(config: dict[str, Any]) -> stacks.Examination:
    """What is known of a stack with this configuration, its needs reckoned if it has no errors."""

    async def examine() -> stacks.Examination:
        reset_options(project="llm-serving", stack="test")
        set_all_config(
            {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()},
            list(SECRETS),
        )
        found = stacks.examine()
        found.needs()
        return found

    try:
        return asyncio.run(examine())
    finally:
        reset_options()
