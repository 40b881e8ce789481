"""Node pools of a GKE cluster: what they are asked to be, what can be wrong with that, and the resource."""

from enum import StrEnum

import pulumi
import pulumi_gcp as gcp
from pydantic import Field

from ..args import ComponentArgs, Input, given
from ..catalog import load_catalog
from .gpu_sharing import GpuSharingArgs
from .pool_shortage import tell_shortage
from .tpu import slice_of

NAME_LIMIT = 40
"""Characters that GKE allows in the name of a node pool or cluster."""

NODE_DISK_GB = 100
"""Boot disk that GKE gives a node, unless told otherwise."""

FLEX_START_SECONDS = "604800s"
"""The longest that flex-start nodes can run: seven days. They take neither a reservation nor repair.
Sources: cloud.google.com/kubernetes-engine/docs/concepts/dws; github.com/AI-Hypercomputer/xpk, core/capacity.py,
2026-11-21."""


class DriverVersion(StrEnum):
    """Which NVIDIA driver GKE installs on the nodes."""

    LATEST = "latest"
    """The newest that GKE offers for the node's image."""
    DEFAULT = "default"
    """The one that GKE ships by default with the node's version."""
    DISABLED = "installation-disabled"
    """None: a DaemonSet of yours installs it."""


class NodePoolArgs(ComponentArgs):
    """Size and machine of a node pool. All counts are of the whole pool, not per zone."""

    machine_type: str
    """Compute Engine machine type, for example `n2d-standard-8`."""
    zones: list[str] | None = None
    """Zones of the nodes. Default: those of the cluster; for GPU pools, those of its region that offer the GPU."""
    nodes: int | None = Field(default=None, ge=0)
    """Nodes when the pool is created, a multiple of the number of zones. Default: `min_nodes`."""
    min_nodes: int = Field(ge=0)
    """Nodes that the cluster autoscaler keeps at least."""
    max_nodes: int = Field(ge=1)
    """Nodes that the cluster autoscaler adds at most: the bound of what the pool can cost."""
    spot: bool | None = None
    """Run on Spot VMs: cheaper, and taken back at any time. Default: false."""
    reservation: str | None = None
    """Name of a Compute Engine reservation in the project that the nodes must come from. Default: none."""
    image_streaming: bool | None = None
    """Start containers while their image, if it is in Artifact Registry, is still being pulled. Default: true."""
    secure_boot: bool | None = None
    """Refuse boot components that are not signed (Shielded VM). Default: true."""
    integrity_monitoring: bool | None = None
    """Report changes of the boot sequence (Shielded VM). Default: true."""
    auto_upgrade: bool | None = None
    """Let GKE upgrade the nodes. Default: true, which a release channel requires."""
    auto_repair: bool | None = None
    """Let GKE replace broken nodes. Default: true."""
    disk_size_gb: int | None = Field(default=None, ge=10)
    """Size of the boot disk in GB. Default: 100, GKE's own."""
    disk_type: str | None = None
    """Type of the boot disk. Default: `pd-balanced`, GKE's own."""
    labels: dict[str, str] | None = None
    """Kubernetes labels of the nodes. Default: none."""


class GpuPoolArgs(NodePoolArgs):
    """A node pool with GPUs. GKE itself taints its nodes `nvidia.com/gpu=present:NoSchedule`."""

    accelerator_type: str | None = None
    """GPU of the machine type, for example `nvidia-l4`. Default: the one that the machine type has."""
    accelerator_count: int | None = Field(default=None, ge=1)
    """GPUs of one node. Default: as many as the machine type has."""
    local_ssds: int | None = Field(default=None, ge=0)
    """Local SSDs of 375 GB each that hold the node's ephemeral storage. Default: none."""
    driver_version: DriverVersion | None = None
    """NVIDIA driver that GKE installs. A change replaces the pool. Default: `latest`."""
    sharing: GpuSharingArgs | None = None
    """Let several containers share one GPU, or one partition of it. A change replaces the pool. Default: none."""
    partition: str | None = None
    """Size of the MIG partitions that each GPU is cut into, for example `1g.5gb`. A change replaces the pool. Default:
    whole GPUs."""


class TpuPoolArgs(NodePoolArgs):
    """A node pool of TPU slices. GKE itself taints its nodes `google.com/tpu=present:NoSchedule`."""

    topology: str
    """Arrangement of a slice's chips, for example `2x4`. With the machine type it decides how many nodes a slice is:
    with one, `nodes` are as many independent slices; with several, they are the one slice of the pool."""
    flex_start: bool | None = None
    """Let Dynamic Workload Scheduler wait for capacity, and take the nodes back after seven days. GKE does not repair
    such nodes. Default: false."""


def is_multi_host(pool: NodePoolArgs) -> bool:
    """Return whether the pool's nodes are parts of one TPU slice, which come and go together."""
    return isinstance(pool, TpuPoolArgs) and slice_of(pool.machine_type, pool.topology).multi_host


def is_flex_start(pool: NodePoolArgs) -> bool:
    """Return whether the pool's nodes come when there is capacity."""
    return isinstance(pool, TpuPoolArgs) and pool.flex_start is True


def initial_nodes(pool: NodePoolArgs) -> int:
    """Return the nodes that the pool starts with."""
    return pool.min_nodes if pool.nodes is None else pool.nodes


