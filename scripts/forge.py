"""Writes what workflows have found where people read it. What it reads and writes is data, and nothing of it is run.

    forge.py comment FILE     a comment on the pull request number $PULL_REQUEST of $GITHUB_REPOSITORY or, without that,
                              on the open one whose newest commit is $HEAD_COMMIT, on $HEAD_BRANCH of $HEAD_OWNER
    forge.py note FILE        a note on the merge request $CI_MERGE_REQUEST_IID of GitLab's project $CI_PROJECT_ID
    forge.py drift FOLDER     an issue of $GITHUB_REPOSITORY for each stack of FOLDER's reports that has drifted

What is there already, by its author and its first line, is updated in place; with `--update` after FILE, nothing else
is written. $GITHUB_TOKEN or $GITLAB_TOKEN logs in.
"""

import json
import os
import sys
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cloud_report

PAGE = 100
WORKFLOWS = "github-actions[bot]"
"""Who writes for workflows on GitHub."""

Entry = dict[str, Any]
"""A comment, an issue, a note. Any: JSON."""
Send = Callable[..., Any]
"""Sends a method, a path and perhaps content to a forge's API, and returns its answer. Any: JSON."""


def api(address: str, headers: dict[str, str]) -> Send:
    """Return what asks the API at `address`, logged in by `headers`."""

    def send(method: str, path: str, content: Entry | None = None) -> Any:  # Any: JSON
        request = urllib.request.Request(  # noqa: S310  the forge's own address, from its own runner
            f"{address}/{path}",
            None if content is None else json.dumps(content).encode(),
            {**headers, "Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  as above
            return json.load(answer)

    return send


def every(send: Send, path: str, **query: str) -> Iterator[Entry]:
    """Give all entries of a list."""
    for page in range(1, sys.maxsize):
        entries = send("GET", f"{path}?{urllib.parse.urlencode({**query, 'per_page': PAGE, 'page': page})}")
        yield from entries
        if len(entries) < PAGE:
            return


def first_line(text: str | None) -> str:
    """Return the first line of `text`, which marks what a workflow has written."""
    return (text or "").partition("\n")[0].strip()


def comment(send: Send, repository: str, number: int, body: str, *, create: bool) -> None:
    """Write `body` on a pull request of GitHub: over what is there, or as something new if `create`."""
    for each in every(send, f"repos/{repository}/issues/{number}/comments"):
        if each["user"]["login"] == WORKFLOWS and first_line(each["body"]) == first_line(body):
            send("PATCH", f"repos/{repository}/issues/comments/{each['id']}", {"body": body})
            return
    if create:
        send("POST", f"repos/{repository}/issues/{number}/comments", {"body": body})


def pull_request(send: Send, repository: str, owner: str, branch: str, commit: str) -> int | None:
    """Return the open pull request whose newest commit is `commit`."""
    for each in every(send, f"repos/{repository}/pulls", state="open", head=f"{owner}:{branch}"):
        if each["head"]["sha"] == commit:
            return each["number"]
    return None


def drift(send: Send, repository: str, reports: Sequence[cloud_report.StackReport], run: str) -> None:
    """Keep one open issue for each stack that has drifted. What could not be read is left as it is."""
    issues = {
        first_line(each["body"]): f"repos/{repository}/issues/{each['number']}"
        for each in every(send, f"repos/{repository}/issues", state="open")
        if each["user"]["login"] == WORKFLOWS and "pull_request" not in each
    }
    for report in reports:
        marker = f"<!-- llm-serving drift of {report.stack} -->"
        issue = issues.get(marker)
        body = f"{marker}\n{cloud_report.comment([report])}\nFound by {run}. What to do: docs/ci-setup.md.\n"
        if report.state == "changes" and issue:
            send("PATCH", issue, {"body": body})
        elif report.state == "changes":
            send("POST", f"repos/{repository}/issues", {"title": f"Drift: {report.stack}", "body": body})
        elif report.state == "unchanged" and issue:
            send("POST", f"{issue}/comments", {"body": f"No drift any more: {run}."})
            send("PATCH", issue, {"state": "closed"})


def note(send: Send, project: str, merge_request: str, body: str, *, create: bool) -> None:
    """Write `body` on a merge request of GitLab, likewise."""
    me = send("GET", "user")["id"]
    path = f"projects/{project}/merge_requests/{merge_request}/notes"
    for each in every(send, path):
        if each["author"]["id"] == me and first_line(each["body"]) == first_line(body):
            send("PUT", f"{path}/{each['id']}", {"body": body})
            return
    if create:
        send("POST", path, {"body": body})


def github() -> Send:
    """Return what asks GitHub, as the workflow that this runs in."""
    return api(os.environ["GITHUB_API_URL"], {"Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}"})


def main(arguments: Sequence[str]) -> int:
    """Do what the first of `arguments` says, and return the exit code."""
    given = os.environ
    match arguments:
        case ["comment", file, *update]:
            send, repository = github(), given["GITHUB_REPOSITORY"]
            number = given.get("PULL_REQUEST") or pull_request(
                send, repository, given["HEAD_OWNER"], given["HEAD_BRANCH"], given["HEAD_COMMIT"]
            )
            if number is None:
                print("No open pull request has this commit as its newest any more.")
                return 0
            text = Path(file).read_text(encoding="utf-8")
            comment(send, repository, int(number), text, create=not update)
        case ["drift", folder]:
            repository = given["GITHUB_REPOSITORY"]
            run = f"{given['GITHUB_SERVER_URL']}/{repository}/actions/runs/{given['GITHUB_RUN_ID']}"
            drift(github(), repository, cloud_report.read(Path(folder)), run)
        case ["note", file, *update]:
            send = api(given["CI_API_V4_URL"], {"PRIVATE-TOKEN": given["GITLAB_TOKEN"]})
            text = Path(file).read_text(encoding="utf-8")
            note(send, given["CI_PROJECT_ID"], given["CI_MERGE_REQUEST_IID"], text, create=not update)
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
