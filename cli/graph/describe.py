"""What is told of a resource in its box, for people."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from cli.diff.recording import Properties, Step
from cli.graph.resources import Resources, entries_of, get, inputs_of, items_of, name_of
from cli.graph.types import load_types
from components.catalog import Catalog, load_catalog

INTERNAL = ("networking.gke.io/load-balancer-type", "cloud.google.com/load-balancer-type")
"""Annotations of Services whose load balancer has an address of the network."""


def title_of(step: Step, resources: Resources) -> str:
    """Return what a resource is, for people."""
    types = load_types()
    if step.type == "kubernetes:core/v1:Service" and is_balancer(step):
        return "Load balancer"
    if step.type == "gcp:container/nodePool:NodePool":
        return f"Node pool {_own_name(step, resources)}"
    box = types.boxes[step.type]
    roles = [types.roles[each.type] for each in resources.components(step) if each.type in types.roles]
    return roles[0] if roles and box.kind in ("pods", "job") else box.title


def lines_of(step: Step, resources: Resources) -> tuple[str, ...]:
    """Return what is to be known of a resource."""
    describe = _DESCRIBED.get(step.type, _named)
    return tuple(line for line in describe(step, resources) if line)


def is_balancer(service: Step) -> bool:
    """Tell whether a Kubernetes Service has a load balancer."""
    return get(inputs_of(service), "spec", "type") == "LoadBalancer"


def machine_accelerator(machine_type: str) -> tuple[str, int] | None:
    """Return the key of the accelerator that comes with a machine type or shape, and how many; None: none does."""
    catalog = _catalog()
    found = catalog.machines.get(machine_type) or catalog.shapes.get(machine_type)
    return (found.accelerator, found.accelerator_count) if found and found.accelerator else None


def pod_spec(step: Step) -> Mapping[str, Any]:  # Any: whatever JSON can say
    """Return what the pods of a Deployment, StatefulSet, Job or CronJob are."""
    spec = get(inputs_of(step), "spec", "jobTemplate", "spec") or get(inputs_of(step), "spec")
    return entries_of(spec, "template", "spec")


def _catalog() -> Catalog:
    return load_catalog()


def _named(step: Step, _resources: Resources) -> list[str]:
    return [name_of(step)]


def _cluster(step: Step, _resources: Resources) -> list[str]:
    inputs = inputs_of(step)
    channel = get(inputs, "releaseChannel", "channel")
    mode = "Autopilot: machines come with the pods" if get(inputs, "enableAutopilot") else ""
    place = f"in {get(inputs, 'location')}" if get(inputs, "location") else ""
    return [name_of(step), ", ".join(filter(None, (place, f"{channel.lower()} channel" if channel else ""))), mode]


def _node_pool(step: Step, _resources: Resources) -> list[str]:
    inputs = inputs_of(step)
    scaling = entries_of(inputs, "autoscaling")
    fixed = get(inputs, "nodeCount") or get(inputs, "initialNodeCount")
    least = scaling.get("totalMinNodeCount", scaling.get("minNodeCount", fixed))
    most = scaling.get("totalMaxNodeCount", scaling.get("maxNodeCount", fixed))
    machine = str(get(inputs, "nodeConfig", "machineType") or "")
    spot = "Spot: may be taken back at any time" if get(inputs, "nodeConfig", "spot") else ""
    gpu = items_of(inputs, "nodeConfig", "guestAccelerators")
    kind, count = get(gpu, 0, "type"), str(get(gpu, 0, "count"))
    found = (str(kind), int(count)) if kind and count.isdigit() else machine_accelerator(machine)
    return [
        f"{_count(least, most, 'machine')}, {machine}",
        f"{_accelerators(*found)} each" if found else "CPU only",
        spot,
    ]


def _host(step: Step, resources: Resources) -> list[str]:
    inputs = inputs_of(step)
    machine = str(get(inputs, "shape") or get(inputs, "machineType") or "")
    found = machine_accelerator(machine)
    domain = str(get(inputs, "availabilityDomain") or get(inputs, "zone") or "").rpartition(":")[2]
    return [
        name_of(step),
        machine,
        _accelerators(*found) if found else "",
        f"in {domain}" if domain else "",
        *_serves(resources),
    ]


def _serves(resources: Resources) -> list[str]:
    """Tell what is served, by the outputs that every stack of this project has."""
    server, model = get(resources.outputs, "server"), get(resources.outputs, "model")
    image = _image(str(server or "").partition("(")[2].rstrip(")"))
    return [str(model or ""), image]


def _pods(step: Step, resources: Resources) -> list[str]:
    inputs, spec = inputs_of(step), pod_spec(step)
    scaler = next((each for each in resources.siblings(step, _AUTOSCALER) if scales(each, step)), None)
    bounds: Properties = inputs_of(scaler) if scaler else {}
    replicas = get(inputs, "spec", "replicas") or 1
    least = get(bounds, "spec", "minReplicas") or replicas
    count = _count(least, get(bounds, "spec", "maxReplicas") or least, "pod")
    roles = [each for each in resources.components(step) if each.type == "llm-serving:index:InferenceService"]
    alone = len(resources.of("llm-serving:index:InferenceService")) == 1
    model = get(resources.outputs, "model") if roles and alone else None
    return [f"{count} of {name_of(step)}", str(model or ""), *_containers(spec)]


def _job(step: Step, _resources: Resources) -> list[str]:
    schedule = get(inputs_of(step), "spec", "schedule")
    return [
        f"Job {name_of(step)}",
        f"on the schedule {schedule}" if schedule else "runs once",
        *_containers(pod_spec(step)),
    ]


def _containers(spec: Mapping[str, Any]) -> list[str]:  # Any: whatever JSON can say
    containers = items_of(spec, "containers")
    image = str(get(containers, 0, "image") or "")
    wanted = entries_of(containers, 0, "resources", "limits") | entries_of(containers, 0, "resources", "requests")
    catalog = _catalog()
    parts = [
        _accelerators(each.name, int(count))
        for each in catalog.accelerators.values()
        if get(spec, "nodeSelector", each.selector) == each.name
        for count in [str(get(wanted, each.resource))]
        if count.isdigit()
    ]
    cpus, memory = get(wanted, "cpu"), get(wanted, "memory")
    parts += [_cpus(str(cpus))] if cpus else []
    parts += [f"{memory} memory"] if memory else []
    disks = [
        get(each, "ephemeral", "volumeClaimTemplate", "spec", "resources", "requests", "storage")
        for each in items_of(spec, "volumes")
    ]
    parts += [f"{size} disk" for size in disks if size]
    return [_image(image), f"{', '.join(parts)} each" if parts else ""]


def _service(step: Step, _resources: Resources) -> list[str]:
    spec = entries_of(inputs_of(step), "spec")
    ports = ", ".join(str(get(each, "port")) for each in items_of(spec, "ports"))
    internal = any(get(inputs_of(step), "metadata", "annotations", each) == "Internal" for each in INTERNAL)
    reach = "in the cluster only"
    if is_balancer(step):
        reach = "internal address" if internal else "public address"
    name = f"Service {name_of(step)}" if is_balancer(step) else name_of(step)
    return [name, f"{reach}, {'ports' if ',' in ports else 'port'} {ports}"]


def _autoscaler(step: Step, _resources: Resources) -> list[str]:
    spec = entries_of(inputs_of(step), "spec")
    metrics = [
        str(get(each, kind.lower(), "metric", "name") or get(each, kind.lower(), "name") or kind)
        for each in items_of(spec, "metrics")
        for kind in [str(get(each, "type"))]
    ]
    words = [re.sub(r"^prometheus\.googleapis\.com\||\|(gauge|counter|histogram)$", "", metric) for metric in metrics]
    return [
        _count(get(spec, "minReplicas") or 1, get(spec, "maxReplicas"), "pod"),
        f"by {', '.join(words)}" if words else "",
    ]


def _claim(step: Step, _resources: Resources) -> list[str]:
    size = get(inputs_of(step), "spec", "resources", "requests", "storage")
    return [name_of(step), str(size or "")]


def _bucket(step: Step, _resources: Resources) -> list[str]:
    place = get(inputs_of(step), "location")
    return [name_of(step), f"in {place}" if place else ""]


def _volume(step: Step, _resources: Resources) -> list[str]:
    size = get(inputs_of(step), "sizeInGbs") or get(inputs_of(step), "size")
    return [name_of(step), f"{size} GB" if size else ""]


def _subnet(step: Step, _resources: Resources) -> list[str]:
    private = "no public addresses" if get(inputs_of(step), "prohibitPublicIpOnVnic") else ""
    return [name_of(step), ", ".join(filter(None, (str(get(inputs_of(step), "cidrBlock") or ""), private)))]


def _vcn(step: Step, _resources: Resources) -> list[str]:
    return [name_of(step), ", ".join(str(each) for each in items_of(inputs_of(step), "cidrBlocks"))]


def _balancer(step: Step, resources: Resources) -> list[str]:
    listeners = [
        (get(inputs_of(each), "port"), get(inputs_of(each), "name"))
        for each in resources.siblings(step, "oci:NetworkLoadBalancer/listener:Listener")
    ]
    ports = ", ".join(f"{port} ({name})" for port, name in sorted(listeners, key=str))
    reach = "internal address" if get(inputs_of(step), "isPrivate") else "public address"
    return [name_of(step), f"{reach}, ports {ports}" if ports else reach]


def _accelerators(key: str, count: int) -> str:
    accelerator = _catalog().accelerators.get(key)
    return f"{count} x {accelerator.title if accelerator else key}"


def _image(reference: str) -> str:
    """Return the last step of an image's path, with its tag, without its digest."""
    return reference.partition("@")[0].rpartition("/")[2]


