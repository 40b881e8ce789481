"""What the figures of an endpoint are to be, and whether they are."""

import math
import re
from dataclasses import dataclass

from cli.endpoint_bench.report import LoadReport, TargetResult
from cli.endpoint_bench.statistics import percentile
from cli.errors import RefusedError

LATENCIES = {
    "ttft": "time_to_first_token_seconds",
    "tpot": "time_per_output_token_seconds",
    "latency": "latency_seconds",
}
"""Short names that the field has for them."""

SPEEDS = ("tokens-per-second", "requests-per-second")

LATENCY = re.compile(rf"p(?P<percent>50|90|95|99)\.(?P<name>{'|'.join(LATENCIES)})=(?P<value>[\d.]+)(?P<unit>ms|s)")
SPEED = re.compile(rf"(?P<name>{'|'.join(SPEEDS)})=(?P<value>[\d.]+)")


@dataclass(frozen=True)
class Target:
    """One of them."""

    written: str
    name: str
    value: float
    """Seconds, tokens or requests per second, or a share."""
    percent: int | None = None

    def judge(self, report: LoadReport) -> TargetResult:
        """Tell whether a load met it. For a percentile, a failed request counts as one that never ends."""
        if self.percent is not None:
            measured, why = self._latency(report, self.percent)
            met = measured is not None and measured <= self.value
        elif self.name == "error-share":
            measured = report.error_share
            met, why = measured <= self.value, f"{report.failed} of {report.sent} requests failed"
        else:
            measured = report.tokens_per_second if self.name == SPEEDS[0] else report.requests_per_second
            met, why = measured >= self.value, f"it was {measured:.4g}"
        return TargetResult(
            target=self.written,
            load=report.load.title,
            measured=measured if measured is None or math.isfinite(measured) else None,
            met=met,
            why=why,
        )

    def _latency(self, report: LoadReport, percent: int) -> tuple[float | None, str]:
        values = report.of(LATENCIES[self.name])
        silent = [
            each
            for each in report.requests
            # one token alone has no time per token
            if (each.output_tokens or 0) > 1 and getattr(each, LATENCIES[self.name]) is None
        ]
        if silent:
            return None, f"{len(silent)} answers did not come in pieces, and do not tell"
        found = percentile([*values, *[math.inf] * report.failed], percent)
        if found is None:
            least = math.ceil(100 / (100 - percent))
            return None, f"a p{percent} takes {least} requests or more, and there were {len(values) + report.failed}"
        if math.isinf(found):
            return found, f"{report.failed} of {report.sent} requests failed"
        return found, f"it was {found:.4g} s"


def parse_target(written: str) -> Target:
    """Return a target that is written like `p95.ttft=500ms` or `tokens-per-second=100`.

    Raises:
        RefusedError: it is not.
    """
    if match := LATENCY.fullmatch(written):
        scale = 1000 if match["unit"] == "ms" else 1
        return Target(written, match["name"], _number(match["value"], written) / scale, int(match["percent"]))
    if match := SPEED.fullmatch(written):
        return Target(written, match["name"], _number(match["value"], written))
    raise _refusal(written)


def error_share_target(share: float) -> Target:
    """Return the target that no more than `share` of the requests fail."""
    return Target(f"error share at most {share:g}", "error-share", share)


def _number(text: str, written: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise _refusal(written) from None
    if not number > 0:
        raise _refusal(written)
    return number


def _refusal(written: str) -> RefusedError:
    return RefusedError(
        f"--target {written}: write it like p95.ttft=500ms, p50.tpot=30ms, p99.latency=20s (p50, p90, p95 or p99), "
        f"tokens-per-second=100 or requests-per-second=2."
    )
