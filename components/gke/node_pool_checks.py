"""What can be known to be wrong with a node pool before it is asked for."""

import re

from ..catalog import Machine, load_catalog
from ..findings import Finding, error, join
from ..texts import check_map, check_text
from .gpu_sharing import check_gpu_sharing
from .node_pool import NAME_LIMIT, GpuPoolArgs, NodePoolArgs, TpuPoolArgs, initial_nodes
from .tpu import slice_of, topologies_of

SHOWN_TOPOLOGIES = 12
"""How many topologies a message lists: some machine types make hundreds."""


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
    return findings + check_pool_texts(pool, path)


def check_pool_texts(pool: NodePoolArgs, path: str) -> list[Finding]:
    """Return what is wrong with labels and names of `pool`."""
    return [
        *check_text("google-resource", pool.machine_type, join(path, "machineType")),
        *check_text("google-resource", pool.disk_type, join(path, "diskType")),
        *check_text("google-resource", pool.reservation, join(path, "reservation")),
        *check_map("label", pool.labels, join(path, "labels")),
    ]


def check_gpu_pool(pool: GpuPoolArgs, zones: list[str], path: str) -> list[Finding]:
    """Return what is wrong with the machine, GPUs and disks of `pool` in `zones`."""
    catalog = load_catalog()
    machine = machine_of(pool)
    if machine is None or machine.accelerator is None or catalog.accelerators[machine.accelerator].kind != "gpu":
        gpus = {name for name, accelerator in catalog.accelerators.items() if accelerator.kind == "gpu"}
        known = ", ".join(name for name, known in catalog.machines.items() if known.accelerator in gpus)
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
    findings += check_gpu_sharing(pool.sharing, pool.partition, catalog.accelerators[machine.accelerator], path)
    return findings + check_zone_offers(zones, machine.accelerator, join(path, "zones"))


def check_tpu_pool(name: str, pool: TpuPoolArgs, location: str) -> list[Finding]:
    """Return what is wrong with a TPU pool called `name` of a cluster in `location`."""
    topologies = load_catalog().topologies
    shapes = topologies_of(pool.machine_type)
    if not shapes:
        return [
            error(
                "machine-without-tpu",
                "machineType",
                f"'{pool.machine_type}' is not a machine type with TPUs.",
                f"Known ones: {', '.join(topologies)}.",
            )
        ]
    if pool.topology not in shapes:
        others = [other for other, found in topologies.items() if pool.topology in found.shapes]
        shown = ", ".join(shapes[:SHOWN_TOPOLOGIES]) + (", ..." if len(shapes) > SHOWN_TOPOLOGIES else "")
        return [
            error(
                "topology-impossible",
                "topology",
                f"'{pool.machine_type}' cannot make a slice of topology '{pool.topology}'.",
                f"It makes {shown}" + (f"; '{pool.topology}' is made by {' or '.join(others)}." if others else "."),
            )
        ]
    accelerator = load_catalog().machines[pool.machine_type].accelerator or ""
    zones = tpu_zones(pool, location)
    findings = check_pool_name(name, "name")
    wrong_zones = check_zones(pool.zones or [], region_of(location), "zones")
    findings += wrong_zones or check_zone_offers(zones, accelerator, "zones")
    if not zones:
        findings.append(
            error(
                "region-without-accelerator",
                "machineType",
                f"no zone of {region_of(location)} offers {accelerator}.",
                f"Regions that do: {', '.join(regions_with(accelerator))}.",
            )
        )
    ways = {"flexStart": pool.flex_start, "spot": pool.spot, "reservation": pool.reservation}
    chosen = [way for way, value in ways.items() if value]
    if len(chosen) > 1:
        findings.append(
            error(
                "pool-capacity",
                chosen[1],
                f"nodes come from one kind of capacity, and {' and '.join(chosen)} are set.",
                "Set one of them.",
            )
        )
    if pool.flex_start and (pool.min_nodes or initial_nodes(pool)):
        findings.append(
            error(
                "flex-start-nodes",
                "minNodes",
                "flex-start nodes come when there is capacity, and cannot be there from the start.",
                "Set minNodes and nodes to 0.",
            )
        )
    found = slice_of(pool.machine_type, pool.topology)
    if found.multi_host:
        return [*findings, *_check_slice(pool, found.hosts, zones), *check_pool_texts(pool, "")]
    return findings + check_pool(pool, zones, "")


def _check_slice(pool: TpuPoolArgs, hosts: int, zones: list[str]) -> list[Finding]:
    """Return what is wrong with a pool whose `hosts` nodes are one slice."""
    findings: list[Finding] = []
    if len(zones) > 1:
        findings.append(
            error(
                "slice-zones",
                "zones",
                f"the {hosts} nodes of a {pool.topology} slice are connected, and so in one zone.",
                "Name one zone.",
            )
        )
    counts = {"nodes": initial_nodes(pool), "minNodes": pool.min_nodes, "maxNodes": pool.max_nodes}
    for path, nodes in counts.items():
        if nodes != hosts and (nodes or path == "maxNodes"):
            findings.append(
                error(
                    "slice-nodes",
                    path,
                    f"{nodes} nodes contradict the topology: {pool.topology} on '{pool.machine_type}' is {hosts} nodes,"
                    " which come and go together.",
                    f"Set {hosts}." if path == "maxNodes" else f"Set {hosts}, or 0 to begin without.",
                )
            )
    return findings


def check_zone_offers(zones: list[str], accelerator: str, path: str) -> list[Finding]:
    """Return which of `zones` do not offer `accelerator`, as far as the catalogue knows them."""
    findings: list[Finding] = []
    for index, name in enumerate(zones):
        zone = load_catalog().zone(name)
        if zone is not None and accelerator not in zone.accelerators:
            offering = zones_with(accelerator, region_of(name))
            findings.append(
                error(
                    "zone-without-accelerator",
                    f"{path}[{index}]",
                    f"zone '{name}' does not offer {accelerator}.",
                    f"Zones of {region_of(name)} that do: {', '.join(offering)}."
                    if offering
                    else f"Regions that do: {', '.join(regions_with(accelerator))}.",
                )
            )
    return findings


def check_pool_name(name: str, path: str) -> list[Finding]:
    """Return what is wrong with the name of a pool besides the CPU pool."""
    if re.fullmatch(rf"[a-z]([-a-z0-9]{{0,{NAME_LIMIT - 2}}}[a-z0-9])?", name) and name != "cpu":
        return []
    return [
        error(
            "pool-name-invalid",
            path,
            f"'{name}' cannot be the name of a node pool.",
            f"Use at most {NAME_LIMIT} lower-case letters, digits and hyphens, a letter first; not 'cpu'.",
        )
    ]


def tpu_zones(pool: TpuPoolArgs, location: str) -> list[str]:
    """Return the zones of a TPU pool's nodes: one, unless it names more."""
    if pool.zones:
        return pool.zones
    if not is_region(location):
        return [location]
    machine = machine_of(pool)
    return zones_with(machine.accelerator, location)[:1] if machine and machine.accelerator else []


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


def regions_with(accelerator: str) -> list[str]:
    """Return the regions that offer `accelerator`, as far as the catalogue knows."""
    return [region for region in load_catalog().regions if zones_with(accelerator, region)]


def is_region(location: str) -> bool:
    """Return whether `location` has the form of a region, as `us-central1`, and not of a zone, as `us-central1-a`."""
    return location.count("-") == 1


def region_of(location: str) -> str:
    """Return the region of a zone, or the region itself."""
    return location.rpartition("-")[0] if location.count("-") > 1 else location
