"""Every bad setting gives an error that names it and what to do, before anything is registered."""

from typing import Any

import pytest

from components.findings import ConfigurationError, Finding
from tests.components.guide import GONE
from tests.recording import Recording
from tests.stacks.bad_settings import BOTH, CASES, POOL
from tests.stacks.stack_file import DEV, MIXTRAL, run


def refused(recording: Recording) -> tuple[Finding, ...]:
    """The findings of a program that stopped in time, and said so readably."""
    assert isinstance(recording.error, ConfigurationError)
    assert [resource.type for resource in recording.resources] == ["pulumi:pulumi:Stack"]
    text = str(recording.error)
    assert text.startswith("The configuration is refused, and nothing was changed:")
    assert "Traceback" not in text
    for finding in recording.error.findings:
        assert finding.path in text
        assert finding.remedy in text
    return recording.error.findings


@pytest.mark.parametrize(
    ("stack", "changes", "code", "path", "remedy"),
    [
        pytest.param(stack, *rest, id=f"{stack}-{rest[1]}-{rest[2]}-{number}")
        for number, (recipes, *rest) in enumerate(CASES)
        for stack in recipes
    ],
)
def test_one_mistake_is_refused_where_it_stands(
    stack: str, changes: dict[str, Any], code: str, path: str, remedy: str
) -> None:
    findings = refused(run(stack, changes))
    told = [finding for finding in findings if finding.code == code and finding.path.startswith(path)]
    assert told, findings
    # pydantic's message says what is wanted
    assert remedy in f"{told[0].message} {told[0].remedy}"


@pytest.mark.parametrize(
    ("stack", "changes", "code", "path", "remedy"),
    [
        pytest.param(recipes[0], *rest, id=f"{rest[1]}-{rest[2]}-{number}")
        for number, (recipes, *rest) in enumerate(CASES)
        if len(rest[0]) == 1
    ],
)
def test_one_mistake_is_one_error(stack: str, changes: dict[str, Any], code: str, path: str, remedy: str) -> None:
    assert len(refused(run(stack, changes))) == 1


@pytest.mark.parametrize("stack", BOTH)
@pytest.mark.parametrize("key", ["huggingFaceToken", "hugging_face_token"])
def test_a_token_in_plain_text(stack: str, key: str) -> None:
    (finding,) = refused(run(stack, {"huggingFaceToken": GONE, key: "hf_1"}, plain=("huggingFaceToken",)))
    assert (finding.code, finding.path) == ("secret-in-plain", key)
    assert "Revoke it" in finding.remedy
    assert "--secret" in finding.remedy


@pytest.mark.parametrize("stack", BOTH)
def test_a_secret_where_the_value_must_be_known(stack: str) -> None:
    (finding,) = refused(run(stack, secret=("service",)))
    assert (finding.code, finding.path) == ("secret-misplaced", "service")


@pytest.mark.parametrize("stack", BOTH)
@pytest.mark.parametrize("changes", [{"service.token": "hf_1"}, {"service.environment": {"HF_TOKEN": "hf_1"}}])
def test_no_message_shows_a_secret(stack: str, changes: dict[str, Any]) -> None:
    recording = run(stack, changes)
    refused(recording)
    assert "hf_1" not in str(recording.error)
    assert not any("hf_1" in message for message in recording.messages)


@pytest.mark.parametrize("preview", [False, True])
def test_a_preview_refuses_as_well(preview: bool) -> None:
    assert refused(run(MIXTRAL, {"service.shards": 2}, preview=preview))


def test_all_mistakes_are_told_together() -> None:
    findings = refused(
        run(MIXTRAL, {"gcp:project": GONE, "service.shards": 2, f"{POOL}.localSsds": 5, "sourceRanges": GONE})
    )
    assert {finding.code for finding in findings} == {
        "project-missing",
        "shards-not-accelerators",
        "machine-local-ssds",
        "source-ranges-missing",
    }


def test_a_smaller_machine_lacks_all_that_the_pods_need() -> None:
    findings = refused(run(MIXTRAL, {f"{POOL}.machineType": "g2-standard-24"}))
    assert {(finding.code, finding.path) for finding in findings} == {
        ("machine-accelerator-count", f"{POOL}.acceleratorCount"),
        ("machine-local-ssds", f"{POOL}.localSsds"),
        ("placement-accelerators", "service.accelerators"),
        ("placement-resources", "service.resources.cpu"),
        ("placement-resources", "service.resources.memory"),
    }


def test_public_exposure_without_a_load_balancer_of_a_cloud() -> None:
    (finding,) = refused(run(DEV, {"service.exposure": "public"}))
    assert (finding.code, finding.path) == ("exposure-unsupported", "service.exposure")
    assert "forward a port" in finding.remedy


@pytest.mark.parametrize("empty", ["", [], {}, None])
@pytest.mark.parametrize("key", ["huggingFaceToken", "sourceRanges"])
def test_an_empty_value_is_as_good_as_none(key: str, empty: object) -> None:
    (finding,) = refused(run(MIXTRAL, {key: empty}))
    assert finding.path == key
    assert finding.code in {"token-missing", "source-ranges-missing"}


def test_a_whole_internet_of_source_ranges_is_told_once_and_not_refused() -> None:
    recording = run(MIXTRAL, {"sourceRanges": ["198.51.100.0/24", "0.0.0.0/0"]})
    assert recording.error is None
    (told,) = recording.messages
    assert told.startswith("warning[source-range-open] sourceRanges[1]: '0.0.0.0/0' is the whole internet.")
