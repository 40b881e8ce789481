"""What a model server is, to whoever deploys it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..inference.inference_service_args import JetStreamArgs, TorchServeArgs, VllmArgs

FILES_PATH = "/etc/llm-serving"
"""Where a server finds the files that its profile gives it."""


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
    jetstream: JetStreamArgs | None = None
    """JetStream's own flags, for that server."""
    vllm: VllmArgs | None = None
    """vLLM's own flags, for its servers on GPUs."""
    torchserve: TorchServeArgs | None = None
    """TorchServe's own settings, for that server."""
    gpu_clients: int = 1
    """Containers that take turns on the GPU, each of which sees all of its memory."""
    folder: str | None = None
    """Folder of the mounted storage that holds the model. None: the server downloads it, or knows the place."""


@dataclass(frozen=True)
class Sidecar:
    """A second container of the pod, which answers HTTP requests for a server that speaks another protocol."""

    name: str
    """Name of the container."""
    image: str
    """Container image, pinned."""
    cpu: str
    """Kubernetes quantity that it takes besides the server's."""
    memory: str
    """Likewise."""


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
    """Port of the pod that answers HTTP requests and health checks."""
    health_path: str
    """Answers 200 once the model is loaded."""
    generate_path: str
    """Route of the server's own generate request."""
    metrics_path: str | None
    """Prometheus metrics, on the port called `metrics` where there is one, otherwise on `port`. None: it has none. What
    it publishes there stands in `metrics.toml`."""
    needs_accelerator: bool
    """Whether the image runs on accelerators only."""
    needs_file: bool
    """Whether it serves one file of the repository, which must be named."""
    quantizations: frozenset[str]
    """Accepted values of `quantization`. Each that sizing knows has the same name in the catalogue."""
    token_variables: tuple[str, ...]
    """Environment variables from which it reads the Hugging Face token, newer and older names. None: it needs none."""
    environment: Callable[[Serving], Mapping[str, str]]
    """Environment variables that serve a model."""
    arguments: Callable[[Serving], list[str]]
    """Command-line arguments that serve a model."""
    request: Callable[[Serving, str], Mapping[str, Any]]
    """JSON body of a request that continues a prompt. `Any`: JSON."""
    accelerator_kind: Literal["gpu", "tpu"] = "gpu"
    """Which accelerators the image runs on, where it has any."""
    command: tuple[str, ...] = ()
    """Command of an image that does not start the server by itself."""
    data_path: str = "/data"
    """Where the weights are mounted."""
    needs_checkpoint: bool = False
    """Whether it serves a checkpoint that was converted for it, from storage that it only reads, and downloads none."""
    reads_folder: bool = False
    """Whether it can also serve a repository that lies in a folder of storage that it only reads."""
    slots: Callable[[Serving], int | None] = lambda _: None
    """Requests that it decodes together at the most. None: it sets no such bound."""
    takes_memory_at_start: bool = False
    """Whether it takes the memory of its cache before there are requests, and then no more."""
    sidecar: Sidecar | None = None
    """What listens on `port`, where the server itself does not."""
    further_ports: Mapping[str, int] = field(default_factory=dict[str, int])
    """Ports of the server besides `port`, by name. The Service has them too, under the same numbers."""
    files: Callable[[Serving], Mapping[str, str]] = lambda _: {}
    """Files that it reads from `FILES_PATH`, by name. None of them: it reads none."""
    ready_file: str | None = None
    """File that is there once the model is loaded, where `health_path` answers before. None: it does not."""
    alive_command: Callable[[Serving], tuple[str, ...] | None] = lambda _: None
    """Command in its container that succeeds while it answers, where `health_path` asks for a key."""
    cache_path: str | None = None
    """Folder of what it compiles, which stays when it starts again. None: it keeps nothing of the kind."""
    user: int | None = None
    """User of its processes, and group that may write to its volumes, where the image runs as one that is not root.
    None: it runs as root. `docs/least-privilege.md` tells why, and the sources, for this and for `read_only_root`."""
    read_only_root: bool = False
    """Whether it writes to no folder of the image, only to its volumes."""
    key_command: Callable[[Serving], str | None] = lambda _: None
    """Command in its container that prints the key which a request must bear. None: it asks for none."""

    @property
    def metrics_port(self) -> str:
        """Name of the port that answers for metrics."""
        return "metrics" if "metrics" in self.further_ports else "http"
