"""What the stacks that serve a model share: names of outputs, and of settings."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pulumi

from components.args import Input
from components.findings import Finding, error, refuse
from components.gke.custom_metrics_adapter import CustomMetricsAdapter, CustomMetricsAdapterArgs
from components.gke.gpu_cluster import GkeGpuCluster
from components.gke.gpu_cluster_args import GkeGpuClusterArgs
from components.inference.derived import server_of
from components.inference.inference_service import InferenceService
from components.inference.inference_service_args import AutoscalingArgs, InferenceServiceArgs
from components.storage.checkpoint_bucket import CheckpointBucket, CheckpointBucketArgs, check_checkpoint_bucket


def serving_outputs(service: InferenceService, args: InferenceServiceArgs) -> dict[str, Any]:
    """Return the outputs that scripts and other stacks rely on. `Any`: strings, None and Outputs of them."""
    return {
        "endpoint": service.endpoint,
        "loadBalancerIp": service.load_balancer_ip,
        "healthUrl": service.health_url,
        "metricsUrl": service.metrics_url,
        "access": service.access,
        "tryIt": service.try_it,
        "model": args.model,
        "server": f"{args.server.value} ({args.image or server_of(args).image})",
        "accelerators": f"{args.accelerators} x {args.accelerator}" if args.accelerators else "none",
    }


def images_of(args: InferenceServiceArgs) -> tuple[str, ...]:
    """Return the images of the service's pods."""
    server = server_of(args)
    return (args.image or server.image, *([server.sidecar.image] if server.sidecar else []))


def downloads_of(args: InferenceServiceArgs) -> tuple[str, ...]:
    """Return the repositories on Hugging Face that the server downloads from."""
    return () if server_of(args).needs_checkpoint or args.storage.folder is not None else (args.model,)


METRICS_ADAPTER = "metrics-adapter"


def scaled(service: InferenceServiceArgs) -> AutoscalingArgs | None:
    """Return the service's autoscaling on a cluster to which `create_metrics_adapter` brings what it needs."""
    return service.autoscaling and service.autoscaling.model_copy(update={"adapter": True})


def create_metrics_adapter(cluster: GkeGpuCluster, service: InferenceServiceArgs) -> None:
    """Register what the service's autoscaling needs on the cluster, if it has any.

    The service need not wait for it: an autoscaler asks again every 15 seconds until it gets its metrics.
    Source: kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale.
    """
    if service.autoscaling is None:
        return
    args = CustomMetricsAdapterArgs(
        project=cluster.project, gpu_memory=service.autoscaling.gpu_memory_percent is not None or None
    )
    CustomMetricsAdapter(METRICS_ADAPTER, args, pulumi.ResourceOptions(providers=[cluster.provider]))


def weights_bucket(
    name: str, bucket: CheckpointBucketArgs | None, service: InferenceServiceArgs, cluster: GkeGpuCluster, location: str
) -> Input[str]:
    """Return the name of the bucket that the service reads, after registering it unless it is the user's own.

    Raises:
        ConfigurationError: it does not suit a cluster in `location`.
    """
    if bucket is None:
        return service.storage.bucket or ""
    # the component does not know where the cluster is
    refuse(finding.under("bucket") for finding in check_checkpoint_bucket(name, bucket, location))
    project = cluster.project if bucket.project is None else bucket.project
    return CheckpointBucket(name, bucket.model_copy(update={"project": project})).bucket_name


def check_gpu_metrics(cluster: GkeGpuClusterArgs, service: InferenceServiceArgs) -> list[Finding]:
    """Return why the GPUs' own metrics, which the service may scale by, are not collected."""
    scaling, monitoring = service.autoscaling, cluster.monitoring
    wanted = scaling is not None and scaling.gpu_memory_percent is not None
    # Autopilot collects them unless told otherwise
    if not wanted or "DCGM" in (monitoring or []) or (cluster.autopilot and monitoring is None):
        return []
    return [
        error(
            "gpu-metrics-missing",
            "cluster.monitoring",
            "the cluster does not collect the GPUs' own metrics, by which service.autoscaling.gpuMemoryPercent scales.",
            "Add DCGM.",
        )
    ]


OWN_SETTINGS = {"token": "huggingFaceToken", "sourceRanges": "sourceRanges"}
"""Arguments of the service that every stack takes from a setting of their own, since they belong to the account."""


def service_findings(settings: InferenceServiceArgs, findings: Iterable[Finding]) -> list[Finding]:
    """Return `findings` of the service under the names that its settings have in a stack's configuration.

    `settings` is what the configuration itself says; a token in it would stand there for all to read.
    """
    found = [_renamed(finding) for finding in findings]
    if settings.token is not None:
        found.append(
            error(
                "secret-in-plain",
                "service.token",
                "this value is a secret, and stands in the stack file for all to read.",
                "Revoke it, and run `pulumi config set --secret huggingFaceToken TOKEN` with a new one.",
            )
        )
    return found


def _renamed(finding: Finding) -> Finding:
    name, bracket, rest = finding.path.partition("[")
    if name in OWN_SETTINGS:
        return replace(finding, path=f"{OWN_SETTINGS[name]}{bracket}{rest}")
    return finding.under("service")
