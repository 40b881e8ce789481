"""Profiles of model servers: each complete, and what it starts."""

import json
from typing import Any

import pytest

from components.catalog import load_catalog
from components.inference_service_args import Server
from components.servers import SERVERS, ModelServer, Serving

TGI, LLAMA_CPP = SERVERS["tgi"], SERVERS["llama-cpp"]
ALL = pytest.mark.parametrize("server", [pytest.param(server, id=name) for name, server in SERVERS.items()])


def serving(**changes: Any) -> Serving:
    defaults: dict[str, Any] = {"model": "o/m", "model_file": None, "quantization": None, "shards": 1}
    return Serving(**{**defaults, **changes})


def test_every_server_of_the_settings_has_a_profile() -> None:
    assert {server.value for server in Server} == set(SERVERS)
    assert all(name == server.name for name, server in SERVERS.items())


@ALL
def test_the_image_is_pinned(server: ModelServer) -> None:
    name, _, tag = server.image.rpartition(":")
    assert "/" in name
    assert any(character.isdigit() for character in tag)


@ALL
def test_paths_are_absolute_and_apart(server: ModelServer) -> None:
    paths = [server.health_path, server.generate_path, server.metrics_path]
    assert all(path.startswith("/") for path in paths)
    assert len(set(paths)) == 3


@ALL
def test_the_request_is_json_with_the_prompt(server: ModelServer) -> None:
    assert '"What?"' in json.dumps(server.request("What?"))


@ALL
def test_it_listens_where_it_is_probed(server: ModelServer) -> None:
    wanted = serving(model_file="a.gguf")
    told = {**server.environment(wanted), "arguments": " ".join(server.arguments(wanted))}
    assert any(str(server.port) in value for value in told.values())


@ALL
def test_no_profile_sets_a_token_in_plain(server: ModelServer) -> None:
    assert server.token_variables
    assert not set(server.token_variables) & set(server.environment(serving(model_file="a.gguf")))


def test_sizing_knows_quantizations_by_the_servers_names() -> None:
    known = TGI.quantizations & set(load_catalog().quantizations)
    assert {"bitsandbytes", "bitsandbytes-fp4", "bitsandbytes-nf4"} <= known


def test_tgi() -> None:
    # users trip over 12: older and newer images read the token from different variables
    assert TGI.token_variables == ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
    assert TGI.environment(serving(shards=2)) == {"MODEL_ID": "o/m", "NUM_SHARD": "2", "PORT": "8080"}
    assert TGI.environment(serving(quantization="awq"))["QUANTIZE"] == "awq"
    assert TGI.arguments(serving()) == []
    assert TGI.needs_accelerator
    assert not TGI.needs_file
    assert TGI.request("Hi") == {"inputs": "Hi", "parameters": {"max_new_tokens": 64}}


def test_llama_cpp() -> None:
    assert LLAMA_CPP.arguments(serving(shards=0, model_file="a.gguf")) == [
        *("--hf-repo", "o/m", "--hf-file", "a.gguf"),
        *("--host", "0.0.0.0", "--port", "8080", "--metrics"),
    ]
    # on the volume that is mounted for weights
    assert LLAMA_CPP.environment(serving()) == {"LLAMA_CACHE": "/data"}
    assert not LLAMA_CPP.needs_accelerator
    assert LLAMA_CPP.needs_file
    assert LLAMA_CPP.request("Hi") == {"prompt": "Hi", "n_predict": 64}
