"""The catalogue: what it says of the guide's hardware, and that a broken one is refused."""

import re
from importlib.resources import files

import pytest

from components.catalog import KINDS, CatalogError, load_catalog, read_catalog
from components.gke.nodes import allocatable

CATALOG = load_catalog()
UNPRICED = {"tpu-v6e-slice": {"asia-east1", "southamerica-east1"}}
"""Regions for which the source has a placeholder instead of a price."""
NO_SPOT = {"tpu-v6e-slice": {"southamerica-west1"}, "nvidia-h200-141gb": {"asia-south2", "us-east5"}}
"""Regions for which it has no spot price."""
NOT_ON_DEMAND = ("a3-highgpu-1g", "a3-highgpu-2g", "a3-highgpu-4g", "a3-ultragpu-8g", "a4-highgpu-8g")
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
    unpriced = UNPRICED.get(str(machine.accelerator), set())
    assert set(machine.hourly_usd) == (set() if name in NOT_ON_DEMAND else offering - unpriced)
    assert set(machine.spot_hourly_usd) == offering - unpriced - NO_SPOT.get(str(machine.accelerator), set())


@pytest.mark.parametrize("name", sorted(CATALOG.machines.keys() - set(NOT_ON_DEMAND)))
def test_spot_costs_less(name: str) -> None:
    machine = CATALOG.machines[name]
    assert all(price < machine.hourly_usd[region] for region, price in machine.spot_hourly_usd.items())


@pytest.mark.parametrize(("family", "chip_hour"), [("ct5lp-", 1.2), ("ct5p-", 4.2), ("ct6e-", 2.7)])
def test_a_tpu_costs_by_the_chip(family: str, chip_hour: float) -> None:
    machines = [machine for machine in CATALOG.machines.values() if machine.name.startswith(family)]
    assert machines
    for region in machines[0].hourly_usd:
        per_chip = [machine.hourly_usd[region] / machine.accelerator_count for machine in machines]
        assert per_chip == pytest.approx([per_chip[0]] * len(per_chip), rel=0.001)
        spot = [machine.spot_hourly_usd.get(region, 0) / machine.accelerator_count for machine in machines]
        assert spot == pytest.approx([spot[0]] * len(spot), rel=0.001)
    # cloud.google.com/tpu/pricing
    assert machines[0].hourly_usd["us-central1"] / machines[0].accelerator_count == pytest.approx(chip_hour)


@pytest.mark.parametrize(
    ("name", "resource", "selector"),
    [
        ("nvidia-l4", "nvidia.com/gpu", "cloud.google.com/gke-accelerator"),
        ("tpu-v5-lite-podslice", "google.com/tpu", "cloud.google.com/gke-tpu-accelerator"),
    ],
)
def test_how_pods_ask_for_an_accelerator(name: str, resource: str, selector: str) -> None:
    accelerator = CATALOG.accelerators[name]
    assert (accelerator.resource, accelerator.selector) == (resource, selector)
    assert all(
        (other.resource, other.selector) == (resource, selector)
        for other in CATALOG.accelerators.values()
        if other.kind == accelerator.kind
    )


@pytest.mark.parametrize("name", CATALOG.accelerators)
def test_an_accelerator_has_no_more_than_its_data_sheet_says(name: str) -> None:
    accelerator = CATALOG.accelerators[name]
    assert 0.9 * accelerator.memory_gib < accelerator.usable_gib <= accelerator.memory_gib
    assert (accelerator.kind == "tpu") == name.startswith("tpu-")
    if accelerator.quota is not None or accelerator.spot_quota is not None:
        assert str(accelerator.spot_quota).startswith("PREEMPTIBLE_")
        assert accelerator.quota


