"""Tokens in the stack files of two commits, encrypted and in plain text: in no report and no picture."""

import subprocess
from pathlib import Path

import pytest

from tests.secrets.canary import Canary
from tests.secrets.expedition import Expedition
from tests.secrets.small import write_small_project

GIT = ("git", "-c", "user.name=Somebody", "-c", "user.email=somebody@example.com")
FILES = {
    "encrypted": "config:\n  small:port: {port}\n  small:token:\n    secure: v1:rhJmAMe4IyyZTl9h:{token}\n",
    "plain": "config:\n  small:port: {port}\n  small:token: {token}\n",
}


@pytest.fixture
def expedition(tmp_path: Path) -> Expedition:
    """The first commit of a project, and another token and port of each stack in its working tree."""
    tokens = {f"{stack} {when}": Canary(between="/") for stack in FILES for when in ("before", "after")}
    made = Expedition(tmp_path / "expedition", tokens, write_small_project(tmp_path / "small"))
    for when, port in (("before", 80), ("after", 81)):
        for stack, text in FILES.items():
            file = made.project / f"Pulumi.{stack}.yaml"
            file.write_text(text.format(port=port, token=tokens[f"{stack} {when}"].text))
        if when == "before":
            for command in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "--message", "first")):
                subprocess.run([*GIT, *command], cwd=made.project, check=True)
    return made


def test_no_report_and_no_picture_shows_them(expedition: Expedition) -> None:
    stacks = tuple(FILES)
    assert expedition.run("diff", "--against", "HEAD", "--json", *stacks) == 0, expedition.last_printed()
    report = expedition.folder / "report.json"
    # without the progress before it
    report.write_text(expedition.last_printed().partition("\n{")[2].join(("{", "")))
    for form in ("terminal", "markdown", "html"):
        assert expedition.run("diff", "--read", str(report), "--format", form) == 0, expedition.last_printed()
        assert "81" in expedition.last_printed()
        assert "[secret]" in expedition.last_printed()
    for stack, form in (("encrypted", "svg"), ("plain", "mermaid")):
        assert expedition.run("graph", stack, "--format", form) == 0, expedition.last_printed()
        assert "service" in expedition.last_printed()
    assert not expedition.seen
    for token in expedition.canaries.values():
        assert not token.found_below(expedition.printed, expedition.temporary, expedition.folder / "started")