def _cpus(quantity: str) -> str:
    cpus = f"{int(quantity[:-1]) / 1000:g}" if re.fullmatch(r"\d+m", quantity) else quantity
    return f"{cpus} CPU{'' if cpus == '1' else 's'}"


def _count(least: object, most: object, noun: str) -> str:
    many = least if most is None or least == most else f"{least} to {most}"
    return f"{many} {noun}{'' if str(many) == '1' else 's'}"


def _own_name(step: Step, resources: Resources) -> str:
    """Return the name that the cloud shows, without what Pulumi puts around a name of its own making."""
    given = str(get(inputs_of(step), "name") or "")
    if given and not given.startswith(f"{name_of(step)}-"):
        return given
    component = resources.component(step)
    return name_of(step).removeprefix(f"{name_of(component)}-") if component else name_of(step)


def scales(scaler: Step, pods: Step) -> bool:
    """Tell whether an autoscaler changes the number of these pods."""
    target = get(inputs_of(scaler), "spec", "scaleTargetRef", "name")
    return target is not None and target == get(inputs_of(pods), "metadata", "name")


_AUTOSCALER = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
_DESCRIBED: dict[str, Callable[[Step, Resources], list[str]]] = {
    "gcp:container/cluster:Cluster": _cluster,
    "gcp:container/nodePool:NodePool": _node_pool,
    "gcp:compute/instance:Instance": _host,
    "gcp:compute/disk:Disk": _volume,
    "gcp:storage/bucket:Bucket": _bucket,
    "kubernetes:apps/v1:Deployment": _pods,
    "kubernetes:apps/v1:StatefulSet": _pods,
    "kubernetes:batch/v1:Job": _job,
    "kubernetes:batch/v1:CronJob": _job,
    "kubernetes:core/v1:PersistentVolumeClaim": _claim,
    "kubernetes:core/v1:Service": _service,
    _AUTOSCALER: _autoscaler,
    "oci:Core/instance:Instance": _host,
    "oci:Core/subnet:Subnet": _subnet,
    "oci:Core/vcn:Vcn": _vcn,
    "oci:Core/volume:Volume": _volume,
    "oci:NetworkLoadBalancer/networkLoadBalancer:NetworkLoadBalancer": _balancer,
}
