"""Takes secrets out of what is shown. The engine does so only where one stands as it is, and not quoted or encoded."""

import base64
import html
import json
import re
import sys
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Any, TextIO
from urllib.parse import quote, quote_plus

HIDDEN = "[secret]"

_SHORTEST = 3
"""Characters. What is shorter is part of many a word; the engine lets it stand, too."""
_SHORTEST_ENCODED = 8

_AS_GO = str.maketrans({"<": r"\u003c", ">": r"\u003e", "&": r"\u0026"})
"""What Go, and so the engine, escapes in JSON beside the rest."""

_QUOTING: tuple[Callable[[str], str], ...] = (
    lambda text: text,
    lambda text: repr(text)[1:-1],
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    lambda text: json.dumps(text, ensure_ascii=False)[1:-1].translate(_AS_GO),
    lambda text: quote(text, safe=""),
    quote,
    quote_plus,
    html.escape,
)


class Mask:
    """Puts `[secret]` in the place of secrets: as they are, quoted up to twice, each of their lines, and encoded."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        parts = {part for secret in secrets for part in (secret, *secret.splitlines()) if len(part) >= _SHORTEST}
        once = {quoted(part) for part in parts for quoted in _QUOTING}
        forms = once | {quoted(form) for form in once for quoted in _QUOTING} | {each.encode().hex() for each in parts}
        patterns = [re.escape(form) for form in sorted(forms, key=len, reverse=True)]
        cores = {core for form in once for core in _in_base64(form) if len(core) >= _SHORTEST_ENCODED}
        if cores:
            # with what is encoded around it, since where the secret begins and ends cannot be told
            patterns.append(rf"[\w+/-]*(?:{'|'.join(map(re.escape, cores))})[\w+/=-]*")
        self._pattern = re.compile("|".join(patterns)) if patterns else None

    def __call__(self, text: str) -> str:
        """Return `text` without the secrets."""
        return self._pattern.sub(HIDDEN, text) if self._pattern else text

    @contextmanager
    def over_output(self) -> Generator[None]:
        """Mask what this process prints, the program that runs in it included, until the block ends."""
        before = sys.stdout, sys.stderr
        # by all that they are used for
        sys.stdout, sys.stderr = (_MaskedStream(each, self) for each in before)  # pyright: ignore[reportAttributeAccessIssue]
        try:
            yield
        finally:
            sys.stdout, sys.stderr = before


class _MaskedStream:
    """A stream in all but what is written to it."""

    def __init__(self, stream: TextIO, mask: Mask) -> None:
        self._stream = stream
        self._mask = mask

    def write(self, text: str) -> int:
        self._stream.write(self._mask(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:  # Any: whatever a stream has
        return getattr(self._stream, name)


def _in_base64(text: str) -> Generator[str]:
    """Return what is the same of `text` in base64 whatever stands around it: one for each place in a group of three."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + text.encode()).decode()
        core = encoded[4 if before else 0 : -4]
        yield core
        yield core.translate(str.maketrans("+/", "-_"))
