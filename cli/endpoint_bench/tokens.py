"""Counts tokens: the server's own count where it tells, else a tokenizer's, else an estimate that is called one."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from cli.clients import Generation, GenerationRequest
from cli.errors import RefusedError

CHARACTERS_PER_TOKEN = 4
"""Of English text, with the tokenizers of current models: a rule of thumb."""

CountTokens = Callable[[str], int]


class TokenSource(StrEnum):
    """Who counted."""

    SERVER = "server"
    TOKENIZER = "tokenizer"
    ESTIMATE = "estimate"
    """Of an answer that came in pieces, their number; otherwise a quarter of the characters."""


Counted = tuple[int, TokenSource]


def count_prompt(request: GenerationRequest, generation: Generation, count: CountTokens | None) -> Counted:
    """Return how many tokens the prompt has, and who counted them."""
    if generation.prompt_tokens is not None:
        return generation.prompt_tokens, TokenSource.SERVER
    if count is not None:
        return count(request.prompt), TokenSource.TOKENIZER
    return -(-len(request.prompt) // CHARACTERS_PER_TOKEN), TokenSource.ESTIMATE


def count_output(generation: Generation, count: CountTokens | None) -> Counted:
    """Return how many tokens the answer has, and who counted them."""
    if generation.output_tokens is not None:
        return generation.output_tokens, TokenSource.SERVER
    if count is not None:
        return count(generation.text), TokenSource.TOKENIZER
    pieces = len(generation.pieces)
    return pieces if pieces > 1 else -(-len(generation.text) // CHARACTERS_PER_TOKEN), TokenSource.ESTIMATE


def load_tokenizer(name: str) -> CountTokens:
    """Return what counts with a `tokenizer.json`, or with that of a repository on Hugging Face.

    Raises:
        RefusedError: there is none, or the package is missing.
    """
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise RefusedError("--tokenizer needs the package `tokenizers`: run `pip install tokenizers`.") from None
    try:
        tokenizer = Tokenizer.from_file(name) if Path(name).is_file() else Tokenizer.from_pretrained(name)
    except Exception as error:  # noqa: BLE001 the package raises nothing narrower
        told = (str(error).splitlines() or ["no reason is told"])[0]
        raise RefusedError(
            f"--tokenizer {name}: neither a tokenizer.json nor a repository on Hugging Face that can be read: {told}"
        ) from None
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)
