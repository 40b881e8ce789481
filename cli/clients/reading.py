"""Takes an answer as it arrives."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from cli.clients.endpoint import Endpoint
from cli.clients.failures import FirstPieceTimeoutError, TotalTimeoutError
from cli.clients.generation import Generation, GenerationRequest, Piece, Watch


@dataclass
class Reading:
    """What has come of an answer, and when."""

    request: GenerationRequest
    watch: Watch
    began: float = field(default_factory=time.perf_counter)
    pieces: list[Piece] = field(default_factory=list[Piece])
    length: int = 0
    """Characters so far, where each event repeats those before."""
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    finish_reason: str | None = None
    complete: bool = False
    """Whether the server has said that this was all."""
    _beginning: asyncio.Timeout | None = None

    @asynccontextmanager
    async def limits(self, endpoint: Endpoint) -> AsyncGenerator[None]:
        """Hold what is awaited to the endpoint's limits.

        Raises:
            FirstPieceTimeoutError: it did not begin in time.
            TotalTimeoutError: it did not end in time.
        """
        total = asyncio.timeout(endpoint.total_seconds)
        self._beginning = asyncio.timeout(endpoint.first_piece_seconds if self.request.stream else None)
        try:
            async with total, self._beginning:
                yield
        except TimeoutError:
            if total.expired():
                raise TotalTimeoutError(
                    f"{endpoint.base} did not end its answer within {endpoint.total_seconds:g} s. Ask for fewer "
                    "tokens, or look at how much the server has to do."
                ) from None
            if self._beginning.expired():
                raise FirstPieceTimeoutError(
                    f"{endpoint.base} did not begin to answer within {endpoint.first_piece_seconds:g} s. Is it still "
                    "warming up, or has it too much to do? Its log and its queue metric tell."
                ) from None
            raise

    def take(self, text: Any) -> None:  # Any: JSON
        """Take the next text, if there is any.

        Raises:
            TypeError: it is no text.
        """
        if not isinstance(text, str):
            raise TypeError(text)
        if not text:
            return
        if self._beginning and not self.pieces:
            self._beginning.reschedule(None)
        self.pieces.append(Piece(text, time.perf_counter() - self.began))
        self.watch(self.pieces[-1])

    def generation(self) -> Generation:
        """Return the whole answer, which has ended now."""
        return Generation(
            pieces=tuple(self.pieces),
            seconds=time.perf_counter() - self.began,
            prompt_tokens=self.prompt_tokens,
            output_tokens=self.output_tokens,
            finish_reason=self.finish_reason,
        )
