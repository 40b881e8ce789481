"""The search finds the token in each disguise: otherwise the tests beside this one prove nothing."""

from pathlib import Path

import pytest

from tests.secrets.canary import Canary, disguises

CANARY = Canary()
DISGUISES = disguises(CANARY)


@pytest.mark.parametrize("disguise", DISGUISES)
def test_each_disguise_is_seen_through(disguise: str) -> None:
    assert CANARY.forms_in(f"before {DISGUISES[disguise]} after".encode())


def test_another_token_is_not_taken_for_it() -> None:
    assert not CANARY.forms_in(Canary().text.encode())


def test_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_text(CANARY.text)
    (tmp_path / CANARY.halves[1]).touch()
    (tmp_path / "clean").write_text("nothing")
    assert set(CANARY.found_below(tmp_path)) == {str(tmp_path / "deep" / "file"), str(tmp_path / CANARY.halves[1])}
