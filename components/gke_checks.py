"""What can be known to be wrong with a GKE cluster and its node pools before they are asked for."""

import re

import pulumi_gcp as gcp

from components.catalog import Machine, load_catalog
from components.findings import Finding, error, join, warning
from components.gke_gpu_cluster_args import GkeGpuClusterArgs
from components.gke_node_pool import NAME_LIMIT, GpuPoolArgs, NodePoolArgs, initial_nodes

AUTONAME_SUFFIX = 8
"""Characters that Pulumi appends to a name that it gives."""


def pool_zones(args: GkeGpuClusterArgs, pool: NodePoolArgs) -> list[str]:
    """Return the zones of the nodes of one of the cluster's pools."""
    if pool.zones:
        return pool.zones
    if isinstance(pool, GpuPoolArgs):
        machine = machine_of(pool)
        offering = zones_with(machine.accelerator, region_of(args.location)) if machine and machine.accelerator else []
        shared = [zone for zone in offering if zone in cluster_zones(args)]
        return shared or offering or cluster_zones(args)
    return cluster_zones(args)


def cluster_zones(args: GkeGpuClusterArgs) -> list[str]:
    """Return the zones of the cluster's nodes."""
    if args.node_locations:
        return args.node_locations
    if not is_region(args.location):
        return [args.location]
    region = load_catalog().regions.get(args.location)
    return sorted(region.zones)[:3] if region else [f"{args.location}-{letter}" for letter in "abc"]


def check_gke_gpu_cluster(name: str, args: GkeGpuClusterArgs, project: str | None = None) -> list[Finding]:
    """Return everything that can be known to be wrong with a cluster called `name` before it is asked for.

    `project` is the one that the caller knows; default is that of the gcp provider's configuration.
    """
    findings: list[Finding] = []
    if args.project is None and not (project or gcp.config.project):
        findings.append(
            error(
                "project-missing",
                "gcp:project",
                "no Google Cloud project is set.",
                "Run `pulumi config set gcp:project PROJECT_ID`.",
            )
        )
    longest = NAME_LIMIT - AUTONAME_SUFFIX - len("-cpu")
    if not re.fullmatch(rf"[a-z]([-a-z0-9]{{0,{longest - 2}}}[a-z0-9])?", name):
        findings.append(
            error(
                "name-invalid",
                "name",
                f"'{name}' cannot begin the names of a cluster and its pools.",
                f"Use at most {longest} lower-case letters, digits and hyphens, beginning with a letter.",
            )
        )
    if not re.fullmatch(r"[a-z]+(-[a-z]+)+\d+(-[a-z])?", args.location):
        findings.append(
            error(
                "location-invalid",
                "location",
                f"'{args.location}' is neither a region nor a zone.",
                "Set a region as us-central1, or a zone as us-central1-a.",
            )
        )
        return findings
    region = region_of(args.location)
    if region not in load_catalog().regions:
        findings.append(
            warning(
                "region-unknown",
                "location",
                f"the catalogue does not know region '{region}'; what its zones offer is not checked.",
                "Check that the region offers the machine types.",
            )
        )
    findings += check_zones(args.node_locations or [], region, "nodeLocations")
    if not is_region(args.location):
        findings += check_zones([args.location], region, "location")
    for path, pool in {
        "cpuPool": args.cpu_pool,
        **{f"gpuPools.{key}": pool for key, pool in args.gpu_pools.items()},
    }.items():
        wrong_zones = check_zones(pool.zones or [], region, join(path, "zones"))
        zones = pool_zones(args, pool)
        findings += wrong_zones + check_pool(pool, zones, path)
        if isinstance(pool, GpuPoolArgs):
            findings += check_gpu_pool(pool, [] if wrong_zones else zones, path)
    for pool_name in args.gpu_pools:
        if not re.fullmatch(rf"[a-z]([-a-z0-9]{{0,{NAME_LIMIT - 2}}}[a-z0-9])?", pool_name) or pool_name == "cpu":
            findings.append(
                error(
                    "pool-name-invalid",
                    f"gpuPools.{pool_name}",
                    f"'{pool_name}' cannot be the name of a GPU pool.",
                    f"Use at most {NAME_LIMIT} lower-case letters, digits and hyphens, a letter first; not 'cpu'.",
                )
            )
    return findings


def machine_of(pool: NodePoolArgs) -> Machine | None:
    """Return what the catalogue knows of the pool's machine type."""
    return load_catalog().machines.get(pool.machine_type)


