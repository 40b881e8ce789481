"""Figures of many requests from those of each. Nothing is averaged that a percentile can tell."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean

from cli.clients import Generation, GenerationError
from cli.clients.failures import StatusError
from cli.endpoint_bench.report import Distribution, ErrorCount, Failure, RequestRecord
from cli.endpoint_bench.run import Sample
from cli.endpoint_bench.tokens import CountTokens, count_output, count_prompt


def percentile(values: Sequence[float], percent: int) -> float | None:
    """Return the nearest-rank percentile of sorted `values`: the least that so many percent do not exceed.

    None where there are too few values to tell it from the largest: 2 for the 50th, 10, 20 and 100 for the 90th, 95th
    and 99th.
    """
    count = len(values)
    if count * (100 - percent) < 100:
        return None
    return values[-(-count * percent // 100) - 1]


def distribution(values: Sequence[float]) -> Distribution | None:
    """Return what `values` are like. None: there are none."""
    if not values:
        return None
    ordered = sorted(values)
    return Distribution(
        count=len(ordered),
        mean=fmean(ordered),
        least=ordered[0],
        p50=percentile(ordered, 50),
        p90=percentile(ordered, 90),
        p95=percentile(ordered, 95),
        p99=percentile(ordered, 99),
        most=ordered[-1],
    )


def record(sample: Sample, count: CountTokens | None) -> RequestRecord:
    """Return the figures of one request."""
    answer = sample.answer
    base = RequestRecord(due_seconds=sample.due, sent_seconds=sample.sent, ended_seconds=sample.ended)
    if isinstance(answer, GenerationError):
        return base.model_copy(update={"failure": Failure(kind=kind_of(answer), message=str(answer))})
    began = answer.first_piece_seconds
    if began is None:
        nothing = Failure(kind="no text", message="It answered without any text.")
        return base.model_copy(update={"failure": nothing})
    late = sample.sent - sample.due
    (prompt_tokens, prompt_source), (output_tokens, output_source) = (
        count_prompt(sample.request, answer, count),
        count_output(answer, count),
    )
    # an answer of several tokens in one piece tells nothing of its beginning
    streamed = sample.request.stream and (len(answer.pieces) > 1 or output_tokens == 1)
    return base.model_copy(
        update={
            "latency_seconds": late + answer.seconds,
            "time_to_first_token_seconds": late + began if streamed else None,
            "time_per_output_token_seconds": _per_token(answer, output_tokens),
            "prompt_tokens": prompt_tokens,
            "prompt_tokens_from": prompt_source,
            "output_tokens": output_tokens,
            "output_tokens_from": output_source,
            "finish_reason": answer.finish_reason,
        }
    )


def _per_token(answer: Generation, output_tokens: int) -> float | None:
    if len(answer.pieces) < 2 or output_tokens < 2:
        return None
    return (answer.pieces[-1].seconds - answer.pieces[0].seconds) / (output_tokens - 1)


def gaps(samples: Sequence[Sample]) -> list[float]:
    """Return the seconds between the pieces of each answer, of all answers together."""
    return [
        later.seconds - earlier.seconds
        for sample in samples
        if isinstance(sample.answer, Generation)
        for earlier, later in pairwise(sample.answer.pieces)
    ]


def kind_of(error: GenerationError) -> str:
    """Return what an error is counted as."""
    return f"{error.kind} {error.status}" if isinstance(error, StatusError) else error.kind


def count_errors(records: Sequence[RequestRecord]) -> tuple[ErrorCount, ...]:
    """Return how many requests failed, by kind, the most frequent first."""
    failures = [each.failure for each in records if each.failure]
    examples = {each.kind: each.message for each in reversed(failures)}
    counted = Counter(each.kind for each in failures)
    return tuple(ErrorCount(kind=kind, count=number, example=examples[kind]) for kind, number in counted.most_common())
