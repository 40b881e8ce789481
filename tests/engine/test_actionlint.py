"""How the linter of workflows is got, with a stand-in for Go."""

import pytest

from engine import EngineError
from engine.build import ACTIONLINT
from engine.find import find_actionlint

from .conftest import Machine

GOOD_BUILD = "printf '#!/bin/sh\\n' >$target; chmod +x $target"


def test_builds_it_once_and_anew_when_another_version_is_pinned(machine: Machine) -> None:
    machine.go(GOOD_BUILD)
    lines: list[str] = []
    found = find_actionlint(lines.append, folder=machine.engine)
    assert found.is_file()
    assert f"Building actionlint {ACTIONLINT.version(ACTIONLINT.programs[0])} ..." in lines
    told = len(lines)
    assert find_actionlint(lines.append, folder=machine.engine) == found
    assert len(lines) == told
    (machine.engine / "actionlint" / "built-from").write_text("module old\n")
    find_actionlint(lines.append, folder=machine.engine)
    assert len(lines) > told


def test_a_build_that_fails_leaves_nothing(machine: Machine) -> None:
    machine.go("exit 1")
    with pytest.raises(EngineError, match="no actionlint can be had: the build of actionlint"):
        find_actionlint(lambda _: None, folder=machine.engine)
    assert not (machine.engine / "actionlint").exists()
