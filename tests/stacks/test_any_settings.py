"""Whatever settings the grammar of a recipe makes: a plan, or findings that each tell what, where and what to do."""

import copy
from typing import Any

import pulumi
import pytest

import stacks
from components.findings import ConfigurationError, Finding
from tests.components.cloud_names import refused
from tests.stacks.judging import SECRETS, examined, generated
from tests.stacks.stack_file import run_configuration

CASES_PER_RECIPE, BLOCKS = 1680, 4
"""Of each of six recipes: more than 10,000 in all, in blocks so that they are spread over the processors."""
EVERY = 3
"""Of those that no check refuses, which take most of the time, so many share one that is deployed."""
OF_THE_CLOUD = "Oracle offers no "
"""How the one refusal begins that only the cloud can give, when it is asked for an image that it has not."""


def judge(findings: tuple[Finding, ...]) -> None:
    for finding in findings:
        assert finding.code
        assert finding.path
        assert finding.message
        assert finding.remedy
        assert str(finding).isprintable()


@pytest.mark.parametrize("block", range(BLOCKS))
@pytest.mark.parametrize("recipe", stacks.RECIPES)
def test_planned_or_refused(recipe: str, block: int, first_seed: int) -> None:
    accepted = 0
    for seed in range(block, CASES_PER_RECIPE, BLOCKS):
        config = generated(recipe, first_seed + seed)
        before = copy.deepcopy(config)
        try:
            found = examined(config)
        except Exception as broken:
            raise AssertionError(f"seed {first_seed + seed}: {broken!r} of {before}") from broken
        judge(found.findings)
        if found.errors():
            continue
        accepted += 1
        if accepted % EVERY == 0:
            deploy(config, first_seed + seed)
    # or the grammar would make nothing but nonsense
    assert CASES_PER_RECIPE / BLOCKS / 20 < accepted < CASES_PER_RECIPE / BLOCKS * 3 / 4


def deploy(config: dict[str, Any], seed: int) -> None:
    recording = run_configuration(config, SECRETS)
    error = recording.error
    if isinstance(error, pulumi.RunError) and not isinstance(error, ConfigurationError):
        assert str(error).startswith(OF_THE_CLOUD)
        return
    assert error is None, f"seed {seed}: {error!r} of {config}"
    assert len(recording.resources) > 1
    assert refused(recording) == [], f"seed {seed}: {config}"
