"""What a stack needs of its account's quota, in the cloud's own names.

Google's metrics are those of `gcloud compute regions describe` and `project-info describe`; those of accelerators and
CPUs are in the catalogue. Sources: cloud.google.com/compute/resource-usage, cloud.google.com/nat/quota (addresses of a
NAT count as static ones), docs.oracle.com/en-us/iaas/Content/Quotas/Concepts/resourcequotas.htm, 2026-11-21.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from .catalog import Machine, load_catalog
from .gke.autopilot_checks import autopilot_machines
from .gke.cluster_checks import cluster_zones
from .gke.gpu_cluster_args import GkeGpuClusterArgs, node_pools
from .gke.node_pool import NODE_DISK_GB, GpuPoolArgs, NodePoolArgs, initial_nodes, is_flex_start
from .gke.node_pool_checks import region_of
from .inference.chat_page import DEFAULT_SIZE, ChatPageArgs
from .inference.derived import fewest_replicas, most_replicas, server_of
from .inference.exposure import Exposed, Exposure, exposure_of
from .inference.inference_service_args import InferenceServiceArgs, StorageKind
from .inference.volumes import cache_size
from .jobs.conversion_checks import disk_gb
from .jobs.fine_tune_checks import disk_gib
from .jobs.fine_tune_job_args import FineTuneJobArgs
from .oci.engine_store import DEFAULT_SIZE_GB, kind_of, store_of
from .oci.gpu_host_args import BOOT_VOLUME_GB, BalancerExposure, EngineStoreKind, OciGpuHostArgs
from .oci.placement import domains_of
from .oci.placement import region_of as oci_region_of
from .quantities import quantity
from .storage.checkpoint_disk_args import CheckpointDiskArgs
from .storage.disk_converter import BOOT_DISK_GB, MACHINE_TYPE

DISKS = {
    "pd-standard": "DISKS_TOTAL_GB",
    "pd-balanced": "SSD_TOTAL_GB",
    "pd-ssd": "SSD_TOTAL_GB",
    "hyperdisk-balanced": "HYPERDISK_BALANCED_TOTAL_GB",
}
"""Metric by type of disk. Source: cloud.google.com/compute/resource-usage, disk quotas, 2026-11-21."""

STORAGE_CLASSES = {"standard": "pd-standard", "standard-rwo": "pd-balanced", "premium-rwo": "pd-ssd"}
"""Type of disk by GKE's own storage classes, of which `standard-rwo` is the default.
Source: cloud.google.com/kubernetes-engine/docs/concepts/persistent-volumes, 2026-11-21."""

DEFAULT_POOL_CPUS, DEFAULT_POOL_DISK_GB = 2, 30
"""Of the e2-medium in each zone with which GKE makes a Standard cluster, before the pool goes again."""


class Scope(StrEnum):
    """What a limit counts over."""

    GLOBAL = "global"
    """All regions together."""
    REGION = "region"
    AVAILABILITY_DOMAIN = "availability domain"
    """Of a region of Oracle Cloud."""


@dataclass(frozen=True, kw_only=True)
class Quota:
    """What is needed of one metric."""

    metric: str
    """Metric of Google's, or service limit of Oracle's, in the cloud's own name."""
    region: str
    scope: Scope = Scope.REGION
    cloud: str = "gcp"
    """By Pulumi's name of its provider: `gcp` or `oci`."""
    service: str = "compute"
    """API whose metric or limit it is."""
    needed: int
    """To come up."""
    most: int
    """When everything is at its largest."""
    domains: tuple[str, ...] = ()
    """Availability domains of which one must have it, in the order in which they are tried, by the ends of their
    names."""
    instead: str | None = None
    """Metric that counts where the project has none of this one: Spot VMs take from what is not for them alone."""

    @property
    def place(self) -> str:
        """Where the limit holds."""
        return {
            Scope.GLOBAL: "global",
            Scope.REGION: self.region,
            Scope.AVAILABILITY_DOMAIN: f"{self.region}, {' or '.join(self.domains)}",
        }[self.scope]


def total(quotas: Iterable[Quota]) -> tuple[Quota, ...]:
    """Return `quotas` with what is needed of one metric in one place added up, and without what is not needed."""
    sums: dict[tuple[str, str, str], Quota] = {}
    for quota in quotas:
        key = (quota.service, quota.metric, quota.place)
        known = sums.get(key)
        sums[key] = quota if known is None else _with(quota, known.needed + quota.needed, known.most + quota.most)
    return tuple(quota for quota in sums.values() if quota.most)


