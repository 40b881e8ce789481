"""The pod that runs one model server."""

import math

import pulumi
import pulumi_kubernetes as kubernetes

from components.args import given
from components.catalog import load_catalog
from components.inference_service_args import InferenceServiceArgs, StorageKind
from components.servers import SERVERS, ModelServer, Serving
from components.sizing import load_seconds

TOKEN_KEY = "HF_TOKEN"  # noqa: S105 the name of a key, not a token
"""Key of the Hugging Face token in its Secret."""

DATA_PATH = "/data"
"""Where the weights are mounted."""

PROBE_SECONDS = 10
"""Between two probes."""

NODE_MINUTES = 15
"""A new GPU node may take until its driver is installed and the image of 5 to 15 GB is pulled. Users report more than
10 minutes: GoogleCloudPlatform/ai-on-gke, modules/inference-service/main.tf."""

TOPOLOGY_LABEL = "cloud.google.com/gke-tpu-topology"
"""Label that GKE gives to the nodes of a TPU slice."""

core = kubernetes.core.v1


def server_of(args: InferenceServiceArgs) -> ModelServer:
    """Return the profile of the service's model server."""
    return SERVERS[args.server.value]


def serving_of(args: InferenceServiceArgs) -> Serving:
    """Return what the service's model server is asked to serve."""
    return Serving(
        model=args.model,
        model_file=args.model_file,
        quantization=args.quantization,
        shards=args.shards or args.accelerators or 0,
    )


def node_selector(args: InferenceServiceArgs) -> dict[str, str]:
    """Return the labels that a node must have to run the service's pods."""
    selector = dict(args.node_selector or {})
    accelerator = load_catalog().accelerators.get(args.accelerator or "")
    if accelerator:
        selector[accelerator.selector] = accelerator.name
    if args.topology:
        selector[TOPOLOGY_LABEL] = args.topology
    return selector


def chips(args: InferenceServiceArgs) -> dict[str, str]:
    """Return the resource that stands for the accelerators of one pod, and how many it takes."""
    accelerator = load_catalog().accelerators.get(args.accelerator or "")
    return {accelerator.resource: str(args.accelerators)} if accelerator and args.accelerators else {}


def startup_seconds(args: InferenceServiceArgs) -> int:
    """Return how long the server may take to download and load the model, in seconds."""
    if args.startup_minutes is not None:
        return args.startup_minutes * 60
    return math.ceil(load_seconds(args.model) or 3600)


def rollout_seconds(args: InferenceServiceArgs) -> int:
    """Return how long a rollout may take: a new node, then the start of one pod after another, in seconds."""
    return NODE_MINUTES * 60 + startup_seconds(args)


def pod_template(
    name: str, args: InferenceServiceArgs, labels: dict[str, str], secret_name: pulumi.Output[str] | None
) -> core.PodTemplateSpecArgs:
    """Return the template of the pods of the service `name`, which read the token from the Secret `secret_name`."""
    selector = node_selector(args)
    # GKE adds it to pods that ask for the resource; other clusters do not
    tolerations = [
        core.TolerationArgs(key=resource, operator="Exists", effect="NoSchedule") for resource in chips(args)
    ]
    return core.PodTemplateSpecArgs(
        metadata=kubernetes.meta.v1.ObjectMetaArgs(labels=labels),
        spec=core.PodSpecArgs(
            automount_service_account_token=False,
            # names of Services would become environment variables that a server may take for its own
            enable_service_links=False,
            termination_grace_period_seconds=120,
            **given(node_selector=selector or None, tolerations=tolerations or None),
            security_context=core.PodSecurityContextArgs(
                seccomp_profile=core.SeccompProfileArgs(type="RuntimeDefault")
            ),
            containers=[_container(name, args, secret_name)],
            volumes=[
                core.VolumeArgs(
                    name="dshm",
                    empty_dir=core.EmptyDirVolumeSourceArgs(medium="Memory", size_limit=args.shared_memory or "1Gi"),
                ),
                _data_volume(args),
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
    resources |= chips(args)
    arguments = [*server.arguments(serving), *(args.arguments or [])]

    def probe(failures: int) -> core.ProbeArgs:
        return core.ProbeArgs(
            http_get=core.HTTPGetActionArgs(path=server.health_path, port="http"),
            period_seconds=PROBE_SECONDS,
            timeout_seconds=5,
            failure_threshold=failures,
        )

    return core.ContainerArgs(
        name=name,
        image=args.image or server.image,
        **given(args=arguments or None),
        env=variables,
        ports=[core.ContainerPortArgs(name="http", container_port=server.port)],
        resources=core.ResourceRequirementsArgs(requests=resources, limits=resources),
        startup_probe=probe(math.ceil(startup_seconds(args) / PROBE_SECONDS)),
        readiness_probe=probe(3),
        # a restart costs a whole load, so it takes a minute of silence
        liveness_probe=probe(6),
        # until the load balancer has taken the pod off its list, requests still arrive
        lifecycle=core.LifecycleArgs(
            pre_stop=core.LifecycleHandlerArgs(sleep=core.SleepActionArgs(seconds=15)),
        ),
        security_context=core.SecurityContextArgs(
            allow_privilege_escalation=False, capabilities=core.CapabilitiesArgs(drop=["ALL"])
        ),
        volume_mounts=[
            core.VolumeMountArgs(name="dshm", mount_path="/dev/shm"),  # noqa: S108 the mount point itself
            core.VolumeMountArgs(name="data", mount_path=DATA_PATH),
        ],
    )


def _data_volume(args: InferenceServiceArgs) -> core.VolumeArgs:
    storage = args.storage
    match storage.kind:
        case StorageKind.HOST_PATH:
            return core.VolumeArgs(
                name="data",
                host_path=core.HostPathVolumeSourceArgs(path=storage.host_path or "", type="DirectoryOrCreate"),
            )
        case StorageKind.EMPTY_DIR:
            return core.VolumeArgs(name="data", empty_dir=core.EmptyDirVolumeSourceArgs(size_limit=storage.size))
        case StorageKind.EPHEMERAL_VOLUME:
            return core.VolumeArgs(
                name="data",
                ephemeral=core.EphemeralVolumeSourceArgs(
                    volume_claim_template=core.PersistentVolumeClaimTemplateArgs(
                        metadata=kubernetes.meta.v1.ObjectMetaArgs(labels={"type": "ephemeral"}),
                        spec=core.PersistentVolumeClaimSpecArgs(
                            access_modes=["ReadWriteOnce"],
                            **given(storage_class_name=storage.storage_class),
                            resources=core.VolumeResourceRequirementsArgs(requests={"storage": storage.size}),
                        ),
                    )
                ),
            )
