"""What each model server publishes of its load, by the names that it publishes it under."""

import functools
import tomllib
from pathlib import Path

from pydantic import Field

from ..catalog import Fact, Record


class Metric(Record):
    """One gauge of one model server."""

    name: str = Field(pattern=r"^[a-z_:][a-z0-9_:]*$")
    """Prometheus name. In lower case, or the autoscaler asks for another: kubernetes/kubernetes#72996."""
    share: bool = False
    """Whether its value is a share, between 0 and 1, and not a number of requests."""
    labels: dict[str, str] = Field(default_factory=dict[str, str])
    """Which series of the metric, where it has several."""
    record: str | None = None
    """PromQL that the metric is recorded from, by namespace and pod, where the server publishes no such gauge itself.
    SERVICE stands for the name of the Deployment."""


class ServerMetrics(Fact):
    """The gauges of one model server. None: it has no such gauge."""

    queue: Metric | None = None
    """Requests that wait for a slot."""
    batch: Metric | None = None
    """Requests that are decoded now, or the share of slots that they take."""
    cache: Metric | None = None
    """Share of the key-value cache that is taken."""


@functools.cache
def load_metrics() -> dict[str, ServerMetrics]:
    """Return the gauges of every model server, by the server's name."""
    tables = tomllib.loads(Path(__file__).with_name("metrics.toml").read_text(encoding="utf-8"))
    return {name: ServerMetrics.model_validate(table) for name, table in tables.items()}