def _with(quota: Quota, needed: int, most: int) -> Quota:
    return replace(quota, needed=needed, most=most)


def quotas_of_cluster(args: GkeGpuClusterArgs) -> list[Quota]:
    """Return what a cluster with its pools and its NAT needs."""
    region = region_of(args.location)
    quotas = [quota for pool in node_pools(args).values() for quota in quotas_of_pool(args.location, pool)]
    private = args.private_nodes is not False
    if private if args.nat is None else args.nat:
        quotas += _addresses(region, 1, 1)
    if not private:
        nodes = node_pools(args).values()
        least, most = sum(map(initial_nodes, nodes)), sum(pool.max_nodes for pool in nodes)
        quotas.append(Quota(metric="IN_USE_ADDRESSES", region=region, needed=least, most=most))
    return quotas if args.autopilot else _at_least(quotas, region, len(cluster_zones(args)))


def _at_least(quotas: Iterable[Quota], region: str, zones: int) -> list[Quota]:
    """Return `quotas`, and what the default pool needs in `zones` before there are others, where that is more."""
    sums = {quota.metric: quota for quota in total(quotas)}
    for metric, amount in (("CPUS", DEFAULT_POOL_CPUS * zones), ("SSD_TOTAL_GB", DEFAULT_POOL_DISK_GB * zones)):
        known = sums.get(metric, Quota(metric=metric, region=region, needed=0, most=0))
        sums[metric] = _with(known, max(known.needed, amount), max(known.most, amount))
    return list(sums.values())


def quotas_of_pool(location: str, pool: NodePoolArgs) -> list[Quota]:
    """Return what the nodes of a pool need."""
    machine = load_catalog().machines.get(pool.machine_type)
    if machine is None:
        return []
    region, bounds = region_of(location), (max(initial_nodes(pool), pool.min_nodes), pool.max_nodes)
    # nodes of flex start take from the same quota as Spot VMs do
    spot = pool.spot is True or is_flex_start(pool)
    quotas = _machines(machine, region, *bounds, spot=spot)
    local_gb = (pool.local_ssds or 0) * machine.local_ssd_gb if isinstance(pool, GpuPoolArgs) else 0
    if local_gb:
        metric = "PREEMPTIBLE_LOCAL_SSD_GB" if spot else "LOCAL_SSD_TOTAL_GB_PER_VM_FAMILY"
        quotas.append(Quota(metric=metric, region=region, needed=bounds[0] * local_gb, most=bounds[1] * local_gb))
    boot_gb = pool.disk_size_gb or NODE_DISK_GB
    return [*quotas, *_disks(region, pool.disk_type, bounds[0] * boot_gb, bounds[1] * boot_gb)]


def _machines(machine: Machine, region: str, needed: int, most: int, *, spot: bool) -> list[Quota]:
    """Return what `needed` to `most` machines need, without their disks."""
    quotas: list[Quota] = []
    accelerator = load_catalog().accelerators.get(machine.accelerator or "")
    if accelerator and accelerator.quota:
        least, largest = needed * machine.accelerator_count, most * machine.accelerator_count
        metric = (accelerator.spot_quota if spot else None) or accelerator.quota
        instead = accelerator.quota if metric != accelerator.quota else None
        quotas.append(Quota(metric=metric, region=region, needed=least, most=largest, instead=instead))
        if accelerator.kind == "gpu":
            everywhere = Quota(
                metric="GPUS_ALL_REGIONS", scope=Scope.GLOBAL, region=region, needed=least, most=largest
            )  # fmt: skip
            quotas.append(everywhere)
    if machine.quota:
        cpus = Quota(metric=machine.quota, region=region, needed=needed * machine.cpus, most=most * machine.cpus)
        quotas.append(replace(cpus, metric="PREEMPTIBLE_CPUS", instead=machine.quota) if spot else cpus)
    return quotas


def _disks(region: str, kind: str | None, needed_gb: int, most_gb: int) -> list[Quota]:
    metric = DISKS.get(kind or "pd-balanced")
    return [Quota(metric=metric, region=region, needed=needed_gb, most=most_gb)] if metric else []


def _addresses(region: str, needed: int, most: int) -> list[Quota]:
    """Return what external addresses that are reserved, and used, need."""
    return [
        Quota(metric=metric, region=region, needed=needed, most=most)
        for metric in ("IN_USE_ADDRESSES", "STATIC_ADDRESSES")
    ]


