"""The catalogue: what it says of the guide's hardware, and that a broken one is refused."""

import re
from importlib.resources import files

import pytest

from components.catalog import KINDS, CatalogError, load_catalog, read_catalog
from components.nodes import allocatable

CATALOG = load_catalog()
TEXTS = {kind: files("components.catalog").joinpath(f"{kind}.toml").read_text(encoding="utf-8") for kind in KINDS}


def test_the_guide_machine() -> None:
    machine = CATALOG.machines["g2-standard-48"]
    assert (machine.cpus, machine.memory_gib) == (48, 192)
    assert (machine.accelerator, machine.accelerator_count) == ("nvidia-l4", 4)
    assert machine.local_ssd_counts == (0, 4)
    # of which SkyPilot's catalogue has 4 x 0.56004 for the GPUs
    assert machine.hourly_usd["us-central1"] == pytest.approx(4.00, abs=0.01)


def test_zone() -> None:
    zone = CATALOG.zone("us-west4-a")
    assert zone is not None
    assert zone.region == "us-west4"
    assert "nvidia-l4" in zone.accelerators
    assert CATALOG.zone("us-central1") is None
    assert CATALOG.zone("us-central1-d") is None


def test_zones_without_the_accelerator_are_known() -> None:
    zones = CATALOG.regions["us-west4"].zones
    assert sorted(zones) == ["us-west4-a", "us-west4-b", "us-west4-c"]
    assert "nvidia-l4" not in zones["us-west4-b"].accelerators


@pytest.mark.parametrize(
    ("region", "letters"),
    [("us-central1", "abcf"), ("us-east1", "bcd"), ("europe-west1", "bcd"), ("us-east4", "abc")],
)
def test_zones_of_a_region(region: str, letters: str) -> None:
    assert [zone[-1] for zone in CATALOG.regions[region].zones] == list(letters)


@pytest.mark.parametrize("name", [name for name, machine in CATALOG.machines.items() if machine.accelerator])
def test_accelerator_machines_are_priced_where_their_accelerator_is(name: str) -> None:
    machine = CATALOG.machines[name]
    offering = {
        region.name
        for region in CATALOG.regions.values()
        if any(machine.accelerator in zone.accelerators for zone in region.zones.values())
    }
    assert set(machine.hourly_usd) == offering
    assert set(machine.spot_hourly_usd) == offering


@pytest.mark.parametrize("name", CATALOG.machines)
def test_spot_costs_less(name: str) -> None:
    machine = CATALOG.machines[name]
    assert all(machine.spot_hourly_usd[region] < price for region, price in machine.hourly_usd.items())


@pytest.mark.parametrize("family", ["e2-standard", "n2-standard", "n2d-standard", "a2-highgpu", "a2-ultragpu"])
def test_a_family_costs_in_proportion_to_its_cpus(family: str) -> None:
    machines = [machine for machine in CATALOG.machines.values() if machine.name.startswith(family)]
    for region in machines[0].hourly_usd:
        per_cpu = [machine.hourly_usd[region] / machine.cpus for machine in machines]
        assert per_cpu == pytest.approx([per_cpu[0]] * len(per_cpu), rel=0.002)


@pytest.mark.parametrize(
    ("kind", "old", "new", "complaint"),
    [
        ("machines", 'accelerator = "nvidia-l4"', 'accelerator = "nvidia-l5"', "unknown accelerator nvidia-l5"),
        ("machines", "accelerator_count = 4", "accelerator_count = 0", "must come together"),
        ("machines", "cpus = 48", "cpus = 48\ncores = 48", "machines.g2-standard-48.cores: Extra inputs"),
        ("machines", "[machines.g2-standard-48]", "[machines.g2-standard-49]", "must be both in"),
        ("machines", "cpus = 48", "cpus = ", "machines.toml is not valid TOML"),
        ("regions", "us-west4-a =", "us-west3-d =", "zone us-west3-d is not in it"),
        ("regions", 'us-west4-a = ["nvidia-l4"', 'us-west4-a = ["nvidia-l5"', "zone us-west4-a: unknown accelerator"),
        (
            "prices",
            "us-central1 = 4.0017",
            "us-central1 = 0",
            "g2-standard-48.hourly_usd.us-central1: Input should be greater",
        ),
        ("regions", "[regions.us-west4.zones]", "[regions.us-west4.areas]", "regions.us-west4.areas: Extra inputs"),
        ("prices", "us-central1 = 4.0017", "us-central9 = 4.0017", "unknown region us-central9"),
        ("prices", 'source = "https', 'source = "http', "machines.g2-standard-4.prices.source"),
        ("accelerators", "date = 2026-11-21", "", "accelerators.nvidia-l4.date: Field required"),
        (
            "models",
            'source = "https://huggingface.co/google/gemma-2b"',
            "",
            "models.google/gemma-2b.source: Field required",
        ),
        ("models", "kv_heads = 1\n", "kv_heads = 0\n", "models.google/gemma-2b.kv_heads"),
        ("quantizations", "bits = 4", "bits = -4", "quantizations.bitsandbytes-nf4.bits"),
        ("assumptions", "value = 0.9", "", "assumptions.memory_fraction.value: Field required"),
    ],
)
def test_a_broken_catalogue_is_refused(kind: str, old: str, new: str, complaint: str) -> None:
    assert old in TEXTS[kind]
    with pytest.raises(CatalogError, match=re.escape(complaint)):
        read_catalog({**TEXTS, kind: TEXTS[kind].replace(old, new)})


def test_a_record_has_its_own_source_before_that_of_its_file() -> None:
    assert CATALOG.machines["n2d-standard-8"].source.endswith("general-purpose-machines")
    assert CATALOG.machines["g2-standard-8"].source.endswith("accelerator-optimized-machines")


@pytest.mark.parametrize(
    ("name", "cpus", "memory_gib"),
    [
        # by hand: 48 - (0.06 + 0.01 + 2 x 0.005 + 44 x 0.0025); 192 - (1 + 0.8 + 0.8 + 6.72 + 1.28) - 100 MiB
        ("g2-standard-48", 47.81, 181.302),
        # 2 - (0.06 + 0.01); 8 - (1 + 0.8) - 100 MiB
        ("e2-standard-2", 1.93, 6.102),
        ("n2d-standard-8", 7.91, 32 - (1 + 0.8 + 0.8 + 0.96) - 100 / 1024),
    ],
)
def test_allocatable(name: str, cpus: float, memory_gib: float) -> None:
    assert allocatable(CATALOG.machines[name]) == pytest.approx((cpus, memory_gib), abs=0.001)
