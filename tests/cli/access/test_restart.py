"""Restarting a stack's pods, with a program that stands in for kubectl."""

import json
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from cli.access import NotReadyError, restart
from cli.access.stack_outputs import StackOutputs
from cli.errors import RefusedError

KUBECTL = '''\
#!{python}
"""Answers from the files beside it, and writes down what it was asked."""
import json, pathlib, sys

folder = pathlib.Path(__file__).parent
arguments = sys.argv[1:]
with (folder / "asked.jsonl").open("a") as log:
    log.write(json.dumps(arguments) + "\\n")
if "rollout" in arguments:
    if (folder / "refused").exists():
        sys.exit((folder / "refused").read_text())
elif "service" in arguments:
    print((folder / "service.json").read_text())
elif "deployments" in arguments:
    print((folder / "deployments.json").read_text())
else:
    left = sorted(folder.glob("state-*.json"))
    print(left[0].read_text())
    if len(left) > 1:
        left[0].unlink()
'''

OUTPUTS = StackOutputs(
    "mine", {"access": "port-forward: kubectl --namespace models port-forward service/dev-service 8080:80"}
)


def deployment(name: str, **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"template": {"metadata": {"labels": labels}}}}


def state(generation: int = 2, **status: int) -> dict[str, Any]:
    return {
        "metadata": {"generation": 2},
        "spec": {"replicas": 2},
        "status": {"observedGeneration": generation, **status},
    }


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "kubectl"
    program.write_text(KUBECTL.format(python=sys.executable))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(restart, "POLL_SECONDS", 0.01)
    write(tmp_path / "service.json", {"spec": {"selector": {"app": "dev"}}})
    others = deployment("other", app="other", tier="x"), deployment("dev", app="dev", hash="5c9")
    write(tmp_path / "deployments.json", {"items": others})
    return tmp_path


def write(file: Path, document: Any) -> None:
    file.write_text(json.dumps(document))


def states(folder: Path, *each: dict[str, Any]) -> None:
    for number, document in enumerate(each):
        write(folder / f"state-{number}.json", document)


def asked(folder: Path) -> list[list[str]]:
    return [json.loads(line) for line in (folder / "asked.jsonl").read_text().splitlines()]


def test_it_waits_until_all_pods_are_new(folder: Path) -> None:
    states(
        folder,
        state(generation=1, replicas=2, updatedReplicas=2, availableReplicas=2),
        state(replicas=3, updatedReplicas=1, availableReplicas=2),
        state(replicas=3, updatedReplicas=2, availableReplicas=3),
        state(replicas=2, updatedReplicas=2, availableReplicas=1),
        state(replicas=2, updatedReplicas=2, availableReplicas=2),
    )
    told: list[str] = []
    restart.restart(OUTPUTS, told.append, 300)
    assert told == [
        "the cluster has not taken up the restart",
        "1 of 2 new pods are ready, 2 old ones are still there",
        "2 of 2 new pods are ready, 1 old ones are still there",
        "1 of 2 new pods are ready, 0 old ones are still there",
    ]
    assert ["--namespace", "models", "rollout", "restart", "deployment/dev"] in asked(folder)


def test_it_does_not_wait_for_ever(folder: Path) -> None:
    states(folder, state(replicas=2))
    with pytest.raises(NotReadyError, match=r"^Not restarted within 0 s\. Last seen: 0 of 2 new pods are ready"):
        restart.restart(OUTPUTS, lambda _: None, 0)


def test_kubectl_says_no(folder: Path) -> None:
    (folder / "refused").write_text('error: deployments.apps "dev" is forbidden')
    with pytest.raises(NotReadyError, match=r'^The pods cannot be restarted: deployments\.apps "dev" is forbidden'):
        restart.restart(OUTPUTS, lambda _: None, 300)


def test_nothing_is_restarted_that_does_not_serve_the_stack(folder: Path) -> None:
    write(folder / "deployments.json", {"items": [deployment("other", app="other")]})
    with pytest.raises(RefusedError, match="--cold: no Deployment of mine serves its Service"):
        restart.restart(OUTPUTS, lambda _: None, 300)
    assert not [line for line in asked(folder) if "restart" in line]


def test_a_host_is_not_restarted(folder: Path) -> None:
    with pytest.raises(RefusedError, match="--cold: mine is not served by pods"):
        restart.restart(StackOutputs("mine", {"access": "internal"}), lambda _: None, 300)