def quotas_of_service(location: str, args: InferenceServiceArgs) -> list[Quota]:
    """Return what a service needs besides its nodes; on Autopilot, with the machines that come for its pods."""
    region = region_of(location)
    most = most_replicas(args)
    needed = fewest_replicas(args)
    quotas = _balancer(region, args)
    machines = autopilot_machines(args) if args.autopilot else []
    if machines:
        machine = min(machines, key=lambda each: (each.cpus, each.memory_gib))
        quotas += _machines(machine, region, needed, most, spot=args.spot is True)
        quotas += _disks(region, None, needed * NODE_DISK_GB, most * NODE_DISK_GB)
    storage = args.storage
    if storage.kind is StorageKind.EPHEMERAL_VOLUME:
        quotas += _volumes(region, storage.storage_class, storage.size, needed, most)
    if server_of(args).cache_path is not None:
        quotas += _volumes(region, None, cache_size(args), needed, most)
    return quotas


def quotas_of_fine_tune(location: str, args: FineTuneJobArgs) -> list[Quota]:
    """Return what a fine-tune needs for a time: its disk, and on Autopilot the machine that comes for it."""
    region = region_of(location)
    quotas = _volumes(region, args.storage_class, f"{disk_gib(args)}Gi", 1, 1)
    fitting = [
        machine
        for machine in load_catalog().machines.values()
        if (machine.accelerator, machine.accelerator_count) == (args.accelerator, 1)
    ]
    if args.autopilot and fitting:
        smallest = min(fitting, key=lambda each: (each.cpus, each.memory_gib))
        quotas += _machines(smallest, region, 1, 1, spot=args.spot is not False)
        quotas += _disks(region, None, NODE_DISK_GB, NODE_DISK_GB)
    return quotas


def quotas_of_chat_page(location: str, args: ChatPageArgs) -> list[Quota]:
    """Return what a chat page needs besides its node."""
    region = region_of(location)
    return [*_balancer(region, args), *_volumes(region, args.storage_class, args.size or DEFAULT_SIZE, 1, 1)]


def _balancer(region: str, args: Exposed) -> list[Quota]:
    match exposure_of(args):
        case Exposure.PUBLIC:
            return _addresses(region, 1, 1)
        case Exposure.INTERNAL:
            return [Quota(metric="INTERNAL_ADDRESSES", region=region, needed=1, most=1)]
        case _:
            return []


def _volumes(region: str, storage_class: str | None, size: str | None, needed: int, most: int) -> list[Quota]:
    kind = STORAGE_CLASSES.get(storage_class or "standard-rwo")
    try:
        each = math.ceil(quantity(size or "0") / 1024**3)
    except ValueError:
        return []  # said by the check
    return _disks(region, kind, needed * each, most * each) if kind else []


def quotas_of_checkpoint_disk(args: CheckpointDiskArgs) -> list[Quota]:
    """Return what the disk of a checkpoint needs, and for a time the machine that fills it."""
    region = region_of(args.zone)
    size = disk_gb(args)
    quotas = _disks(region, None, size, size)
    if args.convert is not False:
        quotas += _machines(load_catalog().machines[MACHINE_TYPE], region, 1, 1, spot=False)
        quotas += _disks(region, None, BOOT_DISK_GB, BOOT_DISK_GB)
    return quotas


def quotas_of_hosts(args: OciGpuHostArgs) -> list[Quota]:
    """Return the service limits that hosts on Oracle Cloud count against."""
    shape, region, hosts = load_catalog().shapes.get(args.shape), oci_region_of(args) or "", args.hosts or 1
    if shape is None:
        return []
    stored = (store_of(args).size_gb or DEFAULT_SIZE_GB) if kind_of(args) is EngineStoreKind.BLOCK_VOLUME else 0
    gpus, storage_gb = hosts * shape.accelerator_count, hosts * ((args.boot_volume_gb or BOOT_VOLUME_GB) + stored)
    quotas = [
        Quota(
            cloud="oci",
            service=service,
            metric=metric,
            scope=Scope.AVAILABILITY_DOMAIN,
            region=region,
            domains=tuple(domains_of(args)),
            needed=amount,
            most=amount,
        )
        for service, metric, amount in (
            ("compute", shape.limit, gpus),
            ("block-storage", "total-storage-gb", storage_gb),
        )
    ]
    if args.exposure is BalancerExposure.PUBLIC:
        quotas.append(
            Quota(cloud="oci", service="vcn", metric="reserved-public-ip-count", region=region, needed=1, most=1)
        )
    return quotas
