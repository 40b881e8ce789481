"""Sums up what came of one load."""

from cli.endpoint_bench.load import Load
from cli.endpoint_bench.report import LoadReport
from cli.endpoint_bench.run import Run
from cli.endpoint_bench.statistics import count_errors, distribution, gaps, record
from cli.endpoint_bench.tokens import CountTokens, TokenSource


def summarize(load: Load, run: Run, count: CountTokens | None) -> LoadReport:
    """Return the figures of a load. `count` is a tokenizer, for what the server does not tell."""
    records = sorted((record(each, count) for each in run.samples), key=lambda each: each.sent_seconds)
    answered = [each for each in records if each.failure is None]
    prompt_sources = {each.prompt_tokens_from for each in answered}
    output_sources = {each.output_tokens_from for each in answered}
    tokens = sum(each.output_tokens or 0 for each in answered)
    report = LoadReport(
        load=load,
        ended_by="time" if run.out_of_time else "requests",
        seconds=run.seconds,
        sent=len(records),
        answered=len(answered),
        errors=count_errors(records),
        most_under_way=run.most_under_way,
        most_late_seconds=max((each.sent_seconds - each.due_seconds for each in records), default=0),
        latency=None,
        time_to_first_token=None,
        time_per_output_token=None,
        inter_token_latency=distribution(gaps(run.samples)),
        request_tokens_per_second=distribution(
            [(each.output_tokens or 0) / each.latency_seconds for each in answered if each.latency_seconds]
        ),
        prompt_tokens=None,
        output_tokens=None,
        tokens_per_second=tokens / run.seconds,
        requests_per_second=len(answered) / run.seconds,
        prompt_tokens_from=tuple(source for source in TokenSource if source in prompt_sources),
        output_tokens_from=tuple(source for source in TokenSource if source in output_sources),
        requests=tuple(records),
    )
    return report.model_copy(
        update={
            "latency": distribution(report.of("latency_seconds")),
            "time_to_first_token": distribution(report.of("time_to_first_token_seconds")),
            "time_per_output_token": distribution(report.of("time_per_output_token_seconds")),
            "prompt_tokens": distribution(report.of("prompt_tokens")),
            "output_tokens": distribution(report.of("output_tokens")),
        }
    )
