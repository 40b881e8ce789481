"""One model server on a Kubernetes cluster, with all that it needs to be reached, to scale and to survive upgrades."""

import json
import shlex

import pulumi
import pulumi_gcp as gcp
import pulumi_kubernetes as kubernetes

from ..args import given
from ..findings import refuse
from .autoscaling import create_autoscaler
from .derived import most_replicas, rollout_seconds, server_of, serving_of
from .exposure import FORWARDED_PORT, close_other_ports, create_service, exposure_of, port_forward, reserve_address
from .inference_checks import check_inference_service
from .inference_service_args import InferenceServiceArgs
from .model_pod import TOKEN_KEY, pod_template
from .volumes import cache_claim, cache_size


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
    metrics_url: pulumi.Output[str | None]
    """URL of the Prometheus metrics. None where the server has none."""
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
        deployment = self._deployment(name, args, labels, secret, self._files(name, args, child))
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
            create_autoscaler(name, args, args.autoscaling, labels, self.namespace, child)
        server = server_of(args)
        close_other_ports(
            f"{name}-ports",
            args,
            namespace=self.namespace,
            selector=labels,
            ports=[server.port, *server.further_ports.values()],
            opts=child,
        )
        address = reserve_address(name, args, child)
        service = create_service(
            f"{name}-service",
            args,
            namespace=self.namespace,
            labels=args.service_labels or {},
            selector=labels,
            ports={"http": port_of(args), **server.further_ports},
            address=address,
            opts=self._awaited(args),
        )

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

    def _metadata(self, name: str, labels: dict[str, str]) -> kubernetes.meta.v1.ObjectMetaArgs:
        return kubernetes.meta.v1.ObjectMetaArgs(name=name, namespace=self.namespace, labels=labels)

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

    def _files(
        self, name: str, args: InferenceServiceArgs, opts: pulumi.ResourceOptions
    ) -> kubernetes.core.v1.ConfigMap | None:
        files = server_of(args).files(serving_of(args))
        if not files:
            return None
        return kubernetes.core.v1.ConfigMap(
            f"{name}-files",
            # as with the token: other files make another ConfigMap
            immutable=True,
            metadata=kubernetes.meta.v1.ObjectMetaArgs(namespace=self.namespace),
            data=files,
            opts=opts,
        )

    def _compile_cache(
        self, name: str, args: InferenceServiceArgs, labels: dict[str, str]
    ) -> list[kubernetes.core.v1.PersistentVolumeClaim]:
        claim = cache_claim(name, args)
        if claim is None:
            return []
        return [
            kubernetes.core.v1.PersistentVolumeClaim(
                claim,
                metadata=kubernetes.meta.v1.ObjectMetaArgs(
                    name=claim,
                    namespace=self.namespace,
                    labels=labels,
                    # it is bound when the pod that mounts it has a node
                    annotations={"pulumi.com/skipAwait": "true"},
                ),
                spec=kubernetes.core.v1.PersistentVolumeClaimSpecArgs(
                    access_modes=["ReadWriteOnce"],
                    resources=kubernetes.core.v1.VolumeResourceRequirementsArgs(requests={"storage": cache_size(args)}),
                ),
                opts=pulumi.ResourceOptions(parent=self),
            )
        ]

    def _deployment(
        self,
        name: str,
        args: InferenceServiceArgs,
        labels: dict[str, str],
        secret: kubernetes.core.v1.Secret | None,
        files: kubernetes.core.v1.ConfigMap | None,
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
                template=pod_template(
                    name,
                    args,
                    labels,
                    secret.metadata.name.apply(str) if secret else None,
                    files.metadata.name.apply(str) if files else None,
                ),
            ),
            opts=pulumi.ResourceOptions.merge(
                self._awaited(args), pulumi.ResourceOptions(depends_on=self._compile_cache(name, args, labels))
            ),
        )

    def _awaited(self, args: InferenceServiceArgs) -> pulumi.ResourceOptions:
        # the provider's own 10 minutes are shorter than most models take to load. A Service waits for a ready pod, too
        seconds = f"{rollout_seconds(args) + 300}s"
        return pulumi.ResourceOptions(
            parent=self, custom_timeouts=pulumi.CustomTimeouts(create=seconds, update=seconds, delete="15m")
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
            self.access = port_forward(self.namespace, self.service_name, port_of(args))
        self.endpoint = pulumi.Output.concat("http://", host, port, server.generate_path)
        self.health_url = pulumi.Output.concat("http://", host, port, server.health_path)
        self.metrics_url = pulumi.Output.from_input(None)
        if server.metrics_path is not None:
            url = pulumi.Output.concat("http://", host, metrics_port, server.metrics_path)
            self.metrics_url = url.apply(lambda known: known)
        body = json.dumps(server.request(serving_of(args), "What is a mixture of experts?"))
        self.try_it = pulumi.Output.concat(
            "curl ",
            reachable,
            server.generate_path,
            self._key_header(args),
            f" -H 'Content-Type: application/json' -d {shlex.quote(body)}",
        )

    def _key_header(self, args: InferenceServiceArgs) -> pulumi.Output[str]:
        """Return the part of a curl line that gives a request the pod's key, where it needs one."""
        command = server_of(args).key_command(serving_of(args))
        if command is None:
            return pulumi.Output.from_input("")
        pod = pulumi.Output.concat("deployment/", self.deployment_name, " --container ", self.deployment_name)
        read = pulumi.Output.concat(
            "kubectl --namespace ", self.namespace.apply(shlex.quote), " exec ", pod, " -- ", command
        )
        return pulumi.Output.concat(' -H "Authorization: Bearer $(', read, ')"')


def port_of(args: InferenceServiceArgs) -> int:
    """Return the port of the Service."""
    return args.port or 80


def has_room_for_surge(args: InferenceServiceArgs) -> bool:
    """Return whether a rollout can start a new pod beside all old ones."""
    if not args.accelerators:
        return True
    return (most_replicas(args) + 1) * args.accelerators <= (args.pool_accelerators or 0)
