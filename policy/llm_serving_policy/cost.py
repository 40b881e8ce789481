"""Policy on what a stack costs at its most."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from pulumi_policy import (
    PolicyConfigSchema,
    PolicyResource,
    ReportViolation,
    StackValidationArgs,
    StackValidationPolicy,
)

from .pools import CLUSTER, NODE_POOL, is_accelerated
from .prices import Price, price_of_machine, price_of_pod, price_of_shape, region_of
from .rule import Inputs, get, plain

CEILING_USD = 50.0
ZONES_OF_A_REGION = 3
"""How many zones GKE takes where none are named.

Source: cloud.google.com/kubernetes-engine/docs/concepts/regional-clusters, 2026-11-21."""
CHIPS = {"nvidia.com/gpu": "cloud.google.com/gke-accelerator", "google.com/tpu": "cloud.google.com/gke-tpu-accelerator"}
"""Resource that a pod asks for, and the node label that says of what type."""
COPIES = {
    "kubernetes:apps/v1:Deployment": "spec.replicas",
    "kubernetes:apps/v1:StatefulSet": "spec.replicas",
    "kubernetes:batch/v1:Job": "spec.parallelism",
}
"""Where each type says how many pods there are; 1 by default."""
AUTOSCALER = re.compile(r"kubernetes:autoscaling/v\w+:HorizontalPodAutoscaler")


@dataclass(frozen=True)
class Item:
    """Machines of one resource."""

    urn: str
    name: str
    most: int
    """How many there are at the most."""
    price: Price
    accelerated: bool
    """Whether they have accelerators, whose price must be known."""


def check_cost(args: StackValidationArgs, report: ReportViolation) -> None:
    """Compare what all machines cost together, at their most, with the ceiling."""
    ceiling = float(args.get_config().get("maximumUsd", CEILING_USD))
    items = [item for item in _items(args.resources) if item.most]
    for item in items:
        if item.price.usd is None and item.accelerated:
            report(
                f"{item.name}: the price of {item.price.machine} is not in the catalogue, so that the cost of the stack"
                " cannot be told. Add it in a catalogue of your own (docs/catalog.md).",
                item.urn,
            )
    priced = [(item, item.most * item.price.usd) for item in items if item.price.usd is not None]
    total = sum(cost for _, cost in priced)
    if total > ceiling:
        parts = ", ".join(
            f"{item.name} {item.most} x {item.price.machine} = {cost:.2f}"
            for item, cost in sorted(priced, key=lambda each: -each[1])
        )
        report(
            f"the stack costs up to {total:.2f} USD per hour, more than {ceiling:.2f}: {parts}. Lower the most nodes or"
            " replicas, take cheaper machines or Spot, or raise maximumUsd of this policy.",
            None,
        )


def _items(resources: Sequence[PolicyResource]) -> Iterator[Item]:
    inputs = {each.urn: cast("Inputs", plain(each.props)) for each in resources}
    autoscaled = dict(_autoscaled(resources, inputs))
    autopilot = next(
        (inputs[each.urn]["location"] for each in resources if _is_autopilot(each.resource_type, inputs[each.urn])),
        None,
    )
    for each in resources:
        given = inputs[each.urn]
        if each.resource_type == NODE_POOL:
            made_by = each.property_dependencies.get("cluster", [])
            clusters = [plain(one.props) for one in made_by if one.resource_type == CLUSTER]
            yield _of_node_pool(each, given, clusters[0] if clusters else {})
        elif each.resource_type == "gcp:compute/instance:Instance":
            spot = get(given, "scheduling.provisioningModel") == "SPOT" or get(given, "scheduling.preemptible") is True
            price = price_of_machine(_last(given.get("machineType")), str(given.get("zone")), spot=spot)
            yield Item(each.urn, each.name, 1, price, _has_accelerators(given))
        elif each.resource_type == "oci:Core/instance:Instance":
            yield _of_shape(each, given.get("shape"), 1)
        elif each.resource_type == "oci:ContainerEngine/nodePool:NodePool":
            yield _of_shape(each, given.get("nodeShape"), _count(get(given, "nodeConfigDetails.size"), 0))
        elif each.resource_type in COPIES and isinstance(autopilot, str):
            copies = autoscaled.get(str(get(given, "metadata.name"))) or get(given, COPIES[each.resource_type])
            item = _of_pods(each, given, _count(copies, 1), autopilot)
            if item:
                yield item


def _is_autopilot(resource_type: str, inputs: Inputs) -> bool:
    return (
        resource_type == CLUSTER and inputs.get("enableAutopilot") is True and isinstance(inputs.get("location"), str)
    )


def _autoscaled(resources: Sequence[PolicyResource], inputs: dict[str, Inputs]) -> Iterator[tuple[str, Any]]:
    for each in resources:
        if AUTOSCALER.fullmatch(each.resource_type):
            spec = inputs[each.urn].get("spec")
            yield str(get(spec, "scaleTargetRef.name")), get(spec, "maxReplicas")


def _of_node_pool(resource: PolicyResource, pool: Inputs, cluster: Inputs) -> Item:
    zones = _known_list(pool.get("nodeLocations")) or _known_list(cluster.get("nodeLocations"))
    named = re.search(r"/locations/([^/]+)/", str(pool.get("cluster")))
    places = (pool.get("location"), cluster.get("location"), named and named[1], *zones)
    location = next((each for each in places if isinstance(each, str)), "an unknown location")
    spread = len(zones) or (1 if region_of(location) != location else ZONES_OF_A_REGION)
    node, scaling = pool.get("nodeConfig"), pool.get("autoscaling")
    per_zone = get(scaling, "maxNodeCount") or pool.get("nodeCount") or pool.get("initialNodeCount")
    most = _count(get(scaling, "totalMaxNodeCount"), 0) or spread * _count(per_zone, 1)
    spot = get(node, "spot") is True or get(node, "preemptible") is True
    price = price_of_machine(str(get(node, "machineType") or "e2-medium"), location, spot=spot)
    return Item(resource.urn, resource.name, most, price, is_accelerated(node))


def _known_list(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


def _has_accelerators(instance: Inputs) -> bool:
    machine = _last(instance.get("machineType"))
    return is_accelerated({"machineType": machine, "guestAccelerators": instance.get("guestAccelerators")})


def _last(link: Any) -> str:
    return str(link).rpartition("/")[2]


def _of_shape(resource: PolicyResource, shape: Any, most: int) -> Item:
    return Item(resource.urn, resource.name, most, price_of_shape(str(shape)), "GPU" in str(shape))


def _of_pods(resource: PolicyResource, workload: Inputs, most: int, location: str) -> Item | None:
    pod = get(workload, "spec.template.spec")
    selector = cast("Inputs", get(pod, "nodeSelector") or {})
    requests = [
        cast("Inputs", get(each, "resources.limits") or get(each, "resources.requests") or {})
        for each in _known_list(get(pod, "containers"))
    ]
    for chip, label in CHIPS.items():
        count = sum(_count(each.get(chip), 0) for each in requests)
        if count:
            cpus = sum(_cpus(each.get("cpu")) for each in requests)
            spot = selector.get("cloud.google.com/gke-spot") == "true"
            price = price_of_pod(str(selector.get(label)), count, cpus, location, spot=spot)
            return Item(resource.urn, resource.name, most, price, accelerated=True)
    return None


def _cpus(written: Any) -> float:
    text = str(written or 0)
    return float(text.removesuffix("m")) / 1000 if text.endswith("m") else float(text)


def _count(value: Any, default: int) -> int:
    """Return a number that may come as 2.0 or as "2", and `default` where it is missing or not known yet."""
    return int(float(value)) if isinstance(value, int | float | str) else default


COST_CEILING = StackValidationPolicy(
    "hourly-cost-ceiling",
    "The machines of a stack cost no more than a ceiling, at their most and by the catalogue's prices.",
    check_cost,
    config_schema=PolicyConfigSchema({"maximumUsd": {"type": "number", "minimum": 0, "default": CEILING_USD}}),
)
