"""TPU slices: chips and hosts of each topology of each machine type."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as some

from components.catalog import chips_of, load_catalog
from components.gke.tpu import Slice, slice_of, topologies_of

TPU_MACHINES = [
    name
    for name, machine in load_catalog().machines.items()
    if machine.accelerator and load_catalog().accelerators[machine.accelerator].kind == "tpu"
]
ALL = [(machine, topology) for machine in TPU_MACHINES for topology in topologies_of(machine)]


@pytest.mark.parametrize(
    ("machine", "topology", "chips", "hosts"),
    [
        ("ct5lp-hightpu-1t", "1x1", 1, 1),
        ("ct5lp-hightpu-4t", "2x2", 4, 1),
        # one topology, two ways to make it
        ("ct5lp-hightpu-8t", "2x4", 8, 1),
        ("ct5lp-hightpu-4t", "2x4", 8, 2),
        ("ct5lp-hightpu-4t", "4x4", 16, 4),
        ("ct5lp-hightpu-4t", "16x16", 256, 64),
        ("ct6e-standard-1t", "1x1", 1, 1),
        ("ct6e-standard-4t", "2x4", 8, 2),
        ("ct6e-standard-8t", "2x4", 8, 1),
        ("ct5p-hightpu-4t", "2x2x1", 4, 1),
        ("ct5p-hightpu-4t", "2x2x2", 8, 2),
        ("ct5p-hightpu-4t", "4x4x4", 64, 16),
        ("ct5p-hightpu-4t", "4x4x12", 192, 48),
        # the largest job of cloud.google.com/tpu/docs/v5p: 96 cubes
        ("ct5p-hightpu-4t", "16x16x24", 6144, 1536),
    ],
)
def test_slice(machine: str, topology: str, chips: int, hosts: int) -> None:
    found = slice_of(machine, topology)
    assert found == Slice(chips=chips, hosts=hosts, chips_per_host=chips // hosts)
    assert found.multi_host is (hosts != 1)


@given(some.sampled_from(ALL))
def test_hosts_are_what_the_chips_need(pair: tuple[str, str]) -> None:
    machine, topology = pair
    found = slice_of(machine, topology)
    sides = [int(side) for side in topology.split("x")]
    assert found.chips == math.prod(sides) == found.hosts * found.chips_per_host
    assert found.chips_per_host == load_catalog().machines[machine].accelerator_count
    assert found.multi_host is (found.hosts != 1)


@given(machine=some.sampled_from(TPU_MACHINES), sides=some.lists(some.integers(1, 20), min_size=1, max_size=4))
def test_any_other_topology_is_refused(machine: str, sides: list[int]) -> None:
    topology = "x".join(map(str, sides))
    if topology in topologies_of(machine):
        assert slice_of(machine, topology).chips == chips_of(topology)
    else:
        with pytest.raises(ValueError, match=f"'{machine}' cannot make a slice of topology '{topology}'"):
            slice_of(machine, topology)


@pytest.mark.parametrize(
    ("machine", "topology"),
    [
        ("ct5lp-hightpu-8t", "4x4"),
        ("ct5lp-hightpu-1t", "2x2"),
        ("ct5lp-hightpu-4t", "4x2"),
        ("ct5lp-hightpu-4t", "2x2x1"),
        ("ct5p-hightpu-4t", "2x4"),
        ("ct5p-hightpu-4t", "4x12x4"),
        ("ct5p-hightpu-4t", "12x16x48"),
        ("g2-standard-48", "2x2"),
        ("n2-standard-32", "1x1"),
        ("ct9-standard-4t", "2x2"),
        ("ct5lp-hightpu-4t", ""),
    ],
)
def test_what_a_machine_cannot_make(machine: str, topology: str) -> None:
    with pytest.raises(ValueError, match="cannot make a slice"):
        slice_of(machine, topology)


@pytest.mark.parametrize("machine", ["g2-standard-48", "n2-standard-32", "ct9-standard-4t"])
def test_machines_without_tpus_have_no_topologies(machine: str) -> None:
    assert topologies_of(machine) == ()


@pytest.mark.parametrize("machine", TPU_MACHINES)
def test_the_smallest_comes_first(machine: str) -> None:
    chips = [chips_of(topology) for topology in topologies_of(machine)]
    assert chips == sorted(chips)
    # and is made by one host
    assert not slice_of(machine, topologies_of(machine)[0]).multi_host


def test_cubes_of_v5p() -> None:
    # by hand, of two and of four cubes of 4 x 4 x 4; the third would be 8 x 8 x 4, not in order
    of_chips = {
        chips: [topology for topology in topologies_of("ct5p-hightpu-4t") if chips_of(topology) == chips]
        for chips in (128, 256)
    }
    assert of_chips == {128: ["4x4x8"], 256: ["4x8x8", "4x4x16"]}
