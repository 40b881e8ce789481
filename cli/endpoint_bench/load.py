"""What load is put on an endpoint: how many requests, how long, when each is due, and which prompts."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal

from cli.clients import GenerationRequest
from cli.endpoint_bench.tokens import CountTokens
from cli.model import Model
from cli.prompts import Prompt

_COMMON = (
    "time year people way day man thing woman life child world school state family student group country problem hand "
    "part place case week company system program question work government number night point home water room mother "
    "area money story fact month lot right study book eye job word business issue side kind head house service friend"
)
WORDS = _COMMON.split()
"""Common words: most tokenizers have one token for each."""


class Load(Model):
    """How requests follow each other, and how long they are. One of `concurrency` and `rate` is given."""

    concurrency: int | None = None
    """Closed loop: so many requests are under way, and each answer is followed by the next request."""
    rate: float | None = None
    """Open loop: so many requests per second become due, whatever became of those before."""
    arrivals: Literal["poisson", "constant"] | None = None
    """Open loop: whether the times between them are random, or the same."""
    prompt_tokens: int | None = None
    """Length of made-up prompts, each another one. None: one prompt, the same for all."""
    output_tokens: int
    """Most tokens of an answer."""

    @property
    def title(self) -> str:
        """The load in words."""
        how = f"{self.concurrency} at a time" if self.rate is None else f"{self.rate:g}/s {self.arrivals}"
        prompt = "" if self.prompt_tokens is None else f", {self.prompt_tokens} tokens in"
        return f"{how}{prompt}, {self.output_tokens} out"


@dataclass(frozen=True)
class Limits:
    """Where the requests of one load end. Those that are under way by then are waited for."""

    requests: int
    seconds: float


@dataclass(frozen=True)
class Prompts:
    """Where prompts come from."""

    guide: Prompt
    """The server's own, with its sampling parameters."""
    seed: int
    """Of everything that is random."""
    stream: bool = True
    prompt: str | None = None
    """Instead of the guide's."""
    count: CountTokens | None = None
    """A tokenizer. None: a made-up word is taken for a token."""

    def requests(self, load: Load, key: str) -> Iterator[GenerationRequest]:
        """Give requests without end. `key` tells them from those of other loads."""
        if load.prompt_tokens is None:
            request = self.guide.request(self.prompt, load.output_tokens, stream=self.stream)
            while True:
                yield request
        # to draw words takes no secrecy
        source = random.Random(f"{self.seed} {key}")  # noqa: S311
        while True:
            text = self._made_up(source, load.prompt_tokens)
            yield self.guide.request(text, load.output_tokens, stream=self.stream)

    def _made_up(self, source: random.Random, tokens: int) -> str:
        words = source.choices(WORDS, k=tokens)
        if self.count is not None:
            # one correction: words have about the same number of tokens each
            words = source.choices(WORDS, k=max(1, round(tokens * tokens / max(1, self.count(" ".join(words))))))
        return " ".join(words)


def loads(
    concurrencies: list[int],
    rates: list[float],
    arrivals: Literal["poisson", "constant"],
    prompt_tokens: list[int],
    output_tokens: list[int],
) -> list[Load]:
    """Return each combination, in the order in which it was asked for."""
    return [
        Load(
            concurrency=concurrency,
            rate=rate,
            arrivals=None if rate is None else arrivals,
            prompt_tokens=prompt,
            output_tokens=output,
        )
        for prompt, output, (concurrency, rate) in product(
            prompt_tokens or [None],
            output_tokens,
            [*((each, None) for each in concurrencies), *((None, each) for each in rates)],
        )
    ]


def due_times(load: Load, seed: int, key: str) -> Iterator[float]:
    """Give the seconds at which the requests of an open loop are due, without end. The first is due at once."""
    rate = load.rate or 1
    source = random.Random(f"{seed} {key} due")  # noqa: S311 waiting takes no secrecy
    due = 0.0
    while True:
        yield due
        due += source.expovariate(rate) if load.arrivals == "poisson" else 1 / rate
