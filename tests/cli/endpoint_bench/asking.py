"""Calls `llm-serving bench` in this process."""

import json
from typing import Any

from typer.testing import CliRunner

from cli.app import app
from tests.waiting import PATIENCE_SECONDS


def bench(*arguments: str, code: int = 0) -> Any:
    result = CliRunner().invoke(app, ["bench", "--wait", str(PATIENCE_SECONDS), *arguments], env={"COLUMNS": "200"})
    assert "Traceback" not in result.output
    assert result.exit_code == code, result.output
    return result


def report_of(*arguments: str, code: int = 0) -> Any:
    return json.loads(bench("--json", *arguments, code=code).stdout)
