"""The catalogue: what it says of Oracle Cloud, and that a broken file is refused."""

import re
from importlib.resources import files

import pytest

from components.catalog import KINDS, CatalogError, load_catalog, read_catalog

CATALOG = load_catalog()
TEXTS = {kind: files("components.catalog").joinpath(f"{kind}.toml").read_text(encoding="utf-8") for kind in KINDS}
WITH_RDMA = {"BM.GPU4.8", "BM.GPU.A100-v2.8", "BM.GPU.H100.8"}


def test_the_guide_shape() -> None:
    shape = CATALOG.shapes["BM.GPU4.8"]
    assert (shape.ocpus, shape.memory_gib) == (64, 2048)
    assert (shape.accelerator_count, CATALOG.accelerators[shape.accelerator].memory_gib) == (8, 40)
    # 27.2 TB in all
    assert shape.nvme_count * shape.nvme_gb == 27_200
    assert (shape.platform, shape.limit) == ("AMD_ROME_BM_GPU", "gpu4-count")
    assert shape.bare_metal


@pytest.mark.parametrize(
    ("name", "gpus", "memory_gib", "gpu_hour"),
    [
        ("BM.GPU4.8", 8, 320, 3.05),
        ("BM.GPU.A100-v2.8", 8, 640, 4),
        ("BM.GPU.H100.8", 8, 640, 10),
        ("VM.GPU.A10.1", 1, 24, 2),
        ("VM.GPU.A10.2", 2, 48, 2),
        ("BM.GPU.A10.4", 4, 96, 2),
    ],
)
def test_gpus_and_price(name: str, gpus: int, memory_gib: float, gpu_hour: float) -> None:
    shape = CATALOG.shapes[name]
    assert shape.accelerator_count == gpus
    # the column "GPU Memory" of Oracle's table
    assert gpus * CATALOG.accelerators[shape.accelerator].memory_gib == memory_gib
    assert shape.hourly_usd == pytest.approx(gpus * gpu_hour)


def test_shapes_of_one_kind_share_a_limit() -> None:
    limits = {shape.accelerator: shape.limit for shape in CATALOG.shapes.values()}
    assert all(limits[shape.accelerator] == shape.limit for shape in CATALOG.shapes.values())
    assert len(set(limits.values())) == len(limits) == 4


def test_virtual_machines_have_no_drives_and_no_platform() -> None:
    machines = [shape for shape in CATALOG.shapes.values() if not shape.bare_metal]
    assert [shape.name for shape in machines] == ["VM.GPU.A10.1", "VM.GPU.A10.2"]
    assert all((shape.nvme_count, shape.nvme_gb, shape.platform) == (0, 0, None) for shape in machines)


def test_availability_domains() -> None:
    three = {name for name, region in CATALOG.oci_regions.items() if region.availability_domains == 3}
    assert three == {"eu-frankfurt-1", "uk-london-1", "us-ashburn-1", "us-chicago-1", "us-phoenix-1"}
    assert {region.availability_domains for region in CATALOG.oci_regions.values()} == {1, 3}


def test_shapes_of_a_region() -> None:
    offered = CATALOG.oci_regions["uk-cardiff-1"].shapes
    assert offered is not None
    assert CATALOG.shapes.keys() - set(offered) == WITH_RDMA
    assert CATALOG.oci_regions["eu-frankfurt-1"].shapes is None


def test_a_gpu_that_google_lacks_has_no_quota_there() -> None:
    accelerator = CATALOG.accelerators["nvidia-a10"]
    assert (accelerator.quota, accelerator.spot_quota) == (None, None)
    assert all(machine.accelerator != "nvidia-a10" for machine in CATALOG.machines.values())


@pytest.mark.parametrize(
    ("kind", "old", "new", "complaint"),
    [
        ("shapes", '"nvidia-tesla-a100"', '"nvidia-a100"', "shape BM.GPU4.8: unknown accelerator nvidia-a100"),
        (
            "shapes",
            "nvme_count = 16",
            "nvme_count = 0",
            "shape BM.GPU.H100.8: nvme_count and nvme_gb must come together",
        ),
        ("shapes", "bare_metal = false", "bare_metal = true", "shape VM.GPU.A10.1: its name says whether"),
        ("shapes", "hourly_usd = 24.4", "hourly_usd = 0", "shapes.BM.GPU4.8.hourly_usd: Input should be greater"),
        ("shapes", "prices = {", "price = {", "shapes.BM.GPU4.8.prices: Field required"),
        ("oci-regions", '"BM.GPU.A10.4"', '"BM.GPU.A10.8"', "unknown shape BM.GPU.A10.8"),
        (
            "oci-regions",
            "availability_domains = 3",
            "availability_domains = 0",
            "oci_regions.eu-frankfurt-1.availability_domains: Input should be greater",
        ),
        (
            "oci-regions",
            "[oci-regions.uk-cardiff-1]",
            "[oci-regions.uk-cardiff-1",
            "oci-regions.toml is not valid TOML",
        ),
    ],
)
def test_a_broken_file_is_refused(kind: str, old: str, new: str, complaint: str) -> None:
    assert old in TEXTS[kind]
    with pytest.raises(CatalogError, match=re.escape(complaint)):
        read_catalog({**TEXTS, kind: TEXTS[kind].replace(old, new)})
