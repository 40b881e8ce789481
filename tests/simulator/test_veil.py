"""What stands for secrets on a simulated control plane."""

import base64
import json

import pytest

from simulator.values import secret
from simulator.veil import veiled


@pytest.mark.parametrize("text", ["", "hf_token", "<é>", "\N{GRINNING FACE}", "/w==", "YQ==", "a\n", "[1]"])
def test_any_text_becomes_a_digest_that_a_secret_may_hold(text: str) -> None:
    digest = veiled({"token": secret(text)})["token"]
    assert len(digest) == 64
    base64.b64decode(digest, validate=True)
    assert digest == veiled(secret(text)) != veiled(secret(f"{text}x"))


def test_an_object_in_json_becomes_one() -> None:
    text = json.dumps({"auths": {"é": "token"}})
    assert "digest" in json.loads(veiled(secret(text)))
    encoded = base64.b64encode(text.encode()).decode()
    assert "digest" in json.loads(base64.b64decode(veiled(secret(encoded))))


def test_what_is_no_secret_stays() -> None:
    assert veiled({"a": ["b", secret(["c"]), 1]})["a"][0::2] == ["b", 1]
