"""What is inside what: the boxes of a picture, from the resources of a stack."""

from collections import Counter
from collections.abc import Mapping

from cli.diff.recording import Step
from cli.graph.describe import lines_of, machine_accelerator, pod_spec, title_of
from cli.graph.picture import Box, Kind, Member
from cli.graph.resources import Resources, entries_of, get, inputs_of, items_of, name_of
from cli.graph.types import load_types
from cli.progress import short_type

CLUSTER, NETWORK, NODE_POOL = (
    "gcp:container/cluster:Cluster",
    "gcp:compute/network:Network",
    "gcp:container/nodePool:NodePool",
)
_MAIN = (Kind.CLUSTER, Kind.NETWORK, Kind.PODS, Kind.JOB, Kind.MACHINES, Kind.STORAGE, Kind.ENTRY)
"""Of what kind the box is that tells of the rest of its component, the first that there is."""


class Nesting:
    """Finds out which box each resource has, is in, or is a part of."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._types = load_types()
        self._components = [
            each for each in resources.of(*self._types.components) if resources.component(each) is None
        ]  # fmt: skip
        self._drawn = [
            each for each in resources.of_the_cloud() if each.type in self._types.boxes and not self.component(each)
        ]
        self._around: dict[str, Box] = {}
        """Boxes of what is no resource of the stack: clouds, and what is there already."""

    def component(self, step: Step) -> Step | None:
        """Return the component around a resource that is one box itself, if there is one."""
        return next((each for each in self._resources.components(step) if each in self._components), None)

    def boxes(self) -> dict[str, Box]:
        """Return the boxes by id, each after the one that it is in."""
        parents = {each.urn: self._parent(each) for each in self._drawn}
        parents |= {each.urn: self._around_component(each) for each in self._components}
        members: dict[str, list[Step]] = {}
        for step in self._resources.of_the_cloud():
            if step not in self._drawn:
                members.setdefault(self._home(step), []).append(step)
        found = dict(self._around)
        for step in (*self._drawn, *self._components):
            found[step.urn] = self._box(step, parents[step.urn])
        for urn, steps in members.items():
            found[urn] = found[urn].model_copy(update=self._told(steps, found[urn]))
        return {urn: found[urn] for urn in sorted(found, key=lambda urn: _depth(found, urn))}

    def _box(self, step: Step, parent: str) -> Box:
        if step in self._components:
            described = self._types.components[step.type]
            return Box(id=step.urn, kind=described.kind, title=f"{described.title} {name_of(step)}", parent=parent)
        return Box(
            id=step.urn,
            kind=self._types.boxes[step.type].kind,
            title=title_of(step, self._resources),
            lines=lines_of(step, self._resources),
            parent=parent,
            operation=self._resources.operation(step),
        )

    def _told(self, steps: list[Step], box: Box) -> dict[str, object]:
        """Return the members of a box, and what they are in a line; where all are new or gone, so is a component."""
        operations = {self._resources.operation(each) for each in steps}
        alike = operations.pop() if len(operations) == 1 and box.id in {each.urn for each in self._components} else None
        nouns = Counter(self._types.nouns.get(each.type, short_type(each.type).partition(":")[2]) for each in steps)
        told = ", ".join(f"{count} {noun}s" if count > 1 else noun for noun, count in sorted(nouns.items()))
        members = tuple(
            Member(text=f"{short_type(each.type)} {name_of(each)}", operation=self._resources.operation(each))
            for each in steps
        )
        return {"members": members, "summary": told, "operation": alike or box.operation}

    def _parent(self, step: Step) -> str:
        described = self._types.boxes[step.type]
        if step.type == CLUSTER:
            return self._network(step)
        if step.type.startswith("kubernetes:"):
            pool = self._pool(step) if described.kind in (Kind.PODS, Kind.JOB) else None
            return pool.urn if pool else self._cluster(step)
        beside = self._resources.siblings(step, described.beside) if described.beside else []
        if beside:
            return self._parent(beside[0])
        around = self._first(step, described.inside)
        return around.urn if around else self._cloud(step.type.partition(":")[0])

    def _around_component(self, component: Step) -> str:
        """Return the cluster that the pods of a component are in, or the cloud if it has none."""
        inside = [each for each in self._resources.of_the_cloud() if self.component(each) == component]
        pods = [each for each in inside if each.type in self._types.boxes and each.type.startswith("kubernetes:")]
        packages = [each.type.partition(":")[0] for each in inside]
        clouds = [each for each in packages if each != "kubernetes"] or ["kubernetes"]
        return self._cluster(pods[0]) if pods else self._cloud(clouds[0])

    def _first(self, step: Step, types: tuple[str, ...]) -> Step | None:
        for kind in types:
            resources = self._resources
            for found in (resources.needs(step, kind), resources.siblings(step, kind), resources.of(kind)):
                if found:
                    return found[0]
        return None

    def _home(self, step: Step) -> str:
        """Return the box that tells of a resource without one."""
        whole = self.component(step)
        if whole:
            return whole.urn
        owners = [each for kind in self._types.members.get(step.type, ()) for each in self._owners(step, kind)]
        if owners:
            return owners[0].urn
        for component in self._resources.components(step):
            inside = [each for each in self._drawn if each.parent == component.urn]
            ranked = [each for kind in _MAIN for each in inside if self._types.boxes[each.type].kind is kind]
            if ranked or inside:
                return (ranked or inside)[0].urn
        return self._cluster(step) if step.type.startswith("kubernetes:") else self._cloud(step.type.partition(":")[0])

    def _owners(self, step: Step, kind: str) -> list[Step]:
        needed = self._resources.needs(step, kind)
        return [each for each in (*needed, *self._resources.siblings(step, kind)) if each in self._drawn]

    def _cluster(self, step: Step) -> str:
        provider = self._resources.provider(step)
        own = self._resources.siblings(provider, CLUSTER) if provider else []
        return own[0].urn if own else self._cloud("kubernetes")

    def _pool(self, pods: Step) -> Step | None:
        """Return the node pool that the pods have to run in, if only one will do."""
        selector = entries_of(pod_spec(pods), "nodeSelector")
        pools = [each for each in self._resources.of(NODE_POOL) if self._parent(each) == self._cluster(pods)]
        labels = {each.urn: _node_labels(each) for each in pools}
        known = {key for each in labels.values() for key in each}
        fitting = [
            each
            for each in pools
            if all(labels[each.urn].get(key) == value for key, value in selector.items() if key in known)
            # nodes with accelerators are for pods that ask for them
            and not any(key in _ACCELERATORS and key not in selector for key in labels[each.urn])
        ]
        return fitting[0] if len(fitting) == 1 else None

    def _network(self, cluster: Step) -> str:
        made = self._resources.needs(cluster, NETWORK)
        if made:
            return made[0].urn
        name = str(get(inputs_of(cluster), "network") or "default")
        key = f"network:{name}"
        box = Box(id=key, kind=Kind.NETWORK, title=f"Network {name}", parent=self._cloud("gcp"), exists=True)
        self._around[key] = box
        return key

    def _cloud(self, package: str) -> str:
        key = f"cloud:{package}"
        kind = Kind.CLUSTER if package == "kubernetes" else Kind.CLOUD
        self._around[key] = Box(id=key, kind=kind, title=self._types.clouds.get(package, package), exists=True)
        return key


_ACCELERATORS = ("cloud.google.com/gke-accelerator", "cloud.google.com/gke-tpu-accelerator")


def _node_labels(pool: Step) -> Mapping[str, str]:
    """Return the labels of the nodes of a pool that pods choose by."""
    config = entries_of(inputs_of(pool), "nodeConfig")
    machine = str(config.get("machineType"))
    labels = {str(key): str(value) for key, value in entries_of(config, "labels").items()}
    labels["node.kubernetes.io/instance-type"] = machine
    gpu = get(items_of(config, "guestAccelerators"), 0, "type")
    accelerator = machine_accelerator(machine)
    if gpu:
        labels["cloud.google.com/gke-accelerator"] = str(gpu)
    elif accelerator:
        labels["cloud.google.com/gke-tpu-accelerator"] = accelerator[0]
    return labels


def _depth(boxes: Mapping[str, Box], urn: str) -> int:
    parent = boxes[urn].parent
    return 1 + _depth(boxes, parent) if parent else 0
