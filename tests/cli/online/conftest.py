"""No online test leaves this machine."""

from collections.abc import Iterator

import pytest

from tests.cli.online.web_server import WebServer, web_server


@pytest.fixture
def web() -> Iterator[WebServer]:
    with web_server() as served:
        yield served


@pytest.fixture(autouse=True)
def without_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "HF_TOKEN", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
