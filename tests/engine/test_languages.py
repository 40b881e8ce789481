"""How what other languages need is got, with a stand-in for Go."""

from pathlib import Path

import pytest

from engine import EngineError
from engine.build import LANGUAGES, PULUMI
from engine.find import find_languages

from .conftest import Machine

GOOD_BUILD = "printf '#!/bin/sh\\n' >$target; chmod +x $target"


def test_both_programs_are_built_once(machine: Machine) -> None:
    machine.go(GOOD_BUILD)
    lines: list[str] = []
    found = find_languages(lines.append, folder=machine.engine)
    assert {path.name for path in found.iterdir()} == {"pulumi-language-yaml", "sdk"}
    told = len(lines)
    assert find_languages(lines.append, folder=machine.engine) == found
    assert len(lines) == told


@pytest.mark.parametrize("changed", ["go.mod", "sdk/main.go"])
def test_they_are_built_anew_when_the_module_changes(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, changed: str
) -> None:
    module = tmp_path / "module"
    for file in ("go.mod", "sdk/main.go"):
        (module / file).parent.mkdir(parents=True, exist_ok=True)
        (module / file).write_bytes((LANGUAGES.folder / file).read_bytes())
    monkeypatch.setattr("engine.find.LANGUAGES", type(LANGUAGES)(module, LANGUAGES.duration, LANGUAGES.programs))
    machine.go(GOOD_BUILD)
    find_languages(lambda _: None, folder=machine.engine)
    built = machine.log.read_text().count("\n")
    (module / changed).write_text((module / changed).read_text() + "// changed\n")
    find_languages(lambda _: None, folder=machine.engine)
    assert machine.log.read_text().count("\n") == 2 * built


def test_a_build_that_fails_leaves_nothing(machine: Machine) -> None:
    machine.go("exit 1")
    with pytest.raises(EngineError, match="no programs for other languages can be had: the build of pulumi-language-y"):
        find_languages(lambda _: None, folder=machine.engine)
    assert not (machine.engine / "languages").exists()


def test_the_sdk_is_generated_by_the_code_of_the_cli_that_is_built() -> None:
    _, sdk = LANGUAGES.programs
    assert LANGUAGES.version(sdk) == PULUMI.version(PULUMI.programs[0])
