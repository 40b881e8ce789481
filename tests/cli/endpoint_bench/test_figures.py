"""What is measured of servers that are made up, over real sockets, whose delays and tokens are known."""

import asyncio
import json
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest

from cli.clients import Endpoint, GenerationRequest, open_client
from cli.endpoint_bench.load import Limits, Load
from cli.endpoint_bench.run import Run, run_load
from cli.endpoint_bench.statistics import count_errors, record
from cli.prompts import load_prompts
from tests.cli.endpoint_bench.asking import bench, report_of
from tests.cli.servers.behavior import Behavior
from tests.cli.servers.certificate import server_tls, write_certificate
from tests.cli.servers.grpc_server import grpc_server
from tests.cli.servers.http_server import http_server
from tests.waiting import PATIENCE_SECONDS

FIRST, EACH, TOKENS = 0.05, 0.004, 11
"""Seconds until the first token, and between tokens, and how many there are."""
EARLY = 1e-6
"""Seconds by which a timer may be early: the resolution of clocks."""
TELLS = {
    "tgi": {"output"},
    "vllm": {"prompt", "output"},
    "vllm:chat": {"prompt", "output"},
    "llama-cpp": {"prompt", "output"},
}
"""Which tokens the servers count that stream. Whatever the others', they are estimates."""


def slow() -> Behavior:
    return Behavior(tokens=(" yes",) * TOKENS, first_token_seconds=FIRST, token_seconds=EACH)


def check_figures(report: Any, tells: set[str], *, merges: bool = False) -> None:
    """Compare what was measured with what the server did: no less, and no more than the run as a whole took.

    Pieces of an answer that nothing separates may arrive as one: it `merges` them.
    """
    least = FIRST + (TOKENS - 1) * EACH
    for load in report["loads"]:
        assert load["sent"] == load["answered"] == load["latency"]["count"] == len(load["requests"])
        assert load["latency"]["least"] >= least - TOKENS * EARLY
        if not merges:
            assert load["interTokenLatency"]["count"] == load["answered"] * (TOKENS - 1)
        assert {each["outputTokensFrom"] for each in load["requests"]} == {
            "server" if "output" in tells else "estimate"
        }
        assert {each["promptTokensFrom"] for each in load["requests"]} == {
            "server" if "prompt" in tells else "estimate"
        }
        tokens = sum(each["outputTokens"] for each in load["requests"])
        for each in load["requests"]:
            first, per_token = each["timeToFirstTokenSeconds"], each["timePerOutputTokenSeconds"]
            if merges and first is None:
                continue
            assert first >= FIRST - EARLY
            if "output" in tells:
                assert each["outputTokens"] == TOKENS
            if "prompt" in tells:
                assert each["promptTokens"] == 7
            assert first + per_token * (each["outputTokens"] - 1) <= each["latencySeconds"] + EARLY
            assert each["sentSeconds"] - each["dueSeconds"] + each["latencySeconds"] >= least - TOKENS * EARLY
            assert each["endedSeconds"] <= load["seconds"]
        assert load["tokensPerSecond"] == pytest.approx(tokens / load["seconds"])
        assert load["requestsPerSecond"] == pytest.approx(load["answered"] / load["seconds"])
        if load["load"]["concurrency"]:
            together = load["load"]["concurrency"] * load["seconds"]
            assert sum(each["latencySeconds"] for each in load["requests"]) <= together


@pytest.mark.parametrize(
    "dialect", ["tgi", "vllm", "vllm:chat", "vllm-generate", "torchserve", "triton", "jetstream", "llama-cpp"]
)
def test_the_figures_over_http(dialect: str) -> None:
    server, _, protocol = dialect.partition(":")
    behavior = slow()
    with http_server(dialect, behavior) as url:
        arguments = ["--protocol", protocol] if protocol else []
        report = report_of("--url", url, "--server", server, "--concurrency", "2", "--requests", "4", *arguments)
    assert len(behavior.asked) == 1 + 2 + 4, "the first one, two to warm up, and those that count: each once"
    assert (report["server"], report["url"], report["warmUp"]["requests"]) == (server, url, 2)
    assert report["prompt"] == load_prompts()[server].prompt
    assert report["parameters"] == load_prompts()[server].parameters
    assert report["first"]["label"] == "first"
    assert report["first"]["request"]["latencySeconds"] >= FIRST
    (load,) = report["loads"]
    assert load["load"]["outputTokens"] == load_prompts()[server].max_output_tokens
    check_figures(report, TELLS.get(dialect, set()), merges=dialect == "torchserve")


@pytest.mark.parametrize("server", ["triton", "jetstream"])
def test_the_figures_over_grpc(server: str) -> None:
    behavior = slow()
    with grpc_server(server, behavior) as url:
        report = report_of("--url", url, "--server", server, "--protocol", "grpc", "--requests", "3", "--warm-up", "0")
    assert len(behavior.asked) == 1 + 3
    check_figures(report, {"output"} if server == "jetstream" else set())


