"""`llm-serving size`: what it prints and exits with."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.app import app
from components.catalog import OWN_FILE_VARIABLE, load_catalog

runner = CliRunner(env={"COLUMNS": "160"})
MISTRAL = "mistralai/Mistral-7B-Instruct-v0.3"


def test_the_table() -> None:
    result = runner.invoke(app, ["size", MISTRAL, "--region", "us-central1"])
    assert result.exit_code == 0
    title, heads, first, *_ = result.stdout.splitlines()
    assert title.strip() == f"{MISTRAL}, requests of 4096 tokens"
    assert heads.split("  ")[0] == "machine"
    # the cheapest that holds it; facts as of 2026-11
    assert first.split()[:5] == ["g2-standard-4", "1", "x", "NVIDIA", "L4"]
    assert "us-central1" in first
    assert ">=: bounds, which no server reaches" in result.stdout
    assert "minutes to download and load it" in result.stdout
    assert "llm-serving-catalog.toml" not in result.stdout


def test_the_document() -> None:
    result = runner.invoke(app, ["size", MISTRAL, "--length", "2048", "--batch", "8", "--json"])
    document = json.loads(result.stdout)
    assert (document["model"], document["length"]) == (MISTRAL, 2048)
    assert document["startupSeconds"] > 600
    (offer,) = [offer for offer in document["offers"] if offer["machine"] == "g2-standard-8"]
    assert offer == {
        "machine": "g2-standard-8",
        "cloud": "gcp",
        "region": "us-east4",
        "accelerator": "nvidia-l4",
        "accelerators": 1,
        "shards": 1,
        "replicas": 1,
        "batch": 8,
        "mostRequests": offer["mostRequests"],
        "hourlyUsd": 0.8508,
        "leastMillisecondsPerToken": pytest.approx(51.01, rel=0.001),
        "mostTokensPerSecond": pytest.approx(156.8, rel=0.001),
        "leastUsdPerMillionTokens": pytest.approx(1.507, rel=0.001),
    }


def test_spot_prices() -> None:
    result = runner.invoke(app, ["size", MISTRAL, "--spot"])
    assert "$/h spot" in result.stdout
    assert "BM.GPU4.8" not in result.stdout


def test_the_length_is_at_most_what_the_model_was_made_for() -> None:
    # gpt-oss was made for more than the default, so it is the default
    document = json.loads(runner.invoke(app, ["size", "openai/gpt-oss-20b", "--json"]).stdout)
    assert document["length"] == 4096
    assert runner.invoke(app, ["size", MISTRAL, "--length", "32769"]).exit_code == 2


def test_nothing_that_fits_is_code_1() -> None:
    result = runner.invoke(app, ["size", "meta-llama/Llama-3.1-405B-Instruct", "--region", "us-central1"])
    assert result.exit_code == 1
    words = " ".join(result.stdout.split())
    assert "No machine of the catalogue with a price on demand in us-central1 holds" in words
    assert "Try --quantization" in words


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mistral"], "does not know 'mistral'"),
        ([MISTRAL, "--region", "nowhere"], "region 'nowhere'"),
        ([MISTRAL, "--length", "0"], "--length"),
        ([MISTRAL, "--batch", "none"], "--batch"),
        ([], "MODEL"),
    ],
)
def test_refused_with_code_2(arguments: list[str], message: str) -> None:
    result = runner.invoke(app, ["size", *arguments])
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())


def test_it_says_what_the_projects_own_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        '[prices.g2-standard-8]\nsource = "https://example.com"\ndate = 2026-11-01\n'
        "hourly_usd = { us-central1 = 0.01 }\n"
    )
    monkeypatch.setenv(OWN_FILE_VARIABLE, str(own))
    load_catalog.cache_clear()
    try:
        result = runner.invoke(app, ["size", MISTRAL])
        assert result.stdout.splitlines()[2].startswith("g2-standard-8 ")
        assert "llm-serving-catalog.toml overrides prices.g2-standard-8." in result.stdout
        own.write_text("[prices]\n")
        load_catalog.cache_clear()
        assert runner.invoke(app, ["size", MISTRAL]).exit_code == 0
        own.write_text("[prizes]\n")
        load_catalog.cache_clear()
        refused = runner.invoke(app, ["size", MISTRAL])
        assert refused.exit_code == 2
        assert "prizes" in refused.output
    finally:
        load_catalog.cache_clear()
