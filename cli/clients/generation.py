"""What is asked of a model server, and what it answered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class GenerationRequest:
    """One prompt to be continued."""

    prompt: str
    max_output_tokens: int
    stream: bool = True
    """Whether the answer is to come piece by piece. Otherwise it comes as one piece at the end."""
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Sampling parameters, under the server's own names. None of them: greedy decoding, as far as the server lets a
    request choose. `Any`: JSON."""


@dataclass(frozen=True)
class Piece:
    """Text that arrived together: of one token, of several, or of none that makes text by itself."""

    text: str
    seconds: float
    """When it arrived, since the request was begun."""


@dataclass(frozen=True)
class Generation:
    """A whole answer."""

    pieces: tuple[Piece, ...]
    """None of them empty."""
    seconds: float
    """From the beginning of the request to the end of the answer. Reading the server's last words included."""
    prompt_tokens: int | None = None
    """As the server counted. None: it does not tell."""
    output_tokens: int | None = None
    """Likewise."""
    finish_reason: str | None = None
    """Why it ended, in the server's own words: `length`, `stop`, `eos_token` and the like. None: it does not tell."""

    @property
    def text(self) -> str:
        """The answer, without the prompt."""
        return "".join(piece.text for piece in self.pieces)

    @property
    def first_piece_seconds(self) -> float | None:
        """When the first piece arrived. None: there was no text."""
        return self.pieces[0].seconds if self.pieces else None


Watch = Callable[[Piece], None]
"""Called with each piece as it arrives."""


def ignore(_: Piece) -> None:
    """Watch nothing."""
