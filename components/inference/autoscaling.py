"""Horizontal pod autoscaling of a model server on what it publishes of its load."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from ..args import given
from ..findings import Finding, error, warning
from ..servers.metrics import Metric, load_metrics
from .derived import server_of, serving_of
from .inference_service_args import AutoscalingArgs, InferenceServiceArgs

v2 = kubernetes.autoscaling.v2

DEFAULT_QUEUE_SIZE = 5
"""Requests that wait for each pod. GKE's own examples for vLLM and TGI have 5 to 10."""

GPU_MEMORY = Metric(name="llm_serving_gpu_memory_used", share=True)
"""Share of its GPUs' memory that a pod has taken, as CustomMetricsAdapter records it."""


@dataclass(frozen=True)
class Target:
    """What the autoscaler holds one metric to."""

    setting: str
    """Name of the setting that asks for it."""
    metric: Metric | None
    """None: the server does not publish it."""
    value: float
    """Average over the pods."""


def targets_of(args: InferenceServiceArgs, scaling: AutoscalingArgs) -> list[Target]:
    """Return what the autoscaler of a service holds to."""
    server = server_of(args)
    metrics, slots = load_metrics()[server.name], server.slots(serving_of(args))
    targets: list[Target] = []
    if scaling.queue_size is not None:
        targets.append(Target("queueSize", metrics.queue, scaling.queue_size))
    if scaling.batch_size is not None:
        share = metrics.batch is not None and metrics.batch.share
        targets.append(
            Target("batchSize", metrics.batch, scaling.batch_size / (slots or 1) if share else scaling.batch_size)
        )
    if scaling.cache_percent is not None:
        targets.append(Target("cachePercent", metrics.cache, scaling.cache_percent / 100))
    if scaling.gpu_memory_percent is not None:
        targets.append(Target("gpuMemoryPercent", GPU_MEMORY, scaling.gpu_memory_percent / 100))
    return targets or [Target("queueSize", metrics.queue, DEFAULT_QUEUE_SIZE)]


def create_autoscaler(
    name: str,
    args: InferenceServiceArgs,
    scaling: AutoscalingArgs,
    labels: dict[str, str],
    namespace: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
) -> None:
    """Register the autoscaler of the Deployment `name`, and the collection of its pods' metrics if they have any."""
    server = server_of(args)
    metadata = kubernetes.meta.v1.ObjectMetaArgs(name=name, namespace=namespace, labels=labels)
    if server.metrics_path is not None:
        kubernetes.apiextensions.CustomResource(
            f"{name}-metrics",
            api_version="monitoring.googleapis.com/v1",
            kind="PodMonitoring",
            metadata=metadata,
            spec={
                "selector": {"matchLabels": labels},
                "endpoints": [{"port": server.metrics_port, "path": server.metrics_path, "interval": "15s"}],
            },
            opts=opts,
        )
    rules = [
        {"record": target.metric.name, "expr": target.metric.record.replace("SERVICE", name)}
        for target in targets_of(args, scaling)
        if target.metric and target.metric.record
    ]
    if rules:
        kubernetes.apiextensions.CustomResource(
            f"{name}-rules",
            api_version="monitoring.googleapis.com/v1",
            kind="Rules",
            metadata=metadata,
            spec={"groups": [{"name": name, "interval": "15s", "rules": rules}]},
            opts=opts,
        )
    v2.HorizontalPodAutoscaler(
        f"{name}-autoscaler",
        metadata=metadata,
        spec=v2.HorizontalPodAutoscalerSpecArgs(
            scale_target_ref=v2.CrossVersionObjectReferenceArgs(api_version="apps/v1", kind="Deployment", name=name),
            min_replicas=scaling.min_replicas,
            max_replicas=scaling.max_replicas,
            metrics=[_metric(target) for target in targets_of(args, scaling)],
            behavior=v2.HorizontalPodAutoscalerBehaviorArgs(
                scale_up=v2.HPAScalingRulesArgs(stabilization_window_seconds=0),
                # a pod that goes too soon costs a whole load when the queue is back
                scale_down=v2.HPAScalingRulesArgs(
                    stabilization_window_seconds=300,
                    policies=[v2.HPAScalingPolicyArgs(type="Pods", value=1, period_seconds=60)],
                ),
            ),
        ),
        opts=opts,
    )


