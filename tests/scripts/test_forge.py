"""What the workflows write on GitHub and GitLab, by their interfaces, played by a server of this test."""

import json
import os
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Generator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[2]
WORKFLOWS = {"login": "github-actions[bot]"}
REPOSITORY = "repos/team/models"
MARKED = "<!-- llm-serving diff -->\nnew text\n"


class Server(ThreadingHTTPServer):
    """Answers with lists that a test has filled, a page at a time, and keeps what else it is asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.lists: dict[str, Any] = {}
        self.queries: list[dict[str, str]] = []
        self.written: list[tuple[str, str, Any]] = []
        self.tokens: set[str | None] = set()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.note_token()
        path, _, query = self.path.removeprefix("/").partition("?")
        asked = dict(urllib.parse.parse_qsl(query))
        self.server.queries.append(asked)
        found = self.server.lists.get(path, [])
        if isinstance(found, list):
            start, size = (int(asked["page"]) - 1) * int(asked["per_page"]), int(asked["per_page"])
            found = found[start : start + size]
        self.answer(found)

    def do_POST(self) -> None:
        self.note_token()
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.written.append((self.command, self.path.removeprefix("/"), content))
        self.answer({})

    do_PATCH = do_PUT = do_POST  # noqa: N815  the names that the class asks for

    def note_token(self) -> None:
        self.server.tokens.add(self.headers["Authorization"] or self.headers["PRIVATE-TOKEN"])

    def answer(self, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  as above
        """Say nothing."""


@pytest.fixture
def server() -> Generator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def run(server: Server, *arguments: str | Path, environment: Mapping[str, str]) -> str:
    given = {
        "GITHUB_API_URL": server.address,
        "GITHUB_SERVER_URL": "https://github.example",
        "GITHUB_REPOSITORY": "team/models",
        "GITHUB_RUN_ID": "7",
        "GITHUB_TOKEN": "token",
        "CI_API_V4_URL": server.address,
        "CI_PROJECT_ID": "5",
        "CI_MERGE_REQUEST_IID": "3",
        "GITLAB_TOKEN": "token",
        **environment,
    }
    command = [sys.executable, PROJECT / "scripts" / "forge.py", *arguments]
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(command, env={**kept, **given}, check=True, capture_output=True, text=True).stdout


def comment(server: Server, tmp_path: Path, *options: str, **environment: str) -> str:
    (tmp_path / "comment.md").write_text(MARKED)
    return run(server, "comment", tmp_path / "comment.md", *options, environment=environment)


def test_a_first_comment_is_new(server: Server, tmp_path: Path) -> None:
    server.lists[f"{REPOSITORY}/issues/4/comments"] = [
        {"id": 1, "user": {"login": "somebody"}, "body": MARKED},
        {"id": 2, "user": WORKFLOWS, "body": "<!-- llm-serving preview -->\nanother"},
        {"id": 3, "user": WORKFLOWS, "body": f"quoted:\n{MARKED}"},
    ]
    comment(server, tmp_path, PULL_REQUEST="4")
    assert server.written == [("POST", f"{REPOSITORY}/issues/4/comments", {"body": MARKED})]
    assert server.tokens == {"Bearer token"}


def test_a_comment_is_updated_in_place_wherever_it_is(server: Server, tmp_path: Path) -> None:
    others = [{"id": number, "user": {"login": "somebody"}, "body": "text"} for number in range(130)]
    ours = {"id": 999, "user": WORKFLOWS, "body": "<!-- llm-serving diff -->\r\nold text"}
    server.lists[f"{REPOSITORY}/issues/4/comments"] = [*others, ours]
    comment(server, tmp_path, "--update", PULL_REQUEST="4")
    assert server.written == [("PATCH", f"{REPOSITORY}/issues/comments/999", {"body": MARKED})]


def test_where_there_is_nothing_to_update_nothing_is_written(server: Server, tmp_path: Path) -> None:
    comment(server, tmp_path, "--update", PULL_REQUEST="4")
    assert server.written == []


def test_the_pull_request_is_that_of_the_commit_whatever_its_branch_is_called(server: Server, tmp_path: Path) -> None:
    server.lists[f"{REPOSITORY}/pulls"] = [
        {"number": 8, "head": {"sha": "older"}},
        {"number": 9, "head": {"sha": "newest"}},
    ]
    head = {"HEAD_OWNER": "stranger", "HEAD_BRANCH": "a&state=closed#$(touch here);`", "HEAD_COMMIT": "newest"}
    comment(server, tmp_path, **head)
    assert server.written == [("POST", f"{REPOSITORY}/issues/9/comments", {"body": MARKED})]
    asked = server.queries[0]
    assert (asked["head"], asked["state"]) == ("stranger:a&state=closed#$(touch here);`", "open")


def test_a_commit_that_is_no_longer_the_newest_gets_no_comment(server: Server, tmp_path: Path) -> None:
    server.lists[f"{REPOSITORY}/pulls"] = [{"number": 8, "head": {"sha": "newer"}}]
    told = comment(server, tmp_path, HEAD_OWNER="team", HEAD_BRANCH="change", HEAD_COMMIT="older")
    assert server.written == []
    assert "No open pull request has this commit as its newest any more." in told


def report(folder: Path, stack: str, state: str) -> None:
    step = {
        "operation": "update",
        "type": "kubernetes:apps/v1:Deployment",
        "name": "server",
        "paths": ["spec.replicas"],
    }
    steps = [step] if state == "changes" else []
    told = {"operation": "drift", "stack": stack, "state": state, "steps": steps}
    (folder / f"{stack}.json").write_text(json.dumps(told))


def issue(number: int, stack: str, **content: Any) -> dict[str, Any]:
    return {"number": number, "user": WORKFLOWS, "body": f"<!-- llm-serving drift of {stack} -->\ntext", **content}


def test_each_stack_that_has_drifted_has_one_issue(server: Server, tmp_path: Path) -> None:
    for stack, state in {"known": "changes", "new": "changes", "over": "unchanged", "odd": "failed"}.items():
        report(tmp_path, stack, state)
    report(tmp_path, "never-drifted", "unchanged")
    server.lists[f"{REPOSITORY}/issues"] = [
        issue(1, "known"),
        issue(2, "over"),
        issue(3, "odd"),
        issue(4, "new", user={"login": "somebody"}),
        issue(5, "new", pull_request={}),
        {"number": 6, "user": WORKFLOWS, "body": None},
    ]
    run(server, "drift", tmp_path, environment={})
    bodies = {path: content for _, path, content in server.written}
    assert [(method, path) for method, path, _ in server.written] == [
        ("PATCH", f"{REPOSITORY}/issues/1"),
        ("POST", f"{REPOSITORY}/issues"),
        ("POST", f"{REPOSITORY}/issues/2/comments"),
        ("PATCH", f"{REPOSITORY}/issues/2"),
    ]
    new = bodies[f"{REPOSITORY}/issues"]
    assert new["title"] == "Drift: new"
    assert new["body"].startswith("<!-- llm-serving drift of new -->\n")
    assert "update  kubernetes:apps/v1:Deployment server [spec.replicas]" in new["body"]
    assert "https://github.example/team/models/actions/runs/7" in new["body"]
    assert bodies[f"{REPOSITORY}/issues/1"]["body"].startswith("<!-- llm-serving drift of known -->\n")
    assert bodies[f"{REPOSITORY}/issues/2"] == {"state": "closed"}
    assert server.queries[0]["state"] == "open"


@pytest.mark.parametrize(
    ("notes", "options", "written"),
    [
        ([], [], [("POST", "projects/5/merge_requests/3/notes", {"body": MARKED})]),
        ([], ["--update"], []),
        (
            [{"id": 1, "author": {"id": 2}, "body": MARKED}, {"id": 4, "author": {"id": 11}, "body": MARKED}],
            [],
            [("PUT", "projects/5/merge_requests/3/notes/4", {"body": MARKED})],
        ),
    ],
)
def test_a_note_on_gitlab_is_updated_in_place(
    server: Server, tmp_path: Path, notes: list[Any], options: list[str], written: list[Any]
) -> None:
    server.lists["user"] = {"id": 11}
    server.lists["projects/5/merge_requests/3/notes"] = notes
    (tmp_path / "note.md").write_text(MARKED)
    run(server, "note", tmp_path / "note.md", *options, environment={})
    assert server.written == written
    assert server.tokens == {"token"}


def test_the_identity_token_for_oracle_is_in_a_file_of_its_own(server: Server, tmp_path: Path) -> None:
    server.lists["token"] = {"value": "signed.by.github"}
    environment = {
        "PATH": os.environ["PATH"],
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{server.address}/token?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "job",
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_ENV": str(tmp_path / "environment"),
    }
    script = PROJECT / "scripts" / "oci_identity_token.py"
    done = subprocess.run([sys.executable, script], env=environment, check=True, capture_output=True, text=True)
    assert done.stdout + done.stderr == ""
    assert server.queries == [{"api-version": "2.0", "audience": "https://cloud.oracle.com"}]
    assert server.tokens == {"bearer job"}
    token = tmp_path / "oci-identity-token"
    assert token.read_text() == "signed.by.github"
    assert token.stat().st_mode & 0o077 == 0
    told = dict(line.split("=", 1) for line in (tmp_path / "environment").read_text().splitlines())
    assert told["TF_VAR_auth"] == "WorkloadIdentityFederation"
    assert told["TF_VAR_workload_identity_token_path"] == str(token)
    assert "signed.by.github" not in told.values()
