"""What is asked online for a whole stack."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.app import app
from tests.cli.online.web_server import WebServer
from tests.stacks.stack_file import DEV, MIXTRAL, ROOT, TRITON

MODEL = "/api/models/Qwen/Qwen2.5-0.5B-Instruct-GGUF"


@pytest.fixture(autouse=True)
def in_project(web: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("HF_ENDPOINT", web.url)
    monkeypatch.setenv("COLUMNS", "200")
    # whoever runs the tests may have credentials of their own
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))


def check(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["check", *arguments])
    return result.exit_code, result.stdout


def image(web: WebServer) -> str:
    return f"service.image=127.0.0.1:{web.port}/server:1"


def test_a_stack_that_may_come_up(web: WebServer) -> None:
    web.answers = {MODEL: (200, {}, {"gated": False}), "/v2/server/manifests/1": (200, {}, {})}
    code, text = check(DEV, "--online", "--config", image(web))
    assert code == 0
    assert "not checked online" not in text
    assert web.paths() == [MODEL, "/v2/server/manifests/1"]


def test_what_is_missing_is_an_error(web: WebServer) -> None:
    web.answers = {MODEL: (200, {}, {"gated": False})}
    code, text = check(DEV, "--online", "--config", image(web))
    assert code == 1
    assert "error[image-not-found] service.image" in text


def test_offline_nothing_is_asked(web: WebServer) -> None:
    assert check(DEV, "--config", image(web))[0] == 0
    assert web.asked == []


def test_a_stack_with_errors_is_not_asked_for(web: WebServer) -> None:
    assert check(DEV, "--online", "--config", image(web), "--config", "service.sharedMemory=1Ti")[0] == 1
    assert web.asked == []


@pytest.mark.parametrize(("stack", "reason"), [(MIXTRAL, "gcp:project is not set"), (TRITON, "oci:tenancyOcid is not")])
def test_the_account_of_a_stand_in_is_not_asked(web: WebServer, stack: str, reason: str) -> None:
    settings = ["--config", image(web)] if stack == MIXTRAL else ["--config", f"{image(web)}"]
    code, text = check(stack, "--online", *settings)
    assert reason in text
    assert code == 1  # the stand-ins have neither model nor image


def test_the_account_that_is_set_is_asked(web: WebServer) -> None:
    _, text = check(MIXTRAL, "--online", "--config", image(web), "--config", "gcp:project=my-project")
    assert "quota of Google Cloud: no credentials" in text
