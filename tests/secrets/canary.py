"""A token that must be found nowhere, and the search for it in all its disguises."""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import re
import secrets
import zlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

_COMPRESSED = re.compile(rb"H4sI[A-Za-z0-9+/]{20,}={0,2}")
"""What gzip begins with, in base64: user data of machines."""


class Canary:
    """A token whose halves are unmistakable, with characters between them that each format writes in its own way.

    JSON, URLs, Python and shells quote what is between the halves, not the halves: finding one is finding the token.
    """

    def __init__(self, between: str = "+/=&%\"'\\ <é>") -> None:
        self.halves = (secrets.token_hex(9), secrets.token_hex(9))
        self.text = f"hf_{self.halves[0]}{between}{self.halves[1]}"
        self._needles = {name: form for half in self.halves for name, form in _forms(half).items()}

    def forms_in(self, data: bytes) -> set[str]:
        """In which forms the token is in `data`."""
        lower = data.lower()
        found = {name for name, form in self._needles.items() if form in (lower if form.islower() else data)}
        for inner in _unpacked(data):
            found |= {f"compressed {name}" for name in self.forms_in(inner)}
        return found

    def found_below(self, *folders: Path) -> dict[str, set[str]]:
        """The files, with the token in their content or in their own path, and in which forms."""
        found = {str(file): self.forms_in(_read(file) + str(file).encode()) for file in _files(*folders)}
        return {file: forms for file, forms in found.items() if forms}


def disguises(canary: Canary) -> dict[str, str]:
    """The token as programs write it, by what was done to it."""
    token = canary.text.encode()
    return {
        "as it is": canary.text,
        "reversed": canary.text[::-1],
        "upper case": canary.text.upper(),
        "JSON": json.dumps({"token": canary.text}),
        "JSON in JSON": json.dumps(json.dumps(canary.text)),
        "JSON of Go": json.dumps(canary.text, ensure_ascii=False).translate(
            {ord(each): f"\\u{ord(each):04x}" for each in "<>&"}
        ),
        "JSON in base64": base64.b64encode(json.dumps({"token": canary.text}).encode()).decode(),
        "Python": repr(canary.text),
        "URL": quote(canary.text),
        "all of it percent-encoded": "".join(f"%{byte:02X}" for byte in token),
        "hexadecimal": token.hex(),
        **{f"base64 after {n}": base64.b64encode(b"u" * n + token).decode() for n in range(3)},
        **{f"base64 of URLs after {n}": base64.urlsafe_b64encode(b"u" * n + token).decode() for n in range(3)},
        "user data": base64.b64encode(gzip.compress(b"export HF_TOKEN=" + token + b" and more")).decode(),
        "first half": canary.halves[0],
        "second half": canary.halves[1],
    }


def _forms(half: str) -> dict[str, bytes]:
    raw = half.encode()
    forms = {half: raw, f"{half} reversed": raw[::-1], f"{half} in hex": binascii.hexlify(raw)}
    forms[f"{half} percent-encoded"] = "".join(f"%{byte:02x}" for byte in raw).encode()
    for before in range(3):
        # at each of the three places where a group of base64 can begin, without the characters that neighbours share
        encoded = base64.b64encode(b"x" * before + raw)
        forms[f"{half} in base64 after {before}"] = encoded[4 if before else 0 : len(encoded) // 4 * 4 - 4]
    assert quote(half) == half
    return forms


def _unpacked(data: bytes) -> Iterator[bytes]:
    for packed in _COMPRESSED.findall(data):
        try:
            yield zlib.decompress(base64.b64decode(packed), wbits=31)
        except (ValueError, zlib.error):
            continue


def _files(*folders: Path) -> Iterator[Path]:
    for folder in folders:
        yield from (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        # removed since it was listed
        return b""
