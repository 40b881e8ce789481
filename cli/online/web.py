"""Asks a web API one question."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from cli.online.answer import SECONDS


class UnreachableError(Exception):
    """Nothing answers there."""


@dataclass(frozen=True)
class Reply:
    """What was answered."""

    status: int
    headers: Mapping[str, str]
    """By name, in lower case."""
    body: bytes

    def json(self) -> Any:  # Any: JSON
        """Return the body as JSON; None if it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


def ask(url: str, headers: Mapping[str, str], method: Literal["GET", "HEAD"] = "GET") -> Reply:
    """Return what the HTTP or HTTPS address `url` answers, whatever its status.

    Raises:
        UnreachableError: nothing answers there.
    """
    try:
        request = Request(url, headers=dict(headers), method=method)  # noqa: S310 callers ask http(s) only
        with urlopen(request, timeout=SECONDS) as reply:  # noqa: S310 as above
            return Reply(reply.status, _lower(reply.headers.items()), reply.read())
    except HTTPError as refused:
        with refused:
            return Reply(refused.code, _lower(refused.headers.items()), refused.read())
    except (URLError, OSError) as failed:
        raise UnreachableError(str(getattr(failed, "reason", failed))) from None


def _lower(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers}
