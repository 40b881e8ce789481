"""How each model server words its answers over HTTP, as its own documentation and source have it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.cli.servers.behavior import Behavior


def sse(document: Any) -> bytes:
    return b"data: " + json.dumps(document).encode() + b"\n\n"


def tgi_sse(document: Any) -> bytes:  # axum writes no space in v1.4.3
    return b"data:" + json.dumps(document).encode() + b"\n\n"


@dataclass(frozen=True)
class Dialect:
    """Which routes there are, and what is written."""

    routes: Mapping[str, bool | None]
    """Path, and whether it streams. None: the body says so."""
    health: str
    whole: Callable[[Behavior, Any], tuple[bytes, dict[str, str]]]
    event: Callable[[Behavior, Any, int], bytes]
    end: Callable[[Behavior], bytes] = lambda _: b""
    error: Callable[[str], Any] = lambda message: {"error": message}
    reported: Callable[[str], bytes] = lambda message: sse({"error": message})
    content_type: str = "text/event-stream"


def text(behavior: Behavior) -> str:
    return "".join(behavior.tokens)


def _tgi_whole(behavior: Behavior, body: Any) -> tuple[bytes, dict[str, str]]:
    details = {
        "finish_reason": "length",
        "generated_tokens": len(behavior.tokens),
        "seed": None,
        "prefill": [],
        "tokens": [],
    }
    document = {"generated_text": text(behavior), "details": details if body["parameters"]["details"] else None}
    return json.dumps(document).encode(), {"x-prompt-tokens": str(behavior.prompt_tokens)}


def _tgi_event(behavior: Behavior, _: Any, index: int) -> bytes:
    token = {"id": index, "text": behavior.tokens[index], "logprob": -0.5, "special": False}
    event: dict[str, Any] = {"index": index + 1, "token": token, "generated_text": None, "details": None}
    if index == len(behavior.tokens) - 1:
        event["generated_text"] = text(behavior)
        event["details"] = {"finish_reason": "length", "generated_tokens": len(behavior.tokens), "seed": None}
    return tgi_sse(event)


def _openai_usage(behavior: Behavior) -> dict[str, int]:
    output = len(behavior.tokens)
    return {
        "prompt_tokens": behavior.prompt_tokens,
        "total_tokens": behavior.prompt_tokens + output,
        "completion_tokens": output,
    }


def _openai_end(behavior: Behavior) -> bytes:
    return sse({"id": "c", "choices": [], "usage": _openai_usage(behavior)}) + b"data: [DONE]\n\n"


def _completions_whole(behavior: Behavior, _: Any) -> tuple[bytes, dict[str, str]]:
    choice = {"index": 0, "text": text(behavior), "finish_reason": "length"}
    return json.dumps({"id": "c", "choices": [choice], "usage": _openai_usage(behavior)}).encode(), {}


def _completions_event(behavior: Behavior, _: Any, index: int) -> bytes:
    last = index == len(behavior.tokens) - 1
    choice = {"index": 0, "text": behavior.tokens[index], "finish_reason": "length" if last else None}
    return sse({"id": "c", "choices": [choice]})


def _chat_whole(behavior: Behavior, _: Any) -> tuple[bytes, dict[str, str]]:
    message = {"role": "assistant", "content": text(behavior)}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return json.dumps({"id": "c", "choices": [choice], "usage": _openai_usage(behavior)}).encode(), {}


def _chat_event(behavior: Behavior, _: Any, index: int) -> bytes:
    last = index == len(behavior.tokens) - 1
    deltas = [{"content": behavior.tokens[index]}]
    if index == 0:
        deltas.insert(0, {"role": "assistant", "content": ""})
    choices = [{"index": 0, "delta": delta, "finish_reason": "stop" if last else None} for delta in deltas]
    return b"".join(sse({"id": "c", "choices": [choice]}) for choice in choices)


def _llama_event(behavior: Behavior, _: Any, index: int) -> bytes:
    return sse({"content": behavior.tokens[index], "tokens": [index], "stop": False})


def _llama_last(behavior: Behavior, content: str) -> dict[str, Any]:
    return {
        "content": content,
        "stop": True,
        "stop_type": "limit",
        "tokens_predicted": len(behavior.tokens),
        "tokens_evaluated": behavior.prompt_tokens,
    }


def _demonstration(separator: bytes) -> Dialect:
    def event(behavior: Behavior, body: Any, index: int) -> bytes:
        so_far = body["prompt"] + "".join(behavior.tokens[: index + 1])
        return json.dumps({"text": [so_far]}).encode() + separator

    return Dialect(
        routes={"/generate": None},
        health="/health",
        whole=lambda behavior, body: (json.dumps({"text": [body["prompt"] + text(behavior)]}).encode(), {}),
        event=event,
        error=lambda message: {"detail": message},
        content_type="text/plain",
    )


_OPENAI_ERROR: Callable[[str], Any] = lambda message: {"error": {"message": message, "type": "server_error"}}  # noqa: E731

DIALECTS = {
    "tgi": Dialect(
        routes={"/generate": False, "/generate_stream": True},
        health="/health",
        whole=_tgi_whole,
        event=_tgi_event,
        error=lambda message: {"error": message, "error_type": "overloaded"},
        reported=lambda message: tgi_sse({"error": message, "error_type": "generation"}),
    ),
    "vllm": Dialect(
        routes={"/v1/completions": None},
        health="/health",
        whole=_completions_whole,
        event=_completions_event,
        end=_openai_end,
        error=_OPENAI_ERROR,
        reported=lambda message: sse(_OPENAI_ERROR(message)),
    ),
    "vllm:chat": Dialect(
        routes={"/v1/chat/completions": None},
        health="/health",
        whole=_chat_whole,
        event=_chat_event,
        end=_openai_end,
        error=_OPENAI_ERROR,
        reported=lambda message: sse(_OPENAI_ERROR(message)),
    ),
    "vllm-generate": _demonstration(b"\n"),
    "vllm-generate:nul": _demonstration(b"\0"),
    "torchserve": Dialect(
        routes={"/predictions/gpt_fast_mixtral_moe": None},
        health="/ping",
        whole=lambda behavior, _: (text(behavior).encode(), {}),
        event=lambda behavior, _, index: behavior.tokens[index].encode(),
        error=lambda message: {"code": 503, "type": "ServiceUnavailableException", "message": message},
        content_type="text/plain",
    ),
    "triton": Dialect(
        routes={"/v2/models/ensemble/generate": False, "/v2/models/ensemble/generate_stream": True},
        health="/v2/health/ready",
        whole=lambda behavior, _: (
            json.dumps({"model_name": "ensemble", "model_version": "1", "text_output": text(behavior)}).encode(),
            {},
        ),
        event=lambda behavior, _, index: sse({"model_name": "ensemble", "text_output": behavior.tokens[index]}),
    ),
    "jetstream": Dialect(
        routes={"/generate": None},
        health="/healthcheck",
        whole=lambda behavior, _: (json.dumps({"response": text(behavior)}, indent=4).encode(), {}),
        event=lambda behavior, _, index: json.dumps(
            {"id": "generate-1", "time_created": 0.5, "text": behavior.tokens[index]}, indent=4
        ).encode(),
        error=lambda message: {"detail": message},
        content_type="application/json",
    ),
    "llama-cpp": Dialect(
        routes={"/completion": None},
        health="/health",
        whole=lambda behavior, _: (json.dumps(_llama_last(behavior, text(behavior))).encode(), {}),
        event=_llama_event,
        end=lambda behavior: sse(_llama_last(behavior, "")),
        error=lambda message: {"error": {"code": 503, "message": message, "type": "unavailable_error"}},
        reported=lambda message: sse({"error": {"code": 500, "message": message, "type": "server_error"}}),
    ),
}
"""By server, with the protocol after a colon where it has another than its default."""
