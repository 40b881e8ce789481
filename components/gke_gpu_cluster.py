"""A GKE Standard cluster with a CPU pool and GPU pools, ready for InferenceServices."""

import json

import pulumi
import pulumi_gcp as gcp
import pulumi_kubernetes as kubernetes

from components.args import given
from components.findings import refuse
from components.gke_checks import check_gke_gpu_cluster, pool_zones
from components.gke_gpu_cluster_args import Addons, GkeGpuClusterArgs, MaintenanceWindow, ReleaseChannel
from components.gke_node_pool import NodePoolArgs, create_node_pool
from components.names import account_id
from components.node_pool_checks import region_of

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
    """A private, shielded GKE Standard cluster whose nodes run as their own service account with least roles.

    The CPU pool is separate from the cluster's default pool, which is removed, and is there before any GPU pool.
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
    """Names of all node pools. Known when the pools are ready."""

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
        cluster = self._cluster(name, args, project, account.email, ready)

        pools = {"cpu": self._pool(f"{name}-cpu", args.cpu_pool, None, args, cluster, account.email, child)}
        # GPU nodes get their taint only where another pool can hold GKE's own pods
        after_cpu = pulumi.ResourceOptions(parent=self, depends_on=[pools["cpu"]])
        for pool_name, pool in {**(args.cpu_pools or {}), **(args.gpu_pools or {})}.items():
            pools[pool_name] = self._pool(
                f"{name}-{pool_name}", pool, pool_name, args, cluster, account.email, after_cpu
            )

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

    def _cluster(
        self,
        name: str,
        args: GkeGpuClusterArgs,
        project: pulumi.Output[str],
        node_email: pulumi.Output[str],
        opts: pulumi.ResourceOptions,
    ) -> gcp.container.Cluster:
        addons = args.addons or Addons()
        window = args.maintenance_window or MaintenanceWindow(
            start="2026-01-03T03:00:00Z", end="2026-01-03T09:00:00Z", recurrence="FREQ=WEEKLY;BYDAY=SA,SU"
        )
        shielded = gcp.container.ClusterNodeConfigShieldedInstanceConfigArgs(
            enable_secure_boot=True, enable_integrity_monitoring=True
        )
        # a zonal cluster names only the zones besides its own
        other_zones = [zone for zone in args.node_locations or [] if zone != args.location]
        return gcp.container.Cluster(
            name,
            project=args.project,
            location=args.location,
            **given(node_locations=other_zones or None, resource_labels=args.labels),
            release_channel=gcp.container.ClusterReleaseChannelArgs(
                channel=(args.release_channel or ReleaseChannel.REGULAR).value.upper()
            ),
            network=args.network if args.network is not None else "default",
            subnetwork=args.subnetwork if args.subnetwork is not None else "default",
            networking_mode="VPC_NATIVE",
            ip_allocation_policy=gcp.container.ClusterIpAllocationPolicyArgs(),
            datapath_provider="ADVANCED_DATAPATH",
            private_cluster_config=gcp.container.ClusterPrivateClusterConfigArgs(
                enable_private_nodes=args.private_nodes is not False, enable_private_endpoint=False
            ),
            **given(master_authorized_networks_config=_authorized_networks(args.authorized_networks)),
            addons_config=gcp.container.ClusterAddonsConfigArgs(
                horizontal_pod_autoscaling=gcp.container.ClusterAddonsConfigHorizontalPodAutoscalingArgs(
                    disabled=addons.horizontal_pod_autoscaling is False
                ),
                http_load_balancing=gcp.container.ClusterAddonsConfigHttpLoadBalancingArgs(
                    disabled=addons.http_load_balancing is False
                ),
                gce_persistent_disk_csi_driver_config=gcp.container.ClusterAddonsConfigGcePersistentDiskCsiDriverConfigArgs(
                    enabled=addons.persistent_disk_csi is not False
                ),
                gcs_fuse_csi_driver_config=gcp.container.ClusterAddonsConfigGcsFuseCsiDriverConfigArgs(
                    enabled=addons.gcs_fuse_csi is not False
                ),
            ),
            enable_shielded_nodes=True,
            workload_identity_config=gcp.container.ClusterWorkloadIdentityConfigArgs(
                workload_pool=pulumi.Output.concat(project, ".svc.id.goog")
            ),
            logging_config=gcp.container.ClusterLoggingConfigArgs(
                enable_components=args.logging if args.logging is not None else ["SYSTEM_COMPONENTS", "WORKLOADS"]
            ),
            monitoring_config=gcp.container.ClusterMonitoringConfigArgs(
                enable_components=args.monitoring if args.monitoring is not None else ["SYSTEM_COMPONENTS"],
                managed_prometheus=gcp.container.ClusterMonitoringConfigManagedPrometheusArgs(
                    enabled=args.managed_prometheus is not False
                ),
            ),
            maintenance_policy=gcp.container.ClusterMaintenancePolicyArgs(
                recurring_window=gcp.container.ClusterMaintenancePolicyRecurringWindowArgs(
                    start_time=window.start, end_time=window.end, recurrence=window.recurrence
                )
            ),
            deletion_protection=args.deletion_protection is True,
            remove_default_node_pool=True,
            initial_node_count=1,
            # of the default pool, which lives for some minutes: not even then under the broad default account, nor
            # with disks that take a new project's SSD quota of 500 GB
            node_config=gcp.container.ClusterNodeConfigArgs(
                service_account=node_email, disk_size_gb=30, shielded_instance_config=shielded
            ),
            opts=pulumi.ResourceOptions.merge(
                opts,
                pulumi.ResourceOptions(
                    ignore_changes=["nodeConfig", "initialNodeCount"],
                    custom_timeouts=pulumi.CustomTimeouts(create="60m", update="60m", delete="60m"),
                ),
            ),
        )

    def _pool(
        self,
        resource_name: str,
        pool: NodePoolArgs,
        pool_name: str | None,
        args: GkeGpuClusterArgs,
        cluster: gcp.container.Cluster,
        node_email: pulumi.Output[str],
        opts: pulumi.ResourceOptions,
    ) -> gcp.container.NodePool:
        return create_node_pool(
            resource_name,
            pool,
            pool_name=pool_name,
            zones=pool_zones(args, pool),
            cluster_id=cluster.id,
            service_account=node_email,
            tags=args.tags,
            opts=opts,
        )


def _authorized_networks(
    networks: dict[str, str] | None,
) -> gcp.container.ClusterMasterAuthorizedNetworksConfigArgs | None:
    if networks is None:
        return None
    return gcp.container.ClusterMasterAuthorizedNetworksConfigArgs(
        cidr_blocks=[
            gcp.container.ClusterMasterAuthorizedNetworksConfigCidrBlockArgs(cidr_block=cidr, display_name=display_name)
            for display_name, cidr in networks.items()
        ]
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
