"""What tells one model server's HTTP from another's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cli.clients.framing import Framing
from cli.clients.generation import GenerationRequest
from cli.clients.reading import Reading


@dataclass(frozen=True)
class HttpProtocol:
    """How requests are written and answers read. `Any`: JSON."""

    path: Callable[[GenerationRequest, str | None], str]
    """Path of a request to a model of the endpoint's name."""
    body: Callable[[GenerationRequest, str | None], Mapping[str, Any]]
    """JSON body of it."""
    framing: Callable[[], Framing]
    """How a streamed answer is cut into events."""
    read_event: Callable[[Reading, Any], str]
    """Returns the new text of an event. Raises LookupError, TypeError or ValueError if it is not what it should be."""
    read_whole: Callable[[Reading, Any], str]
    """Returns the text of an answer that was not streamed. Raises likewise."""
    health_path: str
    """Answers 200 once the model is loaded."""
    says_end: bool = True
    """Whether the last event says that it is the last. Otherwise the end of the body does."""
    plain_text: bool = False
    """Whether answers are text and not JSON."""
    read_headers: Callable[[Reading, Mapping[str, str]], None] = lambda _reading, _headers: None
    """Takes what the headers of an answer that was not streamed tell."""


def error_message(document: Any) -> str | None:  # Any: JSON
    """Return what a JSON document that tells of an error says. None: it does not.

    The forms: `error` as text (TGI, Triton), `error.message` (OpenAI, llama.cpp), `message` (older vLLM, TorchServe),
    `detail` (FastAPI).
    """
    if not isinstance(document, dict):
        return None
    error: Any = document.get("error") or document.get("message") or document.get("detail")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] (JSON)
    if isinstance(error, dict):
        error = error.get("message") or error  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] (JSON)
    return str(error) if error else None  # pyright: ignore[reportUnknownArgumentType] (JSON)
