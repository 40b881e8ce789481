"""The control plane itself: its real processes, built by `make control-plane`. `make test-cluster` runs these."""

from __future__ import annotations

import contextlib
import email.message
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import find_control_plane
from engine.find import PROJECT
from simulator.control_plane import ControlPlane, ControlPlaneError
from tests.waiting import PATIENCE_SECONDS, wait_until

pytestmark = pytest.mark.cluster

NODES = "/api/v1/nodes"
PODS = "/api/v1/namespaces/default/pods"
JOBS = "/apis/batch/v1/namespaces/default/jobs"


@pytest.fixture(scope="module")
def programs() -> Path:
    return find_control_plane()


@pytest.fixture(scope="module")
def cluster(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A running one with a machine of four accelerators."""
    with ControlPlane(programs, tmp_path_factory.mktemp("cluster")) as cluster:
        cluster.request("POST", NODES, gpu_node("gpu"))
        wait_until(lambda: ready(cluster.request("GET", f"{NODES}/gpu")))
        yield cluster


def gpu_node(name: str) -> dict[str, Any]:
    holds = {"cpu": "48", "memory": "192Gi", "pods": "110", "nvidia.com/gpu": "4"}
    return {
        "kind": "Node",
        "apiVersion": "v1",
        "metadata": {"name": name},
        "spec": {"taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]},
        "status": {"capacity": holds, "allocatable": holds},
    }


def pod_template(gpus: int) -> dict[str, Any]:
    container = {"name": "server", "image": "example.com/server:1", "resources": {"limits": {"nvidia.com/gpu": gpus}}}
    return {
        "spec": {
            "containers": [container],
            "initContainers": [{"name": "fetch", "image": "example.com/fetch:1"}],
            "restartPolicy": "Never",
        }
    }


def pod(name: str, gpus: int) -> dict[str, Any]:
    return {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": name}, **pod_template(gpus)}


def conditions(thing: dict[str, Any]) -> dict[str, dict[str, str]]:
    return {condition["type"]: condition for condition in thing["status"].get("conditions", [])}


def ready(thing: dict[str, Any]) -> bool:
    return conditions(thing).get("Ready", {}).get("status") == "True"


def gone(cluster: ControlPlane, path: str) -> bool:
    with contextlib.suppress(urllib.error.HTTPError):
        cluster.request("GET", path)
        return False
    return True


def processes(folder: Path) -> list[str]:
    """Command lines of what runs in the folder."""
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "cwd").readlink().is_relative_to(folder):
                found.append((process / "cmdline").read_text().replace("\0", " "))
    return found


def test_is_the_kubernetes_that_is_pinned(cluster: ControlPlane) -> None:
    version = cluster.request("GET", "/version")["gitVersion"]
    assert f"\tk8s.io/kubernetes {version} " in (PROJECT / "engine" / "control_plane" / "go.mod").read_text()


def test_pods_run_where_they_fit_and_wait_where_they_do_not(cluster: ControlPlane) -> None:
    cluster.request("POST", PODS, pod("first", gpus=4))
    wait_until(lambda: ready(cluster.request("GET", f"{PODS}/first")))
    first = cluster.request("GET", f"{PODS}/first")
    assert first["spec"]["nodeName"] == "gpu"
    assert first["status"]["phase"] == "Running"
    assert first["status"]["podIP"].startswith("10.244.")
    assert "running" in first["status"]["containerStatuses"][0]["state"]
    assert first["status"]["initContainerStatuses"][0]["state"]["terminated"]["exitCode"] == 0

    cluster.request("POST", PODS, pod("second", gpus=1))
    wait_until(lambda: "PodScheduled" in conditions(cluster.request("GET", f"{PODS}/second")))
    second = cluster.request("GET", f"{PODS}/second")
    assert second["status"]["phase"] == "Pending"
    assert conditions(second)["PodScheduled"]["reason"] == "Unschedulable"
    assert "1 Insufficient nvidia.com/gpu" in conditions(second)["PodScheduled"]["message"]

    cluster.request("DELETE", f"{PODS}/first")
    wait_until(lambda: ready(cluster.request("GET", f"{PODS}/second")))
    cluster.request("DELETE", f"{PODS}/second")
    wait_until(lambda: gone(cluster, f"{PODS}/second"))


def test_a_job_completes(cluster: ControlPlane) -> None:
    job = {"kind": "Job", "apiVersion": "batch/v1", "metadata": {"name": "job"}, "spec": {"template": pod_template(1)}}
    cluster.request("POST", JOBS, job)
    wait_until(lambda: "Complete" in conditions(cluster.request("GET", f"{JOBS}/job")))
    cluster.request("DELETE", f"{JOBS}/job?propagationPolicy=Foreground")
    wait_until(lambda: gone(cluster, f"{JOBS}/job"))
    assert cluster.request("GET", PODS)["items"] == []


def test_a_node_stays_ready(cluster: ControlPlane) -> None:
    def beat() -> str:
        return conditions(cluster.request("GET", f"{NODES}/gpu"))["Ready"]["lastHeartbeatTime"]

    first = beat()
    wait_until(lambda: beat() != first)
    node = cluster.request("GET", f"{NODES}/gpu")
    assert ready(node)
    assert [taint["key"] for taint in node["spec"]["taints"]] == ["nvidia.com/gpu"]


def test_refuses_a_field_that_kubernetes_does_not_know(cluster: ControlPlane) -> None:
    misspelled = pod("misspelled", gpus=1)
    misspelled["spec"]["restartPolice"] = "Never"
    with pytest.raises(urllib.error.HTTPError) as refused:
        cluster.request("POST", f"{PODS}?fieldValidation=Strict", misspelled)
    assert 'unknown field "spec.restartPolice"' in json.load(refused.value)["message"]


def test_kubectl_s_configuration_gives_access(cluster: ControlPlane) -> None:
    configuration = json.loads(cluster.kubeconfig)
    assert configuration["clusters"][0]["cluster"]["server"] == cluster.url
    assert configuration["users"][0]["user"]["token"] == cluster.token


def test_others_have_no_access(cluster: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "token", "another")
    with pytest.raises(urllib.error.HTTPError, match="401"):
        cluster.request("GET", NODES)


def busy(wait: str) -> urllib.error.HTTPError:
    headers = email.message.Message()
    headers["Retry-After"] = wait
    return urllib.error.HTTPError("https://127.0.0.1", 429, "Too Many Requests", headers, None)


def test_asks_again_when_the_api_server_tells_when_it_has_time(
    cluster: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[bytes | urllib.error.HTTPError] = [
        busy("0.01"),
        busy("0.01"),
        b'{"items": []}',
        busy("3600"),
        busy("0"),
    ]

    def send(*_: object) -> bytes:
        answer = answers.pop(0)
        if isinstance(answer, bytes):
            return answer
        raise answer

    monkeypatch.setattr(cluster, "_send", send)
    assert cluster.request("GET", NODES) == {"items": []}
    # as long as that nobody waits; and what names no time is an answer, as to an eviction
    for left in (1, 0):
        with pytest.raises(urllib.error.HTTPError, match="429"):
            cluster.request("GET", NODES)
        assert len(answers) == left


def test_two_at_once_and_each_leaves_nothing(
    cluster: ControlPlane, programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "second"
    monkeypatch.chdir(tmp_path)
    with ControlPlane(programs, Path("second")) as second:
        assert second.url != cluster.url
        assert second.request("GET", NODES)["items"] == []
        assert listening(folder) == {("127.0.0.1", int(second.url.rpartition(":")[2]))}
        with pytest.raises(ControlPlaneError, match="another run uses"), ControlPlane(programs, folder):
            pass
        assert second.request("GET", NODES)["items"] == []
    wait_until(lambda: not processes(folder))
    assert not (folder / "etcd").exists()
    assert cluster.request("GET", f"{NODES}/gpu")["metadata"]["name"] == "gpu"


def listening(folder: Path) -> set[tuple[str, int]]:
    """TCP addresses that processes in the folder listen on."""
    sockets: set[str] = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "cwd").readlink().is_relative_to(folder):
                sockets |= {os.fspath(file.readlink()) for file in (process / "fd").iterdir()}
    found: set[tuple[str, int]] = set()
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            _, local, _, state, *_, inode = line.split()[:10]
            if state == "0A" and f"socket:[{inode}]" in sockets:
                address, _, port = local.partition(":")
                host = socket.inet_ntoa(bytes.fromhex(address)[::-1]) if table == "tcp" else address
                found.add((host, int(port, 16)))
    return found


def test_goes_on_from_what_an_earlier_run_kept(programs: Path, tmp_path: Path) -> None:
    with ControlPlane(programs, tmp_path, persist=True) as cluster:
        cluster.request("POST", NODES, gpu_node("gpu"))
        cluster.request("POST", PODS, pod("server", gpus=4))
        wait_until(lambda: ready(cluster.request("GET", f"{PODS}/server")))
        kept = cluster.request("GET", f"{PODS}/server")["metadata"]["uid"]
    with ControlPlane(programs, tmp_path, persist=True) as cluster:
        again = cluster.request("GET", f"{PODS}/server")
        assert (again["metadata"]["uid"], ready(again)) == (kept, True)
        cluster.request("DELETE", f"{PODS}/server")
        cluster.request("POST", PODS, pod("next", gpus=4))
        wait_until(lambda: ready(cluster.request("GET", f"{PODS}/next")))
    with ControlPlane(programs, tmp_path) as cluster:
        assert cluster.request("GET", NODES)["items"] == []


KILLED = """
import signal, sys, time
from pathlib import Path
from simulator.control_plane import ControlPlane
# where a shell has started the tests in the background, they inherit that it is ignored
signal.signal(signal.SIGINT, signal.default_int_handler)
with ControlPlane(Path(sys.argv[1]), Path(sys.argv[2]), persist=True) as cluster:
    cluster.request("POST", "/api/v1/namespaces", {"kind": "Namespace", "metadata": {"name": "kept"}})
    print("started", flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_killed_run_leaves_no_process(programs: Path, tmp_path: Path, how: signal.Signals) -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", KILLED, programs, tmp_path], cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert run.stdout
    assert run.stdout.readline() == b"started\n"
    # The watcher of each has the same command line as Python before it became the command.
    assert {name for name in PROGRAMS if any(f"/{name} " in line for line in processes(tmp_path))} == PROGRAMS
    run.send_signal(how)
    run.communicate(timeout=PATIENCE_SECONDS)
    wait_until(lambda: not processes(tmp_path))
    if how == signal.SIGKILL:
        with ControlPlane(programs, tmp_path, persist=True) as cluster:
            assert cluster.request("GET", "/api/v1/namespaces/kept")["status"]["phase"] == "Active"


PROGRAMS = {"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"}


def test_a_killed_start_leaves_no_process(programs: Path, tmp_path: Path) -> None:
    run = subprocess.Popen([sys.executable, "-c", KILLED, programs, tmp_path], cwd=PROJECT, stdout=subprocess.PIPE)
    wait_until((tmp_path / "logs" / "kube-apiserver.log").exists)
    run.kill()
    run.communicate(timeout=PATIENCE_SECONDS)
    wait_until(lambda: not processes(tmp_path))


def test_tells_which_process_failed_and_its_last_words(programs: Path, tmp_path: Path) -> None:
    broken = tmp_path / "programs"
    broken.mkdir()
    for name in PROGRAMS - {"kube-controller-manager"}:
        (broken / name).symlink_to(programs / name)
    (broken / "kube-controller-manager").write_text("#!/bin/sh\necho no such flag\nexit 3\n")
    (broken / "kube-controller-manager").chmod(0o755)
    folder = tmp_path / "cluster"
    with pytest.raises(ControlPlaneError) as failed, ControlPlane(broken, folder):
        pass
    log = folder / "logs" / "kube-controller-manager.log"
    assert str(failed.value) == (
        f"kube-controller-manager ended with code 3. Its last lines, of {log}:\n  no such flag\n"
    )
    wait_until(lambda: not processes(folder))
    assert not (folder / "etcd").exists()
