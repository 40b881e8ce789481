"""How a stack's configuration becomes the settings of its recipe."""

import json
from typing import Any

import pulumi
import pytest

from components.args import ComponentArgs, Input
from components.findings import ConfigurationError
from stacks.configuration import read_settings, recipe_name
from tests.recording import record
from tests.stacks.stack_file import MIXTRAL, run


class Part(ComponentArgs):
    size: int


class Settings(ComponentArgs):
    part: Part | None = None
    names: list[str] | None = None
    title: str | None = None
    access_token: Input[str] | None = None


def read(config: dict[str, str], secrets: tuple[str, ...] = ()) -> Settings:
    """The settings, as `read_settings` gives them within a program."""
    read: list[Settings] = []
    keys = tuple(f"llm-serving:{key}" for key in secrets)
    recording = record(
        lambda: read.append(read_settings(Settings)),
        config={key if ":" in key else f"llm-serving:{key}": value for key, value in config.items()},
        secrets=keys,
    )
    if recording.error:
        raise recording.error
    return read[0]


def refused(config: dict[str, str], secrets: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    with pytest.raises(ConfigurationError) as refusal:
        read(config, secrets)
    return [(finding.code, finding.path) for finding in refusal.value.findings]


def test_objects_and_lists_are_json_and_the_rest_is_text() -> None:
    settings = read({"part": '{"size": 3}', "names": '["a", "b"]', "title": "12"})
    assert settings == Settings(part=Part(size=3), names=["a", "b"], title="12")


@pytest.mark.parametrize("empty", ["", "{}", "[]", "null"])
@pytest.mark.parametrize("key", ["part", "names", "title", "accessToken"])
def test_empty_values_mean_unset(key: str, empty: str) -> None:
    assert read({key: empty}) == Settings()


def test_only_the_namespace_of_the_project_is_read() -> None:
    settings = read({"gcp:project": "p", "other:title": "no", "pulumi:disable-default-providers": "[]", "title": "yes"})
    assert settings == Settings(title="yes")


def test_the_recipe_is_no_setting() -> None:
    assert read({"recipe": "some", "title": "t"}) == Settings(title="t")
    names: list[str] = []
    record(lambda: names.append(recipe_name()), config={"llm-serving:recipe": "some"})
    record(lambda: names.append(recipe_name()))
    assert names == ["some", ""]


def test_configuration_of_the_command_line_host_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    # the language host passes it in the environment, the Automation API within the process
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({"llm-serving:title": "from outside"}))
    assert read({}).title == "from outside"
    assert read({"title": "from inside"}).title == "from inside"


def test_a_secret_stays_one() -> None:
    seen: list[Any] = []

    def program() -> None:
        token = read_settings(Settings).access_token
        assert isinstance(token, pulumi.Output)
        pulumi.export("token", token)
        token.apply(seen.append)

    recording = record(program, config={"llm-serving:accessToken": "t"}, secrets=("llm-serving:accessToken",))
    assert recording.error is None
    assert seen == ["t"]
    assert recording.stack_outputs()["token"]["value"] == "t"


@pytest.mark.parametrize("key", ["accessToken", "access_token"])
def test_a_secret_in_plain_text_is_refused_by_either_name(key: str) -> None:
    assert refused({key: "hf_secret"}) == [("secret-in-plain", key)]


@pytest.mark.parametrize("key", ["gcp:accessToken", "oci:privateKey", "oci:privateKeyPassword"])
def test_a_secret_of_a_provider_in_plain_text_is_refused(key: str) -> None:
    assert refused({key: "secret", "title": "t"}) == [("secret-in-plain", key)]
    recording = record(lambda: read_settings(Settings), config={key: "secret"}, secrets=(key,))
    assert recording.error is None


def test_a_secret_that_must_be_known_is_refused_and_not_called_missing() -> None:
    class Needs(ComponentArgs):
        part: Part

    recording = record(
        lambda: read_settings(Needs), config={"llm-serving:part": '{"size": 3}'}, secrets=("llm-serving:part",)
    )
    assert isinstance(recording.error, ConfigurationError)
    assert [(finding.code, finding.path) for finding in recording.error.findings] == [("secret-misplaced", "part")]
    assert refused({"title": "t"}, ("title",)) == [("secret-misplaced", "title")]


@pytest.mark.parametrize("broken", ['{"size": 3', "{size: 3}", "[1, ", "{" + "[" * 5, f'{{"size": {"9" * 5000}}}'])
def test_broken_json_is_a_wrong_value(broken: str) -> None:
    assert refused({"part": broken}) == [("wrong-value", "part")]


def test_everything_wrong_is_told_at_once() -> None:
    found = refused({"part": '{"size": "x"}', "accessToken": "t", "titel": "x", "names": "[1]"})
    assert set(found) == {
        ("secret-in-plain", "accessToken"),
        ("wrong-value", "part.size"),
        ("unknown-setting", "titel"),
        ("wrong-value", "names.0"),
    }


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "[" * 100_000 + "]" * 100_000, "{", '{"a": 1,}'])
def test_json_that_is_broken_or_without_end_is_a_wrong_value(text: str) -> None:
    recording = run(MIXTRAL, {"service": text})
    assert isinstance(recording.error, ConfigurationError)
    assert [(each.code, each.path) for each in recording.error.findings] == [("wrong-value", "service")]
