"""Pushing to the Hub, through the real client, to a server that says what it was asked."""

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import huggingface_hub.constants
import pytest

from tests.finetune.conftest import SECRETS
from workloads.finetune.publish import best_of, push
from workloads.finetune.settings import RefusedError
from workloads.finetune.train import Result


class Hub(http.server.ThreadingHTTPServer):
    """As much of the Hub as an upload asks of it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.exists, self.private, self.status = False, True, 200
        self.created: list[dict[str, Any]] = []
        self.committed: list[str] = []
        self.tokens: set[str | None] = set()


class Answers(http.server.BaseHTTPRequestHandler):
    @property
    def hub(self) -> Hub:
        return cast(Hub, self.server)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass

    @property
    def repository(self) -> str:
        return f"http://127.0.0.1:{self.hub.server_port}/me/mine"

    def do_GET(self) -> None:
        if self.path == "/api/agent-harnesses":  # what the client asks once a day, of itself and without a token
            self.send_error(404)
            return
        self.answer({"id": "me/mine", "private": self.hub.private, "sha": "0" * 40, "siblings": [], "tags": []})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path == "/api/repos/create":
            created = json.loads(body)
            self.hub.created.append(created)
            if self.hub.exists:
                self.answer({"error": "You already created this model repo", "url": self.repository}, 409)
            else:
                self.hub.private = created["visibility"] == "private"
                self.answer({"url": self.repository, "id": "me/mine", "name": "me/mine"})
        elif self.path.endswith("/preupload/main"):
            paths = [file["path"] for file in json.loads(body)["files"]]
            self.answer({"files": [{"path": path, "uploadMode": "regular", "shouldIgnore": False} for path in paths]})
        elif self.path.endswith("/commit/main"):
            lines = [json.loads(line) for line in body.splitlines()]
            self.hub.committed += [line["value"]["path"] for line in lines if line["key"] == "file"]
            self.answer(
                {
                    "success": True,
                    "commitUrl": f"{self.repository}/commit/{'1' * 40}",
                    "commitOid": "1" * 40,
                    "pullRequestUrl": None,
                }
            )
        else:
            self.answer({"_mode": "ok"})

    def answer(self, said: dict[str, Any], status: int = 200) -> None:
        self.hub.tokens.add(self.headers["Authorization"])
        body = json.dumps(said).encode()
        self.send_response(status if self.hub.status == 200 else self.hub.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    server = Hub()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    known = tmp_path_factory.mktemp("agents") / "harnesses.json"
    monkeypatch.setattr(huggingface_hub.constants, "AGENT_HARNESSES_PATH", str(known))
    monkeypatch.setenv("HF_TOKEN", SECRETS["HF_TOKEN"])
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("adapter_model.safetensors", "README.md", "finetune.json"):
        (tmp_path / name).write_text(f"{name} has something in it")
    return tmp_path


@pytest.mark.parametrize("private", [True, False])
def test_the_folder_is_pushed(private: bool, hub: Hub, folder: Path) -> None:
    push(folder, "me/mine", private=private)
    (created,) = hub.created
    visibility = "private" if private else "public"
    assert (created["name"], created["organization"], created["visibility"]) == ("mine", "me", visibility)
    assert sorted(hub.committed) == ["README.md", "adapter_model.safetensors", "finetune.json"]
    assert hub.tokens == {f"Bearer {SECRETS['HF_TOKEN']}"}


def test_a_private_model_is_not_pushed_to_a_public_repository(hub: Hub, folder: Path) -> None:
    hub.exists, hub.private = True, False
    with pytest.raises(RefusedError, match="me/mine exists and is public"):
        push(folder, "me/mine", private=True)
    assert not hub.committed


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_may_not_write(status: int, hub: Hub, folder: Path) -> None:
    hub.status = status
    with pytest.raises(RefusedError, match=f"may not write to me/mine .HTTP {status}") as refused:
        push(folder, "me/mine", private=True)
    assert SECRETS["HF_TOKEN"] not in str(refused.value)


def result(model: str, before: float, after: float) -> Result:
    return Result(model=model, adapter=Path(), before={"rougeL": before}, after={"rougeL": after}, losses=[])


def test_the_better_one_is_taken(caplog: pytest.LogCaptureFixture) -> None:
    one, other = result("one", 0.3, 0.4), result("other", 0.1, 0.5)
    assert best_of([one, other]) is other
    assert best_of([other, one]) is other
    assert not caplog.records
    assert best_of([result("worse", 0.5, 0.4)]).model == "worse"
    assert "no better" in caplog.text
