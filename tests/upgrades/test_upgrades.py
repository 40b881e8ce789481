"""Who upgrades loses nothing: what a released version made, the program of today keeps."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pulumi
import pytest
from pulumi.automation import OpType

import components
from tests.simulator.harness import Rehearsal, pass_over_abandoned_programs
from tests.upgrades.states import PROGRAMS, STATES, State, lost, read_state

RECORDED = [(path.parent.name, path.name.removesuffix(".json.gz")) for path in sorted(STATES.glob("*/*.gz"))]
PAGE = Path(__file__).parents[2] / "docs/upgrading.md"


@pytest.fixture(autouse=True)
def _abandoned_programs() -> None:
    pass_over_abandoned_programs()


def with_changed_text(state: State, change: Callable[[str], str]) -> State:
    return {**state, "deployment": json.loads(change(json.dumps(state["deployment"])))}


@pytest.mark.parametrize(("version", "stack"), RECORDED)
def test_what_a_version_made_is_kept(tmp_path: Path, version: str, stack: str) -> None:
    gone = [(each.operation, each.type, each.name) for each in lost(stack, read_state(version, stack), tmp_path)]
    assert gone == [], "renamed without an alias? docs/upgrading.md tells what to do, also if it is meant"


def test_this_version_is_recorded_whole() -> None:
    recorded = {stack for version, stack in RECORDED if version == components.__version__}
    assert recorded == set(PROGRAMS)
    types = {
        resource["type"]
        for stack in recorded
        for resource in read_state(components.__version__, stack)["deployment"]["resources"]
    }
    exported = (getattr(components, name) for name in components.__all__)
    wanted = {
        f"llm-serving:index:{each.__name__}"
        for each in exported
        if isinstance(each, type) and issubclass(each, pulumi.ComponentResource)
    }
    assert len(wanted) >= 12
    assert wanted <= types


def test_what_is_renamed_without_an_alias_is_caught(tmp_path: Path) -> None:
    def as_if_named_otherwise(text: str) -> str:
        child, component = "::weights-team", "llm-serving:index:ChatPage"
        assert child in text
        assert component in text
        return text.replace(child, "::weights-readers-team").replace(component, "llm-serving:index:Page")

    state = with_changed_text(read_state("0.1.0", "every-component"), as_if_named_otherwise)
    gone = {(each.operation, each.name) for each in lost("every-component", state, tmp_path)}
    assert gone >= {("delete", "weights-readers-team"), ("delete", "chat")}


def test_the_alias_of_the_page_on_upgrading_loses_nothing(tmp_path: Path) -> None:
    before, after = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    rehearsal = Rehearsal(tmp_path)
    rehearsal.up(lambda: exec(before, {}))
    assert set(rehearsal.preview(lambda: exec(after, {})).change_summary) == {OpType.SAME}
    without = after.replace('[pulumi.Alias(name="weights")]', "[]")
    assert OpType.DELETE in rehearsal.preview(lambda: exec(without, {})).change_summary


def test_another_version_of_an_sdk_loses_nothing(tmp_path: Path) -> None:
    def other_sdks(text: str) -> str:
        changed, count = re.subn(r"::default_\d+_\d+_\d+", "::default_4_3_2", text)
        assert count
        return re.sub(r'("version": )"\d+\.\d+\.\d+"', r'\1"4.3.2"', changed)

    state = with_changed_text(read_state("0.1.0", "every-component"), other_sdks)
    assert lost("every-component", state, tmp_path) == []
