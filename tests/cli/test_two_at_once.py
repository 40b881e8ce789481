"""Two runs on one stack at a time: one is refused and told of the other, and nothing of theirs is mixed."""

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.rehearsal import Rehearsal
from cli.result import Outcome
from tests.cli.conftest import CommandLine, existing
from tests.waiting import PATIENCE_SECONDS

UntilLine = Callable[["subprocess.Popen[str]", str], None]
EVERYTHING = ["site-service", "site-space", "site-token"]


def test_whatever_comes_second_is_refused_and_the_first_goes_on(
    project: Path, command_line: CommandLine, until_line: UntilLine
) -> None:
    first = command_line.start("up", "small", "--time-scale", "1", "--fault", "timeout:site-service")
    until_line(first, "site-service creating")
    for operation in ("preview", "up", "refresh", "destroy", "outputs"):
        second = command_line.run(operation, "small")
        assert second.returncode == 2, operation
        told = second.stdout.splitlines()[-1]
        assert told == (
            f"Another rehearsal of small is running, process {first.pid}. Wait until it ends, or stop it."
        ), operation
    first.send_signal(signal.SIGINT)
    stdout, stderr = first.communicate(timeout=PATIENCE_SECONDS)
    assert first.returncode == 130, stderr
    assert "goes on from here" in stdout
    rehearsal = Rehearsal("small", folder=project)
    assert rehearsal.up().outcome is Outcome.SUCCEEDED
    assert existing(rehearsal) == EVERYTHING


def test_many_that_start_at_the_same_moment(project: Path, command_line: CommandLine) -> None:
    started = [
        command_line.start(operation, "small", "--json") for operation in ("up", "destroy", "up", "destroy", "up")
    ]
    ended = [(process, *process.communicate(timeout=PATIENCE_SECONDS)) for process in started]
    assert any(process.returncode == 0 for process, _, _ in ended)
    for process, stdout, stderr in ended:
        assert "Traceback" not in stdout + stderr
        assert process.returncode in (0, 2), stdout
        if process.returncode:
            (diagnostic,) = json.loads(stdout)["diagnostics"]
            assert (
                "nother run" in diagnostic["message"]
                or "Another rehearsal of small is running" in diagnostic["message"]
            )
    rehearsal = Rehearsal("small", folder=project)
    assert rehearsal.up().outcome is Outcome.SUCCEEDED
    assert rehearsal.up().changes == {"same": 6}
    assert existing(rehearsal) == EVERYTHING
    assert rehearsal.destroy().outcome is Outcome.SUCCEEDED
    assert [path.name for path in (project / ".rehearsal").iterdir()] == [".gitignore"]


@pytest.mark.parametrize("operation", [Rehearsal.refresh, Rehearsal.destroy, Rehearsal.outputs])
def test_what_another_run_destroyed_in_between_is_not_there(
    project: Path, operation: Callable[[Rehearsal], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    rehearsal = Rehearsal("small", folder=project)
    answers = iter([True, False])
    monkeypatch.setattr("cli.session.Home.exists", lambda _: next(answers))
    with pytest.raises(Exception, match="another run has just destroyed small"):
        operation(rehearsal)
