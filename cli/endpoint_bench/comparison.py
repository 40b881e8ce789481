"""Compares a report with an earlier one."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from cli.endpoint_bench.report import Change, Comparison, Distribution, LoadComparison, LoadReport, Report
from cli.errors import RefusedError

COMPARED = ("time_to_first_token", "time_per_output_token", "latency")
PERCENTILES = ("p50", "p95")
SAME = ("server", "protocol", "model", "stream", "prompt", "parameters")
"""What has to be the same for figures to be comparable."""


def read_report(file: Path) -> Report:
    """Return a report that was written with `--json` or `--output`.

    Raises:
        RefusedError: the file holds none.
    """
    try:
        return Report.model_validate_json(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise RefusedError(f"--compare {file}: this file cannot be read: {why}.") from None
    except ValidationError:
        raise RefusedError(f"--compare {file}: this is no report of `llm-serving bench` of this version.") from None


def compare(now: Report, before: Report, file: Path) -> Comparison:
    """Return how the figures of the loads that both reports have are changed."""
    differences = [
        f"{name.replace('_', ' ')}: {_short(getattr(before, name))} then, {_short(getattr(now, name))} now"
        for name in SAME
        if getattr(before, name) != getattr(now, name)
    ]
    earlier = {each.load: each for each in before.loads}
    differences += [f"not measured then: {each.load.title}" for each in now.loads if each.load not in earlier]
    return Comparison(
        file=str(file),
        began=before.began,
        differences=tuple(differences),
        loads=tuple(
            LoadComparison(load=each.load.title, changes=tuple(_changes(earlier[each.load], each)))
            for each in now.loads
            if each.load in earlier
        ),
    )


def _changes(before: LoadReport, now: LoadReport) -> Iterator[Change]:
    for name in COMPARED:
        old: Distribution | None = getattr(before, name)
        new: Distribution | None = getattr(now, name)
        for percent in PERCENTILES:
            then, today = (getattr(each, percent) if each else None for each in (old, new))
            if then and today is not None:
                yield Change(figure=f"{percent} {name.replace('_', ' ')}, s", before=then, now=today)
    if before.tokens_per_second:
        yield Change(figure="tokens per second", before=before.tokens_per_second, now=now.tokens_per_second)
    if before.error_share or now.error_share:
        yield Change(figure="share of errors", before=before.error_share, now=now.error_share)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
