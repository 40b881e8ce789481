"""One model server on a Kubernetes cluster, with all that it needs to be reached, to scale and to survive upgrades."""

import json
import shlex
from collections.abc import Mapping

import pulumi
import pulumi_gcp as gcp
import pulumi_kubernetes as kubernetes

from components.args import given
from components.findings import refuse
from components.inference_checks import check_inference_service
from components.inference_service_args import AutoscalingArgs, Exposure, InferenceServiceArgs
from components.model_pod import TOKEN_KEY, most_replicas, pod_template, rollout_seconds, server_of, serving_of

FORWARDED_PORT = 8080
"""Local port of the port-forward that `access` proposes."""


class InferenceService(pulumi.ComponentResource):
    """A model server: Deployment, Service, token Secret, storage, disruption budget, and autoscaling if asked for.

    It runs on the cluster of the Kubernetes provider that is passed in `opts`.
    """

    endpoint: pulumi.Output[str]
    """URL of the server's generate route."""
    load_balancer_ip: pulumi.Output[str | None]
    """Reserved address of the load balancer. None where the service is cluster-internal."""
    health_url: pulumi.Output[str]
    """URL that answers 200 once the model is loaded."""
    metrics_url: pulumi.Output[str]
    """URL of the Prometheus metrics."""
    access: pulumi.Output[str]
    """`public`, `internal`, or `port-forward:` and the command that forwards a port."""
    try_it: pulumi.Output[str]
    """A curl line that sends one request; with port-forward, while that command runs."""
    deployment_name: pulumi.Output[str]
    """Name of the Deployment."""
    service_name: pulumi.Output[str]
    """Name of the Service."""
    namespace: pulumi.Output[str]
    """Namespace of both."""

    def __init__(
        self,
        name: str,
        args: InferenceServiceArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Register the service, whose Deployment is called `name` and whose Service `NAME-service`.

        Raises:
            ConfigurationError: if `args` are wrong; nothing is registered then.
        """
        args = InferenceServiceArgs.parse(args)
        refuse(check_inference_service(name, args))
        super().__init__("llm-serving:index:InferenceService", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.namespace = pulumi.Output.from_input(args.namespace if args.namespace is not None else "default")
        labels = {"app": name}

        secret = self._token_secret(name, args, child)
        deployment = self._deployment(name, args, labels, secret)
        kubernetes.policy.v1.PodDisruptionBudget(
            f"{name}-budget",
            metadata=self._metadata(name, labels),
            spec=kubernetes.policy.v1.PodDisruptionBudgetSpecArgs(
                # one at a time. Not zero, even with one replica: a node that cannot be drained blocks upgrades
                max_unavailable=1,
                selector=kubernetes.meta.v1.LabelSelectorArgs(match_labels=labels),
            ),
            opts=child,
        )
        if args.autoscaling:
            self._autoscaling(name, args, args.autoscaling, labels, child)
        address = self._address(name, args, child)
        service = self._service(name, args, labels, address)

        self.deployment_name = deployment.metadata.name
        self.service_name = service.metadata.name
        self._urls(args, address)
        self.register_outputs(
            {
                "endpoint": self.endpoint,
                "loadBalancerIp": self.load_balancer_ip,
                "healthUrl": self.health_url,
                "metricsUrl": self.metrics_url,
                "access": self.access,
                "tryIt": self.try_it,
                "deploymentName": self.deployment_name,
                "serviceName": self.service_name,
                "namespace": self.namespace,
            }
        )

    def _metadata(
        self, name: str, labels: Mapping[str, str], annotations: Mapping[str, str] | None = None
    ) -> kubernetes.meta.v1.ObjectMetaArgs:
        return kubernetes.meta.v1.ObjectMetaArgs(
            name=name, namespace=self.namespace, labels=dict(labels), **given(annotations=annotations)
        )

    def _token_secret(
        self, name: str, args: InferenceServiceArgs, opts: pulumi.ResourceOptions
    ) -> kubernetes.core.v1.Secret | None:
        if args.token is None:
            return None
        return kubernetes.core.v1.Secret(
            f"{name}-token",
            # Pulumi names it and a new token makes a new Secret, so that the pods restart and read it
            immutable=True,
            metadata=kubernetes.meta.v1.ObjectMetaArgs(namespace=self.namespace),
            string_data={TOKEN_KEY: pulumi.Output.secret(args.token)},
            opts=opts,
        )

    def _deployment(
        self,
        name: str,
        args: InferenceServiceArgs,
        labels: dict[str, str],
        secret: kubernetes.core.v1.Secret | None,
    ) -> kubernetes.apps.v1.Deployment:
        surge = has_room_for_surge(args)
        return kubernetes.apps.v1.Deployment(
            name,
            metadata=self._metadata(name, labels),
            spec=kubernetes.apps.v1.DeploymentSpecArgs(
                # with autoscaling the autoscaler owns the number, and Pulumi must not set it back
                **given(replicas=None if args.autoscaling else args.replicas or 1),
                selector=kubernetes.meta.v1.LabelSelectorArgs(match_labels=labels),
                # a surge pod without free GPUs stays pending while the old one waits for it: a deadlock
                strategy=kubernetes.apps.v1.DeploymentStrategyArgs(
                    type="RollingUpdate",
                    rolling_update=kubernetes.apps.v1.RollingUpdateDeploymentArgs(
                        max_surge=1 if surge else 0, max_unavailable=0 if surge else 1
                    ),
                ),
                progress_deadline_seconds=rollout_seconds(args),
                template=pod_template(name, args, labels, secret.metadata.name.apply(str) if secret else None),
            ),
            opts=self._awaited(args),
        )

    def _awaited(self, args: InferenceServiceArgs) -> pulumi.ResourceOptions:
        # the provider's own 10 minutes are shorter than most models take to load. A Service waits for a ready pod, too
        seconds = f"{rollout_seconds(args) + 300}s"
        return pulumi.ResourceOptions(
            parent=self, custom_timeouts=pulumi.CustomTimeouts(create=seconds, update=seconds, delete="15m")
        )

    def _autoscaling(
        self,
        name: str,
        args: InferenceServiceArgs,
        autoscaling: AutoscalingArgs,
        labels: dict[str, str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        server = server_of(args)
        kubernetes.apiextensions.CustomResource(
            f"{name}-metrics",
            api_version="monitoring.googleapis.com/v1",
            kind="PodMonitoring",
            metadata=self._metadata(name, labels),
            spec={
                "selector": {"matchLabels": labels},
                "endpoints": [{"port": server.metrics_port, "path": server.metrics_path, "interval": "15s"}],
            },
            opts=opts,
        )
        v2 = kubernetes.autoscaling.v2
        kubernetes.autoscaling.v2.HorizontalPodAutoscaler(
            f"{name}-autoscaler",
            metadata=self._metadata(name, labels),
            spec=v2.HorizontalPodAutoscalerSpecArgs(
                scale_target_ref=v2.CrossVersionObjectReferenceArgs(
                    api_version="apps/v1", kind="Deployment", name=name
                ),
                min_replicas=autoscaling.min_replicas,
                max_replicas=autoscaling.max_replicas,
                metrics=[
                    v2.MetricSpecArgs(
                        type="Pods",
                        pods=v2.PodsMetricSourceArgs(
                            metric=v2.MetricIdentifierArgs(
                                name=f"prometheus.googleapis.com|{server.queue_metric}|gauge"
                            ),
                            target=v2.MetricTargetArgs(
                                type="AverageValue", average_value=str(autoscaling.queue_size or 5)
                            ),
                        ),
                    )
                ],
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

    def _address(
        self, name: str, args: InferenceServiceArgs, opts: pulumi.ResourceOptions
    ) -> gcp.compute.Address | None:
        if exposure_of(args) is Exposure.CLUSTER:
            return None
        internal = exposure_of(args) is Exposure.INTERNAL
        return gcp.compute.Address(
            f"{name}-address",
            project=args.project,
            region=args.region,
            address_type="INTERNAL" if internal else "EXTERNAL",
            **given(subnetwork=(args.subnetwork if args.subnetwork is not None else "default") if internal else None),
            opts=opts,
        )

    def _service(
        self,
        name: str,
        args: InferenceServiceArgs,
        labels: dict[str, str],
        address: gcp.compute.Address | None,
    ) -> kubernetes.core.v1.Service:
        internal = exposure_of(args) is Exposure.INTERNAL
        ports = {"http": port_of(args), **server_of(args).further_ports}
        return kubernetes.core.v1.Service(
            f"{name}-service",
            metadata=self._metadata(
                f"{name}-service",
                args.service_labels or {},
                {"networking.gke.io/load-balancer-type": "Internal"} if internal else None,
            ),
            spec=kubernetes.core.v1.ServiceSpecArgs(
                type="LoadBalancer" if address else "ClusterIP",
                selector=labels,
                ports=[
                    kubernetes.core.v1.ServicePortArgs(name=port, port=number, target_port=port)
                    for port, number in ports.items()
                ],
                **given(
                    load_balancer_ip=address.address if address else None,
                    load_balancer_source_ranges=args.source_ranges if address else None,
                ),
            ),
            opts=self._awaited(args),
        )

    def _urls(self, args: InferenceServiceArgs, address: gcp.compute.Address | None) -> None:
        server = server_of(args)
        port = "" if port_of(args) == 80 else f":{port_of(args)}"
        metrics_port = f":{server.further_ports['metrics']}" if server.metrics_port == "metrics" else port
        if address is not None:
            # of the reservation, not of the Service's status: known as soon as it is reserved
            host = address.address
            reachable = pulumi.Output.concat("http://", host, port)
            self.load_balancer_ip = address.address.apply(lambda known: known)
            self.access = pulumi.Output.from_input(exposure_of(args).value)
        else:
            host = pulumi.Output.concat(self.service_name, ".", self.namespace, ".svc.cluster.local")
            reachable = pulumi.Output.from_input(f"http://localhost:{FORWARDED_PORT}")
            self.load_balancer_ip = pulumi.Output.from_input(None)
            self.access = pulumi.Output.concat(
                "port-forward: kubectl --namespace ",
                self.namespace,
                " port-forward service/",
                self.service_name,
                f" {FORWARDED_PORT}:{port_of(args)}",
            )
        self.endpoint = pulumi.Output.concat("http://", host, port, server.generate_path)
        self.health_url = pulumi.Output.concat("http://", host, port, server.health_path)
        self.metrics_url = pulumi.Output.concat("http://", host, metrics_port, server.metrics_path)
        body = json.dumps(server.request(serving_of(args), "What is a mixture of experts?"))
        self.try_it = pulumi.Output.concat(
            "curl ",
            reachable,
            f"{server.generate_path} -H 'Content-Type: application/json' -d {shlex.quote(body)}",
        )


def exposure_of(args: InferenceServiceArgs) -> Exposure:
    """Return who can reach the service."""
    return args.exposure or Exposure.CLUSTER


def port_of(args: InferenceServiceArgs) -> int:
    """Return the port of the Service."""
    return args.port or 80


def has_room_for_surge(args: InferenceServiceArgs) -> bool:
    """Return whether a rollout can start a new pod beside all old ones."""
    if not args.accelerators:
        return True
    return (most_replicas(args) + 1) * args.accelerators <= (args.pool_accelerators or 0)
