"""The HTTP of each model server, checked against its source in the version that the project pins."""

from collections.abc import Mapping
from typing import Any

from cli.clients.framing import JsonDocuments, PlainText, ServerSentEvents
from cli.clients.generation import GenerationRequest
from cli.clients.http_protocol import HttpProtocol
from cli.clients.reading import Reading
from components.jobs.gpt_fast import MODEL_NAME
from components.servers import SERVERS

TRITON_MODEL = "ensemble"
"""The model of the repository that takes text and returns text."""


def _sampling(request: GenerationRequest, greedy: Mapping[str, Any]) -> dict[str, Any]:  # Any: JSON
    return dict(request.parameters or greedy)


# TGI. Source: router/src/server.rs and lib.rs of github.com/huggingface/text-generation-inference, v1.4.3 and v3.3.7.


def _tgi_body(request: GenerationRequest, _: str | None) -> dict[str, Any]:
    parameters = {**_sampling(request, {"do_sample": False}), "max_new_tokens": request.max_output_tokens}
    return {"inputs": request.prompt, "parameters": {**parameters, "details": True}}


def _tgi_details(reading: Reading, details: Any) -> None:
    reading.finish_reason = details["finish_reason"]
    reading.output_tokens = details["generated_tokens"]
    reading.prompt_tokens = details.get("input_length", reading.prompt_tokens)  # since 2.0


def _tgi_event(reading: Reading, event: Any) -> str:
    token = event["token"]
    if event["generated_text"] is not None:
        reading.complete = True
        _tgi_details(reading, event["details"])
    return "" if token["special"] else token["text"]


def _tgi_whole(reading: Reading, document: Any) -> str:
    _tgi_details(reading, document["details"])
    return document["generated_text"]


def _tgi_headers(reading: Reading, headers: Mapping[str, str]) -> None:
    reading.prompt_tokens = int(headers["x-prompt-tokens"]) if "x-prompt-tokens" in headers else None


TGI = HttpProtocol(
    path=lambda request, _: "/generate_stream" if request.stream else "/generate",
    body=_tgi_body,
    framing=ServerSentEvents,
    read_event=_tgi_event,
    read_whole=_tgi_whole,
    read_headers=_tgi_headers,
    health_path=SERVERS["tgi"].health_path,
)


# vLLM's demonstration server. Source: vllm/entrypoints/api_server.py of github.com/vllm-project/vllm: each document of
# a stream holds prompt and answer so far. A line break stands after it, or NUL in older versions.


def _demonstration_read(reading: Reading, document: Any) -> str:
    answer = document["text"][0].removeprefix(reading.request.prompt)
    new, reading.length = answer[reading.length :], len(answer)
    return new


VLLM_GENERATE = HttpProtocol(
    path=lambda _request, _model: "/generate",
    body=lambda request, _: {
        **_sampling(request, {"temperature": 0}),
        "prompt": request.prompt,
        "max_tokens": request.max_output_tokens,
        "stream": request.stream,
    },
    framing=JsonDocuments,
    read_event=_demonstration_read,
    read_whole=_demonstration_read,
    health_path=SERVERS["vllm-generate"].health_path,
    says_end=False,
)


# OpenAI's API, as vLLM and llama.cpp serve it. Source: vllm/entrypoints/openai/protocol.py of v0.11;
# platform.openai.com/docs/api-reference/completions and /chat.


def _openai_body(request: GenerationRequest, model: str | None, prompt: Mapping[str, Any]) -> dict[str, Any]:
    body = {**_sampling(request, {"temperature": 0}), **prompt, "max_tokens": request.max_output_tokens}
    if model is not None:
        body["model"] = model
    if request.stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return body


def _openai_usage(reading: Reading, document: Any) -> None:
    if usage := document.get("usage"):
        reading.prompt_tokens, reading.output_tokens = usage["prompt_tokens"], usage["completion_tokens"]


def _openai_choice(reading: Reading, document: Any) -> Any:
    """Return the only choice; None in the event that tells the usage alone."""
    choices = document["choices"]
    _openai_usage(reading, document)
    if choices:
        reading.finish_reason = choices[0].get("finish_reason") or reading.finish_reason
    return choices[0] if choices else None


def _completion(reading: Reading, document: Any) -> str:
    choice = _openai_choice(reading, document)
    return choice["text"] if choice else ""


