"""Arguments of InferenceService."""

from enum import StrEnum

from pydantic import Field

from ..args import ComponentArgs, Input
from ..gke.gpu_sharing import GpuSharingArgs
from .exposure import Exposure


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
    TRITON = "triton"
    """Triton with TensorRT-LLM, on GPUs, from an engine that was built for them."""
    VLLM = "vllm"
    """vLLM's OpenAI-compatible server, on GPUs."""
    TORCHSERVE = "torchserve"
    """TorchServe with gpt-fast, on GPUs, from an archive that was made for it. No longer maintained upstream."""
    VLLM_GENERATE = "vllm-generate"
    """vLLM's demonstration server, on GPUs, with the route `/generate` and without metrics."""


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
    folder: str | None = None
    """Folder of a bucket or claim that holds the model as a Hugging Face repository does, for servers that can serve
    one. Required for vLLM with these kinds, and for no other."""
    access_mode: AccessMode | None = None
    """Access mode of the claim, which decides whether it can have several pods. Default: `ReadOnlyMany`."""
    bucket_claim: bool | None = None
    """Whether the claim is a BucketVolumeClaim, for which GKE adds the Cloud Storage FUSE driver to the pods. Default:
    false."""


class ResourcesArgs(ComponentArgs):
    """What one pod takes of its node: requested and limited alike, so that it is evicted last."""

    cpu: str
    """Kubernetes quantity, for example `40`."""
    memory: str
    """Kubernetes quantity, for example `160Gi`. Shared memory counts against it."""
    ephemeral_storage: str | None = None
    """Kubernetes quantity of what the containers write, empty dirs included. Default: none is set aside, except on
    Autopilot, which sets 1 GiB aside."""


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


class AdapterArgs(ComponentArgs):
    """A LoRA adapter, which vLLM serves as a model of its own. Set `repository` or `folder`."""

    repository: str | None = None
    """Repository on Hugging Face. Default: none, there is a `folder`."""
    folder: str | None = None
    """Folder of `adapters_bucket`, as FineTuneJob leaves it. Default: none, there is a `repository`."""
    base_model: str | None = None
    """Model that it was trained on, by its repository. Default: unknown, and not compared with the served one."""
    rank: int | None = Field(default=None, ge=1)
    """Rank of its matrices, `r` in its configuration. Default: unknown, and vLLM makes room for 16."""


class VllmArgs(ComponentArgs):
    """vLLM's own flags."""

    dtype: str | None = None
    """Type of weights and activations: `auto`, `half`, `float16`, `bfloat16`, `float` or `float32`. Default: `auto`,
    as published."""
    max_model_length: int | None = Field(default=None, ge=1)
    """Tokens of one request, prompt and answer together. Default: what the model was made for."""
    max_sequences: int | None = Field(default=None, ge=1)
    """Requests that are decoded together. Default: 256."""
    gpu_memory_fraction: float | None = Field(default=None, gt=0, le=1)
    """Part of a GPU's memory that it takes at the start, for weights and cache. Default: 0.9."""
    adapters: dict[str, AdapterArgs] | None = None
    """LoRA adapters by the name under which each is served. Default: none."""
    adapters_bucket: Input[str] | None = None
    """Bucket of the adapters that are folders. Required for these, and for no other."""


class TorchServeArgs(ComponentArgs):
    """Settings of TorchServe with gpt-fast, which answers one request at a time."""

    max_sequence_length: int | None = Field(default=None, ge=16)
    """Tokens of one request, prompt and answer together: answers end there, and longer prompts are refused. The model
    is compiled for it. Default: 2048."""
    token_authorization: bool | None = None
    """Answer only requests that bear the key which each pod makes when it starts. Default: true."""
    key_days: int | None = Field(default=None, ge=1, le=3650)
    """Days after which a pod's key is no longer taken, and the pod starts again with another. Default: 365."""
    compile_cache_size: str | None = None
    """Kubernetes quantity of the disk that keeps what is compiled, so that a new pod does not compile again. With
    several pods, each keeps it for itself, and only while it lives. Default: `10Gi`."""


