"""Rehearsals of a small project in the real engine: what each operation does and tells."""

import json
from pathlib import Path

import pytest
from pulumi.automation import Deployment

from cli.errors import RefusedError
from cli.progress import Progress, Status
from cli.rehearsal import Rehearsal
from cli.result import Outcome, Output, Result
from simulator import Fault, SimulatedClouds

SERVICE = "kubernetes:core/v1:Service"


def operations(result: Result) -> dict[str, str]:
    return {each.name: each.operation for each in result.resources if each.type != "pulumi:pulumi:Stack"}


def test_a_stack_from_preview_to_nothing(project: Path) -> None:
    rehearsal = Rehearsal("small", folder=project)
    everything = dict.fromkeys(("site", "cluster", "site-space", "site-token", "site-service"), "create")

    preview = rehearsal.preview()
    assert preview.outcome is Outcome.SUCCEEDED
    assert operations(preview) == everything
    with SimulatedClouds(rehearsal.home.cloud) as clouds:
        assert clouds.empty

    up = rehearsal.up()
    assert up.outcome is Outcome.SUCCEEDED
    assert operations(up) == everything
    assert up.changes == {"create": 6}
    assert up.outputs["words"] == Output("hello", secret=False)
    assert up.outputs["token"] == Output("rehearsal-placeholder-tiny:token", secret=True)
    assert up.placeholders == ("tiny:token",)
    assert rehearsal.outputs().outputs == up.outputs

    assert rehearsal.up().changes == {"same": 6}

    rehearsal.overrides = ["port=81"]
    changed = rehearsal.up()
    assert operations(changed)["site-service"] == "update"
    service = next(each for each in changed.resources if each.name == "site-service")
    assert service.changed
    assert service.old is not None
    assert service.new is not None
    assert (service.old["spec"]["ports"][0]["port"], service.new["spec"]["ports"][0]["port"]) == (80, 81)

    destroyed = rehearsal.destroy()
    assert destroyed.outcome is Outcome.SUCCEEDED
    assert destroyed.changes == {"delete": 6}
    assert not rehearsal.home.folder.exists()
    with pytest.raises(RefusedError, match="Nothing is up"):
        rehearsal.outputs()


def test_a_refresh_reads_back_what_was_changed_elsewhere(project: Path) -> None:
    rehearsal = Rehearsal("small", folder=project)
    rehearsal.up()
    with SimulatedClouds(rehearsal.home.cloud) as clouds:
        service = next(each for each in clouds.resources() if each.type == SERVICE)
        clouds.remove(service.id)
    refreshed = rehearsal.refresh()
    assert refreshed.outcome is Outcome.SUCCEEDED
    assert operations(refreshed)["site-service"] == "delete"
    assert operations(rehearsal.up())["site-service"] == "create"


def test_a_cloud_that_fails_is_told_with_the_resource_and_its_message(project: Path) -> None:
    rehearsal = Rehearsal("small", folder=project, faults=[Fault.parse("timeout:Service:1")])
    failed = rehearsal.up()
    assert failed.outcome is Outcome.FAILED
    errors = [each for each in failed.diagnostics if each.severity == "error"]
    assert len(errors) == 1
    assert errors[0].urn is not None
    assert errors[0].urn.endswith("::site-service")
    assert "rpc error" not in errors[0].message
    assert "Traceback" not in errors[0].message
    assert [each.name for each in failed.resources if each.failed] == ["site-service"]

    rehearsal.faults = ()
    assert rehearsal.up().outcome is Outcome.SUCCEEDED


def test_a_fault_that_strikes_nothing_is_told(project: Path) -> None:
    up = Rehearsal("small", folder=project, faults=[Fault.parse("timeout:nonsense")]).up()
    assert up.outcome is Outcome.SUCCEEDED
    assert any("did not strike" in each.message for each in up.diagnostics)


