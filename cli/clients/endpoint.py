"""Where a model server is, and how long it may take."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from cli.masking import Mask

_SHORTEST_KEY = 8
"""Characters. A shorter value of a header is a word or a number that a message may have, too."""


@dataclass(frozen=True)
class Endpoint:
    """A model server as it is reached from here."""

    url: str
    """Scheme, host and port, and what a gateway puts before the server's own paths. https is TLS, for gRPC, too."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Sent with each request. Never shown: keys are among them."""
    model: str | None = None
    """Name by which requests call the model, where they do. None: the name that the project's recipes give it."""
    connect_seconds: float = 10
    """How long it may take until there is a connection."""
    first_piece_seconds: float = 300
    """How long a streamed answer may take to begin. The first request after a start may compile or warm up first."""
    total_seconds: float = 900
    """How long a whole answer may take."""

    @property
    def loopback(self) -> bool:
        """Whether it is on this machine."""
        host = urlsplit(self.url).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    @property
    def base(self) -> str:
        """The URL without a slash at its end."""
        return self.url.rstrip("/")

    def hide_keys(self, message: str) -> str:
        """Return what a server says, without what the headers hold: some repeat the key that they refuse."""
        sent = (value.split()[-1] for value in self.headers.values() if value.strip())
        return Mask(each for each in sent if len(each) >= _SHORTEST_KEY)(message)
