"""Refreshing the catalogue, from a server on this machine that answers as the public ones do."""

import json
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from components.catalog import load_catalog
from components.catalog.refresh import RefreshError, main, model_table, price_differences

MIXTRAL, GEMMA, GPT_OSS, LLAMA = (
    "mistralai/Mixtral-8x22B-v0.1",
    "google/gemma-2-27b-it",
    "openai/gpt-oss-20b",
    "meta-llama/Llama-3.2-3B-Instruct",
)
CONFIGS: dict[str, dict[str, Any]] = {
    MIXTRAL: {
        "num_hidden_layers": 56,
        "hidden_size": 6144,
        "intermediate_size": 16384,
        "num_attention_heads": 48,
        "num_key_value_heads": 8,
        "vocab_size": 32000,
        "tie_word_embeddings": False,
        "max_position_embeddings": 65536,
        "torch_dtype": "bfloat16",
        "num_local_experts": 8,
        "num_experts_per_tok": 2,
        "sliding_window": None,
    },
    GEMMA: {
        "text_config": {
            "num_hidden_layers": 46,
            "hidden_size": 4608,
            "intermediate_size": 36864,
            "num_attention_heads": 32,
            "num_key_value_heads": 16,
            "head_dim": 128,
            "sliding_window": 4096,
            "layer_types": ["sliding_attention", "full_attention"] * 23,
            "max_position_embeddings": 8192,
        },
        "vocab_size": 256000,
        "dtype": "bfloat16",
    },
    GPT_OSS: {
        "num_hidden_layers": 24,
        "hidden_size": 2880,
        "intermediate_size": 2880,
        "num_attention_heads": 64,
        "num_key_value_heads": 8,
        "head_dim": 64,
        "vocab_size": 201088,
        "tie_word_embeddings": False,
        "max_position_embeddings": 131072,
        "num_local_experts": 32,
        "experts_per_token": 4,
        "sliding_window": 128,
        "layer_types": ["sliding_attention", "full_attention"] * 12,
        "quantization_config": {"quant_method": "mxfp4"},
    },
    "acme/odd": {"hidden_size": 1, "num_attention_heads": 1, "intermediate_size": 1},
}


def about(repository: str) -> dict[str, Any]:
    """What Hugging Face's API says of a model of the catalogue."""
    model = load_catalog().models.get(repository)
    weights = model.weight_bytes if model else 1
    half = weights // 2
    return {
        "gated": "auto" if model and model.gated else False,
        "cardData": {"license": model.licence if model else "mit"},
        "safetensors": {"total": model.parameters if model else 1},
        "siblings": [
            {"rfilename": "model-00001-of-00002.safetensors", "size": half},
            {"rfilename": "model-00002-of-00002.safetensors", "size": weights - half},
            {"rfilename": "consolidated.safetensors", "size": weights},
            {"rfilename": "original/model.safetensors", "size": weights},
            {"rfilename": "config.json", "size": 700},
        ],
    }


PRICES = """
compute:
  instance:
    g2-standard-4:
      cost:
        us-central1: { hour: 0.70683, hour_spot: 0.25 }
"""


class Public(BaseHTTPRequestHandler):
    """Stands in for the Hub and for the list of prices."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/pricing.yml":
            self.answer(200, PRICES)
        elif path == "/broken":
            self.answer(200, "<html>")
        elif LLAMA in path and self.headers["Authorization"] != "Bearer hf_mine":
            self.answer(401, "")
        elif path.startswith("/api/models/"):
            self.answer(200, json.dumps(about(path.removeprefix("/api/models/"))))
        elif path.endswith("/resolve/main/config.json"):
            repository = path.removeprefix("/").removesuffix("/resolve/main/config.json")
            self.answer(*((200, json.dumps(CONFIGS[repository])) if repository in CONFIGS else (404, "")))
        else:
            self.answer(404, "")

    def answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class calls it so
        """Say nothing."""


@pytest.fixture(scope="module")
def public() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Public)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("repository", [MIXTRAL, GEMMA, GPT_OSS])
def test_a_model_is_what_the_catalogue_says(public: str, repository: str) -> None:
    (record,) = tomllib.loads(model_table(repository, public))["models"].values()
    known = load_catalog().models[repository].model_dump()
    rough = {"parameters", "active_parameters"} if repository == GPT_OSS else set()
    for key in record.keys() - rough - {"date"}:
        assert record[key] == known[key], key
    # packed weights are not counted by the Hub, so norms and biases are left out
    for key in rough:
        assert record[key] == pytest.approx(known[key], rel=0.002)


def test_a_gated_model(public: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with pytest.raises(RefreshError, match=r"401 Unauthorized\. Set HF_TOKEN"):
        model_table(LLAMA, public)
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    # the token was taken; there is no such file here
    with pytest.raises(RefreshError, match=r"config\.json: 404 Not Found\.$"):
        model_table(LLAMA, public)


def test_prices_that_differ(public: str) -> None:
    lines = list(price_differences(f"{public}/pricing.yml"))
    machine = load_catalog().machines["g2-standard-4"]
    # the price on demand is the catalogue's, 0.7068
    assert f"g2-standard-4 us-central1 spot_hourly_usd: {machine.spot_hourly_usd['us-central1']} -> 0.25" in lines
    assert not any(line.startswith("g2-standard-4 us-central1 hourly_usd") for line in lines)
    assert f"g2-standard-4 us-west1 hourly_usd: {machine.hourly_usd['us-west1']} -> none" in lines
    # those have another source
    assert not any(line.startswith(("ct5lp", "a4-")) for line in lines)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["model", "acme/odd", "--endpoint", "{public}"], "acme/odd: 'num_hidden_layers' is not told"),
        (["model", "acme/none", "--endpoint", "{public}"], "404 Not Found"),
        (["prices", "--url", "{public}/broken"], "not the list of prices"),
        (["prices", "--url", "file:///etc/passwd"], "only https:// is asked"),
        (["prices", "--url", "http://127.0.0.1:1/pricing.yml"], "Connection refused"),
    ],
)
def test_what_cannot_be_had(
    arguments: list[str], complaint: str, public: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([each.format(public=public) for each in arguments]) == 1
    assert complaint in capsys.readouterr().err


def test_the_command(public: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model", MIXTRAL, GEMMA, "--endpoint", public]) == 0
    assert list(tomllib.loads(capsys.readouterr().out)["models"]) == [MIXTRAL, GEMMA]
    assert main(["prices", "--url", f"{public}/pricing.yml"]) == 0
    assert "-> 0.25" in capsys.readouterr().out
