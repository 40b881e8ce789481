"""The page tells of every policy and setting."""

import json
import re
from pathlib import Path

from llm_serving_policy import POLICIES

PAGE = (Path(__file__).parents[2] / "docs/policy.md").read_text()


def test_every_policy_is_told_of() -> None:
    section = PAGE.partition("## Policies")[2].partition("##")[0]
    told = re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE)
    assert told == [each.name for each in POLICIES]


def test_every_setting_is_told_of_with_its_default() -> None:
    told = re.findall(r"^\| `([a-z-]+)` \| `(\w+)` \| (.*?) \|", PAGE, re.MULTILINE)
    defaults = {
        (each.name, name): setting["default"]
        for each in POLICIES
        for name, setting in (each.config_schema.properties if each.config_schema else {}).items()
    }
    assert {(policy, setting) for policy, setting, _ in told} == set(defaults)
    for policy, setting, default in told:
        value = defaults[policy, setting]
        written = ", ".join(value) if isinstance(value, list) else json.dumps(value).removesuffix(".0")
        assert default == written, setting


def test_the_configuration_that_is_shown_is_one() -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert set(json.loads(shown)) - {"all"} <= {each.name for each in POLICIES}
