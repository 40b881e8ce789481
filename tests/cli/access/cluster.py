"""Objects of a cluster as its API gives them, and programs that stand in for kubectl and pulumi on PATH."""

import json
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KUBECTL = '''\
#!{python}
"""Answers from the files beside it, and writes down what it was asked."""
import json, os, pathlib, signal, sys

folder = pathlib.Path(__file__).parent
arguments = sys.argv[1:]
config = None
if arguments[0] == "--kubeconfig":
    file = pathlib.Path(arguments[1])
    config, arguments = [file.read_text(), oct(file.stat().st_mode & 0o777), str(file)], arguments[2:]
with (folder / "asked.jsonl").open("a") as log:
    log.write(json.dumps([arguments, config, os.getpid()]) + "\\n")
if "port-forward" in arguments:
    if (folder / "forward-fails").exists():
        sys.exit((folder / "forward-fails").read_text())
    print(f"Forwarding from 127.0.0.1:{{(folder / 'forward').read_text()}} -> 80", flush=True)
    signal.pause()
elif "exec" in arguments:
    print((folder / "key").read_text())
elif "pods,events" in arguments:
    left = sorted(folder.glob("pods-*.json"))
    if not left:
        sys.exit("Unable to connect to the server: dial tcp 192.0.2.7:443: i/o timeout")
    print(left[0].read_text())
    if len(left) > 1:
        left[0].unlink()
else:
    print((folder / "services.json" if "services" in arguments else folder / "service.json").read_text())
'''

PULUMI = """\
#!{python}
import pathlib, sys
folder = pathlib.Path(__file__).parent
(folder / "pulumi-asked").write_text(" ".join(sys.argv[1:]))
if (folder / "outputs.json").exists():
    print((folder / "outputs.json").read_text())
else:
    sys.exit("error: no stack named 'mine' found")
"""


def _program(file: Path, text: str) -> None:
    file.write_text(text.format(python=sys.executable))
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


@dataclass(frozen=True)
class Cluster:
    """The folder of those programs."""

    folder: Path

    def outputs(self, **values: Any) -> None:
        """Let the stack export this."""
        _program(self.folder / "pulumi", PULUMI)
        (self.folder / "outputs.json").write_text(json.dumps(values))

    def serves(self, *states: list[Any], address: str | None = None) -> None:
        """Let there be a Service, and its pods and events be these, one after the other."""
        _program(self.folder / "kubectl", KUBECTL)
        service = {
            "kind": "Service",
            "metadata": {"name": "dev-service", "namespace": "models"},
            "spec": {"selector": {"app": "dev"}, **({"loadBalancerIP": address} if address else {})},
        }
        (self.folder / "service.json").write_text(json.dumps(service))
        (self.folder / "services.json").write_text(json.dumps({"items": [{**service, "spec": {}}, service]}))
        for number, objects in enumerate(states):
            (self.folder / f"pods-{number:02}.json").write_text(json.dumps({"kind": "List", "items": objects}))

    def forwards_to(self, url: str) -> None:
        """Let a port-forward reach the server at `url`."""
        (self.folder / "forward").write_text(url.rpartition(":")[2])

    def asked(self) -> list[tuple[list[str], list[str] | None, int]]:
        """Return what kubectl was asked: arguments; kubeconfig, its mode and path; process."""
        file = self.folder / "asked.jsonl"
        return [tuple(json.loads(line)) for line in file.read_text().splitlines()] if file.exists() else []

    def path(self) -> str:
        """Return the PATH, on which there is no other program."""
        return str(self.folder)


def pod(
    *statuses: dict[str, Any], name: str = "dev-5c9", node: bool = True, ready: bool = False, **status: Any
) -> dict[str, Any]:
    """Return a pod with containers of these statuses."""
    unschedulable = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."
    conditions = [
        {"type": "PodScheduled", "status": "True"}
        if node
        else {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": unschedulable},
        {"type": "Ready", "status": str(ready)},
    ]
    return {
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "models", "labels": {"app": "dev", "pod-template-hash": "5c9"}},
        "status": {"phase": "Pending", "conditions": conditions, "containerStatuses": list(statuses), **status},
    }


def container(state: dict[str, Any], *, ready: bool = False, name: str = "dev", **more: Any) -> dict[str, Any]:
    """Return the status of a container."""
    return {"name": name, "state": state, "ready": ready, "restartCount": 0, "lastState": {}, **more}


def waiting(reason: str, message: str | None = None) -> dict[str, Any]:
    """Return the state of a container that does not run."""
    return {"waiting": {"reason": reason, **({"message": message} if message else {})}}


RUNNING = {"running": {"startedAt": "2026-11-21T10:00:00Z"}}


def event(reason: str, message: str, at: int = 0, of: str = "dev-5c9", kind: str = "Pod") -> dict[str, Any]:
    """Return an event, `at` so many seconds past ten."""
    return {
        "kind": "Event",
        "metadata": {"name": f"{of}.{at}", "creationTimestamp": "2026-11-21T09:00:00Z"},
        "involvedObject": {"kind": kind, "name": of},
        "reason": reason,
        "message": message,
        "lastTimestamp": f"2026-11-21T10:00:{at:02}Z",
    }
