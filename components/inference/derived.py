"""What follows from the arguments of an InferenceService: its server, its accelerators, how long it takes to start."""

import math

from ..catalog import Model, load_catalog
from ..gke.gpu_sharing import SharingStrategy, sharing_labels
from ..servers import SERVERS, ModelServer, Serving
from ..sizing import load_seconds
from .inference_service_args import InferenceServiceArgs, StorageKind

NODE_MINUTES = 15
"""A new GPU node may take until its driver is installed and the image of 5 to 15 GB is pulled. Users report more than
10 minutes: GoogleCloudPlatform/ai-on-gke, modules/inference-service/main.tf."""

READ_ONLY = frozenset({StorageKind.BUCKET, StorageKind.CLAIM})
"""Storage that was filled beforehand."""

TOPOLOGY_LABEL = "cloud.google.com/gke-tpu-topology"
"""Label that GKE gives to the nodes of a TPU slice."""

SPOT_LABEL = "cloud.google.com/gke-spot"
"""Label of Spot VMs, on Autopilot also how a pod asks for one."""

COMPUTE_CLASS_LABEL = "cloud.google.com/compute-class"
"""How a pod asks for nodes of a compute class."""


def server_of(args: InferenceServiceArgs) -> ModelServer:
    """Return the profile of the service's model server."""
    return SERVERS[args.server.value]


def known_model(args: InferenceServiceArgs) -> Model | None:
    """Return what the catalogue knows of the service's model, or of the one that it was made from."""
    return load_catalog().models.get(args.base_model or args.model)


def serving_of(args: InferenceServiceArgs) -> Serving:
    """Return what the service's model server is asked to serve."""
    takes_turns = args.sharing is not None and args.sharing.strategy is SharingStrategy.TIME_SHARING
    return Serving(
        model=args.model,
        model_file=args.model_file,
        quantization=args.quantization,
        shards=args.shards or args.accelerators or 0,
        jetstream=args.jetstream,
        vllm=args.vllm,
        torchserve=args.torchserve,
        folder=args.storage.folder,
        gpu_clients=args.sharing.clients if args.sharing and takes_turns else 1,
    )


def node_selector(args: InferenceServiceArgs) -> dict[str, str]:
    """Return the labels that a node must have to run the service's pods."""
    selector = {**(args.node_selector or {}), **sharing_labels(args.sharing, args.partition)}
    if args.spot:
        selector[SPOT_LABEL] = "true"
    if args.compute_class is not None:
        selector[COMPUTE_CLASS_LABEL] = args.compute_class
    accelerator = load_catalog().accelerators.get(args.accelerator or "")
    if accelerator:
        selector[accelerator.selector] = accelerator.name
        if accelerator.kind == "tpu" and args.topology:
            selector[TOPOLOGY_LABEL] = args.topology
    return selector


def chips(args: InferenceServiceArgs) -> dict[str, str]:
    """Return the resource that stands for the accelerators of one pod, and how many it takes."""
    accelerator = load_catalog().accelerators.get(args.accelerator or "")
    return {accelerator.resource: str(args.accelerators)} if accelerator and args.accelerators else {}


def most_replicas(args: InferenceServiceArgs) -> int:
    """Return how many pods the service has at the most."""
    return args.autoscaling.max_replicas if args.autoscaling else args.replicas or 1


def fewest_replicas(args: InferenceServiceArgs) -> int:
    """Return how many pods the service has at the least."""
    return args.autoscaling.min_replicas if args.autoscaling else args.replicas or 1


def startup_seconds(args: InferenceServiceArgs) -> int:
    """Return how long the server may take to download and load the model, in seconds."""
    if args.startup_minutes is not None:
        return args.startup_minutes * 60
    return math.ceil(load_seconds(args.base_model or args.model) or 3600)


def rollout_seconds(args: InferenceServiceArgs) -> int:
    """Return how long a rollout may take: a new node, then the start of one pod after another, in seconds."""
    return NODE_MINUTES * 60 + startup_seconds(args)
