"""What horizontal pod autoscaling on GKE needs to read metrics of model servers and of GPUs.

Sources: custom-metrics-stackdriver-adapter of github.com/GoogleCloudPlatform/k8s-stackdriver, deploy/production;
github.com/GoogleCloudPlatform/prometheus-engine/pull/1002 for the labels of GPU metrics, 2026-11-21.
"""

import pulumi
import pulumi_kubernetes as kubernetes

from ..args import ComponentArgs, Input
from ..findings import refuse
from ..inference.autoscaling import GPU_MEMORY
from ..names import check_name
from .workload_identity_binding import (
    WorkloadIdentityBinding,
    WorkloadIdentityBindingArgs,
    check_workload_identity_binding,
)

IMAGE = "gcr.io/gke-release/custom-metrics-stackdriver-adapter:v0.16.9-gke.0"

APP = "custom-metrics-stackdriver-adapter"
"""Name of the adapter's objects, as upstream has them: a cluster has one adapter."""

PORT = 443

CUSTOM_METRICS, EXTERNAL_METRICS = "custom.metrics.k8s.io", "external.metrics.k8s.io"

API_SERVICES = ((CUSTOM_METRICS, "v1beta1", 100), (CUSTOM_METRICS, "v1beta2", 200), (EXTERNAL_METRICS, "v1beta1", 100))
"""Group, version, and its priority within the group."""

MONITORING_VIEWER = "roles/monitoring.viewer"

core = kubernetes.core.v1
meta = kubernetes.meta.v1
rbac = kubernetes.rbac.v1


class CustomMetricsAdapterArgs(ComponentArgs):
    """Arguments of CustomMetricsAdapter."""

    project: Input[str]
    """Google Cloud project ID of the cluster."""
    namespace: str | None = None
    """Namespace of the adapter, which is made. Default: `custom-metrics`."""
    gpu_memory: bool | None = None
    """Also record how much of its GPUs' memory each pod has taken, from the metrics of NVIDIA's DCGM that GKE collects.
    Default: false."""


