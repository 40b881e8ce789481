"""Policies on clusters of GKE and their pools of accelerators."""

import re
from collections.abc import Iterator
from typing import Any

from .rule import Config, Inputs, Violation, find, get, resource_policy

CLUSTER = "gcp:container/cluster:Cluster"
NODE_POOL = "gcp:container/nodePool:NodePool"
ACCELERATED = re.compile(r"(a[234]x?|g[24]|ct\w+|tpu\w+)-.*")
"""Machine types that come with accelerators. Source: cloud.google.com/compute/docs/gpus and
cloud.google.com/kubernetes-engine/docs/concepts/plan-tpus, 2026-11-21."""

BOUNDS = (("totalMinNodeCount", "totalMaxNodeCount"), ("minNodeCount", "maxNodeCount"))
"""Bounds of a whole pool, and of a pool in each of its zones."""
REMEDY = "Set totalMinNodeCount and totalMaxNodeCount, or both per zone (minNodes and maxNodes of a GpuPool)."


def is_accelerated(node_config: Any) -> bool:
    """Tell whether nodes of such a configuration have accelerators."""
    machine = get(node_config, "machineType")
    return bool(get(node_config, "guestAccelerators")) or (
        isinstance(machine, str) and ACCELERATED.fullmatch(machine) is not None
    )


def check_pools(resource_type: str, inputs: Inputs, _config: Config) -> Iterator[Violation]:
    """Find pools of accelerators that nothing keeps from growing or lets shrink."""
    if resource_type == NODE_POOL:
        yield from _check_pool("", inputs)
    elif resource_type == CLUSTER:
        for path, pool in find(inputs, "nodePools[]"):
            yield from _check_pool(f"{path}.", pool)
        if is_accelerated(inputs.get("nodeConfig")) and inputs.get("removeDefaultNodePool") is not True:
            yield Violation(
                "nodeConfig",
                "the cluster's default pool has accelerators and a fixed size.",
                "Set removeDefaultNodePool, and make a NodePool with autoscaling.",
            )


def _check_pool(at: str, pool: Any) -> Iterator[Violation]:
    if not is_accelerated(get(pool, "nodeConfig")):
        return
    if get(pool, "autoscaling") is None:
        yield Violation(f"{at}autoscaling", "a pool of accelerators has a fixed size.", REMEDY)
    elif not any(
        all(get(pool, f"autoscaling.{name}") is not None for name in bounds) for bounds in BOUNDS
    ):  # fmt: skip
        yield Violation(f"{at}autoscaling", "the autoscaler of a pool of accelerators lacks a bound.", REMEDY)


def check_maintenance(resource_type: str, inputs: Inputs, _config: Config) -> Iterator[Violation]:
    """Find clusters that are upgraded at any hour."""
    windows = ("maintenancePolicy.recurringWindow", "maintenancePolicy.dailyMaintenanceWindow")
    if resource_type == CLUSTER and not any(get(inputs, window) for window in windows):
        yield Violation(
            "maintenancePolicy",
            "the cluster has no maintenance window, so GKE upgrades it, and drains its nodes, at any hour.",
            "Set recurringWindow or dailyMaintenanceWindow.",
        )


POOLS_BOUNDED = resource_policy(
    "accelerator-pools-bounded",
    "A pool of GPU or TPU nodes scales between a lower and an upper bound.",
    check_pools,
)
CLUSTERS_MAINTAINED = resource_policy(
    "maintenance-windows",
    "A GKE cluster has a maintenance window.",
    check_maintenance,
)