class AutoscalingArgs(ComponentArgs):
    """Horizontal pod autoscaling on what the model server says of its load.

    Of several targets, the one counts that asks for the most pods.
    The metrics reach the autoscaler through Managed Service for Prometheus and the Custom Metrics Stackdriver Adapter,
    which CustomMetricsAdapter installs on the cluster.
    """

    min_replicas: int = Field(ge=1)
    """Pods at least."""
    max_replicas: int = Field(ge=1)
    """Pods at most. They must fit the accelerators of the pool."""
    queue_size: int | None = Field(default=None, ge=1)
    """Requests that wait, on average over the pods, above which a pod is added: the first to try, for throughput.
    Default: 5 where no other target is set."""
    batch_size: int | None = Field(default=None, ge=1)
    """Requests that are decoded together, likewise: for a latency that the queue size cannot keep. Below the server's
    slots, or it is never reached. Default: none."""
    cache_percent: int | None = Field(default=None, ge=1, le=99)
    """Percentage of the key-value cache that is taken, likewise. Default: none."""
    gpu_memory_percent: int | None = Field(default=None, ge=1, le=99)
    """Percentage of the GPUs' memory that is taken, likewise. Servers that take their memory at the start show the same
    at any load. Default: none."""
    adapter: bool | None = None
    """Whether the cluster has the adapter, which this component does not install. Default: false, which warns."""


class InferenceServiceArgs(ComponentArgs):
    """Arguments of InferenceService."""

    server: Server
    """Model server."""
    model: str
    """Model to serve, as a repository on Hugging Face."""
    base_model: str | None = None
    """Model of the catalogue that it was fine-tuned from, whose size and shape it has. Default: itself."""
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
    vllm: VllmArgs | None = None
    """Flags of vLLM on GPUs. Default: vLLM's own."""
    torchserve: TorchServeArgs | None = None
    """Settings of TorchServe. Default: keys, and requests of 2048 tokens."""
    sharing: GpuSharingArgs | None = None
    """Let the pod share its GPU with others, on nodes whose GPUs are shared so. Default: it has the GPU to itself."""
    partition: str | None = None
    """Size of the MIG partition that counts as one of the pod's GPUs, for example `1g.5gb`. Default: whole GPUs."""
    spot: bool | None = None
    """Run on Spot VMs: cheaper, and taken back at any time. Default: wherever the other labels lead."""
    compute_class: str | None = None
    """GKE compute class of the nodes, for example `Accelerator` on Autopilot. Default: none."""
    autopilot: bool | None = None
    """Whether the cluster is an Autopilot cluster: the pod is then checked against what that allows. Default: false."""
    service_account: Input[str] | None = None
    """Name of the Kubernetes service account that the pods run as, for rights on Google Cloud. They have no token of
    it, with which they could call Kubernetes' own API. Default: `default`."""
    token: Input[str] | None = None
    """Hugging Face token, a secret. Needed for gated models. Default: none."""
    environment: dict[str, str] | None = None
    """Further environment variables of the server, never secrets. Default: none."""
    arguments: list[str] | None = None
    """Further command-line arguments of the server; of Triton, those of `launch_triton_server.py`. Default: none."""
    shared_memory: str | None = None
    """Size of `/dev/shm`, through which shards talk. It counts against the pod's memory. Default: `1Gi`."""
    node_selector: dict[str, str] | None = None
    """Labels that a node must have, besides the one of the accelerator. Default: none."""
    namespace: Input[str] | None = None
    """Namespace, which must exist. Default: `default`."""
    replicas: int | None = Field(default=None, ge=1)
    """Pods, where autoscaling does not own their number. Default: 1."""
    autoscaling: AutoscalingArgs | None = None
    """Scale the pods with the load. Default: none, `replicas` pods."""
    exposure: Exposure | None = None
    """Who can reach it. Default: `cluster`."""
    source_ranges: list[str] | None = None
    """CIDR ranges that may reach the load balancer. Required for `public`."""
    network_policy: bool | None = None
    """Close all ports of the pods but those of the Service, on clusters that enforce NetworkPolicies. They add up: set
    false where your own say who may reach the pods, which this one would let everybody do. Default: true."""
    service_labels: dict[str, str] | None = None
    """Labels of the Service. Default: none."""
    pod_labels: dict[str, str] | None = None
    """Labels of the pods besides `app`, for example `ai.gke.io/model`. Default: none."""
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