def _metric(target: Target) -> v2.MetricSpecArgs:
    if target.metric is None:  # refused before anything is registered
        raise ValueError(f"No metric for {target.setting}.")
    # the adapter's own prefix, so that it does not take a label of the metric for one of the pod
    series = {f"metric.labels.{label}": value for label, value in target.metric.labels.items()}
    return v2.MetricSpecArgs(
        type="Pods",
        pods=v2.PodsMetricSourceArgs(
            metric=v2.MetricIdentifierArgs(
                name=f"prometheus.googleapis.com|{target.metric.name}|gauge",
                **given(selector=kubernetes.meta.v1.LabelSelectorArgs(match_labels=series) if series else None),
            ),
            target=v2.MetricTargetArgs(type="AverageValue", average_value=_quantity(target.value)),
        ),
    )


def _quantity(value: float) -> str:
    """Return `value` as a Kubernetes quantity in the form that the API server gives back."""
    thousandths = max(1, round(value * 1000))
    return f"{thousandths}m" if thousandths % 1000 else str(thousandths // 1000)


def check_autoscaling(args: InferenceServiceArgs, scaling: AutoscalingArgs) -> list[Finding]:
    """Return what is wrong with the targets of a service's autoscaler, by path within the service's arguments."""
    server, accelerated = server_of(args), bool(args.accelerators)
    slots = server.slots(serving_of(args))
    findings = [
        error(
            "autoscaling-metric-missing",
            f"autoscaling.{target.setting}",
            f"{server.title} publishes no such metric.",
            _others(args),
        )
        for target in targets_of(args, scaling)
        if target.metric is None
    ]
    if scaling.batch_size is not None and slots is not None and scaling.batch_size >= slots:
        findings.append(
            error(
                "autoscaling-target",
                "autoscaling.batchSize",
                f"{server.title} decodes at most {slots} requests together, so {scaling.batch_size} is never exceeded.",
                f"Set less than {slots}.",
            )
        )
    if scaling.gpu_memory_percent is not None and (not accelerated or server.accelerator_kind != "gpu"):
        findings.append(
            error(
                "autoscaling-target",
                "autoscaling.gpuMemoryPercent",
                "the pods have no GPUs whose memory could be measured.",
                "Remove gpuMemoryPercent.",
            )
        )
    elif scaling.gpu_memory_percent is not None and args.sharing is not None:
        findings.append(
            error(
                "autoscaling-target",
                "autoscaling.gpuMemoryPercent",
                "of a GPU that containers share, DCGM tells the memory of all, and of one container that it is its.",
                "Remove gpuMemoryPercent, or sharing.",
            )
        )
    elif scaling.gpu_memory_percent is not None and server.takes_memory_at_start:
        findings.append(
            warning(
                "autoscaling-memory-reserved",
                "autoscaling.gpuMemoryPercent",
                f"{server.title} takes its part of the GPU's memory at the start, so the metric shows the same at any"
                " load.",
                "Set cachePercent, the part of it that requests take, or queueSize."
                if load_metrics()[server.name].cache
                else "Set queueSize."
                if load_metrics()[server.name].queue
                else "Choose another server.",
            )
        )
    if scaling.adapter is not True:
        findings.append(
            warning(
                "autoscaling-adapter",
                "autoscaling.adapter",
                "the autoscaler reads its metrics through the Custom Metrics Stackdriver Adapter, which is not"
                " installed by this component.",
                "Add a CustomMetricsAdapter to the cluster and set adapter: true, or pods stay at minReplicas.",
            )
        )
    return findings


def _others(args: InferenceServiceArgs) -> str:
    metrics = load_metrics()[server_of(args).name]
    published: Mapping[str, Metric | None] = {
        "queueSize": metrics.queue,
        "batchSize": metrics.batch,
        "cachePercent": metrics.cache,
    }
    known = [setting for setting, metric in published.items() if metric]
    return f"Set {' or '.join(known)}." if known else "Choose another server, or set gpuMemoryPercent."
