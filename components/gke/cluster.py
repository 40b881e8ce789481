"""The GKE cluster resource itself, of either mode."""

from typing import Any

import pulumi
import pulumi_gcp as gcp

from ..args import given
from .gpu_cluster_args import Addons, GkeGpuClusterArgs, MaintenanceWindow, ReleaseChannel


def create_cluster(
    name: str,
    args: GkeGpuClusterArgs,
    project: pulumi.Output[str],
    node_email: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
) -> gcp.container.Cluster:
    """Register the cluster, whose nodes run as the service account `node_email`."""
    window = args.maintenance_window or MaintenanceWindow(
        start="2026-01-03T03:00:00Z", end="2026-01-03T09:00:00Z", recurrence="FREQ=WEEKLY;BYDAY=SA,SU"
    )
    of_mode = _autopilot(args, node_email) if args.autopilot else _standard(args, project, node_email)
    return gcp.container.Cluster(
        name,
        project=args.project,
        location=args.location,
        **given(resource_labels=args.labels),
        release_channel=gcp.container.ClusterReleaseChannelArgs(
            channel=(args.release_channel or ReleaseChannel.REGULAR).value.upper()
        ),
        network=args.network if args.network is not None else "default",
        subnetwork=args.subnetwork if args.subnetwork is not None else "default",
        networking_mode="VPC_NATIVE",
        ip_allocation_policy=gcp.container.ClusterIpAllocationPolicyArgs(),
        private_cluster_config=gcp.container.ClusterPrivateClusterConfigArgs(
            enable_private_nodes=args.private_nodes is not False, enable_private_endpoint=False
        ),
        **given(master_authorized_networks_config=_authorized_networks(args.authorized_networks)),
        maintenance_policy=gcp.container.ClusterMaintenancePolicyArgs(
            recurring_window=gcp.container.ClusterMaintenancePolicyRecurringWindowArgs(
                start_time=window.start, end_time=window.end, recurrence=window.recurrence
            )
        ),
        deletion_protection=args.deletion_protection is True,
        **of_mode,
        opts=pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(
                # GKE writes them itself, and a difference replaces the cluster
                ignore_changes=["nodeConfig", "dnsConfig"] if args.autopilot else ["nodeConfig", "initialNodeCount"],
                custom_timeouts=pulumi.CustomTimeouts(create="60m", update="60m", delete="60m"),
            ),
        ),
    )


def _autopilot(args: GkeGpuClusterArgs, node_email: pulumi.Output[str]) -> dict[str, Any]:  # Any: inputs of a Cluster
    """Return what an Autopilot cluster has besides. All else is GKE's, and what is passed may replace the cluster."""
    tags = args.tags and gcp.container.ClusterNodePoolAutoConfigArgs(
        network_tags=gcp.container.ClusterNodePoolAutoConfigNetworkTagsArgs(tags=args.tags)
    )
    logging = args.logging and gcp.container.ClusterLoggingConfigArgs(enable_components=args.logging)
    monitoring = args.monitoring and gcp.container.ClusterMonitoringConfigArgs(enable_components=args.monitoring)
    return given(
        enable_autopilot=True,
        cluster_autoscaling=gcp.container.ClusterClusterAutoscalingArgs(
            auto_provisioning_defaults=gcp.container.ClusterClusterAutoscalingAutoProvisioningDefaultsArgs(
                service_account=node_email,
                # what the nodes may do is decided by the roles of their service account, not by scopes
                oauth_scopes=["https://www.googleapis.com/auth/cloud-platform"],
            )
        ),
        node_pool_auto_config=tags or None,
        logging_config=logging or None,
        monitoring_config=monitoring or None,
    )


def _standard(
    args: GkeGpuClusterArgs, project: pulumi.Output[str], node_email: pulumi.Output[str]
) -> dict[str, Any]:  # Any: inputs of a Cluster
    """Return what a Standard cluster has besides."""
    addons = args.addons or Addons()
    # a zonal cluster names only the zones besides its own
    other_zones = [zone for zone in args.node_locations or [] if zone != args.location]
    return given(
        node_locations=other_zones or None,
        datapath_provider="ADVANCED_DATAPATH",
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
        remove_default_node_pool=True,
        initial_node_count=1,
        # of the default pool, which lives for some minutes: not even then under the broad default account, nor
        # with disks that take a new project's SSD quota of 500 GB
        node_config=gcp.container.ClusterNodeConfigArgs(
            service_account=node_email,
            disk_size_gb=30,
            shielded_instance_config=gcp.container.ClusterNodeConfigShieldedInstanceConfigArgs(
                enable_secure_boot=True, enable_integrity_monitoring=True
            ),
        ),
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
