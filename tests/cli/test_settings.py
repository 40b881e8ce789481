"""What a rehearsal is configured with."""

from pathlib import Path

import pytest
import yaml

from cli.errors import RefusedError
from cli.project import find_project
from cli.settings import Settings, rehearsal_settings

RECIPE = "mixtral-tgi-gke-l4"


def settings_of(project: Path, stack_file: str, *overrides: str, secret: str = "", stand_ins: bool = True) -> Settings:
    (project / "Pulumi.yaml").write_text("name: llm-serving\n")
    (project / "Pulumi.small.yaml").write_text(stack_file)
    return rehearsal_settings(
        find_project(project),
        "small",
        overrides=overrides,
        secret_overrides=[secret] if secret else [],
        stand_ins=stand_ins,
    )


def test_encrypted_values_become_placeholders_wherever_they_stand(project: Path) -> None:
    settings = settings_of(
        project,
        """
        config:
          llm-serving:token: {secure: "v1:cipher"}
          llm-serving:nested:
            plain: 1
            list: [a, {secure: "v1:cipher"}]
            "dotted.key": {secure: "v1:cipher"}
        """,
    )
    paths = ["llm-serving:token", "llm-serving:nested.list[1]", 'llm-serving:nested["dotted.key"]']
    assert settings.placeholders == paths
    assignments = settings.assignments()
    assert list(assignments) == paths
    assert all(each.secret and each.value.startswith("rehearsal-placeholder-") for each in assignments.values())
    assert "cipher" not in yaml.safe_dump(settings.plain())
    assert settings.plain()["llm-serving:nested"] == {"plain": 1, "list": ["a", ""], "dotted.key": ""}


def test_a_map_with_more_than_an_encrypted_value_is_an_ordinary_map(project: Path) -> None:
    settings = settings_of(project, "config: {'llm-serving:a': {secure: yes, other: 1}}")
    assert settings.assignments() == {}
    assert settings.plain() == {"llm-serving:a": {"secure": "yes", "other": 1}}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("no", "no"),
        ("12:30", "12:30"),
        ("08", 8.0),
        ("0o17", 15),
        ("1e3", 1000.0),
        ("0b_", "0b_"),
        ("12:30.5", "12:30.5"),
        ("1.0e+999", "1.0e+999"),
        ("9" * 23, 1e23),
        ("<<", "<<"),
        ("true", True),
        ("012", 10),
        ("-7", -7),
        ("0.5", 0.5),
        ("~", None),
        ('"12"', "12"),
    ],
)
def test_values_mean_what_they_mean_to_pulumi(project: Path, written: str, read: object) -> None:
    value = settings_of(project, f"config:\n  llm-serving:a: {written}\n").config["llm-serving:a"]
    assert value == read
    assert type(value) is type(read)


def test_overrides_are_left_to_pulumi(project: Path) -> None:
    settings = settings_of(project, "config: {}", "service.gpus=2", "gcp:labels=a=b", secret="token=x")
    plain, equals = settings.assignments().items()
    assert (plain[0], plain[1].value, plain[1].secret) == ("service.gpus", "2", False)
    assert (equals[0], equals[1].value) == ("gcp:labels", "a=b")
    assert settings.secrets() == {"token": "x"}


@pytest.mark.parametrize("override", ["service.gpus", "=2", ""])
def test_an_override_without_key_or_value_is_refused(project: Path, override: str) -> None:
    with pytest.raises(RefusedError, match="KEY=VALUE"):
        settings_of(project, "config: {}", override)


def test_the_value_of_a_secret_can_come_from_a_file(project: Path) -> None:
    (project / "token").write_text("@x=y\n\n")
    assert settings_of(project, "config: {}", secret=f"token=@{project / 'token'}").secrets() == {"token": "@x=y"}


@pytest.mark.parametrize("written", ["hf_0123456789", "=hf_0123456789", "token=@hf_0123456789", "token=@hf_01234\0"])
def test_what_is_wrong_with_a_secret_is_told_without_it(project: Path, written: str) -> None:
    with pytest.raises(RefusedError, match="--config-secret") as refused:
        settings_of(project, "config: {}", secret=written)
    assert "hf_01234" not in str(refused.value)


def test_account_values_that_nothing_sets_are_made_up(project: Path) -> None:
    settings = settings_of(project, f"config: {{'llm-serving:recipe': {RECIPE}}}")
    assert settings.stand_ins == {
        "gcp:project": "rehearsal-project",
        "llm-serving:huggingFaceToken": "a placeholder secret",
        "llm-serving:sourceRanges": "198.51.100.0/24",
    }
    assert settings.plain()["gcp:project"] == "rehearsal-project"
    assert settings.plain()["llm-serving:sourceRanges"] == ["198.51.100.0/24"]
    assert settings.assignments()["llm-serving:huggingFaceToken"].secret


def test_account_values_that_are_set_are_kept(project: Path) -> None:
    settings = settings_of(
        project,
        f"config: {{'llm-serving:recipe': {RECIPE}, 'gcp:project': mine}}",
        "sourceRanges[0]=203.0.113.0/24",
        secret="llm-serving:huggingFaceToken=x",
    )
    assert settings.stand_ins == {}
    assert settings.config["gcp:project"] == "mine"
    assert settings.secrets() == {"llm-serving:huggingFaceToken": "x"}


def test_nothing_is_made_up_when_not_wanted_or_for_an_unknown_recipe(project: Path) -> None:
    assert settings_of(project, f"config: {{'llm-serving:recipe': {RECIPE}}}", stand_ins=False).stand_ins == {}
    assert settings_of(project, "config: {'llm-serving:recipe': nonsense}").stand_ins == {}


def test_an_overriding_recipe_decides_what_is_made_up(project: Path) -> None:
    assert "gcp:project" in settings_of(project, "config: {'llm-serving:recipe': dev}", f"recipe={RECIPE}").stand_ins
