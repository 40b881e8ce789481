"""Profiles of model servers: each complete, and what it starts."""

import json
from typing import Any

import pytest

from components.catalog import load_catalog
from components.inference.inference_service_args import JetStreamArgs, Server, VllmArgs
from components.servers import SERVERS, ModelServer, Serving
from components.servers.vllm import adapter_rank

TGI, LLAMA_CPP, JETSTREAM, VLLM_TPU = (SERVERS[name] for name in ("tgi", "llama-cpp", "jetstream", "vllm-tpu"))
VLLM, VLLM_GENERATE = SERVERS["vllm"], SERVERS["vllm-generate"]
LLAMA_2 = "meta-llama/Llama-2-7b-hf"
FLAGS = JetStreamArgs(batch_size=80, max_cache_length=2048)
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
    paths = [server.health_path, server.generate_path, *([server.metrics_path] if server.metrics_path else [])]
    assert all(path.startswith("/") for path in paths)
    assert len(set(paths)) == len(paths)


@ALL
def test_the_request_is_json_with_the_prompt(server: ModelServer) -> None:
    assert '"What?"' in json.dumps(server.request(serving(), "What?"))


@ALL
def test_it_listens_where_it_is_probed(server: ModelServer) -> None:
    wanted = serving(model=LLAMA_2, model_file="a.gguf", jetstream=FLAGS)
    told = {**server.environment(wanted), **server.files(wanted), "arguments": " ".join(server.arguments(wanted))}
    # a sidecar's own port cannot be told
    assert server.sidecar or any(str(server.port) in value for value in told.values())


@ALL
def test_no_profile_sets_a_token_in_plain(server: ModelServer) -> None:
    assert bool(server.token_variables) is not server.needs_checkpoint
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
    assert TGI.request(serving(), "Hi") == {"inputs": "Hi", "parameters": {"max_new_tokens": 64}}


def test_llama_cpp() -> None:
    assert LLAMA_CPP.arguments(serving(shards=0, model_file="a.gguf")) == [
        *("--hf-repo", "o/m", "--hf-file", "a.gguf"),
        *("--host", "0.0.0.0", "--port", "8080", "--metrics"),
    ]
    # on the volume that is mounted for weights
    assert LLAMA_CPP.environment(serving()) == {"LLAMA_CACHE": "/data"}
    assert not LLAMA_CPP.needs_accelerator
    assert LLAMA_CPP.needs_file
    assert LLAMA_CPP.request(serving(), "Hi") == {"prompt": "Hi", "n_predict": 64}


@ALL
def test_ports_have_names_of_their_own(server: ModelServer) -> None:
    ports = {"http": server.port, **server.further_ports}
    assert len(set(ports.values())) == len(ports)
    assert server.metrics_port in ports


def test_jetstream() -> None:
    # the guide's flags, with values that its converter writes; metrics are off unless told
    assert JETSTREAM.arguments(serving(model=LLAMA_2, shards=8, jetstream=FLAGS)) == [
        "--size=7b",
        "--model_name=llama-2",
        "--batch_size=80",
        "--max_cache_length=2048",
        "--quantize_weights=False",
        "--quantize_kv_cache=False",
        "--tokenizer_path=/models/pytorch/llama-2-7b/final/bf16/tokenizer.model",
        "--checkpoint_path=/models/pytorch/llama-2-7b/final/bf16/model.safetensors",
        "--prometheus_port=9100",
    ]
    assert JETSTREAM.data_path == "/models"
    assert JETSTREAM.further_ports == {"grpc": 9000, "metrics": 9100}
    assert JETSTREAM.metrics_port == "metrics"
    assert JETSTREAM.sidecar
    assert JETSTREAM.sidecar.image == "us-docker.pkg.dev/cloud-tpu-images/inference/jetstream-http:v0.2.2"
    assert JETSTREAM.request(serving(), "Hi") == {"prompt": "Hi", "max_tokens": 64}


@pytest.mark.parametrize(
    ("model", "size", "name", "folder"),
    [
        (LLAMA_2, "7b", "llama-2", "llama-2-7b"),
        # the guide's job writes llama-3-8b and its server reads llama3-8b
        ("meta-llama/Meta-Llama-3-8B", "8b", "llama-3", "llama-3-8b"),
        ("google/gemma-2b-pytorch", "2b", "gemma", "gemma-2b"),
    ],
)
def test_jetstream_serves_the_guides_models(model: str, size: str, name: str, folder: str) -> None:
    quantized = FLAGS.model_copy(update={"quantize_weights": True, "quantize_kv_cache": True})
    arguments = JETSTREAM.arguments(serving(model=model, jetstream=quantized))
    assert {f"--size={size}", f"--model_name={name}", "--quantize_weights=True", "--quantize_kv_cache=True"} < {
        *arguments
    }
    assert f"--checkpoint_path=/models/pytorch/{folder}/final/int8/model.safetensors" in arguments
    assert f"--tokenizer_path=/models/pytorch/{folder}/final/int8/tokenizer.model" in arguments


