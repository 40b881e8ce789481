"""What each kind of change comes to, in the real engine, between two revisions of a small program."""

import json
import subprocess
from pathlib import Path

from cli.diff.report import Cost, EffectKind, Field, Report, StackDiff, Status
from tests.cli.diff.conftest import SECRETS, STACKS

Stacks = dict[str, StackDiff]


def done(diff: StackDiff) -> dict[str, str]:
    return {each.name: each.operation for each in diff.resources}


def effects(diff: StackDiff) -> set[EffectKind]:
    return {each.kind for each in diff.effects}


def test_a_stack_that_cannot_be_planned_is_told_by_the_exit_code(compared: "subprocess.CompletedProcess[str]") -> None:
    assert compared.returncode == 2


def test_a_stack_that_stays_is_compared_and_nothing_is_told_of_it(stacks: Stacks) -> None:
    same = stacks["same"].model_copy(update={"picture": None})
    assert same == StackDiff(stack="same", status=Status.UNCHANGED, unchanged=6)


def test_an_update_is_told_field_by_field(stacks: Stacks) -> None:
    service = next(each for each in stacks["moves"].resources if each.name == "service")
    assert service.operation == "update"
    assert service.type == "kubernetes:core/v1:Service"
    assert service.fields == (Field(path="spec.ports[0].port", old=80, new=81),)
    assert stacks["moves"].unchanged == 3


def test_a_replacement_is_told_with_the_field_that_forces_it(stacks: Stacks) -> None:
    server = next(each for each in stacks["replaces"].resources if each.name == "server")
    assert server.operation == "replace"
    assert server.replaced_for == ("spec.selector.matchLabels.app",)
    assert server.fields == (
        Field(path="spec.selector.matchLabels.app", old="server", new="other", replaces=True),
        Field(path="spec.template.metadata.labels.app", old="server", new="other"),
    )
    assert done(stacks["replaces"]) == {"server": "replace", "disk": "delete", "service": "update"}
    assert effects(stacks["replaces"]) == {EffectKind.DATA_LOST, EffectKind.ENDPOINT_DOWN}


def test_what_is_deleted_and_created_is_told_with_what_it_has(stacks: Stacks) -> None:
    deleted = next(each for each in stacks["replaces"].resources if each.name == "disk")
    created = next(each for each in stacks["creates"].resources if each.name == "disk")
    size = {"requests": {"storage": "1Gi"}}
    assert next(each for each in deleted.fields if each.path == "spec").old["resources"] == size
    assert next(each for each in created.fields if each.path == "spec").new["resources"] == size
    assert done(stacks["creates"]) == {"disk": "create"}
    assert not stacks["creates"].effects


def test_outputs_and_the_cost_are_compared(stacks: Stacks) -> None:
    outputs = {each.name: (each.old, each.new) for each in stacks["moves"].outputs}
    assert outputs == {"endpoint": ("http://192.0.2.1:80", "http://192.0.2.1:81")}
    assert effects(stacks["moves"]) == {EffectKind.ENDPOINT_MOVES}
    assert stacks["moves"].cost is None
    assert stacks["creates"].cost == Cost(
        old_minimum=1, old_maximum=2, new_minimum=1.5, new_maximum=3, unit="USD per hour"
    )


def test_findings_are_new_or_resolved(stacks: Stacks) -> None:
    diff = stacks["creates"]
    assert [each.text for each in diff.new_findings] == ["the port is high with [secret]"]
    assert [each.text for each in diff.resolved_findings] == ["the port is low with [secret]"]


def test_new_pods_restart_the_model_server(stacks: Stacks) -> None:
    assert done(stacks["restarts"]) == {"server": "update"}
    assert effects(stacks["restarts"]) == {EffectKind.ENDPOINT_RESTARTS}


def test_a_stack_may_be_on_one_side_alone(stacks: Stacks) -> None:
    everything = {"cluster", "space", "token", "page", "service", "server"}
    assert stacks["added"].status is Status.ADDED
    assert done(stacks["added"]) == dict.fromkeys(everything, "create")
    assert not stacks["added"].effects
    assert stacks["removed"].status is Status.REMOVED
    assert done(stacks["removed"]) == dict.fromkeys({*everything, "disk"}, "delete")
    assert {EffectKind.DATA_LOST, EffectKind.ENDPOINT_DOWN} <= effects(stacks["removed"])
    assert "pulumi destroy" in stacks["removed"].notes[0]


def test_a_side_that_is_refused_is_said_and_the_rest_goes_on(stacks: Stacks) -> None:
    refused = ("The configuration is refused:\n  port: taken.",)
    assert (stacks["broken"].errors, stacks["broken"].base_errors) == (refused, ())
    assert (stacks["repaired"].errors, stacks["repaired"].base_errors) == ((), refused)
    assert (stacks["unplannable"].errors, stacks["unplannable"].base_errors) == (refused, refused)
    statuses = [stacks[name].status for name in ("broken", "repaired", "unplannable")]
    assert statuses == [Status.BROKEN, Status.REPAIRED, Status.UNPLANNABLE]


def test_an_encrypted_setting_that_changes_is_said_though_it_cannot_be_read(stacks: Stacks) -> None:
    assert stacks["rotated"].status is Status.CHANGED
    assert stacks["rotated"].notes == (
        "The encrypted tiny:token is another. Its value is not known here, nor what follows from it.",
    )


def test_a_secret_that_changes_is_said_without_it(stacks: Stacks) -> None:
    assert done(stacks["plain"]) == {"token": "replace", "server": "update"}
    token = next(each for each in stacks["plain"].resources if each.name == "token")
    assert {(each.old, each.new) for each in token.fields} == {("[secret]", "[secret]")}


def test_the_most_dangerous_stacks_come_first(report: Report) -> None:
    order = [each.stack for each in report.stacks]
    assert sorted(order) == sorted(STACKS)
    assert order[:2] == ["broken", "unplannable"]
    assert set(order[2:4]) == {"removed", "replaces"}
    assert order[4:7] == ["moves", "plain", "restarts"]
    assert order[-1] == "same"


def test_no_secret_is_in_the_json(compared: "subprocess.CompletedProcess[str]") -> None:
    assert "[secret]" in compared.stdout
    for secret in SECRETS:
        assert secret not in compared.stdout + compared.stderr


def test_the_schema_is_that_of_the_report() -> None:
    schema = json.loads((Path(__file__).resolve().parents[3] / "docs" / "diff.schema.json").read_text())
    assert schema == Report.model_json_schema(mode="serialization"), "write it there anew"