@pytest.mark.parametrize(
    ("zone", "tpus"),
    [
        ("us-central1-a", {"tpu-v5-lite-podslice", "tpu-v5p-slice", "tpu-v6e-slice"}),
        ("us-central1-b", {"tpu-v6e-slice"}),
        ("us-central1-f", set()),
        ("us-south1-a", {"tpu-v5-lite-podslice", "tpu-v5p-slice"}),
        ("us-west1-c", {"tpu-v5-lite-podslice", "tpu-v6e-slice"}),
        ("us-west4-a", {"tpu-v5-lite-podslice"}),
        ("europe-west4-b", {"tpu-v5-lite-podslice", "tpu-v5p-slice"}),
    ],
)
def test_tpus_of_a_zone(zone: str, tpus: set[str]) -> None:
    found = CATALOG.zone(zone)
    assert found is not None
    assert {name for name in found.accelerators if name.startswith("tpu-")} == tpus


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
        ("models", 'model_name = "llama-2"', 'model_name = "llama2"', "meta-llama/Llama-2-7b-hf.jetstream.model_name"),
        ("accelerators", 'kind = "gpu"', 'kind = "npu"', "accelerators.nvidia-l4.kind: Input should be 'gpu' or 'tpu'"),
        (
            "topologies",
            "[topologies.ct5p-hightpu-4t]",
            "[topologies.ct5p-hightpu-8t]",
            "machine ct5p-hightpu-4t: it must have TPUs and be in topologies.toml, or neither (topologies.toml);"
            " machine ct5p-hightpu-8t",
        ),
        (
            "topologies",
            "[topologies.ct5p-hightpu-4t]",
            "[topologies.g2-standard-48]",
            "machine g2-standard-48: it must have TPUs",
        ),
        ("topologies", '"2x2x1"', '"3x2x1"', "topologies of ct5p-hightpu-4t: 3x2x1 is no multiple of the machine's 4"),
        ("topologies", '"2x2x2"', '"2x2x1"', "topologies of ct5p-hightpu-4t: one is named twice"),
        ("topologies", '"2x2x1"', '"4"', "topologies.ct5p-hightpu-4t.shapes.0: String should match"),
        ("topologies", '"2x2x1"', '"0x2x1"', "topologies.ct5p-hightpu-4t.shapes.0: String should match"),
        ("topologies", '["1x1"]', "[]", "topologies.ct5lp-hightpu-1t.shapes: Tuple should have at least 1 item"),
        ("assumptions", "value = 0.9", "", "assumptions.memory_fraction.value: Field required (assumptions.toml)"),
        ("prices", "us-central1 = 4.0017", "us-central1 = -1", "than 0 (prices.toml)"),
        (
            "machines",
            "cpus = 48",
            "cpus = 0",
            "machines.g2-standard-48.cpus: Input should be greater than 0 (machines.toml)",
        ),
        ("regions", "us-west4-a =", "us-west3-d =", "zone us-west3-d is not in it (regions.toml)"),
        ("accelerators", "bfloat16 = 121", "bf16 = 121", "accelerators.nvidia-l4.peak_tflops.bf16"),
        ("accelerators", 'link = "ICI"', 'link = "IB"', "tpu-v5-lite-podslice.link: Input should be 'NVLink', 'ICI'"),
        (
            "models",
            "experts = 128\nactive_experts = 8",
            "experts = 128\nactive_experts = 4",
            "model Qwen/Qwen3-30B-A3B: experts and active_experts do not agree with active_parameters (models.toml)",
        ),
        (
            "models",
            "feed_forward = 14_336\nvocabulary = 32_768",
            "feed_forward = 143_360\nvocabulary = 32_768",
            "model mistralai/Mistral-7B-Instruct-v0.3: its feed-forward blocks alone have 56371445760 weights",
        ),
        ("models", "window = 128\n", "", "model openai/gpt-oss-20b: window and windowed_layers must come together"),
    ],
)
def test_a_broken_catalogue_is_refused(kind: str, old: str, new: str, complaint: str) -> None:
    assert old in TEXTS[kind]
    with pytest.raises(CatalogError, match=re.escape(complaint)):
        read_catalog({**TEXTS, kind: TEXTS[kind].replace(old, new)})


@pytest.mark.parametrize(
    ("model", "names"),
    [
        ("meta-llama/Llama-2-7b-hf", ("llama-2", "7b", "llama-2-7b")),
        ("meta-llama/Meta-Llama-3-8B", ("llama-3", "8b", "llama-3-8b")),
        ("google/gemma-2b-pytorch", ("gemma", "2b", "gemma-2b")),
    ],
)
def test_what_the_guide_of_jetstream_calls_a_model(model: str, names: tuple[str, str, str]) -> None:
    found = CATALOG.models[model].jetstream
    assert found is not None
    assert (found.model_name, found.size, found.folder) == names


