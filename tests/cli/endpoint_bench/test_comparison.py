import json
from pathlib import Path

import pytest

from cli.endpoint_bench.comparison import compare, read_report
from cli.endpoint_bench.report import Report
from cli.errors import RefusedError
from tests.cli.endpoint_bench.made_up import BUSY, answer, load_report, report

BEFORE = report(
    load_report(answer(1, 2, tokens=3), answer(1, 2, tokens=3)),
    load_report(answer(1, 2, tokens=3), concurrency=4),
    began="2026-11-20T10:00:00+00:00",
)
NOW = report(
    load_report(answer(0.5, 2.5, tokens=3), answer(0.5, 2.5, tokens=3), BUSY),
    load_report(answer(1, 2, tokens=3), concurrency=8),
)


def test_what_both_have_is_compared() -> None:
    found = compare(NOW, BEFORE, Path("old.json"))
    (load,) = found.loads
    assert load.load == "1 at a time, 4 out"
    assert {each.figure: (each.before, each.now, each.percent) for each in load.changes} == {
        "p50 time to first token, s": (1, 0.5, -50),
        "p50 time per output token, s": (0.5, 1, 100),
        "p50 latency, s": (2, 2.5, 25),
        "tokens per second": (0.6, 0.6, 0),
        "share of errors": (0, pytest.approx(1 / 3), None),
    }
    assert (found.file, found.began) == ("old.json", BEFORE.began)
    assert found.differences == ("not measured then: 8 at a time, 4 out",)


def test_what_was_not_the_same() -> None:
    other = BEFORE.model_copy(update={"server": "vllm", "prompt": "x" * 100, "seed": 7})
    found = compare(BEFORE, other, Path("old.json"))
    assert found.differences == (
        "server: 'vllm' then, 'tgi' now",
        f"prompt: '{'x' * 56}... then, 'What is it?' now",
    )


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text(NOW.model_dump_json(by_alias=True))
    assert read_report(file) == NOW


def test_what_is_no_report(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=r"--compare .*: this file cannot be read: No such file or directory\."):
        read_report(tmp_path / "none")
    for text in ("{}", "[", '{"format": 1}'):
        (tmp_path / "other").write_text(text)
        with pytest.raises(RefusedError, match="no report of `llm-serving bench` of this version"):
            read_report(tmp_path / "other")
    (tmp_path / "other").write_bytes(b"\xff\xff")
    with pytest.raises(RefusedError, match="it is no text"):
        read_report(tmp_path / "other")


def test_the_schema_is_that_of_the_report() -> None:
    schema = json.loads((Path(__file__).resolve().parents[3] / "docs" / "bench.schema.json").read_text())
    assert schema == Report.model_json_schema(mode="serialization"), "write it there anew"
