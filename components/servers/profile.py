"""What a model server is, to whoever deploys it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Serving:
    """What one server is asked to serve."""

    model: str
    """Repository on Hugging Face."""
    model_file: str | None
    """File of the repository, where the server takes one file."""
    quantization: str | None
    """The server's own name of how the weights are kept in memory. None: as published."""
    shards: int
    """Accelerators that the model is split over. 0: it runs on the CPU."""


@dataclass(frozen=True)
class ModelServer:
    """One model server."""

    name: str
    """Value of `server` in the configuration."""
    title: str
    """Name for people."""
    image: str
    """Container image, pinned."""
    port: int
    """Port of the container that answers requests, health checks and metrics."""
    health_path: str
    """Answers 200 once the model is loaded."""
    generate_path: str
    """Route of the server's own generate request."""
    metrics_path: str
    """Prometheus metrics."""
    queue_metric: str
    """Gauge of requests that wait for a slot, by its Prometheus name."""
    needs_accelerator: bool
    """Whether the image runs on accelerators only."""
    needs_file: bool
    """Whether it serves one file of the repository, which must be named."""
    quantizations: frozenset[str]
    """Accepted values of `quantization`. Each that sizing knows has the same name in the catalogue."""
    token_variables: tuple[str, ...]
    """Environment variables from which it reads the Hugging Face token, newer and older names."""
    environment: Callable[[Serving], Mapping[str, str]]
    """Environment variables that serve a model."""
    arguments: Callable[[Serving], list[str]]
    """Command-line arguments that serve a model."""
    request: Callable[[str], Mapping[str, Any]]
    """JSON body of a request that continues a prompt. `Any`: JSON."""
