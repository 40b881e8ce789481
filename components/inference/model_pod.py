"""The pod that runs one model server."""

import math
from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from ..args import Input, given
from ..catalog import Model, load_catalog
from ..gke.gpu_sharing import SharingStrategy, sharing_labels
from ..servers import SERVERS, ModelServer, Serving, Sidecar
from ..servers.profile import FILES_PATH
from ..servers.vllm import ADAPTERS_PATH
from ..sizing import load_seconds
from ..storage.gcs_fuse import AUTOPILOT_ANNOTATIONS, POD_ANNOTATIONS, bucket_volumes, cache_volumes
from .inference_service_args import InferenceServiceArgs, StorageKind

TOKEN_KEY = "HF_TOKEN"  # noqa: S105 the name of a key, not a token
"""Key of the Hugging Face token in its Secret."""

PROBE_SECONDS = 10
"""Between two probes."""

NODE_MINUTES = 15
"""A new GPU node may take until its driver is installed and the image of 5 to 15 GB is pulled. Users report more than
10 minutes: GoogleCloudPlatform/ai-on-gke, modules/inference-service/main.tf."""

READ_ONLY = frozenset({StorageKind.BUCKET, StorageKind.CLAIM})
"""Storage that was filled beforehand."""

DEFAULT_CACHE_SIZE = "10Gi"
"""Of the volume of what a server compiles, which takes some 100 MB. Not measured."""

TOPOLOGY_LABEL = "cloud.google.com/gke-tpu-topology"
"""Label that GKE gives to the nodes of a TPU slice."""

SPOT_LABEL = "cloud.google.com/gke-spot"
"""Label of Spot VMs, on Autopilot also how a pod asks for one."""

COMPUTE_CLASS_LABEL = "cloud.google.com/compute-class"
"""How a pod asks for nodes of a compute class."""

core = kubernetes.core.v1


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


def cache_size(args: InferenceServiceArgs) -> str:
    """Return the size of the volume of what the server compiles."""
    return (args.torchserve and args.torchserve.compile_cache_size) or DEFAULT_CACHE_SIZE


def cache_claim(name: str, args: InferenceServiceArgs) -> str | None:
    """Return the name of the claim of that volume, for the one pod that can mount it; None where there are several."""
    wanted = server_of(args).cache_path is not None and most_replicas(args) == 1
    return f"{name}-compile-cache" if wanted else None


def pod_template(
    name: str,
    args: InferenceServiceArgs,
    labels: dict[str, str],
    secret_name: pulumi.Output[str] | None,
    files_name: pulumi.Output[str] | None = None,
) -> core.PodTemplateSpecArgs:
    """Return the template of the pods of the service `name`.

    They read the token from the Secret `secret_name`, and the server's files from the ConfigMap `files_name`.
    """
    selector, sidecar = node_selector(args), server_of(args).sidecar
    mps = args.sharing is not None and args.sharing.strategy is SharingStrategy.MPS
    annotations = (AUTOPILOT_ANNOTATIONS if args.autopilot else POD_ANNOTATIONS) if mounts_bucket(args) else None
    # GKE adds it to pods that ask for the resource; other clusters do not
    tolerations = [
        core.TolerationArgs(key=resource, operator="Exists", effect="NoSchedule") for resource in chips(args)
    ]
    return core.PodTemplateSpecArgs(
        metadata=kubernetes.meta.v1.ObjectMetaArgs(
            labels={**(args.pod_labels or {}), **labels}, **given(annotations=annotations)
        ),
        spec=core.PodSpecArgs(
            **given(service_account_name=args.service_account),
            automount_service_account_token=args.service_account is not None,
            # names of Services would become environment variables that a server may take for its own
            enable_service_links=False,
            # by which CUDA finds the node's MPS daemon: .../kubernetes-engine/docs/how-to/nvidia-mps-gpus
            **given(host_ipc=True if mps else None),
            termination_grace_period_seconds=120,
            **given(node_selector=selector or None, tolerations=tolerations or None),
            security_context=core.PodSecurityContextArgs(
                seccomp_profile=core.SeccompProfileArgs(type="RuntimeDefault"), **given(fs_group=server_of(args).group)
            ),
            containers=[_container(name, args, secret_name), *([_sidecar(sidecar, args)] if sidecar else [])],
            volumes=[
                core.VolumeArgs(
                    name="dshm",
                    empty_dir=core.EmptyDirVolumeSourceArgs(medium="Memory", size_limit=args.shared_memory or "1Gi"),
                ),
                *_data_volumes(args),
                *_adapter_volumes(args),
                *_cache_volumes(name, args),
                *_file_volumes(files_name),
            ],
        ),
    )