@pytest.mark.parametrize("foresight", [False, True])
def test_settings_that_the_program_refuses(project: Path, foresight: bool) -> None:
    refused = Rehearsal("small", folder=project, overrides=["refuse=yes"], foresight=foresight).up()
    assert refused.outcome is Outcome.REFUSED
    assert [each.message for each in refused.diagnostics] == [
        "The configuration is refused, and nothing was changed:\n  port: taken.\n  token: old."
    ]
    assert refused.outputs == {}


def test_what_no_state_knows_keeps_a_destroy_from_succeeding(project: Path) -> None:
    rehearsal = Rehearsal("small", folder=project)
    rehearsal.up()
    with rehearsal._session() as session:
        state = session.stack.export_stack()
        assert state.deployment is not None
        resources = [each for each in state.deployment["resources"] if not each["type"].startswith("kubernetes:")]
        session.stack.import_stack(Deployment(state.version, {**state.deployment, "resources": resources}))
    destroyed = rehearsal.destroy()
    assert destroyed.outcome is Outcome.FAILED
    left = [each.message for each in destroyed.diagnostics if "is still there" in each.message]
    assert any(message.startswith("kubernetes:Service ") for message in left)
    assert all("`llm-serving rehearse up small` takes it over" in message for message in left)
    assert rehearsal.up().outcome is Outcome.SUCCEEDED
    assert rehearsal.destroy().outcome is Outcome.SUCCEEDED


def test_settings_that_the_schema_of_the_project_refuses(project: Path) -> None:
    refused = Rehearsal("small", folder=project, overrides=["port=many"]).preview()
    assert refused.outcome is Outcome.REFUSED
    assert "port" in refused.diagnostics[0].message
    assert "integer" in refused.diagnostics[0].message


def test_a_setting_that_pulumi_cannot_place(project: Path) -> None:
    with pytest.raises(RefusedError, match="bracket"):
        Rehearsal("small", folder=project, overrides=["port[=1"]).preview()


def test_a_program_that_crashes_is_one_line_and_a_traceback_apart(project: Path) -> None:
    rehearsal = Rehearsal("small", folder=project, overrides=["crash=yes"])
    crashed = rehearsal.preview()
    assert crashed.outcome is Outcome.FAILED
    assert [each.message for each in crashed.diagnostics] == ["ValueError: no such thing"]
    assert "in <module>" in (crashed.diagnostics[0].traceback or "")
    assert "no such thing" in Path(crashed.log).read_text()


def test_foresight_knows_everything_before_it_starts(project: Path) -> None:
    foreseen: list[dict[str, tuple[Status, set[str]]]] = []

    def begin(progress: Progress) -> None:
        names = {urn: each.name for urn, each in progress.resources.items()}
        foreseen.append(
            {
                each.name: (each.status, {names[urn] for urn in each.dependencies})
                for each in progress.resources.values()
            }
        )

    rehearsal = Rehearsal("small", folder=project, foresight=True, begin=begin)
    assert rehearsal.up().changes == {"create": 6}
    [waiting] = foreseen
    assert waiting["site-service"] == (Status.WAITING, {"cluster", "site-space"})
    assert waiting["site-space"] == (Status.WAITING, {"cluster"})


def test_the_json_document_is_stable_and_holds_no_secret(project: Path) -> None:
    document = json.loads(json.dumps(Rehearsal("small", folder=project, time_scale=10_000).up().to_json()))
    assert list(document) == [
        "operation",
        "stack",
        "outcome",
        "changes",
        "resources",
        "outputs",
        "diagnostics",
        "advice",
        "stand_ins",
        "placeholders",
        "seconds",
        "simulated_seconds",
        "notice",
        "log",
    ]
    assert list(document["resources"][0]) == [
        "urn",
        "type",
        "name",
        "operation",
        "failed",
        "changed",
        "replacing",
        "old",
        "new",
        "simulated_seconds",
    ]
    assert document["outputs"]["token"] == "[secret]"
    assert document["outputs"]["words"] == "hello"
    assert document["simulated_seconds"] >= 40
    assert "rehearsal-placeholder-tiny:token" not in json.dumps(document)
    assert "nothing is created" in document["notice"]
