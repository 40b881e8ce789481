"""Policy on tokens and keys: they belong into secrets, not where everybody reads them who may look at a deployment."""

import base64
import binascii
import re
import zlib
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, cast

from .rule import Config, Inputs, Violation, resource_policy, walk

CLOUDS = ("gcp:", "kubernetes:", "oci:")
SECRET_STORES = {
    "gcp:secretmanager/regionalSecretVersion:RegionalSecretVersion",
    "gcp:secretmanager/secretVersion:SecretVersion",
    "kubernetes:core/v1:Secret",
    "kubernetes:core/v1:SecretPatch",
    "oci:Vault/secret:Secret",
}
"""Types that are made to hold them."""

FORMS = {
    "a Hugging Face token": r"\bhf_[A-Za-z0-9]{30,}|\bapi_org_[A-Za-z0-9]{30,}",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "a Google API key": r"\bAIza[A-Za-z0-9_-]{35}",
    "a GitHub token": r"\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_[A-Za-z0-9_]{22,}",
    "an NVIDIA API key": r"\bnvapi-[A-Za-z0-9_-]{60,}",
    "an OpenAI API key": r"\bsk-[A-Za-z0-9_-]{20,}",
    "an AWS access key": r"\bAKIA[A-Z0-9]{16}\b",
}
"""How tokens look, by what they are."""
_FORMS = {kind: re.compile(form) for kind, form in FORMS.items()}

_VARIABLE = r"(?:[A-Z0-9]+_)*(?:TOKEN|API_?KEY|SECRET|PASSWORD|ACCESS_KEY|SECRET_KEY)"
_NAME = re.compile(_VARIABLE)
# a reference is no token: $(NAME), ${NAME}, `command`; neither is a path, a number or a truth value
_LITERAL = r"(?![$`/<{(]|(?:\d+|true|false|none|null)\b)[^\s\"'$`;,)]{4,}"
_ASSIGNED = re.compile(rf"\b{_VARIABLE}=[\"']?{_LITERAL}")
_FLAG = r"--(?:[a-z0-9]+[-_])*(?:token|api[-_]?key|secret|password)"
_FLAG_ALONE = re.compile(_FLAG)
_FLAGGED = re.compile(rf"{_FLAG}[= ][\"']?{_LITERAL}", re.IGNORECASE)
_VALUE = re.compile(_LITERAL, re.IGNORECASE)

_ENCODED = re.compile(r"[A-Za-z0-9+/]{24,}={0,2}")
_MOST_BYTES = 16 * 1024**2
_DEPTH = 3
"""User data holds files that may be encoded once more."""

REMEDY = (
    "Keep it in a Kubernetes Secret that a valueFrom.secretKeyRef names, or in the cloud's secret manager, and hand it"
    " to the program as a Pulumi secret."
)


def check_tokens(resource_type: str, inputs: Inputs, _config: Config) -> Iterator[Violation]:
    """Find tokens in environment variables, command lines, ConfigMaps and user data, without repeating them."""
    if not resource_type.startswith(CLOUDS) or resource_type in SECRET_STORES:
        return
    for path, value in walk(inputs):
        found = next(_tokens(path, value), None)  # what has a known form is mostly named so, too
        if found:
            yield Violation(path, f"{found} stands here in plain.", REMEDY)


def _tokens(path: str, value: Any) -> Iterator[str]:
    if isinstance(value, str):
        for text in _texts(value):
            yield from (kind for kind, form in _FORMS.items() if form.search(text))
            if _ASSIGNED.search(text) or _FLAGGED.search(text):
                yield "a token, by the name that it is given,"
        if _NAME.fullmatch(re.split(r"[.\]]", path)[-1]) and _VALUE.match(value):
            yield "a token, by its name,"
    elif isinstance(value, dict):
        variable = cast("Inputs", value)
        name, content = variable.get("name"), variable.get("value")
        if isinstance(name, str) and _NAME.fullmatch(name) and isinstance(content, str) and _VALUE.match(content):
            yield f"the value of {name}"
    elif isinstance(value, list):
        words = cast("list[Any]", value)
        for flag, word in pairwise(words):
            if isinstance(flag, str) and _FLAG_ALONE.fullmatch(flag) and isinstance(word, str) and _VALUE.match(word):
                yield f"the value of {flag}"


def _texts(text: str, depth: int = _DEPTH) -> Iterator[str]:
    """Give `text` and what is encoded in it, as user data and binary files are."""
    yield text
    for encoded in _ENCODED.findall(text) if depth else ():
        decoded = _decoded(encoded)
        if decoded:
            yield from _texts(decoded, depth - 1)


def _decoded(encoded: str) -> str | None:
    try:
        content = base64.b64decode(encoded, validate=True)
        if content.startswith(b"\x1f\x8b"):
            content = zlib.decompressobj(wbits=31).decompress(content, _MOST_BYTES)
        return content.decode()
    except (binascii.Error, zlib.error, UnicodeDecodeError):
        return None


NO_PLAIN_TOKENS = resource_policy(
    "no-plain-tokens",
    "No token or key stands in an environment variable, a command line, a ConfigMap or user data.",
    check_tokens,
)
