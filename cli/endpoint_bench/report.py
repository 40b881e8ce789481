"""What was measured, as scripts read it. Times are in seconds."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field, JsonValue

from cli.endpoint_bench.load import Load
from cli.endpoint_bench.tokens import TokenSource
from cli.model import Model

FORMAT = 1


class Distribution(Model):
    """What many values are like. Percentiles are nearest-rank."""

    count: int
    mean: float
    least: float
    p50: float | None
    """None here and below: too few values to tell it from the largest."""
    p90: float | None
    p95: float | None
    p99: float | None
    most: float


class Failure(Model):
    """Why a request got no whole answer."""

    kind: str
    """Stays the same from request to request: `status 429`, `connection`, `cut off` and the like."""
    message: str


class ErrorCount(Model):
    """Requests that failed in one way."""

    kind: str
    count: int
    example: str
    """What the first of them told."""


class RequestRecord(Model):
    """One request. Its figures are null if it failed."""

    due_seconds: float
    """When it was to be sent, since its load began."""
    sent_seconds: float
    """When it was, likewise."""
    ended_seconds: float
    """When its answer or its failure was there, likewise."""
    latency_seconds: float | None = None
    """From when it was due to the end of the answer."""
    time_to_first_token_seconds: float | None = None
    """From when it was due to the first text. Null if the answer did not come in pieces."""
    time_per_output_token_seconds: float | None = None
    """From the first text to the last, for each token but the first. Null if the answer did not come in pieces."""
    prompt_tokens: int | None = None
    prompt_tokens_from: TokenSource | None = None
    output_tokens: int | None = None
    output_tokens_from: TokenSource | None = None
    finish_reason: str | None = None
    """In the server's own words."""
    failure: Failure | None = None


class First(Model):
    """The first request of the run, which counts in no other figure."""

    label: Literal["cold", "first"]
    """`cold` if the server was seen to get ready just before."""
    why: str
    """How that is known."""
    request: RequestRecord


class WarmUp(Model):
    """Requests after the first one, one after the other, which count in no figure."""

    requests: int
    errors: tuple[ErrorCount, ...] = ()


class Bound(Model):
    """What no server can exceed on these accelerators, as `llm-serving size` works it out."""

    model: str
    accelerators: str
    """Of one replica."""
    quantization: str | None
    """None: weights as published."""
    replicas: int
    time_per_output_token_seconds: float
    """The least, of a request alone."""
    tokens_per_second: float
    """The most, with as many requests together as were at one time under way."""


class LoadReport(Model):
    """What came of one load."""

    load: Load
    ended_by: Literal["requests", "time"]
    """Which limit was reached."""
    seconds: float
    """From the first request until the last one had ended."""
    sent: int
    answered: int
    errors: tuple[ErrorCount, ...]
    most_under_way: int
    """Most requests that were under way at one time."""
    most_late_seconds: float
    """The most that a request was sent after it was due. Much of it: this machine is too slow for the load."""
    latency: Distribution | None
    """Of the answered requests, as all that follows. Null: none tells it."""
    time_to_first_token: Distribution | None
    time_per_output_token: Distribution | None
    inter_token_latency: Distribution | None
    """Between one piece of text and the next, of all answers together. A piece may hold several tokens."""
    request_tokens_per_second: Distribution | None
    """Tokens of an answer, by its latency."""
    prompt_tokens: Distribution | None
    output_tokens: Distribution | None
    tokens_per_second: float
    """Tokens of all answers, by the seconds of the load."""
    requests_per_second: float
    """Answered ones, likewise."""
    prompt_tokens_from: tuple[TokenSource, ...]
    """Who counted them, all that did."""
    output_tokens_from: tuple[TokenSource, ...]
    """Likewise."""
    bound: Bound | None = None
    requests: tuple[RequestRecord, ...]

    @property
    def failed(self) -> int:
        """Requests that got no whole answer."""
        return self.sent - self.answered

    @property
    def error_share(self) -> float:
        """Share of the requests that failed, 0 to 1."""
        return self.failed / self.sent if self.sent else 0

    def of(self, name: str) -> list[float]:
        """Return the values that the answered requests have of a field, in ascending order."""
        values = (getattr(each, name) for each in self.requests if each.failure is None)
        return sorted(value for value in values if value is not None)


class TargetResult(Model):
    """A target, and whether one load met it."""

    target: str
    """As it was written."""
    load: str
    """In words."""
    measured: float | None
    """Null: it cannot be told."""
    met: bool
    why: str
    """In words."""


class Change(Model):
    """One figure of a load, then and now."""

    figure: str
    before: float
    now: float

    @property
    def percent(self) -> float | None:
        """By how much it rose. None: there was nothing."""
        return 100 * (self.now / self.before - 1) if self.before else None


class LoadComparison(Model):
    """How the figures of one load have changed. Whether more than chance, it cannot tell."""

    load: str
    changes: tuple[Change, ...]


class Comparison(Model):
    """What an earlier report has of the same loads."""

    file: str
    began: str
    differences: tuple[str, ...]
    """What else was not the same then."""
    loads: tuple[LoadComparison, ...]
    """Those that both have."""


class Report(Model):
    """What came of a run of `llm-serving bench`."""

    format: int = FORMAT
    """Version of this document's form."""
    began: str
    """When, in UTC."""
    stack: str | None
    url: str
    server: str
    protocol: str
    model: str | None
    """Name by which requests call the model."""
    stream: bool
    prompt: str | None
    """The same for all requests, except where a load makes its own. Null: all do."""
    parameters: dict[str, JsonValue]
    """Of sampling, under the server's own names."""
    seed: int
    """Of made-up prompts, and of random arrivals."""
    first: First
    warm_up: WarmUp
    loads: tuple[LoadReport, ...]
    targets: tuple[TargetResult, ...] = ()
    comparison: Comparison | None = None
    notes: tuple[str, ...] = Field(default=())
    """What is to be known when the figures are read."""

    @property
    def missed(self) -> Sequence[TargetResult]:
        """Targets that a load has missed."""
        return [each for each in self.targets if not each.met]
