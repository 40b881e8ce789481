"""Finding a project and reading its files."""

from pathlib import Path

import pytest

from cli.errors import RefusedError
from cli.project import check_stack_name, find_project


def test_a_project_is_found_from_a_folder_within(project: Path) -> None:
    inner = project / "deep" / "down"
    inner.mkdir(parents=True)
    assert find_project(inner).folder == project
    assert find_project(inner).name == "tiny"


def test_without_a_project_the_one_of_the_command_line_is_taken(tmp_path: Path) -> None:
    assert find_project(tmp_path).name == "llm-serving"


def test_a_missing_stack_file_is_answered_with_those_that_exist(project: Path) -> None:
    (project / "Pulumi.large.yaml").write_text("config: {}\n")
    with pytest.raises(RefusedError, match=r"no Pulumi\.smal\.yaml.*large, small"):
        find_project(project).stack_config("smal")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("config:\n  a: [1\n  b: 2\n", r"Pulumi\.small\.yaml: line 3"),
        ("- token: hf_0123\n", "must be a map of settings"),
        ("config: [hf_0123]\n", "`config:` must be a map of settings, and is a list"),
    ],
)
def test_a_broken_stack_file_is_told_with_its_place(project: Path, content: str, message: str) -> None:
    (project / "Pulumi.small.yaml").write_text(content)
    with pytest.raises(RefusedError, match=message) as refused:
        find_project(project).stack_config("small")
    assert "hf_0123" not in str(refused.value)


@pytest.mark.parametrize("content", ["", "config:\n", "secretsprovider: gcpkms://x\n"])
def test_a_stack_file_may_configure_nothing(project: Path, content: str) -> None:
    (project / "Pulumi.small.yaml").write_text(content)
    assert find_project(project).stack_config("small") == {}


@pytest.mark.parametrize("name", ["..", "../small", "a/b", "", "x" * 101, ".hidden"])
def test_a_name_that_could_lead_elsewhere_is_no_stack(name: str) -> None:
    with pytest.raises(RefusedError, match="cannot name a stack"):
        check_stack_name(name)
