"""A project's own entries of the catalogue."""

from importlib.resources import files
from pathlib import Path

import pytest

from components.catalog import KINDS, OWN_FILE, OWN_FILE_VARIABLE, Catalog, CatalogError, load_catalog, read_catalog
from tests.docs.test_docs import blocks

TEXTS = {kind: files("components.catalog").joinpath(f"{kind}.toml").read_text(encoding="utf-8") for kind in KINDS}
PAGE = Path(__file__).parents[2] / "docs/catalog.md"
MINE = "acme/acme-7b"
PRICE = """
[prices.g2-standard-8]
source = "https://example.com/contract"
date = 2026-11-01
hourly_usd = { us-central1 = 0.5 }
"""


def with_own(text: str) -> Catalog:
    return read_catalog(TEXTS, text)


def test_the_example_of_the_documentation() -> None:
    (example,) = blocks(PAGE, "toml")
    catalog = with_own(example)
    assert catalog.added == (f"models.{MINE}",)
    assert catalog.overridden == ("prices.g2-standard-8",)
    assert catalog.models[MINE].layers == 32
    assert catalog.models[MINE].name == MINE


def test_what_an_entry_does_not_say_stays() -> None:
    published, changed = load_catalog().machines["g2-standard-8"], with_own(PRICE).machines["g2-standard-8"]
    assert changed.hourly_usd == {"us-central1": 0.5}
    assert changed.prices.source == "https://example.com/contract"
    assert changed.spot_hourly_usd == published.spot_hourly_usd
    assert changed.cpus == published.cpus


def test_a_machine_of_ones_own() -> None:
    catalog = with_own(
        """
        [machines.lab-1]
        source = "https://example.com/lab"
        date = 2026-11-01
        cpus = 8
        memory_gib = 64
        accelerator = "nvidia-l4"
        accelerator_count = 1
        local_ssd_counts = [0]
        local_ssd_gb = 375

        [prices.lab-1]
        source = "https://example.com/lab"
        date = 2026-11-01
        hourly_usd = { us-central1 = 0.1 }
        spot_hourly_usd = {}
        """
    )
    assert catalog.machines["lab-1"].hourly_usd == {"us-central1": 0.1}
    assert catalog.added == ("machines.lab-1", "prices.lab-1")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (PRICE.replace("us-central1", "us-central9"), "price in an unknown region us-central9 (machines.toml)"),
        (
            PRICE.replace("0.5", "-1"),
            "hourly_usd.us-central1: Input should be greater than 0 (llm-serving-catalog.toml)",
        ),
        (PRICE.replace('source = "https://example.com/contract"\n', ""), "prices.g2-standard-8 in llm-serving-catalog"),
        (PRICE.replace("date = 2026-11-01\n", ""), "must say its source and its date"),
        (PRICE.replace("https://example.com/contract", "my contract"), "prices.source: String should match"),
        ("[price.g2-standard-8]\ncost = 1\n", "has 'price', which is none of accelerators, machines"),
        ('[models."a/b"\n', "llm-serving-catalog.toml is not valid TOML"),
        ("models = 3\n", "models in llm-serving-catalog.toml must be a table"),
        ("[prices]\ng2-standard-8 = 3\n", "prices.g2-standard-8 in llm-serving-catalog.toml must be a table"),
        (
            '[machines.g2-standard-8]\nsource = "https://x"\ndate = 2026-11-01\naccelerator = "nvidia-l5"\n',
            "machine g2-standard-8: unknown accelerator nvidia-l5 (llm-serving-catalog.toml)",
        ),
        (
            '[models."a/b"]\nsource = "https://x"\ndate = 2026-11-01\nparameters = 3\n',
            "models.a/b.layers: Field required (llm-serving-catalog.toml)",
        ),
        ('[machines.m]\nsource = "https://x"\ndate = 2026-11-01\n', "'m' must be both in machines and in prices"),
    ],
)
def test_refused(text: str, complaint: str) -> None:
    with pytest.raises(CatalogError) as refusal:
        with_own(text)
    assert complaint in str(refusal.value)


@pytest.fixture
def fresh() -> None:
    """Reads the catalogue anew, and again for those who come after."""
    load_catalog.cache_clear()


def test_where_it_is_looked_for(fresh: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / OWN_FILE).write_text(PRICE)
    try:
        assert load_catalog().overridden == ("prices.g2-standard-8",)
        load_catalog.cache_clear()
        elsewhere = tmp_path / "mine.toml"
        elsewhere.write_text(PRICE.replace("0.5", "0.25"))
        monkeypatch.setenv(OWN_FILE_VARIABLE, str(elsewhere))
        assert load_catalog().machines["g2-standard-8"].hourly_usd == {"us-central1": 0.25}
        load_catalog.cache_clear()
        monkeypatch.setenv(OWN_FILE_VARIABLE, "none.toml")
        with pytest.raises(CatalogError, match=r"LLM_SERVING_CATALOG names 'none.toml': No such file"):
            load_catalog()
    finally:
        load_catalog.cache_clear()


def test_there_is_none_here() -> None:
    assert (load_catalog().added, load_catalog().overridden) == ((), ())
