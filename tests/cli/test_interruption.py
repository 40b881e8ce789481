"""Rehearsals that are stopped in the middle, and what a rehearsal leaves alone: in processes of their own."""

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pulumi.automation import CommandError

from cli.engine_command import EngineCommand
from cli.progress import Diagnostic, Progress, ResourceProgress
from cli.rehearsal import Rehearsal
from cli.result import Outcome, Result
from engine import find_pulumi
from simulator import Fault
from tests.cli.conftest import CommandLine, existing
from tests.waiting import PATIENCE_SECONDS, wait_until

UntilLine = Callable[["subprocess.Popen[str]", str], None]
STAYS = "timeout:site-service"
"""A fault with which the load balancer is under way for 10 minutes: longer than a test needs."""
SLOWLY = ("--time-scale", "1", "--fault", STAYS)


def test_after_one_ctrl_c_what_was_under_way_is_finished(
    project: Path, command_line: CommandLine, until_line: UntilLine
) -> None:
    process = command_line.start("up", "small", *SLOWLY)
    until_line(process, "site-service creating")
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130, stderr
    assert "Again to stop at once" in stdout
    assert "`llm-serving rehearse up small` goes on from here" in stdout
    rehearsal = Rehearsal("small", folder=project)
    went_on = rehearsal.up()
    assert went_on.outcome is Outcome.SUCCEEDED
    assert existing(rehearsal) == ["site-service", "site-space", "site-token"]
    assert rehearsal.destroy().outcome is Outcome.SUCCEEDED


def test_a_second_ctrl_c_stops_at_once(project: Path, command_line: CommandLine, until_line: UntilLine) -> None:
    process = command_line.start("up", "small", *SLOWLY)
    until_line(process, "site-service creating")
    process.send_signal(signal.SIGINT)
    until_line(process, "Again to stop at once")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130
    rehearsal = Rehearsal("small", folder=project)
    assert rehearsal.up().outcome is Outcome.SUCCEEDED
    assert existing(rehearsal) == ["site-service", "site-space", "site-token"]


def test_a_stop_that_comes_while_the_engine_starts_reaches_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Popen(subprocess.Popen[str]):
        """Is stopped before anybody knows it."""

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            signal.raise_signal(signal.SIGINT)

    pulumi = tmp_path / "pulumi"
    pulumi.write_text('#!/bin/sh\nif [ "$1" = version ]; then echo v3.272.0; else exec sleep 600; fi\n')
    pulumi.chmod(0o755)
    engine = EngineCommand(pulumi)
    stopped: list[bool] = []
    before = signal.signal(signal.SIGINT, lambda *_: stopped.append(engine.cancel()))
    monkeypatch.setattr(subprocess, "Popen", Popen)
    try:
        with pytest.raises(CommandError):
            engine.run(["up"], str(tmp_path), {})
    finally:
        signal.signal(signal.SIGINT, before)
    assert stopped == [True]
    assert "stopped by SIGINT" in engine.errors()


@pytest.mark.parametrize("operation", [Rehearsal.up, Rehearsal.refresh, Rehearsal.destroy])
def test_what_a_killed_engine_was_creating_is_not_lost(project: Path, operation: Callable[[Rehearsal], Result]) -> None:
    def kill(progress: Progress, change: ResourceProgress | Diagnostic) -> None:
        if isinstance(change, ResourceProgress) and change.name == "site-service":
            wait_until(lambda: change.urn in progress.waiting())
            assert rehearsal._engine is not None
            assert rehearsal._engine._process is not None
            rehearsal._engine._process.kill()

    said: list[str] = []
    faults = [Fault.parse(STAYS)]
    rehearsal = Rehearsal("small", folder=project, time_scale=1, faults=faults, watch=kill, say=said.append)
    killed = rehearsal.up()
    assert killed.outcome is Outcome.FAILED
    assert "stopped by SIGKILL" in killed.diagnostics[-1].message
    assert not said[1:]

    rehearsal.watch, rehearsal.faults = lambda *_: None, ()
    rehearsal.time_scale = 1000
    went_on = operation(rehearsal)
    assert went_on.outcome is Outcome.SUCCEEDED
    assert "The last run was killed; its lock on the stack is released." in said
    assert any("interrupted while" in line and "creating site-service" in line for line in said)
    if operation is Rehearsal.refresh:
        assert rehearsal.up().changes.get("create") is None
    if operation is not Rehearsal.destroy:
        assert existing(rehearsal) == ["site-service", "site-space", "site-token"]


