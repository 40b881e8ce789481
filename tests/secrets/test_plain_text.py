"""A token that stands in a stack file in plain text: it is refused, and no command shows it to more people."""

from pathlib import Path

import pytest

from tests.secrets.canary import Canary
from tests.secrets.expedition import Expedition

STACK = "mixtral-tgi-gke-l4"


@pytest.fixture
def expedition(tmp_path: Path) -> Expedition:
    made = Expedition(tmp_path / "expedition", {"huggingFaceToken": Canary()})
    made.change(STACK, huggingFaceToken=made.canaries["huggingFaceToken"].text)
    return made


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("check", STACK, "--json"), 1),
        (("rehearse", "preview", STACK, "--json", "--debug"), 2),
        (("graph", STACK), 2),
    ],
)
def test_no_command_shows_it(expedition: Expedition, command: tuple[str, ...], code: int) -> None:
    assert expedition.run(*command) == code, expedition.last_printed()
    assert "secret-in-plain" in expedition.last_printed() or "stands in the stack file" in expedition.last_printed()
    assert not expedition.seen
    assert not expedition.canaries["huggingFaceToken"].found_below(expedition.printed, expedition.temporary)
