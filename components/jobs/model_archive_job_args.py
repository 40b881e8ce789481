"""Arguments of ModelArchiveJob."""

from pydantic import Field

from ..args import ComponentArgs, Input


class ModelArchiveJobArgs(ComponentArgs):
    """Arguments of ModelArchiveJob."""

    model: str
    """Model to prepare, as a repository on Hugging Face, for example `mistralai/Mixtral-8x7B-v0.1`."""
    bucket: Input[str]
    """Name of the bucket that takes checkpoint and archive."""
    service_account: Input[str]
    """Kubernetes service account that may write to the bucket."""
    machine_type: str
    """Machine type of the nodes on which it runs, without accelerators, for example `n2-standard-16`."""
    startup_seconds: int = Field(ge=60)
    """Seconds that a worker of the server may take to load and compile."""
    quantization: str | None = None
    """`int8`, as the server's. Default: none, bfloat16."""
    shards: int | None = Field(default=None, ge=1)
    """GPUs of one pod of the server, over which the model is split. Default: 1."""
    max_sequence_length: int | None = Field(default=None, ge=16)
    """Tokens of one request, as the server's. Default: 2048."""
    disk_size_gb: int | None = None
    """Size of their boot disk in GB. Default: 100, GKE's own."""
    token: Input[str] | None = None
    """Hugging Face token, a secret. Default: none, which is enough only for models that are not gated."""
    namespace: Input[str] | None = None
    """Namespace, which must exist. Default: `default`."""
    image: str | None = None
    """Container image. Default: TorchServe's for CPUs, of the server's release."""