def _container(name: str, args: InferenceServiceArgs, secret_name: pulumi.Output[str] | None) -> core.ContainerArgs:
    server, serving = server_of(args), serving_of(args)
    environment = {**server.environment(serving), **(args.environment or {})}
    variables = [core.EnvVarArgs(name=variable, value=value) for variable, value in environment.items()]
    if secret_name is not None:
        reference = core.EnvVarSourceArgs(secret_key_ref=core.SecretKeySelectorArgs(name=secret_name, key=TOKEN_KEY))
        variables += [core.EnvVarArgs(name=variable, value_from=reference) for variable in server.token_variables]
    resources = {"cpu": args.resources.cpu, "memory": args.resources.memory}
    resources |= {**given(**{"ephemeral-storage": args.resources.ephemeral_storage}), **chips(args)}
    arguments = [*server.arguments(serving), *(args.arguments or [])]
    ports = {**({} if server.sidecar else {"http": server.port}), **server.further_ports}
    read_only = args.storage.kind in READ_ONLY

    # on the server even where a sidecar answers: what hangs is what is restarted
    answers = {
        "http_get": core.HTTPGetActionArgs(path=server.health_path, port=server.port if server.sidecar else "http")
    }
    alive = server.alive_command(serving)
    is_alive = {"exec_": core.ExecActionArgs(command=list(alive))} if alive else answers
    is_loaded = (
        {"exec_": core.ExecActionArgs(command=["test", "-f", server.ready_file])} if server.ready_file else answers
    )

    def probe(failures: int, check: Mapping[str, Any]) -> core.ProbeArgs:  # Any: what a probe takes
        return core.ProbeArgs(
            **check,
            period_seconds=PROBE_SECONDS,
            timeout_seconds=5,
            failure_threshold=failures,
        )

    return core.ContainerArgs(
        name=name,
        image=args.image or server.image,
        **given(command=list(server.command) or None, args=arguments or None),
        env=variables,
        ports=[core.ContainerPortArgs(name=port, container_port=number) for port, number in ports.items()],
        resources=core.ResourceRequirementsArgs(requests=resources, limits=resources),
        startup_probe=probe(math.ceil(startup_seconds(args) / PROBE_SECONDS), is_loaded),
        readiness_probe=probe(3, is_loaded),
        # a restart costs a whole load, so it takes a minute of silence
        liveness_probe=probe(6, is_alive),
        lifecycle=_lifecycle(),
        security_context=_security_context(),
        volume_mounts=[
            core.VolumeMountArgs(name="dshm", mount_path="/dev/shm"),  # noqa: S108 the mount point itself
            core.VolumeMountArgs(
                name="data", mount_path=server.data_path, **given(read_only=True if read_only else None)
            ),
            *(
                core.VolumeMountArgs(name=volume.name, mount_path=ADAPTERS_PATH, read_only=True)
                for volume in _adapter_volumes(args)
            ),
            *(
                core.VolumeMountArgs(name=volume.name, mount_path=server.cache_path or "")
                for volume in _cache_volumes(name, args)
            ),
            *(
                [core.VolumeMountArgs(name="files", mount_path=FILES_PATH, read_only=True)]
                if server.files(serving)
                else []
            ),
        ],
    )


