"""Arguments of InferenceService."""

from enum import StrEnum

from pydantic import Field

from components.args import ComponentArgs, Input


class Server(StrEnum):
    """Model servers that InferenceService can run."""

    TGI = "tgi"
    """Hugging Face Text Generation Inference, on GPUs."""
    LLAMA_CPP = "llama-cpp"
    """llama.cpp's server, on the CPU."""
    JETSTREAM = "jetstream"
    """JetStream with PyTorch/XLA, on TPUs, from a converted checkpoint. Archived upstream in 2026."""
    VLLM_TPU = "vllm-tpu"
    """vLLM on TPUs, JetStream's successor."""


class Exposure(StrEnum):
    """Who can reach the service."""

    CLUSTER = "cluster"
    """Pods of the cluster, and whoever may forward a port to it."""
    INTERNAL = "internal"
    """The VPC network, through an internal load balancer."""
    PUBLIC = "public"
    """The given ranges of the internet, through an external load balancer."""


class StorageKind(StrEnum):
    """Where the weights are kept."""

    EPHEMERAL_VOLUME = "ephemeral-volume"
    """A volume of a storage class, made and deleted with the pod."""
    HOST_PATH = "host-path"
    """A folder of the node, which stays when the pod goes: on the local SSDs of a GPU pool, the fastest there is."""
    EMPTY_DIR = "empty-dir"
    """The node's ephemeral storage, emptied when the pod goes."""
    BUCKET = "bucket"
    """A Cloud Storage bucket, which pods only read."""
    CLAIM = "claim"
    """A PersistentVolumeClaim that exists, which pods only read."""


class AccessMode(StrEnum):
    """How many nodes can mount a claim."""

    READ_ONLY_MANY = "ReadOnlyMany"
    """Any number of them, to read."""
    READ_WRITE_ONCE = "ReadWriteOnce"
    """One."""


class StorageArgs(ComponentArgs):
    """Storage of the weights: at `/data` what the server fills, at `/models` what was made for it beforehand."""

    kind: StorageKind
    """Where it is."""
    size: str | None = None
    """Kubernetes quantity, for example `150Gi`. A request of an ephemeral volume, a limit of an empty dir, and for a
    host path what must be free on the node. Required for these kinds, and for no other."""
    storage_class: str | None = None
    """Storage class of an ephemeral volume, for example `premium-rwo`. Default: the cluster's."""
    host_path: str | None = None
    """Absolute path of a host path. Required for that kind, and for no other."""
    bucket: Input[str] | None = None
    """Name of a bucket. Required for that kind, and for no other."""
    claim: Input[str] | None = None
    """Name of a claim in the service's namespace. Required for that kind, and for no other."""
    access_mode: AccessMode | None = None
    """Access mode of the claim, which decides whether it can have several pods. Default: `ReadOnlyMany`."""


class ResourcesArgs(ComponentArgs):
    """What one pod takes of its node: requested and limited alike, so that it is evicted last."""

    cpu: str
    """Kubernetes quantity, for example `40`."""
    memory: str
    """Kubernetes quantity, for example `160Gi`. Shared memory counts against it."""


class JetStreamArgs(ComponentArgs):
    """JetStream's own flags. Its cache takes its memory at the start, whether requests fill it or not."""

    batch_size: int = Field(ge=1)
    """Requests that are decoded together."""
    max_cache_length: int = Field(ge=1)
    """Tokens of one request, prompt and answer together, for which the cache has room."""
    quantize_weights: bool | None = None
    """Whether the checkpoint is quantized to 8 bits. Default: false."""
    quantize_kv_cache: bool | None = None
    """Whether the cache is kept in 8 bits. Only with `quantize_weights`. Default: false."""


class AutoscalingArgs(ComponentArgs):
    """Horizontal pod autoscaling on the queue of the model server.

    The metric reaches the autoscaler through Managed Service for Prometheus and the Custom Metrics Stackdriver Adapter,
    which the cluster must run.
    """

    min_replicas: int = Field(ge=1)
    """Pods at least."""
    max_replicas: int = Field(ge=1)
    """Pods at most. They must fit the accelerators of the pool."""
    queue_size: int | None = Field(default=None, ge=1)
    """Requests that wait, on average over the pods, above which a pod is added. Default: 5."""


class InferenceServiceArgs(ComponentArgs):
    """Arguments of InferenceService."""

    server: Server
    """Model server."""
    model: str
    """Model to serve, as a repository on Hugging Face."""
    resources: ResourcesArgs
    """CPU and memory of one pod."""
    storage: StorageArgs
    """Storage of the weights."""
    model_file: str | None = None
    """File of the repository, for servers that take one file. Default: none."""
    image: str | None = None
    """Container image. Default: the one that the server's profile pins."""
    accelerator: str | None = None
    """GPU or TPU of the nodes by GKE's name, for example `nvidia-l4` or `tpu-v5-lite-podslice`. Default: none."""
    topology: str | None = None
    """Topology of the TPU slice, for example `2x4`. Required for TPUs. Default: none, as for GPUs."""
    accelerators: int | None = Field(default=None, ge=1)
    """GPUs of one pod, or its TPU chips. Default: none."""
    pool_accelerators: int | None = Field(default=None, ge=1)
    """GPUs or chips of the node pool at its largest: bounds the replicas, and lets a rollout start a new pod before it
    stops an old one where there is room. Default: unknown, so a rollout stops first."""
    shards: int | None = Field(default=None, ge=1)
    """Parts that the model is split into, one on each GPU or chip of the pod. Default: `accelerators`."""
    quantization: str | None = None
    """How the weights are kept in GPU memory, by the server's own name. Default: as published."""
    jetstream: JetStreamArgs | None = None
    """Flags of JetStream. Required for that server, and for no other."""
    service_account: Input[str] | None = None
    """Name of the Kubernetes service account that the pods run as, whose token they then have. Default: `default`,
    without a token."""
    token: Input[str] | None = None
    """Hugging Face token, a secret. Needed for gated models. Default: none."""
    environment: dict[str, str] | None = None
    """Further environment variables of the server, never secrets. Default: none."""
    arguments: list[str] | None = None
    """Further command-line arguments of the server. Default: none."""
    shared_memory: str | None = None
    """Size of `/dev/shm`, through which shards talk. It counts against the pod's memory. Default: `1Gi`."""
    node_selector: dict[str, str] | None = None
    """Labels that a node must have, besides the one of the accelerator. Default: none."""
    namespace: Input[str] | None = None
    """Namespace, which must exist. Default: `default`."""
    replicas: int | None = Field(default=None, ge=1)
    """Pods, where autoscaling does not own their number. Default: 1."""
    autoscaling: AutoscalingArgs | None = None
    """Default: none."""
    exposure: Exposure | None = None
    """Default: `cluster`."""
    source_ranges: list[str] | None = None
    """CIDR ranges that may reach the load balancer. Required for `public`."""
    service_labels: dict[str, str] | None = None
    """Labels of the Service. Default: none."""
    port: int | None = Field(default=None, ge=1, le=65535)
    """Port of the Service. Default: 80."""
    region: str | None = None
    """Google Cloud region in which the load balancer's address is reserved. Required for `internal` and `public`."""
    project: Input[str] | None = None
    """Google Cloud project of the address. Default: that of the gcp provider."""
    subnetwork: Input[str] | None = None
    """Subnetwork of an internal load balancer's address. Default: `default`."""
    startup_minutes: int | None = Field(default=None, ge=1, le=1440)
    """Minutes that a pod may take to download and load the model before it is restarted, at most a day. Default: from
    the model's size, or 60 for a model that the catalogue does not know."""
