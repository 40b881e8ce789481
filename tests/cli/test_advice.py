"""What to do about a failure."""

import io

import pytest
from rich.console import Console

from cli.advice import OF_THE_PROGRAM, OTHERWISE, advice_on, advise
from cli.conduct import report
from cli.progress import Diagnostic
from cli.result import Outcome, Result

NAMES = {"urn::pool": "pool", "urn::site": "site"}


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (
            'Insufficient regional quota to satisfy request: resource "NVIDIA_L4_GPUS": request',
            "more of NVIDIA_L4_GPUS",
        ),
        ("googleapi: Error 403: Quota 'CPUS' exceeded. Limit: 0.0 in region x., quotaExceeded", "more of CPUS in"),
        ("400-LimitExceeded, The following service limits were exceeded: gpu4-count. Request", "more of gpu4-count in"),
        ("500-InternalError, Out of host capacity.", "capacity reservation"),
        ("timeout while waiting for state to become 'DONE' (last state: 'RUNNING', timeout: 45m0s)", "ready yet"),
        ("timeout while waiting for a to be deleted (last state: 'DELETING', timeout: 20m0s)", "being deleted"),
        ("googleapi: Error 403: Kubernetes Engine API has not been used in project p before", "Enable the API"),
        ("googleapi: Error 403: Required 'container.clusters.create' permission", "lacks a right"),
        ("googleapi: Error 409: Already exists: p", "`pulumi import`"),
        ("the engine was stopped by SIGKILL.", "Nothing is lost"),
        ("Not this one. [pools-bounded]", "policy"),
        ("no such thing", OTHERWISE),
    ],
)
def test_advice(message: str, says: str) -> None:
    assert says in advice_on(message)


def test_what_a_component_says_of_its_own_is_said_once_and_last() -> None:
    diagnostics = (
        Diagnostic("error", "urn::stack", "pool: there is no machine left, name other zones."),
        Diagnostic("error", "urn::pool", "was created in the error state"),
        Diagnostic("error", "urn::site", "Error 409: Already exists"),
        Diagnostic("warning", "urn::site", "timeout while waiting for state"),
    )
    advice = advise(diagnostics, NAMES)
    assert advice == ("pool: there is no machine left, name other zones.", f"site: {advice_on('Error 409')}")

    console = Console(file=io.StringIO(), width=200)
    report(
        Result("up", "mine", Outcome.FAILED, diagnostics=diagnostics, advice=advice),
        console,
        debug=False,
        as_json=False,
    )
    lines = console.file.getvalue().splitlines()
    assert lines[-4:-1] == ["What to do:", *(f"  {line}" for line in advice)]
    assert lines[-1] == "Then `llm-serving rehearse up mine` goes on from here."
    assert "\n".join(lines).count("no machine left") == 1


def test_a_program_that_fails_is_not_to_be_run_again_as_it_is() -> None:
    crashed = Diagnostic("error", None, "ValueError: already exists", traceback="...")
    assert advise([crashed], NAMES) == (OF_THE_PROGRAM,)
