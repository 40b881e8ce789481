"""Shows a report on a terminal."""

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.endpoint_bench.report import Comparison, Distribution, LoadReport, Report, RequestRecord
from cli.endpoint_bench.tokens import TokenSource

COUNTED_BY: dict[tuple[TokenSource, ...], str] = {
    (TokenSource.SERVER,): "as the server counts",
    (TokenSource.TOKENIZER,): "as the tokenizer counts",
    (TokenSource.ESTIMATE,): "an estimate",
}


def show(report: Report, console: Console) -> None:
    """Print the figures, errors, targets and notes."""
    console.print(Text(_first(report)), soft_wrap=True)
    console.print(Text(f"{report.warm_up.requests} more to warm up; none of these counts below."), soft_wrap=True)
    for each in report.warm_up.errors:
        console.print(Text(f"  of them, {each.count} failed, {each.kind}: {each.example}"), style="red", soft_wrap=True)
    for load in report.loads:
        console.print()
        console.print(Text(_title(load)), style="bold", soft_wrap=True)
        console.print(_table(load))
        for line in _lines(load):
            console.print(Text(f"  {line}"), soft_wrap=True)
        for each in load.errors:
            console.print(Text(f"  {each.count} failed, {each.kind}: {each.example}"), style="red", soft_wrap=True)
    if report.comparison:
        _show_comparison(report.comparison, console)
    if report.targets:
        console.print()
    for target in report.targets:
        verdict = "met" if target.met else "missed"
        line = Text(f"{verdict}: {target.target}, {target.load}: {target.why}")
        console.print(line, style="green" if target.met else "red", soft_wrap=True)
    for note in report.notes:
        console.print(Text(note), style="dim", soft_wrap=True)


def _first(report: Report) -> str:
    first = report.first
    return f"The {first.label} request ({first.why}): {_request(first.request)}."


def _request(request: RequestRecord) -> str:
    if request.failure:
        return f"failed, {request.failure.kind}: {request.failure.message}".rstrip(".")
    began = request.time_to_first_token_seconds
    told = f", the first token after {seconds(began)}" if began is not None else ""
    return f"{seconds(request.latency_seconds)}{told}, {request.output_tokens} tokens"


def _title(load: LoadReport) -> str:
    ended = ", ended by time" if load.ended_by == "time" else ""
    failed = f"{load.failed} failed" if load.failed else "none failed"
    return f"{load.load.title}: {load.sent} requests in {load.seconds:.1f} s{ended}, {failed}"


def _table(load: LoadReport) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    table.add_column("", no_wrap=True)
    for name in ("p50", "p90", "p95", "p99", "least", "most", "mean", "of"):
        table.add_column(name, justify="right", no_wrap=True)
    rows = {
        "time to first token": load.time_to_first_token,
        "time per output token": load.time_per_output_token,
        "between pieces": load.inter_token_latency,
        "latency": load.latency,
    }
    for name, values in rows.items():
        table.add_row(f"  {name}", *_cells(values))
    return table


def _cells(values: Distribution | None) -> Iterator[str]:
    if values is None:
        yield from ["-"] * 8
        return
    for value in (values.p50, values.p90, values.p95, values.p99, values.least, values.most, values.mean):
        yield seconds(value)
    yield str(values.count)


def _lines(load: LoadReport) -> Iterator[str]:
    if load.answered:
        each = load.request_tokens_per_second
        alone = f", {each.mean:.1f} of one request on average" if each else ""
        yield f"{load.tokens_per_second:.1f} tokens/s in all{alone}; {load.requests_per_second:.3g} requests/s"
        prompt, answer = (
            _tokens(load.prompt_tokens, load.prompt_tokens_from),
            _tokens(load.output_tokens, load.output_tokens_from),
        )
        yield f"tokens of a prompt: {prompt}; of an answer: {answer}"
    if load.load.rate is not None:
        yield f"at most {load.most_under_way} under way, and {seconds(load.most_late_seconds)} late"
    if load.bound:
        bound, each = load.bound, load.time_per_output_token
        share = f", {100 * bound.time_per_output_token_seconds / each.mean:.0f} % reached" if each and each.mean else ""
        reached = 100 * load.tokens_per_second / bound.tokens_per_second
        yield (
            f"at best, {bound.accelerators} give a token every {seconds(bound.time_per_output_token_seconds)}{share}; "
            f"{bound.tokens_per_second:.0f} tokens/s of {load.most_under_way} together, {reached:.0f} % reached"
        )


def _tokens(values: Distribution | None, sources: tuple[TokenSource, ...]) -> str:
    if values is None:
        return "-"
    told = f"{values.least:g}" if values.least == values.most else f"{values.least:g} to {values.most:g}"
    return f"{told} ({COUNTED_BY.get(sources, 'in part estimates')})"


def _show_comparison(comparison: Comparison, console: Console) -> None:
    console.print()
    console.print(Text(f"Compared with {comparison.file} of {comparison.began}"), style="bold", soft_wrap=True)
    for difference in comparison.differences:
        console.print(Text(f"  {difference}"), style="yellow", soft_wrap=True)
    for load in comparison.loads:
        console.print(Text(f"  {load.load}"))
        for change in load.changes:
            by = "" if change.percent is None else f" ({change.percent:+.0f} %)"
            console.print(Text(f"    {change.figure}: {change.before:.4g} -> {change.now:.4g}{by}"), soft_wrap=True)


def seconds(value: float | None) -> str:
    """Write a time as short as it can be told."""
    if value is None:
        return "-"
    return f"{1000 * value:.1f} ms" if value < 1 else f"{value:.2f} s"