def _sidecar(sidecar: Sidecar, args: InferenceServiceArgs) -> core.ContainerArgs:
    resources = {"cpu": sidecar.cpu, "memory": sidecar.memory}
    return core.ContainerArgs(
        name=sidecar.name,
        image=sidecar.image,
        ports=[core.ContainerPortArgs(name="http", container_port=server_of(args).port)],
        resources=core.ResourceRequirementsArgs(requests=resources, limits=resources),
        lifecycle=_lifecycle(),
        security_context=_security_context(),
    )


def _lifecycle() -> core.LifecycleArgs:
    # until the load balancer has taken the pod off its list, requests still arrive
    return core.LifecycleArgs(pre_stop=core.LifecycleHandlerArgs(sleep=core.SleepActionArgs(seconds=15)))


def _security_context() -> core.SecurityContextArgs:
    return core.SecurityContextArgs(allow_privilege_escalation=False, capabilities=core.CapabilitiesArgs(drop=["ALL"]))


def mounts_bucket(args: InferenceServiceArgs) -> bool:
    """Return whether the pods mount a bucket, for which GKE adds a container to them."""
    storage = args.storage
    return storage.kind is StorageKind.BUCKET or storage.bucket_claim is True or adapters_bucket(args) is not None


def adapters_bucket(args: InferenceServiceArgs) -> Input[str] | None:
    """Return the bucket of the service's adapters, if it has one."""
    return args.vllm.adapters_bucket if args.vllm else None


def _adapter_volumes(args: InferenceServiceArgs) -> list[core.VolumeArgs]:
    bucket = adapters_bucket(args)
    return [] if bucket is None else bucket_volumes(bucket, read_only=True, cached=False, name="adapters")


def _cache_volumes(name: str, args: InferenceServiceArgs) -> list[core.VolumeArgs]:
    """Return the volume of what the server compiles, called `cache`, if it keeps that."""
    if server_of(args).cache_path is None:
        return []
    claim = cache_claim(name, args)
    if claim is not None:
        source = core.PersistentVolumeClaimVolumeSourceArgs(claim_name=claim)
        return [core.VolumeArgs(name="cache", persistent_volume_claim=source)]
    return [core.VolumeArgs(name="cache", empty_dir=core.EmptyDirVolumeSourceArgs(size_limit=cache_size(args)))]


def _file_volumes(files_name: pulumi.Output[str] | None) -> list[core.VolumeArgs]:
    if files_name is None:
        return []
    return [core.VolumeArgs(name="files", config_map=core.ConfigMapVolumeSourceArgs(name=files_name))]


def _data_volumes(args: InferenceServiceArgs) -> list[core.VolumeArgs]:
    """Return the volume of the weights, called `data`, and those that it needs besides."""
    storage = args.storage
    match storage.kind:
        case StorageKind.BUCKET:
            return bucket_volumes(storage.bucket or "", read_only=True, cached=not args.autopilot)
        case StorageKind.CLAIM:
            claim = core.PersistentVolumeClaimVolumeSourceArgs(claim_name=storage.claim or "", read_only=True)
            volume = core.VolumeArgs(name="data", persistent_volume_claim=claim)
            return [volume, *cache_volumes()] if storage.bucket_claim else [volume]
        case StorageKind.HOST_PATH:
            path = core.HostPathVolumeSourceArgs(path=storage.host_path or "", type="DirectoryOrCreate")
            return [core.VolumeArgs(name="data", host_path=path)]
        case StorageKind.EMPTY_DIR:
            return [
                core.VolumeArgs(name="data", empty_dir=core.EmptyDirVolumeSourceArgs(size_limit=storage.size or ""))
            ]
        case StorageKind.EPHEMERAL_VOLUME:
            template = core.PersistentVolumeClaimTemplateArgs(
                metadata=kubernetes.meta.v1.ObjectMetaArgs(labels={"type": "ephemeral"}),
                spec=core.PersistentVolumeClaimSpecArgs(
                    access_modes=["ReadWriteOnce"],
                    **given(storage_class_name=storage.storage_class),
                    resources=core.VolumeResourceRequirementsArgs(requests={"storage": storage.size or ""}),
                ),
            )
            ephemeral = core.EphemeralVolumeSourceArgs(volume_claim_template=template)
            return [core.VolumeArgs(name="data", ephemeral=ephemeral)]
