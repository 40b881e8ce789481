"""Small programs for the simulated clouds."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_gcp as gcp
import pulumi_kubernetes as kubernetes

APIS = ("compute", "container", "cloudresourcemanager", "iam")
AUTOPILOT = {"enable_autopilot": True}
MODEL = "mistralai/Mixtral-8x7B-Instruct-v0.1"


@dataclass
class Platform:
    """A cluster with a GPU pool, an address and a model server, every part of which a test can change."""

    autopilot: bool = False
    """Whether there is no pool, but nodes on demand."""
    cluster: dict[str, Any] = field(default_factory=dict)
    pool: dict[str, Any] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=dict)
    address: dict[str, Any] = field(default_factory=dict)
    deployments: dict[str, dict[str, Any]] = field(default_factory=lambda: {"server": {}})
    """By name what differs from a model server that works: `pod`, `container`, `deployment`, `annotations`,
    `timeout`."""
    service: dict[str, Any] = field(default_factory=dict)
    workload: bool = True
    monitoring: dict[str, Any] | None = None
    """Spec of a PodMonitoring, a kind that GKE brings."""
    compute_class: dict[str, Any] | None = None
    """Spec of a ComputeClass, likewise; such an object is in no namespace."""

    def __call__(self) -> None:
        """The program."""
        apis = [gcp.projects.Service(api, service=f"{api}.googleapis.com", disable_on_destroy=False) for api in APIS]
        ready = pulumi.ResourceOptions(depends_on=apis)
        account = gcp.serviceaccount.Account("nodes", opts=ready)
        gcp.projects.IAMMember(
            "logs", project="example-project", role="roles/logging.logWriter", member=account.member, opts=ready
        )
        network = gcp.compute.Network("net", auto_create_subnetworks=False, opts=ready)
        subnetwork = gcp.compute.Subnetwork("subnet", network=network.self_link, ip_cidr_range="10.0.0.0/16")
        cluster = gcp.container.Cluster(
            "cluster",
            **{
                "location": "us-central1",
                "network": network.self_link,
                "subnetwork": subnetwork.self_link,
                **(AUTOPILOT if self.autopilot else {"remove_default_node_pool": True, "initial_node_count": 1}),
                "deletion_protection": False,
                **self.cluster,
            },
            opts=ready,
        )
        pool = cluster if self.autopilot else self._pool(cluster, account)
        address = gcp.compute.Address("ip", **self.address, opts=ready)
        kubeconfig = pulumi.Output.secret(pulumi.Output.all(cluster.endpoint, cluster.master_auth).apply(_kubeconfig))
        provider = kubernetes.Provider(
            "on-cluster",
            kubeconfig=kubeconfig,
            cluster_identifier=cluster.id,
            opts=pulumi.ResourceOptions(depends_on=[pool]),
        )
        pulumi.export("endpoint", cluster.endpoint)
        pulumi.export("address", address.address)
        pulumi.export("email", account.email)
        if self.compute_class:
            kubernetes.apiextensions.CustomResource(
                "class",
                api_version="cloud.google.com/v1",
                kind="ComputeClass",
                metadata={"name": "l4"},
                spec=self.compute_class,
                opts=pulumi.ResourceOptions(provider=provider),
            )
        if self.workload:
            self._workload(provider, address)

    def _pool(self, cluster: gcp.container.Cluster, account: gcp.serviceaccount.Account) -> gcp.container.NodePool:
        return gcp.container.NodePool(
            "gpu",
            cluster=cluster.id,
            **{
                "node_locations": ["us-central1-a"],
                "node_count": 1,
                "node_config": {
                    "machineType": "g2-standard-48",
                    "guestAccelerators": [{"type": "nvidia-l4", "count": 4}],
                    "serviceAccount": account.email,
                    **self.machine,
                },
                **self.pool,
            },
        )

    def _workload(self, provider: kubernetes.Provider, address: gcp.compute.Address) -> None:
        opts = pulumi.ResourceOptions(provider=provider)
        namespace = kubernetes.core.v1.Namespace("serving", opts=opts)
        metadata = {"namespace": namespace.metadata["name"]}
        token = kubernetes.core.v1.Secret(
            "token", metadata=metadata, string_data={"token": pulumi.Output.secret("hf_not_a_real_token")}, opts=opts
        )
        if self.monitoring:
            kubernetes.apiextensions.CustomResource(
                "monitoring",
                api_version="monitoring.googleapis.com/v1",
                kind="PodMonitoring",
                metadata=metadata,
                spec=self.monitoring,
                opts=opts,
            )
        for name, changes in self.deployments.items():
            _deployment(name, metadata, token, opts, **changes)
        service = kubernetes.core.v1.Service(
            "server",
            metadata=metadata,
            spec={
                "type": "LoadBalancer",
                "selector": {"app": "server"},
                "ports": [{"port": 80, "targetPort": 8080}],
                "loadBalancerIP": address.address,
                **self.service,
            },
            opts=opts,
        )
        pulumi.export("loadBalancer", service.status.apply(lambda status: status.load_balancer.ingress[0].ip))


def _deployment(
    name: str,
    metadata: dict[str, Any],
    token: kubernetes.core.v1.Secret,
    opts: pulumi.ResourceOptions,
    *,
    pod: dict[str, Any] | None = None,
    container: dict[str, Any] | None = None,
    deployment: dict[str, Any] | None = None,
    annotations: dict[str, str] | None = None,
    timeout: str = "60m",
) -> None:
    labels = {"app": name}
    secret = {"secretKeyRef": {"name": token.metadata["name"], "key": "token"}}
    server: dict[str, Any] = {
        "name": "server",
        "image": "ghcr.io/huggingface/text-generation-inference:3.3.4",
        "env": [{"name": "MODEL_ID", "value": MODEL}, {"name": "HF_TOKEN", "valueFrom": secret}],
        "resources": {"limits": {"nvidia.com/gpu": "4"}},
        **(container or {}),
    }
    selector = {"cloud.google.com/gke-accelerator": "nvidia-l4"}
    kubernetes.apps.v1.Deployment(
        name,
        metadata={**metadata, "annotations": annotations or {}},
        spec={
            "replicas": 1,
            "progressDeadlineSeconds": 3600,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"nodeSelector": selector, "containers": [server], **(pod or {})},
            },
            **(deployment or {}),
        },
        opts=pulumi.ResourceOptions.merge(
            opts, pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create=timeout, update=timeout))
        ),
    )


def _kubeconfig(known: list[Any]) -> str:
    endpoint, authority = known
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "simulated",
            "contexts": [{"name": "simulated", "context": {"cluster": "simulated", "user": "simulated"}}],
            "clusters": [
                {
                    "name": "simulated",
                    "cluster": {
                        "server": f"https://{endpoint}",
                        "certificate-authority-data": authority["cluster_ca_certificate"],
                    },
                }
            ],
            "users": [{"name": "simulated", "user": {}}],
        }
    )
