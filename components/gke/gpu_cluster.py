"""A GKE cluster, Standard with a CPU pool and GPU pools or Autopilot, ready for InferenceServices."""

import json

import pulumi
import pulumi_gcp as gcp
import pulumi_kubernetes as kubernetes

from ..findings import refuse
from ..names import account_id
from .cluster import create_cluster
from .cluster_checks import check_gke_gpu_cluster, pool_zones
from .gpu_cluster_args import CPU_POOL, GkeGpuClusterArgs, node_pools
from .node_pool import GpuPoolArgs, NodePoolArgs, create_node_pool
from .node_pool_checks import region_of

APIS = (
    "cloudresourcemanager.googleapis.com",
    "compute.googleapis.com",
    "container.googleapis.com",
    "iam.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
)
"""Google APIs that the cluster needs. Enabled, and left on at destroy, since others in the project may use them."""

NODE_ROLE = "roles/container.defaultNodeServiceAccount"
"""The least that GKE's own node agents need: write logs and metrics.
Source: cloud.google.com/kubernetes-engine/docs/how-to/service-accounts, 2026-11-21."""


class GkeGpuCluster(pulumi.ComponentResource):
    """A private, shielded GKE cluster whose nodes run as their own service account with least roles.

    A Standard cluster has pools: the CPU pool is separate from the cluster's default pool, which is removed, and is
    there before any GPU pool. An Autopilot cluster has none; GKE makes nodes for the pods that come.
    """

    name: pulumi.Output[str]
    """Name of the cluster."""
    cluster_id: pulumi.Output[str]
    """ID of the cluster, `projects/P/locations/L/clusters/C`, for further node pools. Known when its own are ready."""
    endpoint: pulumi.Output[str]
    """Address of the control plane."""
    ca_certificate: pulumi.Output[str]
    """Certificate of the control plane's authority, PEM in base64."""
    location: pulumi.Output[str]
    """Region or zone."""
    project: pulumi.Output[str]
    """Project of the cluster. Known once its APIs are enabled, so that whatever uses it waits for them."""
    workload_pool: pulumi.Output[str]
    """Workload Identity pool, `PROJECT.svc.id.goog`."""
    kubeconfig: pulumi.Output[str]
    """Secret. A kubeconfig whose user authenticates with `gke-gcloud-auth-plugin`."""
    provider: kubernetes.Provider
    """Kubernetes provider of the cluster. Pass it as `provider` to what runs on it."""
    node_service_account: pulumi.Output[str]
    """E-mail address of the nodes' service account."""
    network_tags: pulumi.Output[list[str]]
    """Network tags of the nodes."""
    pool_names: pulumi.Output[list[str]]
    """Names of all node pools. Known when the pools are ready. Empty for an Autopilot cluster."""

    def __init__(
        self,
        name: str,
        args: GkeGpuClusterArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Register the cluster.

        Raises:
            ConfigurationError: if `args` are wrong; nothing is registered then.
        """
        args = GkeGpuClusterArgs.parse(args)
        refuse(check_gke_gpu_cluster(name, args))
        super().__init__("llm-serving:index:GkeGpuCluster", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        project = pulumi.Output.from_input(args.project if args.project is not None else gcp.config.project or "")

        apis = [
            gcp.projects.Service(
                f"{name}-{api.partition('.')[0]}",
                project=args.project,
                service=api,
                disable_on_destroy=False,
                opts=child,
            )
            for api in APIS
        ]
        enabled = pulumi.ResourceOptions(parent=self, depends_on=apis)
        account, grants = self._node_service_account(name, args, project, enabled)
        ready = pulumi.ResourceOptions(parent=self, depends_on=[*apis, *grants, *self._nat(name, args, enabled)])
        cluster = create_cluster(name, args, project, account.email, ready)

        pools: dict[str, gcp.container.NodePool] = {}
        for pool_name, pool in node_pools(args).items():
            # GPU nodes get their taint only where another pool can hold GKE's own pods
            first = pools.get(CPU_POOL) if isinstance(pool, GpuPoolArgs) else None
            after = pulumi.ResourceOptions(parent=self, depends_on=[first] if first else None)
            pools[pool_name] = self._pool(f"{name}-{pool_name}", pool, pool_name, args, cluster, account.email, after)

        self.name = cluster.name
        self.cluster_id = pulumi.Output.all(cluster.id, *(pool.id for pool in pools.values())).apply(
            lambda ids: str(ids[0])
        )
        self.endpoint = cluster.endpoint
        self.ca_certificate = cluster.master_auth.cluster_ca_certificate
        self.location = cluster.location
        self.project = pulumi.Output.all(*(api.project for api in apis)).apply(lambda projects: projects[0])
        self.workload_pool = pulumi.Output.concat(project, ".svc.id.goog")
        self.kubeconfig = pulumi.Output.secret(
            pulumi.Output.all(cluster.name, cluster.endpoint, self.ca_certificate).apply(
                lambda known: kubeconfig(known[0], known[1], known[2])
            )
        )
        self.provider = kubernetes.Provider(
            f"{name}-kubernetes",
            kubeconfig=self.kubeconfig,
            # without it, any change of the kubeconfig's text would replace everything on the cluster
            cluster_identifier=cluster.id,
            # an object on the cluster needs its nodes, and at destroy goes before them
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(pools.values())),
        )
        self.node_service_account = account.email
        self.network_tags = pulumi.Output.from_input(args.tags or [])
        self.pool_names = pulumi.Output.all(*(pool.name for pool in pools.values()))
        self.register_outputs(
            {
                "name": self.name,
                "clusterId": self.cluster_id,
                "endpoint": self.endpoint,
                "caCertificate": self.ca_certificate,
                "location": self.location,
                "project": self.project,
                "workloadPool": self.workload_pool,
                "kubeconfig": self.kubeconfig,
                "provider": self.provider,
                "nodeServiceAccount": self.node_service_account,
                "networkTags": self.network_tags,
                "poolNames": self.pool_names,
            }
        )

    def _node_service_account(
        self, name: str, args: GkeGpuClusterArgs, project: pulumi.Output[str], opts: pulumi.ResourceOptions
    ) -> tuple[gcp.serviceaccount.Account, list[gcp.projects.IAMMember]]:
        account = gcp.serviceaccount.Account(
            f"{name}-nodes",
            # two stacks of a project may well give their cluster the same name
            account_id=account_id(f"{name}-{pulumi.get_stack()}-nodes"),
            display_name=f"Nodes of {name}",
            project=args.project,
            opts=opts,
        )
        further: list[str] = args.node_roles or []
        roles = list(dict.fromkeys([NODE_ROLE, *further]))
        grants = [
            gcp.projects.IAMMember(
                f"{name}-nodes-{role.rpartition('/')[2]}",
                project=project,
                role=role,
                member=account.member,
                opts=opts,
            )
            for role in roles
        ]
        return account, grants

    def _nat(self, name: str, args: GkeGpuClusterArgs, opts: pulumi.ResourceOptions) -> list[pulumi.Resource]:
        private = args.private_nodes is not False
        if not (private if args.nat is None else args.nat):
            return []
        router = gcp.compute.Router(
            f"{name}-router",
            project=args.project,
            region=region_of(args.location),
            network=args.network if args.network is not None else "default",
            opts=opts,
        )
        nat = gcp.compute.RouterNat(
            f"{name}-nat",
            project=args.project,
            region=region_of(args.location),
            router=router.name,
            nat_ip_allocate_option="AUTO_ONLY",
            source_subnetwork_ip_ranges_to_nat="ALL_SUBNETWORKS_ALL_IP_RANGES",
            log_config=gcp.compute.RouterNatLogConfigArgs(enable=True, filter="ERRORS_ONLY"),
            opts=opts,
        )
        return [nat]

    def _pool(
        self,
        resource_name: str,
        pool: NodePoolArgs,
        pool_name: str,
        args: GkeGpuClusterArgs,
        cluster: gcp.container.Cluster,
        node_email: pulumi.Output[str],
        opts: pulumi.ResourceOptions,
    ) -> gcp.container.NodePool:
        return create_node_pool(
            resource_name,
            pool,
            pool_name=None if pool_name == CPU_POOL else pool_name,
            zones=pool_zones(args, pool),
            cluster_id=cluster.id,
            service_account=node_email,
            tags=args.tags,
            opts=opts,
        )


def kubeconfig(cluster_name: str, endpoint: str, ca_certificate: str) -> str:
    """Return a kubeconfig, as JSON, for the cluster; its user is whoever is logged in to gcloud."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": cluster_name,
                    "cluster": {"server": f"https://{endpoint}", "certificate-authority-data": ca_certificate},
                }
            ],
            "users": [
                {
                    "name": cluster_name,
                    "user": {
                        "exec": {
                            "apiVersion": "client.authentication.k8s.io/v1beta1",
                            "command": "gke-gcloud-auth-plugin",
                            "installHint": "Install gke-gcloud-auth-plugin: gcloud components install"
                            " gke-gcloud-auth-plugin",
                            "interactiveMode": "IfAvailable",
                            "provideClusterInfo": True,
                        }
                    },
                }
            ],
            "contexts": [{"name": cluster_name, "context": {"cluster": cluster_name, "user": cluster_name}}],
            "current-context": cluster_name,
        }
    )
