"""A web server on this machine that answers as a test says, and remembers what it was asked."""

import contextlib
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    headers: Mapping[str, str]


@dataclass
class WebServer:
    """What it answers by path, without what follows a question mark: status, headers and JSON."""

    answers: dict[str, tuple[int, dict[str, str], Any]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    port: int = 0
    needs_token: str = ""
    """Where it is set, whoever comes without it gets the answer of the path with `:refused` appended."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]


@contextlib.contextmanager
def web_server() -> Iterator[WebServer]:
    """Run one."""
    served = WebServer()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            served.asked.append(Asked(self.command, self.path, dict(self.headers)))
            path = self.path.partition("?")[0]
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            if served.needs_token not in ("", token) and f"{path}:refused" in served.answers:
                path = f"{path}:refused"
            status, headers, content = served.answers.get(path, (404, {}, {}))
            body = json.dumps(content).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_POST = answer  # noqa: N815 the names are the library's

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the name is the library's
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
