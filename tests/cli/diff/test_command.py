"""`llm-serving diff` in a repository: commits, environments, exit codes, what it leaves behind."""

import base64
import csv
import hashlib
import io
import signal
import sysconfig
import tempfile
import zipfile
from pathlib import Path

import pytest

from cli.diff.report import Report, Status
from tests.cli.diff.conftest import Repository
from tests.waiting import PATIENCE_SECONDS, has_ended, wait_until

VERSION = """\
from importlib.metadata import PackageNotFoundError, version
import pulumi

try:
    pulumi.export("words", version("words"))
except PackageNotFoundError:
    pulumi.export("words", "none")
"""


SLOW = """\
import os
import pathlib
import time
import pulumi

if pulumi.get_stack() == "slow":
    pathlib.Path(os.environ["TMPDIR"], "slow").write_text(str(os.getpid()))
    time.sleep(600)
"""


def wheel(folder: Path) -> str:
    """Write a package `words`, with which an environment also finds the packages of this one."""
    name = "words-1.0-py3-none-any.whl"
    files = {
        "words.py": "",
        "words.pth": sysconfig.get_path("purelib") + "\n",
        "words-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: words\nVersion: 1.0\n",
        "words-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = io.StringIO()
    rows = csv.writer(record)
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        rows.writerow([path, f"sha256={digest}", len(text)])
    rows.writerow(["words-1.0.dist-info/RECORD", "", ""])
    with zipfile.ZipFile(folder / name, "w") as archive:
        for path, text in {**files, "words-1.0.dist-info/RECORD": record.getvalue()}.items():
            archive.writestr(path, text)
    return name


def test_each_side_runs_with_its_own_packages_and_code(repository: Repository) -> None:
    repository.write(small="port: 80")
    (repository.folder / "__main__.py").write_text(VERSION)
    (repository.folder / "requirements.txt").write_text(f"# one\n./{wheel(repository.folder)}\n")
    commit = repository.commit()
    (repository.folder / "requirements.txt").write_text("# none\n")
    compared = repository.diff("--against", "HEAD", "--json")
    report = Report.model_validate_json(compared.stdout)
    assert report.commit == commit
    assert [(each.old, each.new) for each in report.stacks[0].outputs] == [("1.0", "none")]
    assert report.notes == ("requirements.txt differs: the base ran with packages of its own.",)
    assert repository.git("status", "--porcelain") == " M requirements.txt\n"

    (repository.folder / "requirements.txt").write_text("# one again\n./words-1.0-py3-none-any.whl # the same\n")
    report = Report.model_validate_json(repository.diff("--against", commit, "--json").stdout)
    assert not report.changes
    assert not report.notes


def test_packages_that_cannot_be_installed_are_said(repository: Repository) -> None:
    repository.write(small="port: 80")
    (repository.folder / "requirements.txt").write_text("./missing-1.0-py3-none-any.whl\n")
    repository.commit()
    (repository.folder / "requirements.txt").unlink()
    compared = repository.diff("--against", "HEAD", "--json")
    diff = Report.model_validate_json(compared.stdout).stacks[0]
    assert compared.returncode == 0
    assert diff.status is Status.REPAIRED
    assert "missing-1.0" in diff.base_errors[0]


def test_a_base_without_the_project_has_no_stacks(repository: Repository) -> None:
    repository.commit()
    repository.write(small="port: 80")
    report = Report.model_validate_json(repository.diff("--against", "HEAD", "--json").stdout)
    assert [each.status for each in report.stacks] == [Status.ADDED]


def test_exit_codes_and_the_formats(repository: Repository) -> None:
    repository.write(small="port: 80", other="port: 80")
    repository.commit()
    unchanged = repository.diff("--against", "HEAD", "small", "--exit-code")
    assert (unchanged.returncode, unchanged.stdout.splitlines()[0]) == (0, "small: unchanged")
    repository.write(small="port: 81")
    changed = repository.diff("--against", "HEAD", "small", "--exit-code", "--markdown")
    assert changed.returncode == 1
    assert "### 1 of 1 stacks change" in changed.stdout
    (repository.folder / "report.json").write_text(repository.diff("--against", "HEAD", "small", "--json").stdout)
    assert repository.diff("--read", "report.json", "--markdown").stdout == changed.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--against", "nothing"], "--against nothing: is no commit of this repository"),
        (["--against", "HEAD", "other"], "No stack 'other' on either side. Stacks with a settings file: small."),
        (["--against", "HEAD", "--json", "--markdown"], "--format json and markdown: choose one."),
        (["small"], "Either --against, and stacks if not all are wanted, or --read alone."),
        (["--against", "HEAD", "--read", "Pulumi.yaml"], "Either --against"),
        (["--read", "missing.json"], "--read missing.json: No such file or directory."),
        (["--read", "Pulumi.yaml"], "--read Pulumi.yaml: is no report of `llm-serving diff`"),
    ],
)
def test_what_cannot_be_compared_is_refused(repository: Repository, arguments: list[str], told: str) -> None:
    repository.write(small="port: 80")
    repository.commit()
    refused = repository.diff(*arguments)
    assert refused.returncode == 2
    assert told in refused.stderr
    assert refused.stdout == ""


def test_stopped_in_the_middle_it_leaves_nothing_behind(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)
    repository.write(small="port: 80", slow="port: 80")
    (repository.folder / "__main__.py").write_text(SLOW)
    repository.commit()
    process = repository.start("--against", "HEAD")
    assert process.stderr
    told: list[str] = []
    for line in process.stderr:
        told.append(line)
        if line.startswith("small: "):
            break
    slow = temporary / "slow"
    wait_until(lambda: (slow.exists() and slow.read_text()) or process.poll() is not None)
    assert process.poll() is None, told
    program = int(slow.read_text())
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130
    assert list(temporary.glob("llm-serving-*")) == []
    assert repository.git("status", "--porcelain") == ""
    wait_until(lambda: has_ended(program))
