"""TPU slices: which topologies a machine type can make, and how many chips and hosts each has."""

from dataclasses import dataclass

from ..catalog import chips_of, load_catalog


@dataclass(frozen=True)
class Slice:
    """Chips that are connected to each other, on one node or several."""

    chips: int
    hosts: int
    """Nodes that make it."""
    chips_per_host: int
    """What a pod on each of its nodes requests: all of a node's chips."""

    @property
    def multi_host(self) -> bool:
        """Whether several nodes make it, which then come and go together."""
        return self.hosts > 1


def topologies_of(machine_type: str) -> tuple[str, ...]:
    """Return the topologies that slices of `machine_type` can have, the smallest first; none if it has no TPUs."""
    found = load_catalog().topologies.get(machine_type)
    return found.shapes if found else ()


def slice_of(machine_type: str, topology: str) -> Slice:
    """Return the slice of that topology, for example `2x4`, on nodes of `machine_type`.

    Raises:
        ValueError: the machine type cannot make it, or has no TPUs.
    """
    if topology not in topologies_of(machine_type):
        raise ValueError(f"'{machine_type}' cannot make a slice of topology '{topology}'.")
    chips, chips_per_host = chips_of(topology), load_catalog().machines[machine_type].accelerator_count
    return Slice(chips=chips, hosts=chips // chips_per_host, chips_per_host=chips_per_host)