@pytest.mark.parametrize("operation", ["up", "destroy"])
def test_after_kill_9_the_next_run_goes_on(
    project: Path, command_line: CommandLine, until_line: UntilLine, operation: str
) -> None:
    process = command_line.start("up", "small", *SLOWLY)
    until_line(process, "site-service creating")
    process.kill()
    process.communicate(timeout=PATIENCE_SECONDS)
    rehearsal = Rehearsal("small", folder=project)
    if operation == "up":
        assert rehearsal.up().outcome is Outcome.SUCCEEDED
        assert existing(rehearsal) == ["site-service", "site-space", "site-token"]
    destroyed = rehearsal.destroy()
    if destroyed.outcome is not Outcome.SUCCEEDED:
        # The engine noted a failed creation before it died, so that no state knows the service.
        assert "`llm-serving rehearse up small` takes it over" in destroyed.diagnostics[-1].message
        assert rehearsal.up().outcome is Outcome.SUCCEEDED
        assert rehearsal.destroy().outcome is Outcome.SUCCEEDED
    assert not rehearsal.home.folder.exists()


def test_the_state_has_no_attributes_that_a_kill_could_cut_off(project: Path) -> None:
    rehearsal = Rehearsal("small", folder=project)
    rehearsal.up()
    kept = [path.name for path in (rehearsal.home.folder / "backend").rglob("*") if path.is_file()]
    assert "small.json" in kept
    assert not [name for name in kept if name.endswith(".attrs")]


def test_a_second_rehearsal_of_the_stack_is_refused(
    project: Path, command_line: CommandLine, until_line: UntilLine
) -> None:
    process = command_line.start("up", "small", *SLOWLY)
    until_line(process, "site-service creating")
    second = command_line.run("up", "small")
    process.kill()
    process.communicate(timeout=PATIENCE_SECONDS)
    assert second.returncode == 2
    assert f"process {process.pid}" in second.stdout


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".rehearsal" not in path.parts and "__pycache__" not in path.parts
    }


def spying_pulumi(folder: Path) -> Path:
    """Put a `pulumi` into `folder` that notes where each call is told to keep its things: not all ask HOME."""
    note = folder / "calls"
    script = folder / "pulumi"
    script.write_text(
        f'#!/bin/sh\necho "$PULUMI_HOME|$PULUMI_BACKEND_URL|$KUBECONFIG" >> "{note}"\nexec "{find_pulumi()}" "$@"\n'
    )
    script.chmod(0o755)
    return note


def test_nothing_of_the_users_is_touched(project: Path, home: Path, command_line: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    calls = spying_pulumi(tmp_path / "bin")
    command_line.environment |= {
        "KUBECONFIG": str(home / ".kube" / "config"),
        "GOOGLE_PROJECT": "production",
        "PATH": f"{tmp_path / 'bin'}:{command_line.environment['PATH']}",
    }
    before = files_of(project), files_of(home)
    done = command_line.run("up", "small", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["outcome"] == "succeeded"
    assert "production" not in done.stdout
    own = project / ".rehearsal" / "small"
    assert set(calls.read_text().splitlines()) == {f"{own}/home|file://{own}/backend?metadata=skip|{own}/kubeconfig"}
    assert (project / ".rehearsal" / ".gitignore").read_text() == "*\n"
    assert (files_of(project), files_of(home)) == before
    assert command_line.run("destroy", "small").returncode == 0
    assert (files_of(project), files_of(home)) == before
