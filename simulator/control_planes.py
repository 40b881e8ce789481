"""One Kubernetes control plane for each simulated cluster, started when it is first needed."""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from simulator.api import Api, ApiError
from simulator.autopilot import pools_for
from simulator.clock import Clock
from simulator.cloud import Cloud, CloudResource
from simulator.control_plane import ControlPlane, ControlPlaneError
from simulator.controllers import ClusterMachines, Controllers
from simulator.errors import CloudError
from simulator.gcp import CLUSTER, NODE_POOL
from simulator.machines import knows_machine
from simulator.nodes import pools_of
from simulator.values import Properties, at

_USED = "used"
"""Name of a file that is there once there are objects."""


_OF_CLUSTER = "gke"
"""How the folders begin that go with a simulated cluster."""


@dataclass(frozen=True)
class RunningCluster:
    """A cluster whose control plane runs."""

    api: Api
    controllers: Controllers
    folder: Path
    opened: ExitStack


class ControlPlanes:
    """The control planes of all simulated clusters. What they hold stays in `folder` from one run to the next."""

    def __init__(self, programs: Path, folder: Path, cloud: Cloud, clock: Clock, warn: Callable[[str], None]) -> None:
        """Set up.

        Args:
            programs: folder with the executables of a control plane; beside it, `crds` holds what GKE brings.
            folder: where each control plane has a folder of its own.
            cloud: where the clusters and their pools are.
            clock: by which machines start.
            warn: called with what cannot be played truly.
        """
        self._programs = programs
        self._folder = folder
        self._cloud = cloud
        self._clock = clock
        self._warn = warn
        self._lock = threading.RLock()
        self._running: dict[str, RunningCluster] = {}
        self._guessed: set[str] = set()

    def of(self, scope: str) -> RunningCluster:
        """The cluster of this id, or that of another name of which nothing is known; started if it does not run.

        Raises:
            CloudError: its control plane does not start.
        """
        with self._lock:
            if scope not in self._running:
                try:
                    self._running[scope] = self._start(scope)
                except (ControlPlaneError, ApiError) as error:
                    raise CloudError(503, f"The Kubernetes control plane of {scope} does not start: {error}") from error
            return self._running[scope]

    def remember(self) -> None:
        """Note that there are objects now, for `are_used_in`."""
        (self._folder / _USED).touch()

    @staticmethod
    def are_used_in(folder: Path) -> bool:
        """Whether a run has put objects into control planes in `folder`."""
        return (folder / _USED).exists()

    def prune(self) -> None:
        """Stop and delete the control planes of clusters that are gone."""
        with self._lock:
            wanted = {self._folder_of(cluster.id) for cluster in self._cloud.of_type(CLUSTER)}
            for folder in set(self._folder.glob(f"{_OF_CLUSTER}*")) - wanted:
                for scope in [scope for scope, running in self._running.items() if running.folder == folder]:
                    self._running.pop(scope).opened.close()
                shutil.rmtree(folder)

    def close(self) -> None:
        """Stop all of them."""
        with self._lock:
            for running in self._running.values():
                running.opened.close()
            self._running.clear()

    def _start(self, scope: str) -> RunningCluster:
        cluster = self._cloud.find(CLUSTER, scope)
        folder = self._folder_of(scope)
        with ExitStack() as opened:
            api = Api(opened.enter_context(ControlPlane(self._programs, folder, persist=True)))
            for manifest in self._furniture(cluster):
                api.apply(manifest, force=True)
            controllers = Controllers(api, lambda: self._machines(scope), self._clock)
            opened.callback(controllers.stop)
            controllers.start()
            return RunningCluster(api, controllers, folder, opened.pop_all())

    def _folder_of(self, scope: str) -> Path:
        cluster = self._cloud.find(CLUSTER, scope)
        # a cluster that is made anew is another one, whatever its name
        digest = hashlib.sha256(f"{scope} {cluster.created if cluster else ''}".encode()).hexdigest()[:12]
        return self._folder / f"{_OF_CLUSTER if cluster else 'plain'}-{digest}"

    def _furniture(self, cluster: CloudResource | None) -> list[Properties]:
        """What a new cluster holds before anybody uses it."""
        name = "new-gke-cluster.yaml" if cluster else "new-plain-cluster.yaml"
        texts = [files("simulator").joinpath(name).read_text(encoding="utf-8")]
        if cluster:
            definitions = {file.stem: file for file in (self._programs.parent / "crds").glob("*.yaml")}
            if at(cluster.inputs, "monitoringConfig", "managedPrometheus", "enabled") is False:
                del definitions["prometheus-engine"]
            texts += [file.read_text(encoding="utf-8") for file in definitions.values()]
        parsed: list[Any] = [each for text in texts for each in yaml.safe_load_all(text)]
        return [each for each in parsed if each]

    def _machines(self, scope: str) -> ClusterMachines | None:
        cluster = self._cloud.find(CLUSTER, scope)
        if cluster is None:
            return None
        project = scope.split("/")[1]
        if cluster.inputs.get("enableAutopilot") is True:
            return ClusterMachines(cluster.name, project, (), lambda pod: pools_for(pod, cluster))
        children = self._cloud.children(cluster, NODE_POOL)
        pools = pools_of(cluster, [child for child in children if child.state in ("ready", "deleting")])
        for pool in pools:
            if not knows_machine(pool) and pool.name not in self._guessed:
                self._guessed.add(pool.name)
                self._warn(
                    f"The catalogue does not know the machines of pool {pool.name}: its nodes are a generous guess."
                )
        return ClusterMachines(cluster.name, project, pools)
