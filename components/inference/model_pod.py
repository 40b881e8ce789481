"""The pod that runs one model server."""

import math
from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from ..args import given
from ..gke.gpu_sharing import SharingStrategy
from ..servers import Sidecar
from ..servers.profile import FILES_PATH
from ..servers.vllm import ADAPTERS_PATH
from ..storage.gcs_fuse import AUTOPILOT_ANNOTATIONS, POD_ANNOTATIONS
from ..texts import literal
from .derived import READ_ONLY, chips, node_selector, server_of, serving_of, startup_seconds
from .inference_service_args import InferenceServiceArgs, StorageKind
from .volumes import adapter_volumes, cache_volumes, data_volumes, file_volumes, mounts_bucket

TOKEN_KEY = "HF_TOKEN"  # noqa: S105 the name of a key, not a token
"""Key of the Hugging Face token in its Secret."""

PROBE_SECONDS = 10
"""Between two probes."""

core = kubernetes.core.v1


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
            # for Kubernetes' own API alone: who the pod is on Google Cloud, the metadata server knows by itself
            automount_service_account_token=False,
            # names of Services would become environment variables that a server may take for its own
            enable_service_links=False,
            # by which CUDA finds the node's MPS daemon: .../kubernetes-engine/docs/how-to/nvidia-mps-gpus
            **given(host_ipc=True if mps else None),
            termination_grace_period_seconds=120,
            **given(node_selector=selector or None, tolerations=tolerations or None),
            security_context=_pod_security_context(args),
            containers=[_container(name, args, secret_name), *([_sidecar(sidecar, args)] if sidecar else [])],
            volumes=[
                core.VolumeArgs(
                    name="dshm",
                    empty_dir=core.EmptyDirVolumeSourceArgs(medium="Memory", size_limit=args.shared_memory or "1Gi"),
                ),
                *data_volumes(args),
                *adapter_volumes(args),
                *cache_volumes(name, args),
                *file_volumes(files_name),
            ],
        ),
    )


def _container(name: str, args: InferenceServiceArgs, secret_name: pulumi.Output[str] | None) -> core.ContainerArgs:
    server, serving = server_of(args), serving_of(args)
    environment = {**server.environment(serving), **(args.environment or {})}
    variables = [core.EnvVarArgs(name=variable, value=literal(value)) for variable, value in environment.items()]
    if secret_name is not None:
        reference = core.EnvVarSourceArgs(secret_key_ref=core.SecretKeySelectorArgs(name=secret_name, key=TOKEN_KEY))
        variables += [core.EnvVarArgs(name=variable, value_from=reference) for variable in server.token_variables]
    resources = {"cpu": args.resources.cpu, "memory": args.resources.memory}
    resources |= {**given(**{"ephemeral-storage": args.resources.ephemeral_storage}), **chips(args)}
    arguments = [literal(each) for each in (*server.arguments(serving), *(args.arguments or []))]
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
        security_context=_security_context(read_only_root=server.read_only_root and _is_pinned(args)),
        volume_mounts=[
            core.VolumeMountArgs(name="dshm", mount_path="/dev/shm"),  # noqa: S108 the mount point itself
            core.VolumeMountArgs(
                name="data", mount_path=server.data_path, **given(read_only=True if read_only else None)
            ),
            *(
                core.VolumeMountArgs(name=volume.name, mount_path=ADAPTERS_PATH, read_only=True)
                for volume in adapter_volumes(args)
            ),
            *(
                core.VolumeMountArgs(name=volume.name, mount_path=server.cache_path or "")
                for volume in cache_volumes(name, args)
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


def _pod_security_context(args: InferenceServiceArgs) -> core.PodSecurityContextArgs:
    user = server_of(args).user
    # folders that the kubelet makes on a node are root's
    known = user is not None and _is_pinned(args) and args.storage.kind is not StorageKind.HOST_PATH
    return core.PodSecurityContextArgs(
        seccomp_profile=core.SeccompProfileArgs(type="RuntimeDefault"),
        **given(fs_group=user, run_as_user=user if known else None, run_as_non_root=True if known else None),
    )


def _is_pinned(args: InferenceServiceArgs) -> bool:
    """Return whether the image is that of the server's profile. What holds of it is not known of another."""
    return args.image in (None, server_of(args).image)


def _security_context(*, read_only_root: bool = False) -> core.SecurityContextArgs:
    return core.SecurityContextArgs(
        allow_privilege_escalation=False,
        capabilities=core.CapabilitiesArgs(drop=["ALL"]),
        **given(read_only_root_filesystem=True if read_only_root else None),
    )
