"""Arguments of CheckpointDisk."""

from pydantic import Field

from ..args import ComponentArgs, Input


class CheckpointDiskArgs(ComponentArgs):
    """Arguments of CheckpointDisk."""

    model: str
    """Model to convert, as a repository on Hugging Face, for example `meta-llama/Llama-2-7b-hf`."""
    zone: str
    """Zone of the disk, and so of every pod that mounts it."""
    token: Input[str]
    """Hugging Face token, a secret. Kept in Secret Manager."""
    project: Input[str] | None = None
    """Google Cloud project ID. Default: that of the gcp provider."""
    size_gb: int | None = Field(default=None, ge=10)
    """Size of the disk in GB. Default: half as much again as the weights."""
    subnetwork: Input[str] | None = None
    """Subnetwork of the converter, which reaches the internet through a Cloud NAT. Default: `default`."""
    namespace: Input[str] | None = None
    """Namespace of the claim and of its pods, which must exist. Default: `default`."""
    convert: bool | None = None
    """Fill the disk. False: it is filled already, and what filled it, the token included, is taken out of the stack.
    Default: true."""