def check_zones(zones: list[str], region: str, path: str) -> list[Finding]:
    """Return what is wrong with `zones` for a cluster in `region`."""
    findings: list[Finding] = []
    catalog = load_catalog()
    for index, zone in enumerate(zones):
        where = f"{path}[{index}]"
        if is_region(zone):
            example = ", ".join(sorted(catalog.regions[zone].zones)) if zone in catalog.regions else f"{zone}-a"
            findings.append(
                error("zone-is-region", where, f"'{zone}' is a region where a zone belongs.", f"Set zones: {example}.")
            )
        elif region_of(zone) != region:
            findings.append(
                error(
                    "zone-outside-region",
                    where,
                    f"zone '{zone}' is not in the cluster's region '{region}', which a node pool cannot leave.",
                    f"Set a zone of {region}, or move the cluster to {region_of(zone)}.",
                )
            )
        elif region in catalog.regions and zone not in catalog.regions[region].zones:
            known = ", ".join(sorted(catalog.regions[region].zones))
            findings.append(error("zone-unknown", where, f"'{zone}' does not exist.", f"Zones of {region}: {known}."))
        elif zone in zones[:index]:
            findings.append(error("zone-twice", where, f"'{zone}' is named twice.", "Name each zone once."))
    return findings


def check_pool(pool: NodePoolArgs, zones: list[str], path: str) -> list[Finding]:
    """Return what is wrong with the size of `pool` over `zones`."""
    findings: list[Finding] = []
    nodes = initial_nodes(pool)
    if not pool.min_nodes <= nodes <= pool.max_nodes:
        findings.append(
            error(
                "pool-bounds",
                join(path, "nodes"),
                f"{nodes} nodes are not between minNodes {pool.min_nodes} and maxNodes {pool.max_nodes}.",
                "Set minNodes <= nodes <= maxNodes.",
            )
        )
    if zones and nodes % len(zones):
        lower = nodes - nodes % len(zones)
        findings.append(
            error(
                "pool-nodes-per-zone",
                join(path, "nodes"),
                f"{nodes} nodes cannot be spread evenly over {len(zones)} zones ({', '.join(zones)}).",
                f"Set {lower} or {lower + len(zones)} nodes, or other zones: GKE starts as many nodes in every zone.",
            )
        )
    return findings


def check_gpu_pool(pool: GpuPoolArgs, zones: list[str], path: str) -> list[Finding]:
    """Return what is wrong with the machine, GPUs and disks of `pool` in `zones`."""
    catalog = load_catalog()
    machine = machine_of(pool)
    if machine is None or machine.accelerator is None:
        known = ", ".join(name for name, known in catalog.machines.items() if known.accelerator)
        return [
            error(
                "machine-without-gpu",
                join(path, "machineType"),
                f"'{pool.machine_type}' is not a machine type with GPUs.",
                f"Known ones: {known}.",
            )
        ]
    findings: list[Finding] = []
    if pool.accelerator_type not in (None, machine.accelerator):
        findings.append(
            error(
                "machine-accelerator",
                join(path, "acceleratorType"),
                f"'{pool.machine_type}' has {machine.accelerator}, not {pool.accelerator_type}.",
                f"Set acceleratorType to {machine.accelerator}, or another machineType.",
            )
        )
    if pool.accelerator_count not in (None, machine.accelerator_count):
        findings.append(
            error(
                "machine-accelerator-count",
                join(path, "acceleratorCount"),
                f"'{pool.machine_type}' has {machine.accelerator_count} GPUs, not {pool.accelerator_count}.",
                f"Set acceleratorCount to {machine.accelerator_count}"
                f"{_machine_with(machine.accelerator, pool.accelerator_count)}.",
            )
        )
    if pool.local_ssds and pool.local_ssds not in machine.local_ssd_counts:
        allowed = ", ".join(str(count) for count in machine.local_ssd_counts) or "none"
        findings.append(
            error(
                "machine-local-ssds",
                join(path, "localSsds"),
                f"'{pool.machine_type}' cannot have {pool.local_ssds} local SSDs.",
                f"Allowed: {allowed}.",
            )
        )
    for index, name in enumerate(zones):
        zone = catalog.zone(name)
        if zone is not None and machine.accelerator not in zone.accelerators:
            offering = ", ".join(zones_with(machine.accelerator, region_of(name))) or f"none of {region_of(name)}"
            findings.append(
                error(
                    "zone-without-accelerator",
                    f"{join(path, 'zones')}[{index}]",
                    f"zone '{name}' does not offer {machine.accelerator}.",
                    f"Zones of {region_of(name)} that do: {offering}.",
                )
            )
    return findings


def _machine_with(accelerator: str, count: int | None) -> str:
    machines = load_catalog().machines.items()
    found = [
        name for name, machine in machines if (machine.accelerator, machine.accelerator_count) == (accelerator, count)
    ]
    return f", or machineType to {found[0]}" if found else ""


def zones_with(accelerator: str, region: str) -> list[str]:
    """Return the zones of `region` that offer `accelerator`, as far as the catalogue knows."""
    catalog = load_catalog()
    if region not in catalog.regions:
        return []
    return sorted(name for name, zone in catalog.regions[region].zones.items() if accelerator in zone.accelerators)


def is_region(location: str) -> bool:
    """Return whether `location` has the form of a region, as `us-central1`, and not of a zone, as `us-central1-a`."""
    return location.count("-") == 1


def region_of(location: str) -> str:
    """Return the region of a zone, or the region itself."""
    return location.rpartition("-")[0] if location.count("-") > 1 else location