def test_all_loads_are_put_on() -> None:
    behavior = Behavior()
    with http_server("vllm", behavior) as url:
        report = report_of(
            *("--url", url, "--server", "vllm", "--requests", "3", "--warm-up", "1", "--seed", "5", "--rate", "200"),
            *("--concurrency", "1,2", "--prompt-tokens", "8,16", "--output-tokens", "4", "--arrivals", "constant"),
            *("--parameter", "ignore_eos=true", "--parameter", "temperature=0.5"),
        )
    assert [(each["load"]["promptTokens"], each["load"]["concurrency"]) for each in report["loads"]] == [
        *((8, 1), (8, 2), (8, None)),
        *((16, 1), (16, 2), (16, None)),
    ]
    assert report["loads"][2]["load"] == {
        "concurrency": None,
        "rate": 200,
        "arrivals": "constant",
        "promptTokens": 8,
        "outputTokens": 4,
    }
    assert {each.body["max_tokens"] for each in behavior.asked} == {4}
    assert {each.body["ignore_eos"] for each in behavior.asked} == {True}
    assert {each.body["temperature"] for each in behavior.asked} == {0.5}
    prompts = [each.body["prompt"] for each in behavior.asked]
    assert len(set(prompts)) == len(prompts) == 1 + 1 + 6 * 3
    assert sorted(len(each.split()) for each in prompts) == [8] * (2 + 9) + [16] * 9
    assert report["prompt"] is None
    assert report["seed"] == 5


def test_answers_in_one_piece_have_no_first_token() -> None:
    with http_server("tgi", Behavior()) as url:
        report = report_of("--url", url, "--server", "tgi", "--no-stream", "--requests", "2", "--warm-up", "0")
    (load,) = report["loads"]
    assert load["timeToFirstToken"] is load["timePerOutputToken"] is load["interTokenLatency"] is None
    assert load["latency"]["count"] == 2
    assert load["promptTokensFrom"] == load["outputTokensFrom"] == ["server"], "which tells both then"


@pytest.mark.parametrize(
    ("behavior", "kind", "told"),
    [
        (Behavior(status=429), "status 429", "Model is overloaded"),
        (Behavior(status=500), "status 500", "Its log says more"),
        (Behavior(cut_after=2), "cut off", "stopped in the middle of an answer"),
        (Behavior(report_after=2), "reported", "gave up: Model is overloaded"),
        (Behavior(raw=b"<html>hello</html>"), "unexpected answer", "is not this kind of server's answer"),
        (Behavior(tokens=("",)), "no text", "answered without any text"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_failures_are_counted_and_shown(behavior: Behavior, kind: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    with http_server("tgi", behavior) as url:
        result = bench("--url", url, "--server", "tgi", "--requests", "3", "--output", str(file), code=1)
    assert len(behavior.asked) == 1 + 2 + 3, "none is sent again"
    lines = [line for line in result.output.splitlines() if told in line]
    assert [line for line in lines if line.startswith(f"  3 failed, {kind}: ")]
    assert [line for line in lines if line.startswith(f"  of them, 2 failed, {kind}: ")]
    assert [line for line in lines if line.startswith("The first request (the server was ready already")]
    (load,) = json.loads(file.read_text())["loads"]
    assert (load["sent"], load["answered"], load["latency"]) == (3, 0, None)
    assert [(each["kind"], each["count"]) for each in load["errors"]] == [(kind, 3)]


def test_a_slow_first_token_is_given_up() -> None:
    with http_server("tgi", Behavior(first_token_seconds=PATIENCE_SECONDS)) as url:
        report = report_of(
            *("--url", url, "--server", "tgi", "--timeout", "0.05", "--requests", "1", "--warm-up", "0"), code=1
        )
    assert "timeout" in report["first"]["request"]["failure"]["kind"]
    assert report["loads"][0]["answered"] == 0


def failures(url: str) -> list[tuple[str, int]]:
    """Return what becomes of two requests to a server that was ready a moment ago."""

    async def ask() -> Run:
        load, request = Load(concurrency=1, output_tokens=4), GenerationRequest("Hi", 4)
        async with open_client("tgi", Endpoint(url)) as client:
            limits = Limits(2, PATIENCE_SECONDS)
            return await run_load(client, load, limits, repeat(request), repeat(0.0), lambda _: None)

    run = asyncio.run(ask())
    return [(each.kind, each.count) for each in count_errors([record(each, None) for each in run.samples])]


def test_a_server_that_is_gone() -> None:
    with http_server("tgi", Behavior()) as url:
        pass
    assert failures(url) == [("connection", 2)]


def test_a_certificate_that_is_not_to_be_trusted(tmp_path: Path) -> None:
    with http_server("tgi", Behavior(), server_tls(write_certificate(tmp_path))) as url:
        assert failures(url) == [("tls", 2)]
