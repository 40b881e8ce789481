"""A real Kubernetes control plane whose machines are simulated: etcd, API server, controllers, scheduler and kwok."""

from __future__ import annotations

import base64
import fcntl
import http.client
import json
import os
import secrets
import shutil
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_LEASH = Path(__file__).with_name("leash.py")
_STAGES = Path(__file__).with_name("kwok-stages.yaml")
_READY_SECONDS = 300
"""How long a start may take; it takes 5 s on two idle cores."""
_REQUEST_SECONDS = 60
_BUSY_SECONDS = 30
"""How long a request is asked again for which the API server says when it will have time."""
_LAST_LINES = 10
_SERVICES = "10.96.0.0/16"
_PODS = "10.244.0.0/16"


class ControlPlaneError(Exception):
    """The control plane does not start; the message says which of its processes failed, and its last words."""


class ControlPlane:
    """A Kubernetes control plane on the loopback interface, on nodes that kwok plays.

    A context manager: it runs while it is open, and ends with this process, however that ends. Ports, certificate and
    tokens are its own and new each time, so several can run at once, each in a folder of its own.

    A node is whatever Node object is created, with the capacity and allocatable that it is created with: it is ready at
    once, pods on it start at once, and those of a Job complete at once.
    """

    url: str
    """Of the API server, such as `https://127.0.0.1:41234`."""
    ca: str
    """Certificate authority of the API server, in PEM."""
    token: str
    """Bearer token of a member of `system:masters`."""
    kubeconfig: str
    """Access with that token, also for kubectl: it is in the folder as `kubeconfig`."""

    def __init__(self, programs: Path, folder: Path, *, persist: bool = False) -> None:
        """Set up.

        Args:
            programs: folder with the executables etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kwok.
            folder: where its data, certificates and logs are; made if missing, for this user alone.
            persist: keep the data, and go on from what an earlier run kept there.
        """
        # The processes run in the folder, where relative paths would lead elsewhere.
        self._programs = programs.resolve()
        self._folder = folder.resolve()
        self._persist = persist
        self._opened = ExitStack()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        """Starts it; returns when it serves.

        Raises:
            ControlPlaneError: it does not start, or another run has the folder.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self._folder.chmod(0o700)
        with self._opened:
            self._lock()
            if not self._persist:
                shutil.rmtree(self._folder / "etcd", ignore_errors=True)
                self._opened.callback(shutil.rmtree, self._folder / "etcd", ignore_errors=True)
            self._opened.callback(self._kill)
            self._start_all()
            self._opened = self._opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._opened.close()

    def request(self, method: str, path: str, body: object = None, *, content: str = "application/json") -> Any:
        """Asks the API server as a member of `system:masters`.

        Args:
            method: of HTTP.
            path: below `url`, with the query.
            body: sent as JSON.
            content: media type of the body; a PATCH has its own, which say what kind of patch it is.

        Returns:
            The answer, any JSON.

        Raises:
            urllib.error.HTTPError: the API server refuses; its `read()` gives a Status object as JSON.
            OSError: it does not answer.
        """
        end = time.monotonic() + _BUSY_SECONDS
        while True:
            try:
                return json.loads(self._send(method, path, body, content))
            except urllib.error.HTTPError as error:
                # so it answers for a kind whose definition is new, or that it has not loaded since it was started
                wait = float(error.headers.get("Retry-After") or 0)
                if error.code != http.HTTPStatus.TOO_MANY_REQUESTS or not 0 < wait < end - time.monotonic():
                    raise
                time.sleep(wait)

    def _lock(self) -> None:
        lock = self._opened.enter_context((self._folder / "lock").open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ControlPlaneError(
                f"another run uses the control plane in {self._folder}. Wait for its end, or choose another folder."
            ) from error

    def _start_all(self) -> None:
        # Held as long as the server runs, which shares it: so no other process can be given this port.
        port = self._opened.enter_context(socket.socket())
        port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        port.bind(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{port.getsockname()[1]}"
        self.token, controllers, scheduler = (secrets.token_urlsafe() for _ in range(3))
        self._write(
            "tokens.csv",
            f"{self.token},admin,admin,system:masters\n"
            f"{controllers},system:kube-controller-manager,controllers\n"
            f"{scheduler},system:kube-scheduler,scheduler\n",
        )
        self._start_etcd()
        self._start_api_server(port.getsockname()[1])
        self.kubeconfig = self._write("kubeconfig", self._kubeconfig(self.token))
        self._write("controllers.kubeconfig", self._kubeconfig(controllers))
        self._write("scheduler.kubeconfig", self._kubeconfig(scheduler))
        self._start_controllers()

    def _start_etcd(self) -> None:
        # Relative paths, since that of a socket may have 100 characters; all processes run in the folder.
        self._start(
            "etcd",
            "--data-dir=etcd",
            "--listen-client-urls=unix://etcd.sock",
            "--listen-peer-urls=unix://peer.sock",
            # Has to be given, and is told to members that join: there are none.
            "--advertise-client-urls=http://127.0.0.1:2379",
            # What it has written outlives the process, if not the machine's power.
            "--unsafe-no-fsync",
        )

    def _start_api_server(self, port: int) -> None:
        shutil.rmtree(self._folder / "certificates", ignore_errors=True)
        self._start(
            "kube-apiserver",
            "--etcd-servers=unix://etcd.sock",
            "--bind-address=127.0.0.1",
            f"--secure-port={port}",
            "--permit-port-sharing",
            "--advertise-address=127.0.0.1",
            "--endpoint-reconciler-type=none",
            # It signs a certificate for itself there, whose key serves for service accounts as well.
            "--cert-dir=certificates",
            "--service-account-key-file=certificates/apiserver.key",
            "--service-account-signing-key-file=certificates/apiserver.key",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--token-auth-file=tokens.csv",
            "--authorization-mode=RBAC",
            # GKE tolerates the taint of accelerator nodes on behalf of the pods that ask for accelerators:
            # https://cloud.google.com/kubernetes-engine/docs/how-to/gpus (2026-11-21).
            "--enable-admission-plugins=ExtendedResourceToleration",
            "--allow-privileged",
            f"--service-cluster-ip-range={_SERVICES}",
            "--profiling=false",
        )
        self._await("kube-apiserver", "/readyz")

    def _start_controllers(self) -> None:
        self._start(
            "kube-controller-manager",
            "--kubeconfig=controllers.kubeconfig",
            "--secure-port=0",
            "--leader-elect=false",
            "--use-service-account-credentials",
            "--root-ca-file=certificates/apiserver.crt",
            "--service-account-private-key-file=certificates/apiserver.key",
            # With its default of 20 a second it takes 5 s to make the service accounts of its own controllers.
            "--kube-api-qps=500",
            "--kube-api-burst=500",
        )
        self._start("kube-scheduler", "--kubeconfig=scheduler.kubeconfig", "--secure-port=0", "--leader-elect=false")
        self._start(
            "kwok",
            "--kubeconfig=kubeconfig",
            "--manage-all-nodes",
            f"--config={_STAGES}",
            f"--cidr={_PODS}",
            # With leases a next run would have to wait until those of this one have run out.
            "--node-lease-duration-seconds=0",
        )
        # Without this service account pods are refused.
        self._await("kube-controller-manager", "/api/v1/namespaces/default/serviceaccounts/default")

    def _start(self, name: str, *arguments: str) -> None:
        # Settings of the user's own etcd or kwok are not for these.
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("ETCD_", "KWOK_"))}
        with self._log(name).open("wb") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-I", "-S", _LEASH, self._programs / name, *arguments],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                env=environment | {"HOME": str(self._folder)},
                # Ctrl-C is for the run, which then stops these.
                start_new_session=True,
            )

    def _await(self, name: str, path: str) -> None:
        """Waits until `name` has made the API server answer at `path`."""
        end = time.monotonic() + _READY_SECONDS
        while not self._answers(path):
            for started, process in self._processes.items():
                if process.poll() is not None:
                    raise ControlPlaneError(
                        f"{started} ended with code {process.returncode}. {self._last_lines(started)}"
                    )
            if time.monotonic() > end:
                raise ControlPlaneError(f"{name} was not ready within {_READY_SECONDS} s. {self._last_lines(name)}")
            time.sleep(0.05)

    def _answers(self, path: str) -> bool:
        with suppress(OSError, http.client.HTTPException):
            # The API server writes it while it starts.
            self.ca = (self._folder / "certificates" / "apiserver.crt").read_text()
            self._send("GET", path)
            return True
        return False

    def _send(self, method: str, path: str, body: object = None, content: str = "application/json") -> bytes:
        request = urllib.request.Request(  # noqa: S310 the URL is our own
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": content},
        )
        https = urllib.request.HTTPSHandler(context=ssl.create_default_context(cadata=self.ca))
        # The loopback interface is not reached through the user's proxy.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), https)
        with opener.open(request, timeout=_REQUEST_SECONDS) as answer:
            return answer.read()

    def _kubeconfig(self, token: str) -> str:
        authority = base64.b64encode(self.ca.encode()).decode()
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": "rehearsal", "cluster": {"server": self.url, "certificate-authority-data": authority}}
            ],
            "users": [{"name": "rehearsal", "user": {"token": token}}],
            "contexts": [{"name": "rehearsal", "context": {"cluster": "rehearsal", "user": "rehearsal"}}],
            "current-context": "rehearsal",
        }
        return json.dumps(config, indent=2)

    def _write(self, name: str, text: str) -> str:
        (self._folder / name).write_text(text)
        return text

    def _log(self, name: str) -> Path:
        folder = self._folder / "logs"
        folder.mkdir(exist_ok=True)
        return folder / f"{name}.log"

    def _last_lines(self, name: str) -> str:
        lines = self._log(name).read_text(errors="replace").splitlines()[-_LAST_LINES:]
        return f"Its last lines, of {self._log(name)}:\n" + "".join(f"  {line}\n" for line in lines)

    def _kill(self) -> None:
        for process in self._processes.values():
            process.kill()
        for process in self._processes.values():
            process.communicate()
