"""Each protocol's answers, whole and streamed, over real sockets."""

import threading

import pytest

from cli.clients import PROTOCOLS, Endpoint, GenerationRequest, Piece
from components.servers import SERVERS
from tests.cli.clients.asking import ALL, ask, check_health, serve
from tests.cli.servers.behavior import Behavior

PROMPT = "What is a mixture of experts?"
TEXT = "A mixture of experts."

TELLS_OUTPUT = {"tgi", "vllm", "vllm:chat", "llama-cpp", "jetstream:grpc"}
TELLS_PROMPT = {"vllm", "vllm:chat", "llama-cpp"}
"""When it streams."""
REASONS = {"tgi": "length", "vllm": "length", "vllm:chat": "stop", "llama-cpp": "limit"}


def test_every_server_has_a_protocol() -> None:
    assert PROTOCOLS.keys() == SERVERS.keys()


@pytest.mark.parametrize("name", ALL)
def test_pieces_arrive_one_by_one(name: str) -> None:
    steps = threading.Semaphore(0)
    behavior = Behavior(steps=steps)
    seen: list[Piece] = []

    def watch(piece: Piece) -> None:
        seen.append(piece)
        steps.release()  # the server sends the next one only now

    with serve(name, behavior) as url:
        generation = ask(name, Endpoint(url), GenerationRequest(PROMPT, 64), watch)
    assert [piece.text for piece in generation.pieces] == list(behavior.tokens)
    assert generation.text == TEXT
    assert list(generation.pieces) == seen
    times = [piece.seconds for piece in generation.pieces]
    assert times == sorted(times)
    assert 0 < times[0] == generation.first_piece_seconds
    assert times[-1] <= generation.seconds
    assert generation.output_tokens == (5 if name in TELLS_OUTPUT else None)
    assert generation.prompt_tokens == (7 if name in TELLS_PROMPT else None)
    assert generation.finish_reason == REASONS.get(name)


@pytest.mark.parametrize("name", ALL)
def test_an_answer_that_is_not_streamed_is_one_piece(name: str) -> None:
    with serve(name, Behavior()) as url:
        generation = ask(name, Endpoint(url), GenerationRequest(PROMPT, 64, stream=False))
    assert generation.text == TEXT
    if name not in ("triton:grpc", "jetstream:grpc", "torchserve"):  # which decide by themselves
        assert len(generation.pieces) == 1
    assert generation.output_tokens == (5 if name in TELLS_OUTPUT else None)
    # TGI has a header for it
    assert generation.prompt_tokens == (7 if name in TELLS_PROMPT | {"tgi"} else None)
    assert generation.finish_reason == REASONS.get(name)


def test_characters_that_arrive_in_two_parts_are_put_together() -> None:
    behavior = Behavior(tokens=("é", "日本", "🙂"))
    for name in ALL:
        with serve(name, behavior) as url:
            assert ask(name, Endpoint(url), GenerationRequest("é?", 64)).text == "é日本🙂"


BODIES = {
    "tgi": (
        "/generate_stream",
        {"inputs": PROMPT, "parameters": {"do_sample": False, "max_new_tokens": 64, "details": True}},
    ),
    "vllm": (
        "/v1/completions",
        {
            "model": "mistral",
            "prompt": PROMPT,
            "max_tokens": 64,
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
        },
    ),
    "vllm:chat": (
        "/v1/chat/completions",
        {
            "model": "mistral",
            "messages": [{"role": "user", "content": PROMPT}],
            "max_tokens": 64,
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
        },
    ),
    "vllm-generate": ("/generate", {"prompt": PROMPT, "max_tokens": 64, "temperature": 0, "stream": True}),
    "jetstream": ("/generate", {"prompt": PROMPT, "max_tokens": 64, "stream": True}),
    "llama-cpp": ("/completion", {"prompt": PROMPT, "n_predict": 64, "temperature": 0, "stream": True}),
    "jetstream:grpc": ("Decode", {"prompt": PROMPT, "max_tokens": 64}),
}


@pytest.mark.parametrize("name", BODIES)
def test_requests_are_written_as_the_server_takes_them(name: str) -> None:
    behavior = Behavior()
    with serve(name, behavior) as url:
        ask(name, Endpoint(f"{url}/", {"X-Tenant": "blue"}, model="mistral"), GenerationRequest(PROMPT, 64))
    (asked,) = behavior.asked
    assert (asked.path, asked.body) == BODIES[name]
    assert {key.lower(): value for key, value in asked.headers.items()}["x-tenant"] == "blue"


TRITON_INPUTS = {
    "text_input": PROMPT,
    "max_tokens": 64,
    "bad_words": "",
    "stop_words": "",
    "exclude_input_in_output": True,
    "stream": True,
    "top_k": 1,
}


@pytest.mark.parametrize(
    ("name", "path", "body"),
    [
        ("triton", "/v2/models/ensemble/generate_stream", TRITON_INPUTS),
        ("triton:grpc", "ensemble", TRITON_INPUTS),
        ("torchserve", "/predictions/gpt_fast_mixtral_moe", {"prompt": PROMPT, "max_new_tokens": 64}),
    ],
)
def test_requests_name_the_models_that_the_recipes_serve(name: str, path: str, body: dict[str, object]) -> None:
    behavior = Behavior()
    with serve(name, behavior) as url:
        ask(name, Endpoint(url), GenerationRequest(PROMPT, 64))
    (asked,) = behavior.asked
    assert (asked.path, asked.body) == (path, body)


@pytest.mark.parametrize("name", ["tgi", "vllm", "vllm-generate", "triton", "triton:grpc", "llama-cpp"])
def test_parameters_of_the_request_replace_greedy_decoding(name: str) -> None:
    behavior = Behavior()
    with serve(name, behavior) as url:
        ask(name, Endpoint(url), GenerationRequest(PROMPT, 64, parameters={"temperature": 0.5}))
    (asked,) = behavior.asked
    sent = asked.body.get("parameters", asked.body)
    assert sent["temperature"] == 0.5
    assert not {"top_k", "do_sample"} & sent.keys()


@pytest.mark.parametrize("name", ALL)
def test_health_is_the_servers_own(name: str) -> None:
    behavior = Behavior()
    with serve(name, behavior) as url:
        check_health(name, Endpoint(url))
    assert behavior.health_asked == 1


def test_a_jetstream_server_that_cannot_stream_is_understood() -> None:
    with serve("jetstream", Behavior(raw=b'{\n    "response": "A mixture."\n}')) as url:
        assert ask("jetstream", Endpoint(url), GenerationRequest(PROMPT, 64)).text == "A mixture."


def test_special_tokens_of_tgi_are_no_text() -> None:
    raw = (
        b'data:{"token":{"id":1,"text":"Yes","special":false},"generated_text":null,"details":null}\n\n'
        b'data:{"token":{"id":2,"text":"</s>","special":true},"generated_text":"Yes",'
        b'"details":{"finish_reason":"eos_token","generated_tokens":2,"seed":null,"input_length":9}}\n\n'
    )
    with serve("tgi", Behavior(raw=raw)) as url:
        generation = ask("tgi", Endpoint(url), GenerationRequest(PROMPT, 64))
    assert (generation.text, generation.output_tokens, generation.finish_reason) == ("Yes", 2, "eos_token")
    assert generation.prompt_tokens == 9  # TGI tells since 2.0
