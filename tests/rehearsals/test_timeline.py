"""No stack waits for what it does not need: its first token comes when it could come at the earliest."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from cli.project import find_project
from cli.rehearsal import Rehearsal
from cli.result import Outcome
from cli.timeline.command import timeline_of_run
from cli.timeline.timeline import timeline_of

STACKS = find_project(Path(__file__).parents[2]).stacks()
LAST = {
    "dev": "dev-service",
    "llama-jetstream-tpu": "jetstream-pytorch-server",
    "mistral-vllm-autopilot": "llm",
    "mixtral-tgi-gke-l4": "mixtral8x7b",
    "mixtral-torchserve-gke": "mixtral-torchserve-server",
    "mixtral-triton-oci": "mixtral-triton-metrics-1",
}
"""What the first token of each stack waits for last."""


@pytest.mark.parametrize("stack", STACKS)
def test_nothing_is_waited_for_that_is_not_needed(stack: str, project: Path) -> None:
    rehearsal = Rehearsal(stack, folder=project)
    result = rehearsal.up()
    assert result.outcome is Outcome.SUCCEEDED
    timeline = timeline_of_run(rehearsal.home, result)
    assert timeline.bound <= timeline.ready <= 1.05 * timeline.bound

    assert timeline.critical[0].start == 0
    for before, after in pairwise(timeline.critical):
        assert before.end == after.start
    assert timeline.critical[-1].task.name == LAST[stack]
    assert timeline.critical[-1].end == timeline.ready <= timeline.end
    # every second that the clouds took is in it
    taken = {each.urn: each.simulated_seconds for each in result.resources if each.simulated_seconds}
    assert {urn: span.task.seconds for urn, span in timeline.spans.items() if span.task.seconds} == taken

    # one more wait of the last for something that nothing needs would show
    state = json.loads(rehearsal.home.state.read_text())["checkpoint"]["latest"]["resources"]
    for each in state:
        if each["urn"] == timeline.critical[-1].task.urn:
            each["dependencies"] = [*each.get("dependencies", ()), "needless"]
    state.append({"urn": "needless", "type": "test:index:Needless"})
    late = timeline_of(state, {**taken, "needless": 1.05 * timeline.ready})
    assert late.bound == timeline.bound
    assert late.ready > 1.05 * late.bound