def _chat(part: str) -> Any:  # a function
    def read(reading: Reading, document: Any) -> str:
        choice = _openai_choice(reading, document)
        return (choice[part].get("content") or "") if choice else ""

    return read


COMPLETIONS = HttpProtocol(
    path=lambda _request, _model: "/v1/completions",
    body=lambda request, model: _openai_body(request, model, {"prompt": request.prompt}),
    framing=ServerSentEvents,
    read_event=_completion,
    read_whole=_completion,
    health_path=SERVERS["vllm"].health_path,
)

CHAT = HttpProtocol(
    path=lambda _request, _model: "/v1/chat/completions",
    body=lambda request, model: _openai_body(
        request, model, {"messages": [{"role": "user", "content": request.prompt}]}
    ),
    framing=ServerSentEvents,
    read_event=_chat("delta"),
    read_whole=_chat("message"),
    health_path=SERVERS["vllm"].health_path,
)


# TorchServe with the handler of examples/large_models/gpt_fast. Source: that handler and docs/inference_api.md of
# github.com/pytorch/serve, v0.12.0. The handler decides whether it streams, and how it samples.


TORCHSERVE = HttpProtocol(
    path=lambda _, model: f"/predictions/{model or MODEL_NAME}",
    body=lambda request, _: {
        **request.parameters,
        "prompt": request.prompt,
        "max_new_tokens": request.max_output_tokens,
    },
    framing=PlainText,
    read_event=lambda _, text: text,
    read_whole=lambda _, text: text,
    health_path=SERVERS["torchserve"].health_path,
    says_end=False,
    plain_text=True,
)


# Triton. Source: docs/protocol/extension_generate.md of github.com/triton-inference-server/server, r25.04; the inputs:
# all_models/inflight_batcher_llm/ensemble/config.pbtxt of triton-inference-server/tensorrtllm_backend, v0.18.2.

TRITON_GREEDY = {"top_k": 1}


def _triton_path(request: GenerationRequest, model: str | None) -> str:
    return f"/v2/models/{model or TRITON_MODEL}/generate{'_stream' if request.stream else ''}"


def triton_inputs(request: GenerationRequest) -> dict[str, Any]:  # Any: JSON
    """Return the inputs of the ensemble by name."""
    return {
        **_sampling(request, TRITON_GREEDY),
        "text_input": request.prompt,
        "max_tokens": request.max_output_tokens,
        "bad_words": "",
        "stop_words": "",
        "exclude_input_in_output": True,
        "stream": request.stream,
    }


TRITON = HttpProtocol(
    path=_triton_path,
    body=lambda request, _: triton_inputs(request),
    framing=ServerSentEvents,
    read_event=lambda _, event: event["text_output"],
    read_whole=lambda _, document: document["text_output"],
    health_path=SERVERS["triton"].health_path,
    says_end=False,
)


# JetStream's HTTP server. Source: inference-servers/jetstream/http-server/http_server.py of
# github.com/ai-on-gke/tutorials-and-examples. The server's own flags say how it samples. One that does not stream yet
# answers as if it had not been asked to.

JETSTREAM = HttpProtocol(
    path=lambda _request, _model: "/generate",
    body=lambda request, _: {
        **request.parameters,
        "prompt": request.prompt,
        "max_tokens": request.max_output_tokens,
        "stream": request.stream,
    },
    framing=JsonDocuments,
    read_event=lambda _, event: event["text"] if "text" in event else event["response"],
    read_whole=lambda _, document: document["response"],
    health_path=SERVERS["jetstream"].health_path,
    says_end=False,
)


# llama.cpp's own route. Source: tools/server/README.md of github.com/ggml-org/llama.cpp, b11176.


def _llama_event(reading: Reading, event: Any) -> str:
    text = event["content"]
    if event["stop"]:
        reading.complete = True
        reading.prompt_tokens, reading.output_tokens = event["tokens_evaluated"], event["tokens_predicted"]
        reading.finish_reason = event["stop_type"]
    return text


LLAMA_CPP = HttpProtocol(
    path=lambda _request, _model: "/completion",
    body=lambda request, _: {
        **_sampling(request, {"temperature": 0}),
        "prompt": request.prompt,
        "n_predict": request.max_output_tokens,
        "stream": request.stream,
    },
    framing=ServerSentEvents,
    read_event=_llama_event,
    read_whole=_llama_event,
    health_path=SERVERS["llama-cpp"].health_path,
)
