"""`rehearse up --timeline`, as a person runs it."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine


@pytest.mark.parametrize("time_scale", ["inf", "1000"])
def test_the_longest_chain_is_told_and_drawn_however_fast_time_passes(
    command_line: CommandLine, project: Path, time_scale: str
) -> None:
    done = command_line.run("up", "small", "--time-scale", time_scale, "--timeline")
    assert done.returncode == 0, done.stderr
    told = done.stdout[done.stdout.index("The first token") :].splitlines()
    assert [line.rstrip() for line in told if line] == [
        "The first token can come 0:41 (minutes:seconds) after the start, in simulated time; nothing is waited for "
        "without need.",
        "from    to  takes  what",
        "0:00  0:01   0:01  kubernetes:Namespace site-space",
        "0:01  0:41   0:40  kubernetes:Service site-service",
        f"All of it as a picture: {project}/.rehearsal/small/timeline.svg",
    ]
    picture = ET.parse(project / ".rehearsal" / "small" / "timeline.svg").getroot()
    assert "site-service kubernetes:Service: 0:01 to 0:41" in "".join(picture.itertext())


def test_json_stays_alone_on_standard_output(command_line: CommandLine) -> None:
    done = command_line.run("up", "small", "--time-scale", "inf", "--timeline", "--json")
    assert done.stdout.startswith("{")
    assert done.stdout.endswith("}\n")
    assert "The first token can come" in done.stderr

    again = command_line.run("up", "small", "--time-scale", "inf", "--timeline")
    assert "Nothing had to be waited for." in again.stdout


def test_a_failed_up_has_no_timeline(command_line: CommandLine) -> None:
    done = command_line.run("up", "small", "--time-scale", "inf", "--timeline", "--config", "refuse=yes")
    assert done.returncode == 2
    assert "first token" not in done.stdout


def test_a_real_control_plane_keeps_to_no_published_duration(command_line: CommandLine) -> None:
    done = command_line.run("up", "small", "--timeline", "--control-plane")
    assert done.returncode == 2
    assert "leave out --control-plane" in done.stdout