def test_vllm_on_tpus() -> None:
    assert VLLM_TPU.image == "docker.io/vllm/vllm-tpu:v0.11.1"
    assert VLLM_TPU.command == ("vllm", "serve")
    assert VLLM_TPU.arguments(serving(shards=8)) == ["o/m", "--port", "8000", "--tensor-parallel-size", "8"]
    assert VLLM_TPU.request(serving(), "Hi") == {"model": "o/m", "prompt": "Hi", "max_tokens": 64}
    assert VLLM_TPU.metrics_port == "http"


ENGINE = {"dtype": "half", "max_model_length": 4096, "max_sequences": 32, "gpu_memory_fraction": 0.8}


def test_vllm_on_gpus() -> None:
    assert VLLM.image == "docker.io/vllm/vllm-openai:v0.11.1"
    assert VLLM.command == ("python3", "-m", "vllm.entrypoints.openai.api_server")
    assert VLLM.arguments(serving(shards=2)) == [
        "--model=o/m",
        "--tensor-parallel-size=2",
        "--port=8000",
        "--served-model-name=o/m",
    ]
    assert VLLM.environment(serving()) == {"HF_HOME": "/data", "VLLM_CACHE_ROOT": "/data/vllm"}
    assert VLLM.token_variables == ("HF_TOKEN",)
    assert VLLM.request(serving(), "Hi") == {"model": "o/m", "prompt": "Hi", "max_tokens": 64}
    assert (VLLM.port, VLLM.health_path, VLLM.generate_path, VLLM.metrics_path) == (
        8000,
        "/health",
        "/v1/completions",
        "/metrics",
    )


def test_vllms_demonstration_server() -> None:
    # the guide's command line, whose flags of the engine it also takes, and none of the other server's
    flags = VllmArgs.parse(ENGINE)
    assert VLLM_GENERATE.command == ("python3", "-m", "vllm.entrypoints.api_server")
    assert VLLM_GENERATE.arguments(serving(vllm=flags, quantization="awq")) == [
        "--model=o/m",
        "--tensor-parallel-size=1",
        "--dtype=half",
        "--max-model-len=4096",
        "--max-num-seqs=32",
        "--gpu-memory-utilization=0.8",
        "--quantization=awq",
        "--port=8000",
    ]
    assert VLLM_GENERATE.request(serving(), "Hi") == {"prompt": "Hi", "max_tokens": 64}
    assert VLLM_GENERATE.generate_path == "/generate"
    assert VLLM_GENERATE.metrics_path is None


@pytest.mark.parametrize("server", [VLLM, VLLM_GENERATE])
def test_vllm_serves_a_folder(server: ModelServer) -> None:
    assert server.reads_folder
    arguments = server.arguments(serving(folder="models/m"))
    assert arguments[0] == "--model=/data/models/m"
    assert "--model=o/m" not in arguments
    assert server.environment(serving(folder="models/m")) == {}


def test_a_folder_answers_to_the_name_of_its_model() -> None:
    assert "--served-model-name=o/m" in VLLM.arguments(serving(folder="models/m"))


@pytest.mark.parametrize("server", [VLLM, VLLM_GENERATE])
def test_slots_of_vllm(server: ModelServer) -> None:
    assert server.slots(serving()) == 256
    assert server.slots(serving(vllm=VllmArgs())) == 256
    assert server.slots(serving(vllm=VllmArgs(max_sequences=8))) == 8


@pytest.mark.parametrize(
    ("ranks", "room"),
    [
        ((8,), 8),
        ((9,), 16),
        ((None,), 16),
        # one that nobody knows may have the rank that vLLM makes room for
        ((8, None), 16),
        ((64, None), 64),
        ((65, 8), 128),
        ((321,), 512),
        ((512,), 512),
        ((513,), None),
        ((513, None), None),
    ],
)
def test_room_for_the_ranks_of_adapters(ranks: tuple[int | None, ...], room: int | None) -> None:
    adapters = {f"a{index}": {"repository": "o/a", "rank": rank} for index, rank in enumerate(ranks)}
    flags = VllmArgs.parse({"adapters": adapters})
    assert adapter_rank(flags) == room
    if room:
        assert f"--max-lora-rank={room}" in VLLM.arguments(serving(vllm=flags))


def test_without_adapters_there_is_no_room_for_them() -> None:
    for flags in (None, VllmArgs(), VllmArgs(adapters={})):
        assert not [flag for flag in VLLM.arguments(serving(vllm=flags)) if "lora" in flag]
