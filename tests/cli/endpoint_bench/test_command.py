"""`llm-serving bench`, against servers that are made up, over real sockets."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cli.endpoint_bench import session
from cli.endpoint_bench.comparison import read_report
from components.servers import SERVERS
from tests.cli.access.cluster import RUNNING, Cluster, container, pod
from tests.cli.endpoint_bench.asking import bench, report_of
from tests.cli.servers.behavior import Behavior
from tests.cli.servers.http_server import http_server
from tests.waiting import PATIENCE_SECONDS

ROOT = Path(__file__).parents[3]


def test_the_table() -> None:
    with http_server("triton", Behavior()) as url:
        output = bench("--url", url, "--server", "triton", "--requests", "2").output
    assert "The first request (the server was ready already, so it may have answered others before): " in output
    assert "1 at a time, 512 out: 2 requests in " in output
    assert "time to first token" in output
    assert "tokens of a prompt: 6 (an estimate); of an answer: 5 (an estimate)" in output
    assert "where they are estimates, name a --tokenizer" in output
    assert "All prompts were the same" in output


def test_a_server_that_is_seen_to_get_ready_is_cold() -> None:
    with http_server("tgi", Behavior(unhealthy=3)) as url:
        first = report_of("--url", url, "--server", "tgi", "--requests", "1")["first"]
    assert (first["label"], first["why"]) == ("cold", "the server was seen to get ready")


def test_nothing_listens() -> None:
    with http_server("tgi", Behavior()) as url:
        pass
    assert "Nothing answers at" in bench("--url", url, "--server", "tgi", "--wait", "0", code=4).output


def test_targets_decide_about_the_exit_code(tmp_path: Path) -> None:
    with http_server("tgi", Behavior(first_token_seconds=0.05)) as url:
        common = ("--url", url, "--server", "tgi", "--requests", "2", "--warm-up", "0", "--max-error-share", "0")
        met = bench(*common, "--target", f"p50.latency={PATIENCE_SECONDS}s", "--target", "tokens-per-second=0.001")
        missed = bench(*common, "--target", "p50.ttft=1ms", "--target", f"p50.latency={PATIENCE_SECONDS}s", code=1)
        unknown = bench(*common, "--target", f"p95.ttft={PATIENCE_SECONDS}s", code=1)
    assert met.output.count("met: ") == 3
    assert f"met: p50.latency={PATIENCE_SECONDS}s, 1 at a time, 400 out: it was " in met.output
    assert "missed: p50.ttft=1ms, 1 at a time, 400 out: it was " in missed.output
    few = f"missed: p95.ttft={PATIENCE_SECONDS}s, 1 at a time, 400 out: a p95 takes 20 requests or more"
    assert few in unknown.output


def test_files_and_the_comparison(tmp_path: Path) -> None:
    old, new, picture = tmp_path / "old.json", tmp_path / "new.json", tmp_path / "plot.svg"
    with http_server("tgi", Behavior()) as url:
        common = ("--url", url, "--server", "tgi", "--requests", "2")
        bench(*common, "--output", str(old))
        result = bench(*common, "--output", str(new), "--compare", str(old), "--plot", str(picture))
    assert f"Compared with {old}" in result.output
    assert "p50 latency, s: " in result.output
    found = read_report(new).comparison
    assert found
    assert [each.load for each in found.loads] == ["1 at a time, 400 out"]
    assert picture.read_text().startswith("<svg ")
    assert "1 at a time, 400 out, 20" in picture.read_text()


def test_the_bound_of_named_accelerators() -> None:
    with http_server("tgi", Behavior()) as url:
        result = bench(
            *("--url", url, "--server", "tgi", "--requests", "2", "--quantization", "fp8"),
            *("--repository", "mistralai/Mixtral-8x7B-Instruct-v0.1", "--accelerators", "4 x nvidia-l4"),
        )
    assert "at best, 4 x nvidia-l4 give a token every " in result.output


def stack(cluster: Cluster, url: str, **outputs: Any) -> None:
    """Let a stack be up whose service only its cluster reaches."""
    profile = SERVERS["tgi"]
    cluster.outputs(
        **{
            "endpoint": f"http://dev-service.models.svc.cluster.local{profile.generate_path}",
            "access": "port-forward: kubectl --namespace models port-forward service/dev-service 8080:80",
            "server": f"tgi ({profile.image})",
            "tryIt": """curl http://localhost:8080/x -d '{"inputs": "Hi"}'""",
            "model": "mistralai/Mixtral-8x7B-Instruct-v0.1",
            "accelerators": "4 x nvidia-l4",
            **outputs,
        }
    )
    cluster.serves([pod(container(RUNNING, ready=True), ready=True)])
    cluster.forwards_to(url)


