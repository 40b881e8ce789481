"""Arguments of ConversionJob."""

from ..args import ComponentArgs, Input


class ConversionJobArgs(ComponentArgs):
    """Arguments of ConversionJob."""

    model: str
    """Model to convert, as a repository on Hugging Face, for example `meta-llama/Llama-2-7b-hf`."""
    bucket: Input[str]
    """Name of the bucket that takes the checkpoint."""
    service_account: Input[str]
    """Kubernetes service account that may write to the bucket."""
    machine_type: str
    """Machine type of the nodes on which it runs, without accelerators, for example `n2-standard-16`."""
    disk_size_gb: int | None = None
    """Size of their boot disk in GB. Default: 100, GKE's own."""
    token: Input[str] | None = None
    """Hugging Face token, a secret. Default: none, which is enough only for weights of your own."""
    own_weights: bool | None = None
    """Convert the weights and tokenizer that are in the bucket's folder `llama-2-7b/base` and the like, instead of
    downloading them. Default: false."""
    quantized: bool | None = None
    """Convert to 8-bit integers. Default: false, bfloat16."""
    namespace: Input[str] | None = None
    """Namespace, which must exist. Default: `default`."""
    image: str | None = None
    """Container image. Default: the guide's."""