class CustomMetricsAdapter(pulumi.ComponentResource):
    """The Custom Metrics Stackdriver Adapter: Cloud Monitoring's metrics for horizontal pod autoscaling.

    A cluster has one. It may read metrics of its project, pods and nodes, and nothing else.
    """

    namespace: pulumi.Output[str]
    """Namespace of the adapter. Known when it answers."""

    def __init__(self, name: str, args: CustomMetricsAdapterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the adapter on the cluster of the Kubernetes provider of `opts`.

        Raises:
            ConfigurationError: if `args` are wrong; nothing is registered then.
        """
        args = CustomMetricsAdapterArgs.parse(args)
        namespace_name = args.namespace or "custom-metrics"
        binding_args = WorkloadIdentityBindingArgs(
            project=args.project,
            namespace=namespace_name,
            service_account_name=APP,
            project_roles=[MONITORING_VIEWER],
        )
        refuse(
            [
                *check_name(name, 63, "cannot name objects of Kubernetes"),
                *check_workload_identity_binding(name, binding_args),
            ]
        )
        super().__init__("llm-serving:index:CustomMetricsAdapter", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        namespace = core.Namespace(
            f"{name}-namespace", metadata=meta.ObjectMetaArgs(name=namespace_name), opts=child
        ).metadata.name.apply(str)
        binding = WorkloadIdentityBinding(name, binding_args.model_copy(update={"namespace": namespace}), child)
        rights = self._rights(name, namespace, binding.service_account, child)
        deployment = self._deployment(name, namespace, binding.service_account, rights)
        service = self._service(name, namespace, deployment)
        served = self._api_services(name, namespace, service)
        if args.gpu_memory:
            self._gpu_memory(name, child)
        self.namespace = pulumi.Output.all(namespace, *(each.urn for each in served)).apply(lambda known: str(known[0]))
        self.register_outputs({"namespace": self.namespace})

    def _rights(
        self,
        name: str,
        namespace: pulumi.Output[str],
        account: pulumi.Output[str],
        opts: pulumi.ResourceOptions,
    ) -> list[pulumi.Resource]:
        adapter = rbac.SubjectArgs(kind="ServiceAccount", name=account, namespace=namespace)
        autoscaler = rbac.SubjectArgs(kind="ServiceAccount", name="horizontal-pod-autoscaler", namespace="kube-system")

        def role(suffix: str, rule: rbac.PolicyRuleArgs) -> rbac.ClusterRole:
            return rbac.ClusterRole(f"{name}-{suffix}", rules=[rule], opts=opts)

        def bind(suffix: str, cluster_role: pulumi.Input[str], subject: rbac.SubjectArgs) -> rbac.ClusterRoleBinding:
            reference = rbac.RoleRefArgs(api_group="rbac.authorization.k8s.io", kind="ClusterRole", name=cluster_role)
            return rbac.ClusterRoleBinding(
                f"{name}-{suffix}-binding", role_ref=reference, subjects=[subject], opts=opts
            )

        reads = role(
            "pod-reader",
            rbac.PolicyRuleArgs(api_groups=[""], resources=["pods", "nodes"], verbs=["get", "list", "watch"]),
        )
        external = role(
            "external-reader",
            rbac.PolicyRuleArgs(api_groups=[EXTERNAL_METRICS], resources=["*"], verbs=["get", "list", "watch"]),
        )
        return [
            bind("delegator", "system:auth-delegator", adapter),
            bind("pod-reader", reads.metadata.name.apply(str), adapter),
            bind("external-reader", external.metadata.name.apply(str), autoscaler),
            rbac.RoleBinding(
                f"{name}-auth-reader-binding",
                metadata=meta.ObjectMetaArgs(namespace="kube-system"),
                role_ref=rbac.RoleRefArgs(
                    api_group="rbac.authorization.k8s.io",
                    kind="Role",
                    name="extension-apiserver-authentication-reader",
                ),
                subjects=[adapter],
                opts=opts,
            ),
        ]

    def _deployment(
        self,
        name: str,
        namespace: pulumi.Output[str],
        account: pulumi.Output[str],
        rights: list[pulumi.Resource],
    ) -> kubernetes.apps.v1.Deployment:
        labels = {"k8s-app": APP}
        resources = {"cpu": "250m", "memory": "200Mi"}
        return kubernetes.apps.v1.Deployment(
            f"{name}-deployment",
            metadata=meta.ObjectMetaArgs(name=APP, namespace=namespace, labels=labels),
            spec=kubernetes.apps.v1.DeploymentSpecArgs(
                replicas=1,
                selector=meta.LabelSelectorArgs(match_labels=labels),
                template=core.PodTemplateSpecArgs(
                    metadata=meta.ObjectMetaArgs(labels=labels),
                    spec=core.PodSpecArgs(
                        service_account_name=account,
                        security_context=core.PodSecurityContextArgs(
                            seccomp_profile=core.SeccompProfileArgs(type="RuntimeDefault")
                        ),
                        containers=[
                            core.ContainerArgs(
                                name=APP,
                                image=IMAGE,
                                command=[
                                    "/adapter",
                                    "--use-new-resource-model=true",
                                    "--fallback-for-container-metrics=true",
                                ],
                                resources=core.ResourceRequirementsArgs(requests=resources, limits=resources),
                                readiness_probe=core.ProbeArgs(
                                    http_get=core.HTTPGetActionArgs(path="/healthz", port=PORT, scheme="HTTPS"),
                                    initial_delay_seconds=40,
                                    period_seconds=10,
                                    timeout_seconds=5,
                                ),
                                security_context=core.SecurityContextArgs(
                                    allow_privilege_escalation=False,
                                    # it listens on a port below 1024
                                    capabilities=core.CapabilitiesArgs(drop=["ALL"], add=["NET_BIND_SERVICE"]),
                                ),
                            )
                        ],
                    ),
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=rights),
        )

    def _service(
        self, name: str, namespace: pulumi.Output[str], deployment: kubernetes.apps.v1.Deployment
    ) -> core.Service:
        return core.Service(
            f"{name}-service",
            metadata=meta.ObjectMetaArgs(name=APP, namespace=namespace),
            spec=core.ServiceSpecArgs(
                type="ClusterIP",
                selector={"k8s-app": APP},
                ports=[core.ServicePortArgs(port=PORT, target_port=PORT, protocol="TCP")],
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[deployment]),
        )

    def _api_services(
        self, name: str, namespace: pulumi.Output[str], service: core.Service
    ) -> list[kubernetes.apiregistration.v1.APIService]:
        v1 = kubernetes.apiregistration.v1
        return [
            v1.APIService(
                f"{name}-{group.partition('.')[0]}-{version}",
                metadata=meta.ObjectMetaArgs(name=f"{version}.{group}"),
                spec=v1.APIServiceSpecArgs(
                    group=group,
                    version=version,
                    group_priority_minimum=100,
                    version_priority=priority,
                    # it signs its certificate itself, anew at each start
                    insecure_skip_tls_verify=True,
                    service=v1.ServiceReferenceArgs(name=APP, namespace=namespace),
                ),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[service]),
            )
            for group, version, priority in API_SERVICES
        ]

    def _gpu_memory(self, name: str, opts: pulumi.ResourceOptions) -> None:
        kubernetes.apiextensions.CustomResource(
            f"{name}-gpu-metrics",
            api_version="monitoring.googleapis.com/v1",
            kind="ClusterPodMonitoring",
            metadata=meta.ObjectMetaArgs(name=f"{name}-gpu-metrics"),
            spec={
                "selector": {"matchLabels": {"app.kubernetes.io/name": "gke-managed-dcgm-exporter"}},
                # the exporter says itself whose GPU it is; labels of its own pod would take their place
                "targetLabels": {"metadata": []},
                "endpoints": [
                    {
                        "port": "metrics",
                        "interval": "15s",
                        "metricRelabeling": [
                            {"sourceLabels": ["__name__"], "regex": "DCGM_FI_DEV_FB_(USED|FREE)", "action": "keep"}
                        ],
                    }
                ],
            },
            opts=opts,
        )
        used = "sum by (namespace, pod) (DCGM_FI_DEV_FB_USED)"
        free = "sum by (namespace, pod) (DCGM_FI_DEV_FB_FREE)"
        kubernetes.apiextensions.CustomResource(
            f"{name}-gpu-rules",
            api_version="monitoring.googleapis.com/v1",
            kind="ClusterRules",
            metadata=meta.ObjectMetaArgs(name=f"{name}-gpu-rules"),
            spec={
                "groups": [
                    {
                        "name": "llm-serving-gpu",
                        "interval": "15s",
                        # a name in lower case, which DCGM's are not: the autoscaler asks for no other
                        "rules": [{"record": GPU_MEMORY.name, "expr": f"{used} / ({used} + {free})"}],
                    }
                ]
            },
            opts=opts,
        )
