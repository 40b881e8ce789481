"""The key of an endpoint, in a file that `--header` names: the server gets it, and nothing else shows it."""

from pathlib import Path

from tests.cli.servers.behavior import Behavior
from tests.cli.servers.http_server import http_server
from tests.secrets.canary import Canary
from tests.secrets.expedition import Expedition
from tests.secrets.small import write_small_project


def test_smoke_and_bench_send_it_and_show_it_nowhere(tmp_path: Path) -> None:
    key = Canary(between="+/=")
    expedition = Expedition(tmp_path / "expedition", {"key": key}, write_small_project(tmp_path / "small"))
    header = expedition.folder / "header"
    header.write_text(f"Authorization: Bearer {key.text}\n")
    behavior = Behavior(key=key.text)
    with http_server("tgi", behavior) as url:
        target = ("--url", url, "--server", "tgi", "--header", f"@{header}")
        assert expedition.run("smoke", *target, "--json") == 0, expedition.last_printed()
        report = ("--output", str(expedition.project / "report.json"), "--plot", str(expedition.project / "plot.svg"))
        assert expedition.run("bench", *target, "--requests", "2", *report) == 0, expedition.last_printed()
        # as some servers tell which key they refuse
        behavior.status, behavior.message = 401, f"Incorrect API key provided: {key.text}"
        assert expedition.run("smoke", *target) == 1, expedition.last_printed()
    assert "Incorrect API key provided: [secret]" in expedition.last_printed()
    assert not expedition.leaks()
