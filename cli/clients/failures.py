"""How a request fails. Each text is one line: what happened, where, and what to do."""

from typing import ClassVar


class GenerationError(Exception):
    """A request that got no whole answer."""

    kind: ClassVar[str]
    """Stays the same from request to request, for counting."""


class ConnectionFailedError(GenerationError):
    """Nothing listens there, there is no such host, or the connection ended before there was an answer."""

    kind = "connection"


class TlsError(GenerationError):
    """The other side's certificate is not to be trusted, or it speaks no TLS."""

    kind = "tls"


class StatusError(GenerationError):
    """The server refused the request, or failed before the answer began."""

    kind = "status"

    def __init__(self, where: str, status: int | str, message: str, retry_after: str | None = None) -> None:
        self.status = status
        """HTTP status, or name of the gRPC status."""
        self.retry_after = retry_after
        """Header Retry-After, if there was one: seconds, or a date."""
        told = f": {message.rstrip('. ')}" if message else ""
        advice = ADVICE.get(status, "")
        if retry_after:
            advice = f" Retry after {retry_after}{' s' if retry_after.isdecimal() else ''}."
        super().__init__(f"{where} answered {status}{told}.{advice}")


class ReportedError(GenerationError):
    """The server said in the middle of an answer that it failed."""

    kind = "reported"


class UnexpectedAnswerError(GenerationError):
    """The answer is not what this kind of server answers."""

    kind = "unexpected answer"


class CutOffError(GenerationError):
    """The answer stopped before its end."""

    kind = "cut off"


class FirstPieceTimeoutError(GenerationError):
    """The answer did not begin in time."""

    kind = "first piece timeout"


class TotalTimeoutError(GenerationError):
    """The answer did not end in time."""

    kind = "total timeout"


_KEY = " It asks for a key: send one with --header."
_BUSY = " It is busy: send fewer requests at a time, or start more replicas."

ADVICE: dict[int | str, str] = {
    400: " The request is not one that it takes.",
    401: _KEY,
    403: " The key that was sent, or the network it came from, is not let in.",
    404: " Is it another kind of server, or does the model have another name? Set --server or --model.",
    429: _BUSY,
    500: " Its log says more.",
    502: " What is in front of the server does not reach it. Is its pod ready?",
    503: " Is the model loaded, and its pod ready?",
    504: " What is in front of the server waited too long for it.",
    "INVALID_ARGUMENT": " The request is not one that it takes.",
    "UNAUTHENTICATED": _KEY,
    "NOT_FOUND": " Does the model have another name? Set --model.",
    "UNIMPLEMENTED": " Is it another kind of server? Set --server.",
    "RESOURCE_EXHAUSTED": _BUSY,
    "INTERNAL": " Its log says more.",
}
"""What to do about a status."""