def create_node_pool(
    resource_name: str,
    pool: NodePoolArgs,
    *,
    pool_name: str | None,
    zones: list[str],
    cluster_id: Input[str],
    service_account: Input[str],
    tags: list[str] | None,
    opts: pulumi.ResourceOptions,
) -> gcp.container.NodePool:
    """Register the node pool. When it fails for want of machines or quota, it says what to do.

    A pool with a `pool_name` is deleted before it is replaced, since two of them cannot have one name, nor, with scarce
    GPUs, fit the quota side by side. Without one, Pulumi names it and replaces without a gap.
    """
    per_zone = initial_nodes(pool) // len(zones)
    return gcp.container.NodePool(
        resource_name,
        name=pool_name,
        cluster=cluster_id,
        node_locations=zones,
        initial_node_count=per_zone,
        autoscaling=_autoscaling(pool),
        management=gcp.container.NodePoolManagementArgs(
            auto_repair=pool.auto_repair is not False and not is_flex_start(pool),
            auto_upgrade=pool.auto_upgrade is not False,
        ),
        # a surge node would need accelerators that the quota may not have
        upgrade_settings=gcp.container.NodePoolUpgradeSettingsArgs(max_surge=0, max_unavailable=1)
        if isinstance(pool, GpuPoolArgs | TpuPoolArgs)
        else None,
        placement_policy=gcp.container.NodePoolPlacementPolicyArgs(type="COMPACT", tpu_topology=pool.topology)
        if isinstance(pool, TpuPoolArgs) and is_multi_host(pool)
        else None,
        node_drain_configs=[gcp.container.NodePoolNodeDrainConfigArgs(respect_pdb_during_node_pool_deletion=True)],
        node_config=_node_config(pool, service_account, tags),
        opts=pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(
                # the autoscaler owns the count once the pool exists
                ignore_changes=["initialNodeCount"],
                delete_before_replace=pool_name is not None,
                custom_timeouts=pulumi.CustomTimeouts(create="45m", update="45m", delete="45m"),
                hooks=pulumi.ResourceHookBinding(on_error=[tell_shortage(resource_name, pool.machine_type, zones)]),
            ),
        ),
    )


def _autoscaling(pool: NodePoolArgs) -> gcp.container.NodePoolAutoscalingArgs:
    if is_multi_host(pool):
        # GKE takes no total for nodes that come and go together
        return gcp.container.NodePoolAutoscalingArgs(min_node_count=pool.min_nodes, max_node_count=pool.max_nodes)
    return gcp.container.NodePoolAutoscalingArgs(
        total_min_node_count=pool.min_nodes,
        total_max_node_count=pool.max_nodes,
        # takes nodes wherever there are any, where BALANCED waits for the scarcest zone
        location_policy="ANY",
    )


def _node_config(
    pool: NodePoolArgs, service_account: Input[str], tags: list[str] | None
) -> gcp.container.NodePoolNodeConfigArgs:
    optional = given(
        spot=pool.spot,
        disk_size_gb=pool.disk_size_gb,
        disk_type=pool.disk_type,
        labels=pool.labels,
        tags=tags,
    )
    if pool.reservation:
        optional["reservation_affinity"] = gcp.container.NodePoolNodeConfigReservationAffinityArgs(
            consume_reservation_type="SPECIFIC_RESERVATION",
            key="compute.googleapis.com/reservation-name",
            values=[pool.reservation],
        )
    if isinstance(pool, GpuPoolArgs):
        optional |= _gpu_config(pool)
    if is_flex_start(pool):
        none = gcp.container.NodePoolNodeConfigReservationAffinityArgs(consume_reservation_type="NO_RESERVATION")
        optional |= {"flex_start": True, "max_run_duration": FLEX_START_SECONDS, "reservation_affinity": none}
    return gcp.container.NodePoolNodeConfigArgs(
        machine_type=pool.machine_type,
        service_account=service_account,
        # what the nodes may do is decided by the roles of their service account, not by scopes
        oauth_scopes=["https://www.googleapis.com/auth/cloud-platform"],
        gcfs_config=gcp.container.NodePoolNodeConfigGcfsConfigArgs(enabled=pool.image_streaming is not False),
        shielded_instance_config=gcp.container.NodePoolNodeConfigShieldedInstanceConfigArgs(
            enable_secure_boot=pool.secure_boot is not False,
            enable_integrity_monitoring=pool.integrity_monitoring is not False,
        ),
        workload_metadata_config=gcp.container.NodePoolNodeConfigWorkloadMetadataConfigArgs(mode="GKE_METADATA"),
        **optional,
    )


def _gpu_config(pool: GpuPoolArgs) -> dict[str, object]:
    machine = load_catalog().machines[pool.machine_type]
    driver = pool.driver_version or DriverVersion.LATEST
    sharing = pool.sharing and gcp.container.NodePoolNodeConfigGuestAcceleratorGpuSharingConfigArgs(
        gpu_sharing_strategy=pool.sharing.strategy.value.upper().replace("-", "_"),
        max_shared_clients_per_gpu=pool.sharing.clients,
    )
    config: dict[str, object] = {
        "guest_accelerators": [
            gcp.container.NodePoolNodeConfigGuestAcceleratorArgs(
                type=machine.accelerator or "",
                count=machine.accelerator_count,
                gpu_driver_installation_config=gcp.container.NodePoolNodeConfigGuestAcceleratorGpuDriverInstallationConfigArgs(
                    gpu_driver_version=driver.value.upper().replace("-", "_")
                ),
                **given(gpu_sharing_config=sharing, gpu_partition_size=pool.partition),
            )
        ],
        "gvnic": gcp.container.NodePoolNodeConfigGvnicArgs(enabled=True),
    }
    if pool.local_ssds:
        config["ephemeral_storage_local_ssd_config"] = (
            gcp.container.NodePoolNodeConfigEphemeralStorageLocalSsdConfigArgs(local_ssd_count=pool.local_ssds)
        )
    return config