@pytest.mark.parametrize(
    ("settings", "replicas"),
    [("autoscaling: {maxReplicas: 3}", 3), ("replicas: 2", 2), ("server: tgi", 1)],
)
def test_a_stack_and_its_bound(cluster: Cluster, settings: str, replicas: int) -> None:
    Path("Pulumi.mine.yaml").write_text(f"config:\n  llm-serving:service:\n    quantization: fp8\n    {settings}\n")
    with http_server("tgi", Behavior()) as url:
        stack(cluster, url)
        report = report_of("mine", "--requests", "1", "--concurrency", "7")
    bound = report["loads"][0]["bound"]
    assert (bound["model"], bound["accelerators"]) == ("mistralai/Mixtral-8x7B-Instruct-v0.1", "4 x nvidia-l4")
    assert (bound["quantization"], bound["replicas"]) == ("fp8", replicas)
    assert report["stack"] == "mine"
    assert "A port-forward of kubectl is in between: it adds to each time, and bounds the load." in report["notes"]


@pytest.mark.parametrize(
    ("outputs", "note"),
    [
        ({"accelerators": "none"}, "There is no bound to compare with, since it is served without accelerators."),
        ({"model": "me/mine"}, "There is no bound to compare with: The catalogue does not know the model 'me/mine'"),
    ],
)
def test_a_stack_of_which_no_bound_is_known(cluster: Cluster, outputs: dict[str, Any], note: str) -> None:
    Path("Pulumi.mine.yaml").write_text("config: {}\n")
    with http_server("tgi", Behavior()) as url:
        stack(cluster, url, **outputs)
        report = report_of("mine", "--requests", "1")
    assert report["loads"][0]["bound"] is None
    assert [each for each in report["notes"] if each.startswith(note)]


def test_cold_restarts_the_pods_only_when_confirmed(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    restarted: list[str] = []
    monkeypatch.setattr(session, "restart", lambda outputs, say, limit: restarted.append(outputs.stack))
    Path("Pulumi.mine.yaml").write_text("config: {}\n")
    with http_server("tgi", Behavior()) as url:
        stack(cluster, url)
        refused = bench("mine", "--cold", code=2)
        assert "--cold restarts the pods of mine, which ends what they are doing. Confirm with --yes." in refused.output
        assert not restarted
        first = report_of("mine", "--cold", "--yes", "--requests", "1")["first"]
        assert "--cold goes with a stack" in bench("--url", url, "--server", "tgi", "--cold", code=2).output
    assert restarted == ["mine"]
    assert (first["label"], first["why"]) == ("cold", "its pods were just restarted")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "Name a stack, or an endpoint with --url and --server."),
        (("--concurrency", "0"), "--concurrency 0: write different numbers above 0"),
        (("--concurrency", "1,1"), "--concurrency 1,1: write different numbers above 0"),
        (("--rate", "nan"), "--rate nan: write different numbers above 0"),
        (("--rate", "inf"), "--rate inf: write different numbers above 0"),
        (("--prompt-tokens", "many"), "--prompt-tokens many: write different numbers above 0"),
        (("--arrivals", "bursts"), "--arrivals bursts: must be poisson or constant."),
        (("--parameter", "ignore_eos"), "--parameter ignore_eos: write NAME=JSON"),
        (("--parameter", "stop=END"), "--parameter stop=END: write NAME=JSON"),
        (("--target", "fast"), "--target fast: write it like"),
        (("--prompt", "a", "--prompt-tokens", "8"), "--prompt and --prompt-tokens exclude each other."),
        (("--accelerators", "2 x nvidia-l4"), "The bound takes both --repository and --accelerators."),
        (("--plot", "/nowhere/at/all.svg"), "/nowhere/at/all.svg: nothing can be written there."),
        (("--compare", "none.json"), "--compare none.json: this file cannot be read"),
        (("--header", "key"), "--header: write it like"),
    ],
)
def test_what_is_refused(arguments: tuple[str, ...], told: str) -> None:
    assert told in bench(*arguments, code=2).output


def test_refusals_as_json() -> None:
    assert json.loads(bench("--json", code=2).stdout)["error"]["kind"] == "refused"


def test_a_signal_ends_what_runs_where_it_waits() -> None:
    ended: list[str] = []

    async def work() -> None:
        with session._cancelled_by_signals():
            signal.raise_signal(signal.SIGTERM)
            ended.append("the step")
            try:
                await asyncio.sleep(PATIENCE_SECONDS)
            finally:
                ended.append("the wait")

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(work())
    assert ended == ["the step", "the wait"]
    assert signal.getsignal(signal.SIGTERM) is before


def test_it_can_be_interrupted() -> None:
    behavior = Behavior(first_token_seconds=PATIENCE_SECONDS)
    with http_server("tgi", behavior) as url:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", "bench", "--url", url, "--server", "tgi", "--prompt", "Hi"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout
        # told once the endpoint is reached, long after signals are heard
        for line in process.stdout:
            if "Text Generation Inference at" in line:
                break
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, output.strip()) == (130, "Interrupted.")