def test_no_two_models_share_a_checkpoint_folder() -> None:
    folders = [model.jetstream.folder for model in CATALOG.models.values() if model.jetstream]
    assert len(folders) == len(set(folders)) == 3


def test_gemma_for_pytorch_is_gemma() -> None:
    one, other = CATALOG.models["google/gemma-2b"], CATALOG.models["google/gemma-2b-pytorch"]
    differs = {key for key, value in one.model_dump().items() if value != other.model_dump()[key]}
    assert differs == {"name", "source", "file", "jetstream"}


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


VISION = {"google/gemma-3-4b-it", "google/gemma-3-12b-it", "google/gemma-3-27b-it"}
"""Models with a part that sees, which the shape of the rest does not tell of."""


@pytest.mark.parametrize("name", CATALOG.models)
def test_the_count_of_weights_follows_from_the_shape(name: str) -> None:
    model = CATALOG.models[name]
    attention = 2 * model.hidden * (model.heads + model.kv_heads) * model.head_dim
    blocks = model.layers * (attention + model.experts * model.expert_parameters)
    embeddings = model.vocabulary * model.hidden * (1 if model.tied_embeddings else 2)
    # norms and biases, and routers of a mixture, are in none of these; a vision tower has 0.42 billion
    rest = model.parameters - blocks - embeddings
    assert 0 <= rest < 0.002 * model.parameters + (430_000_000 if name in VISION else 0)


def test_a_mixture_of_experts() -> None:
    mixtral = CATALOG.models["mistralai/Mixtral-8x22B-v0.1"]
    assert (round(mixtral.parameters / 1e9), round(mixtral.active_parameters / 1e9)) == (141, 39)
    assert (mixtral.experts, mixtral.active_experts) == (8, 2)


@pytest.mark.parametrize("name", [name for name, model in CATALOG.models.items() if model.file is None])
def test_published_weights_take_what_their_type_takes(name: str) -> None:
    model = CATALOG.models[name]
    if model.dtype == "mxfp4":
        experts = model.layers * model.experts * model.expert_parameters
        assert model.weight_bytes == experts * 4.25 / 8 + 2 * (model.parameters - experts)
    else:
        # a few buffers that are no weights, in Llama 2
        assert 0 <= model.weight_bytes - 2 * model.parameters < 10_000


def test_who_must_accept_terms() -> None:
    gated = {name.partition("/")[0] for name, model in CATALOG.models.items() if model.gated}
    free = {name.partition("/")[0] for name, model in CATALOG.models.items() if not model.gated}
    assert gated == {"mistralai", "meta-llama", "google"}
    assert free == {"Qwen", "microsoft", "deepseek-ai", "openai"}


@pytest.mark.parametrize("name", CATALOG.accelerators)
def test_peak_rates(name: str) -> None:
    accelerator = CATALOG.accelerators[name]
    peaks = accelerator.peak_tflops
    assert accelerator.bfloat16 == (name != "nvidia-tesla-t4")
    sixteen = peaks.get("bfloat16") or peaks["float16"]
    # 8 bits are twice as fast, where they are computed in at all
    assert all(
        rate == pytest.approx(factor * sixteen, rel=0.01)
        for kind, rate in peaks.items()
        for factor in [1 if "16" in kind or name == "tpu-v5p-slice" else 2]
    )
    assert (accelerator.link == "ICI") == (accelerator.kind == "tpu")


def test_machines_that_google_does_not_sell_on_demand() -> None:
    small, whole = CATALOG.machines["a3-highgpu-2g"], CATALOG.machines["a3-highgpu-8g"]
    assert small.spot_hourly_usd["us-central1"] == pytest.approx(whole.spot_hourly_usd["us-central1"] / 4, abs=0.001)
    assert all(not CATALOG.machines[name].hourly_usd for name in NOT_ON_DEMAND)
