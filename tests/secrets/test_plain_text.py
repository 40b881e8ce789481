"""A token that stands in a stack file in plain text: it is refused, and no command shows it to more people."""

from pathlib import Path

from tests.secrets.canary import Canary
from tests.secrets.expedition import Expedition

STACK = "mixtral-tgi-gke-l4"


REFUSED = ("secret-in-plain", "stands in the stack file")


def test_no_command_shows_it(tmp_path: Path) -> None:
    expedition = Expedition(tmp_path / "expedition", {"huggingFaceToken": Canary()})
    token = expedition.canaries["huggingFaceToken"]
    expedition.change(STACK, huggingFaceToken=token.text)
    for command, code in (
        (("check", STACK), 1),
        (("check", STACK, "--json"), 1),
        (("rehearse", "preview", STACK, "--json", "--debug"), 2),
        (("graph", STACK), 2),
        (("recipes",), 0),
        (("size", "mistralai/Mixtral-8x7B-Instruct-v0.1"), 0),
    ):
        assert expedition.run(*command) == code, expedition.last_printed()
        assert code == 0 or any(text in expedition.last_printed() for text in REFUSED)
    assert not expedition.seen
    assert not token.found_below(expedition.printed, expedition.temporary)
