"""Arguments of FineTuneJob."""

from enum import StrEnum

from pydantic import Field

from ..args import ComponentArgs, Input
from ..inference.inference_service_args import ResourcesArgs


class Save(StrEnum):
    """What is left of the best candidate."""

    MERGED = "merged"
    """A whole model, which is served as any other."""
    ADAPTER = "adapter"
    """The adapter alone, which is served with its base model."""


class FineTuneJobArgs(ComponentArgs):
    """Arguments of FineTuneJob."""

    bucket: Input[str]
    """Name of the bucket that takes checkpoints and the best model."""
    service_account: Input[str]
    """Kubernetes service account that may write to the bucket."""
    accelerator: str
    """GPU of the nodes by GKE's name, for example `nvidia-l4`. A pod has one."""
    models: list[str] | None = None
    """Candidates, as repositories on Hugging Face. Each is trained, and the one with the best ROUGE-L kept. Default:
    the guide's, `mistralai/Mistral-7B-Instruct-v0.3` and `meta-llama/Llama-3.2-3B-Instruct`."""
    folder: str | None = None
    """Folder of the bucket. What is trained there with the same settings is not trained again. Default: `finetune`."""
    rank: int | None = Field(default=None, ge=1, le=512)
    """Rank of the LoRA matrices. Default: 16."""
    batch_size: int | None = Field(default=None, ge=1)
    """Examples on the GPU at a time. Default: 2."""
    max_length: int | None = Field(default=None, ge=16)
    """Tokens of prompt and answer together. Default: 1024."""
    save: Save | None = None
    """What is kept of the best training. Default: `merged`."""
    push_to: str | None = None
    """Repository on Hugging Face that takes the best model. Default: none, nothing is pushed."""
    private: bool | None = None
    """Whether that repository is private. Default: true."""
    settings: dict[str, str] | None = None
    """Further settings of the fine-tune, never secrets, by their names in `workloads/finetune/settings.py`, for example
    `epochs` or `dataset`. Default: none."""
    token: Input[str] | None = None
    """Hugging Face token, a secret. Needed for gated models and to push. Default: none."""
    wandb_api_key: Input[str] | None = None
    """Weights & Biases API key, a secret. Default: none, the training is not tracked."""
    spot: bool | None = None
    """Run on Spot VMs, which cost less and can be taken back: the training then goes on from its last checkpoint.
    Default: true."""
    autopilot: bool | None = None
    """Whether the cluster is in Autopilot mode. Default: false."""
    node_selector: dict[str, str] | None = None
    """Labels that a node must have, besides those of the accelerator and of Spot VMs. Autopilot takes
    `cloud.google.com/gke-gpu-driver-version: latest`. Default: none."""
    resources: ResourcesArgs | None = None
    """What the pod takes of its node. Default: 6 CPUs and 24 GiB of memory, which a `g2-standard-8` has."""
    disk_size_gb: int | None = Field(default=None, ge=1)
    """GiB of the disk for packages and weights, made and deleted with the pod. Default: from the models' sizes."""
    storage_class: str | None = None
    """Storage class of that disk, for example `premium-rwo`. Default: the cluster's."""
    namespace: Input[str] | None = None
    """Namespace, which must exist. Default: `default`."""
    image: str | None = None
    """Container image with Python 3.11 or newer. Default: Python's own."""
    hours: int | None = Field(default=None, ge=1, le=500)
    """Hours after which the Job counts as stuck, waiting for a node included. Default: 24."""
