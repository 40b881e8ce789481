"""The gate of a model, asked of a stand-in for Hugging Face on this machine."""

import pytest

from cli.online.hugging_face import check_model_access
from tests.cli.online.web_server import WebServer

MODEL = "mistralai/Mixtral-8x7B-Instruct-v0.1"
API = f"/api/models/{MODEL}"


@pytest.fixture(autouse=True)
def endpoint(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", web.url)


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("HF_TOKEN", "hf_own")
    return "hf_own"


def test_an_open_model_needs_no_token(web: WebServer) -> None:
    web.answers[API] = (200, {}, {"gated": False})
    answer = check_model_access(MODEL)
    assert (answer.findings, answer.skipped) == ((), ())
    assert web.paths() == [API]
    assert "Authorization" not in web.asked[0].headers


def test_a_gated_model_is_skipped_without_a_token(web: WebServer) -> None:
    web.answers[API] = (200, {}, {"gated": "auto"})
    answer = check_model_access(MODEL)
    assert answer.findings == ()
    assert answer.skipped == (f"{MODEL}: it is gated, and HF_TOKEN is not set in the environment",)


def test_a_gated_model_whose_terms_were_accepted(web: WebServer, token: str) -> None:
    web.answers = {API: (200, {}, {"gated": "auto"}), f"{API}/auth-check": (200, {}, {})}
    answer = check_model_access(MODEL)
    assert (answer.findings, answer.skipped) == ((), ())
    assert [asked.headers["Authorization"] for asked in web.asked] == [f"Bearer {token}"] * 2


def test_a_gate_that_is_closed(web: WebServer, token: str) -> None:
    web.answers = {API: (200, {}, {"gated": "manual"}), f"{API}/auth-check": (403, {}, {"error": "Access to model"})}
    (finding,) = check_model_access(MODEL).findings
    assert (finding.severity, finding.code, finding.path) == ("error", "model-gate-closed", "huggingFaceToken")
    assert token not in str(finding)


@pytest.mark.parametrize("status", [401, 404])
def test_a_model_that_there_is_not(web: WebServer, status: int) -> None:
    web.answers[API] = (status, {}, {"error": "Repository not found"})
    (finding,) = check_model_access(MODEL).findings
    assert (finding.severity, finding.code, finding.path) == ("error", "model-not-found", "service.model")
    assert "without a token" in finding.message


def test_a_service_that_is_down_is_skipped(web: WebServer) -> None:
    web.answers[API] = (503, {}, {})
    answer = check_model_access(MODEL)
    assert (answer.findings, answer.skipped) == ((), (f"{MODEL}: Hugging Face answers with status 503",))


def test_without_a_network_it_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    answer = check_model_access(MODEL)
    assert answer.findings == ()
    assert f"{MODEL}: Hugging Face cannot be reached" in answer.skipped[0]
