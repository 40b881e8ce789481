"""`llm-serving graph`: formats, files, exit codes."""

from pathlib import Path

from tests.cli.diff.conftest import Repository

# the project of a few lines, and how to run a command in it
from tests.cli.diff.conftest import repository as repository


def test_a_stack_is_drawn_in_both_formats(repository: Repository) -> None:
    repository.write(small="port: 80")
    drawn = repository.graph("small")
    assert (drawn.returncode, drawn.stdout[:4]) == (0, "<svg")
    assert ">Pods</text>" in drawn.stdout
    assert "rehearsal-placeholder" not in drawn.stdout
    written = repository.graph("small", "--format", "mermaid", "--output", "small.mmd")
    assert (written.returncode, written.stdout) == (0, "")
    assert (repository.folder / "small.mmd").read_text().startswith("flowchart TB\n")
    assert sorted(path.name for path in repository.folder.iterdir() if path.suffix not in (".py", ".yaml")) == [
        ".git",
        ".gitignore",
        "small.mmd",
    ]


def test_what_cannot_be_drawn_is_said_without_a_traceback(repository: Repository) -> None:
    repository.write(small="port: 80", refused="refuse: yes")
    for arguments, told in (
        (["small", "--format", "png"], "--format png: must be svg or mermaid."),
        (["missing"], "No stack 'missing'"),
        (["refused"], "The configuration is refused:"),
        (["small", "--output", str(Path("no-folder") / "small.svg")], "--output no-folder/small.svg: No such file"),
    ):
        refused = repository.graph(*arguments)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert told in refused.stderr
        assert "Traceback" not in refused.stderr
