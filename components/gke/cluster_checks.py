"""What can be known to be wrong with a GKE cluster before it is asked for."""

import ipaddress
import re

import pulumi_gcp as gcp

from ..catalog import load_catalog
from ..findings import Finding, error, join, warning
from ..names import check_name
from ..texts import check_map, check_text, fits
from .gpu_cluster_args import GkeGpuClusterArgs
from .node_pool import NAME_LIMIT, GpuPoolArgs, NodePoolArgs
from .node_pool_checks import (
    check_gpu_pool,
    check_pool,
    check_pool_name,
    check_zones,
    is_region,
    machine_of,
    region_of,
    zones_with,
)

LOGS = (
    "SYSTEM_COMPONENTS",
    "WORKLOADS",
    "APISERVER",
    "CONTROLLER_MANAGER",
    "SCHEDULER",
    "KCP_CONNECTION",
    "KCP_SSHD",
    "KCP_HPA",
)
"""What GKE can collect logs of.
Source: registry.terraform.io, google_container_cluster, logging_config.enable_components, 2026-11-21."""

METRICS = (
    "SYSTEM_COMPONENTS",
    "APISERVER",
    "SCHEDULER",
    "CONTROLLER_MANAGER",
    "STORAGE",
    "HPA",
    "POD",
    "DAEMONSET",
    "DEPLOYMENT",
    "STATEFULSET",
    "WORKLOADS",
    "KUBELET",
    "CADVISOR",
    "DCGM",
    "JOBSET",
)
"""What GKE can collect metrics of. Source: there, monitoring_config.enable_components."""

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
    findings += check_name(name, longest, "cannot begin the names of a cluster and its pools")
    if not re.fullmatch(r"[a-z]+(-[a-z]+)+[0-9]+(-[a-z])?", args.location):
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
    findings += _check_autopilot(args) if args.autopilot else _check_standard(args)
    for path, pool in {
        **({} if args.cpu_pool is None else {"cpuPool": args.cpu_pool}),
        **{f"cpuPools.{key}": pool for key, pool in (args.cpu_pools or {}).items()},
        **{f"gpuPools.{key}": pool for key, pool in (args.gpu_pools or {}).items()},
    }.items():
        wrong_zones = check_zones(pool.zones or [], region, join(path, "zones"))
        zones = pool_zones(args, pool)
        findings += wrong_zones + check_pool(pool, zones, path)
        if isinstance(pool, GpuPoolArgs):
            findings += check_gpu_pool(pool, [] if wrong_zones else zones, path)
        else:
            findings += _check_cpu_pool(pool, join(path, "machineType"))
    for group, pools in (("cpuPools", args.cpu_pools), ("gpuPools", args.gpu_pools)):
        for pool_name in pools or {}:
            findings += check_pool_name(pool_name, f"{group}.{pool_name}")
    for pool_name in (args.cpu_pools or {}).keys() & (args.gpu_pools or {}).keys():
        findings.append(
            error(
                "pool-name-twice",
                f"cpuPools.{pool_name}",
                f"'{pool_name}' is also the name of a GPU pool.",
                "Give each pool of the cluster its own name.",
            )
        )
    findings += _check_access(args) + _check_upkeep(args) + _check_texts(args)
    return findings


def _check_texts(args: GkeGpuClusterArgs) -> list[Finding]:
    window = args.maintenance_window
    return [
        *check_text("google-project", args.project, "project"),
        *check_text("google-project", gcp.config.project or None, "gcp:project"),
        *check_text("google-resource", args.network, "network"),
        *check_text("google-resource", args.subnetwork, "subnetwork"),
        *check_text("recurrence", window and window.recurrence, "maintenanceWindow.recurrence"),
        *check_map("google-label", args.labels, "labels"),
        *(
            finding
            for index, tag in enumerate(args.tags or [])
            for finding in check_text("network-tag", tag, f"tags[{index}]")
        ),
    ]


def _check_standard(args: GkeGpuClusterArgs) -> list[Finding]:
    if args.cpu_pool is not None:
        return []
    return [
        error(
            "cpu-pool-missing",
            "cpuPool",
            "GKE's own pods have no nodes to run on: those with GPUs are not for them.",
            "Set cpuPool.machineType, minNodes and maxNodes; or autopilot: true.",
        )
    ]


def _check_autopilot(args: GkeGpuClusterArgs) -> list[Finding]:
    owned = {
        "cpuPool": args.cpu_pool,
        "cpuPools": args.cpu_pools,
        "gpuPools": args.gpu_pools,
        "nodeLocations": args.node_locations,
        "addons": args.addons,
        "managedPrometheus": args.managed_prometheus,
    }
    findings = [
        error(
            "autopilot-owned",
            path,
            "an Autopilot cluster has no such setting: GKE decides it, and makes nodes as pods ask for them.",
            f"Remove {path}, or set autopilot: false.",
        )
        for path, value in owned.items()
        if value is not None
    ]
    if not is_region(args.location):
        findings.append(
            error(
                "autopilot-zonal",
                "location",
                f"an Autopilot cluster is regional, and '{args.location}' is a zone.",
                f"Set {region_of(args.location)}.",
            )
        )
    return findings


def _check_cpu_pool(pool: NodePoolArgs, path: str) -> list[Finding]:
    machine = machine_of(pool)
    if machine is None:
        return [
            warning(
                "machine-unknown",
                path,
                f"the catalogue does not know '{pool.machine_type}'; it is not checked, and its price not known.",
                "Check its name.",
            )
        ]
    if machine.accelerator is not None:
        return [
            error(
                "cpu-pool-accelerator",
                path,
                f"'{pool.machine_type}' has accelerators, which GKE's own pods would take from the models.",
                "Set a machine type without, and list this one under gpuPools.",
            )
        ]
    return []


def _check_access(args: GkeGpuClusterArgs) -> list[Finding]:
    findings: list[Finding] = []
    for name, cidr in (args.authorized_networks or {}).items():
        try:
            ipaddress.ip_network(cidr)
        except ValueError:
            findings.append(
                error(
                    "cidr-invalid",
                    f"authorizedNetworks.{name}",
                    f"'{cidr}' is not a CIDR range.",
                    "Write it as 198.51.100.0/24.",
                )
            )
    for index, role in enumerate(args.node_roles or []):
        if not fits("google-role", role):
            findings.append(
                error(
                    "role-invalid",
                    f"nodeRoles[{index}]",
                    f"'{role}' is not the name of a role.",
                    "Write it as roles/artifactregistry.reader.",
                )
            )
    return findings


def _check_upkeep(args: GkeGpuClusterArgs) -> list[Finding]:
    findings: list[Finding] = []
    for path, chosen, known in (("logging", args.logging, LOGS), ("monitoring", args.monitoring, METRICS)):
        for index, component in enumerate(chosen or []):
            if component not in known:
                findings.append(
                    error(
                        "component-unknown",
                        f"{path}[{index}]",
                        f"GKE has no {path} component '{component}'.",
                        f"Known: {', '.join(known)}.",
                    )
                )
    window = args.maintenance_window
    for path, time in (("start", window.start), ("end", window.end)) if window else ():
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", time):
            findings.append(
                error(
                    "time-invalid",
                    f"maintenanceWindow.{path}",
                    f"'{time}' is not a time in UTC.",
                    "Write it as 2026-01-03T03:00:00Z.",
                )
            )
    return findings
