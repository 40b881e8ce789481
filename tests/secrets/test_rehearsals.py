"""A token in rehearsals of a small project: each command, each fault, a program that tells it, and the kills."""

from pathlib import Path

import pytest

from tests.secrets.canary import Canary
from tests.secrets.expedition import Expedition
from tests.secrets.small import write_small_project

SLOWLY = ("--time-scale", "1", "--fault", "timeout:service")
"""The load balancer is under way for 10 minutes: longer than a test needs."""


@pytest.fixture
def expedition(tmp_path: Path) -> Expedition:
    return Expedition(tmp_path / "expedition", {"token": Canary()}, write_small_project(tmp_path / "small"))


def test_no_command_and_no_fault_tells_it(expedition: Expedition) -> None:
    up = ("rehearse", "up", "small", "--time-scale", "inf", *expedition.secrets)
    # quota and stockout do not strike at a Secret: the stacks have them
    for faults in (("timeout:Secret",), ("partial:Secret", "throttle:Secret")):
        options = [option for fault in faults for option in ("--fault", fault)]
        assert expedition.run(*up, "--debug", *options) == 1
        assert "did not strike" not in expedition.last_printed()
    assert expedition.run(*up, "--json", "--config", "port=81") == 0
    # as in a terminal, where it is planned first
    expedition.environment["FORCE_COLOR"] = "1"
    assert expedition.run(*up, "--timeline", "--config", "port=82") == 0
    del expedition.environment["FORCE_COLOR"]
    for written in ("plan.json", "timeline.svg"):
        assert (expedition.project / ".rehearsal" / "small" / written).exists()
    assert expedition.run("rehearse", "refresh", "small", "--json") == 0
    assert expedition.run("rehearse", "outputs", "small") == 0
    assert "[secret]" in expedition.last_printed()
    assert expedition.canaries["token"].text in expedition.secrets_of("small")
    assert not expedition.leaks()
    assert expedition.run("rehearse", "destroy", "small", "--time-scale", "inf") == 0
    assert not expedition.leaks()


def test_a_program_that_tells_it_is_masked(expedition: Expedition) -> None:
    for setting in ("crash=yes", "print=yes"):
        code = expedition.run("rehearse", "preview", "small", "--debug", "--config", setting, *expedition.secrets)
        assert code == (0 if setting == "print=yes" else 1)
        assert "[secret]" in expedition.last_printed()
    assert not expedition.leaks()


def test_kills_leave_it_nowhere(expedition: Expedition) -> None:
    up = ("rehearse", "up", "small", *expedition.secrets)
    for engine in (True, False):
        expedition.kill_in(*up, *SLOWLY, when="service creating", engine=engine)
        assert not expedition.leaks()
    expedition.refusing_states.touch()
    assert expedition.run(*up, "--time-scale", "inf") == 2
    assert not expedition.leaks()
    expedition.refusing_states.unlink()
    assert expedition.run(*up, "--time-scale", "inf") == 0
    assert expedition.canaries["token"].text in expedition.secrets_of("small")
    assert not expedition.leaks()


@pytest.mark.cluster
def test_a_control_plane_keeps_it_encrypted(expedition: Expedition) -> None:
    up = ("rehearse", "up", "small", "--control-plane", "--time-scale", "inf", *expedition.secrets)
    assert expedition.run(*up, "--debug") == 0, expedition.last_printed()
    assert not expedition.leaks()
    # as Kubernetes gives it back to who may read it
    assert expedition.run(*up, "--json", "--config", "port=81") == 0, expedition.last_printed()
    assert not expedition.leaks()
    assert expedition.run("rehearse", "destroy", "small", "--time-scale", "inf") == 0
    assert not expedition.leaks()
