"""What is taken out of what is shown, and what is not."""

import json
import sys

import pytest

from cli.masking import Mask
from tests.secrets.canary import Canary, disguises

CANARY = Canary()
DISGUISES = disguises(CANARY)
UNMASKED = {"reversed", "upper case", "all of it percent-encoded", "user data", "first half", "second half"}
"""What no program does by mistake."""


@pytest.mark.parametrize("disguise", sorted(DISGUISES.keys() - UNMASKED))
def test_a_secret_is_masked_in_each_disguise(disguise: str) -> None:
    masked = Mask([CANARY.text])(f"before {DISGUISES[disguise]} after")
    assert not CANARY.forms_in(masked.encode())
    assert masked.startswith("before ")
    assert masked.endswith(" after")


def test_each_line_of_a_key_is_masked() -> None:
    key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n"
    masked = Mask([key])
    for text in (key, repr(key), json.dumps(key), "line: hkiG9w0BAQEFAASC."):
        assert "hkiG9w0" not in masked(text)


@pytest.mark.parametrize("secret", ["", "a", "ab"])
def test_what_is_hardly_a_secret_leaves_words_as_they_are(secret: str) -> None:
    assert Mask([secret])("about a cab") == "about a cab"
    assert Mask(["abc"])("abc: about a cab, YWI=") == "[secret]: about a cab, YWI="


def test_without_secrets_nothing_changes() -> None:
    assert Mask()("text") == "text"


def test_what_is_printed_is_masked_meanwhile(capsys: pytest.CaptureFixture[str]) -> None:
    with Mask([CANARY.text]).over_output():
        sys.stdout.write(f"out {CANARY.text!r}\n")
        sys.stderr.write(f"error {CANARY.text}\n")
        assert sys.stdout.isatty() is False
    sys.stdout.write(f"later {CANARY.text}\n")
    printed = capsys.readouterr()
    assert printed.out == f"out '[secret]'\nlater {CANARY.text}\n"
    assert printed.err == "error [secret]\n"
