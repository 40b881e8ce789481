"""What a model server of the tests does with the requests that it gets."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.waiting import PATIENCE_SECONDS


@dataclass(frozen=True)
class Asked:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: Any


@dataclass
class Behavior:
    """How it answers."""

    tokens: tuple[str, ...] = ("A", " mixture", " of", " experts", ".")
    prompt_tokens: int = 7
    first_token_seconds: float = 0
    """How long it waits before the first token, since it has read the request."""
    token_seconds: float = 0
    """How long after a token it sends the next."""
    steps: threading.Semaphore | None = None
    """Where there is one, each further token waits for a release."""
    status: int = 200
    answer_headers: Mapping[str, str] = field(default_factory=dict)
    message: str = "Model is overloaded"
    """What it says with another status than 200, in its own form."""
    raw: bytes | None = None
    """What it answers instead of all else."""
    cut_after: int | None = None
    """After how many tokens it ends the connection, without the end of the answer."""
    report_after: int | None = None
    """After how many tokens it says in the answer that it failed."""
    unhealthy: int = 0
    """How many questions for health it answers with 503 at first."""
    key: str | None = None
    """Whoever comes without it is not let in."""
    asked: list[Asked] = field(default_factory=list)
    health_asked: int = 0

    def delay(self, index: int) -> float:
        """Return how long the token `index` is waited for."""
        return self.token_seconds if index else self.first_token_seconds

    def wait_for_step(self, index: int) -> None:
        """Wait until the token before `index` was taken, if the test wants that."""
        if index and self.steps:
            assert self.steps.acquire(timeout=PATIENCE_SECONDS), "nobody took the token before"
