"""The simulated clouds of one rehearsal."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import math
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from simulator.clock import Clock
from simulator.cloud import Cloud, CloudResource
from simulator.control_planes import ControlPlanes
from simulator.faults import Fault, Faults
from simulator.fresh_connections import connect_freshly
from simulator.gcp import Gcp
from simulator.kubernetes import Kubernetes
from simulator.live_kubernetes import LiveKubernetes
from simulator.oci import Oci
from simulator.operations import Operations
from simulator.package import Package
from simulator.provider import SimulatedProvider
from simulator.values import Properties, merge, seal

_PARALLEL = 64  # operations of one provider at a time; the engine starts 4 for each processor
_CONTROL_PLANES = "control-planes"
_GRACE_SECONDS = 2.0  # for operations to write down how far they came


class SimulatedClouds:
    """Google Cloud, Oracle Cloud and Kubernetes clusters that create nothing, for Pulumi's own engine to work on.

    A context manager: the providers answer on free ports of the loopback interface while it is open. What they hold is
    in `folder`, so that it is there in the next run, even when this one was killed.
    """

    notice = "Rehearsal on simulated clouds: nothing is created, no account is used, every address is made up."
    """To be shown on every run."""

    def __init__(
        self,
        folder: Path,
        *,
        time_scale: float = math.inf,
        faults: Sequence[Fault] = (),
        control_plane: Path | None = None,
    ) -> None:
        """Set up.

        Args:
            folder: where the file with everything that exists is; made if missing.
            time_scale: how many times faster than real time simulated time passes; `math.inf`: nothing is waited for.
            faults: what goes wrong in this run.
            control_plane: folder with the programs of a Kubernetes control plane: each cluster is then a real one, with
                simulated machines. None: clusters are simulated as a whole.

        Raises:
            ValueError: `time_scale` is not above 0.
        """
        if not time_scale > 0:
            raise ValueError(f"time_scale has to be above 0, not {time_scale}")
        folder.mkdir(parents=True, exist_ok=True)
        self.warnings: list[str] = []
        """What the simulator could not play truly in this run."""
        self._cloud = Cloud(folder / "clouds.sqlite")
        self._clock = Clock(time_scale)
        self._faults = Faults(faults)
        self._control_planes = None
        if control_plane:
            where = folder / _CONTROL_PLANES
            self._control_planes = ControlPlanes(
                control_plane, where, self._cloud, self._clock, self.warnings.append
            )  # fmt: skip
        self._providers: list[SimulatedProvider] = []
        self._servers: list[grpc.Server] = []
        self._ports: dict[str, int] = {}

    def __enter__(self) -> Self:
        connect_freshly()
        planes = self._control_planes
        packages: dict[str, Package] = {
            "gcp": Gcp(self._cloud, planes.prune if planes else None),
            "kubernetes": LiveKubernetes(self._cloud, planes, self._clock) if planes else Kubernetes(self._cloud),
            "oci": Oci(self._cloud, self._faults),
        }
        for name, package in packages.items():
            operations = Operations(package, self._cloud, self._clock, self._faults, self.warnings.append)
            server = grpc.server(concurrent.futures.ThreadPoolExecutor(_PARALLEL, thread_name_prefix=name))
            provider = SimulatedProvider(name, package, operations, self.warnings.append)
            provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
            self._ports[name] = server.add_insecure_port("127.0.0.1:0")
            server.start()
            self._providers.append(provider)
            self._servers.append(server)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # an operation that still waits would hold up the end of this process
        for provider in self._providers:
            provider.cancel()
        for stopped in [server.stop(_GRACE_SECONDS) for server in self._servers]:
            stopped.wait()
        self.stop_control_planes()
        self._cloud.close()

    @staticmethod
    def on_control_planes(folder: Path) -> bool:
        """Whether the Kubernetes objects of the clouds in `folder` are in real control planes."""
        return ControlPlanes.are_used_in(folder / _CONTROL_PLANES)

    def stop_control_planes(self) -> None:
        """End their processes. What they hold stays."""
        if self._control_planes:
            self._control_planes.close()

    @property
    def debug_providers(self) -> str:
        """Value of PULUMI_DEBUG_PROVIDERS with which the engine uses these providers."""
        return ",".join(f"{name}:{port}" for name, port in self._ports.items())

    @property
    def empty(self) -> bool:
        """Whether nothing exists. What a project keeps, such as enabled APIs, does not count."""
        return not self._cloud.all()

    def waiting(self) -> dict[str, str]:
        """What each resource waits for now, by URN: `nodes start, 3 of 6 min`."""
        return self._clock.waiting()

    def passed(self) -> dict[str, float]:
        """The simulated seconds that each resource has taken in this run, by URN, however fast they passed."""
        return self._clock.passed()

    def unused_faults(self) -> list[Fault]:
        """Faults that have not struck in this run: likely their target is misspelled."""
        return self._faults.unused()

    def resources(self) -> list[CloudResource]:
        """Everything that exists, the oldest first."""
        return self._cloud.all()

    def change(self, id_or_name: str, **properties: Any) -> None:  # Any: any JSON
        """Change a resource outside Pulumi, so that a refresh sees drift. Nested objects are merged.

        Raises:
            KeyError: no resource has this id or name, or several have.
        """
        resource = self._one(id_or_name)
        managed: Properties = {key: value for key, value in properties.items() if key in resource.inputs}
        self._cloud.save(
            dataclasses.replace(
                resource,
                inputs=seal(merge(resource.inputs, managed)),
                outputs=seal(merge(resource.outputs, properties)),
            )
        )

    def remove(self, id_or_name: str) -> None:
        """Delete a resource, and what lives in it, outside Pulumi.

        Raises:
            KeyError: no resource has this id or name, or several have.
        """
        self._cloud.remove(self._one(id_or_name))

    def has_deleted(self, type_: str, id_: str) -> bool:
        """Tell whether a resource is gone, or on its way: a cloud goes on though nobody waits for it any more."""
        left = [each for each in self._cloud.all() if (each.type, each.id) == (type_, id_)]
        for resource in left:
            if resource.state == "deleting":
                self._cloud.remove(resource)
        return all(resource.state == "deleting" for resource in left)

    def adopt(self, known: AbstractSet[tuple[str, str]]) -> list[CloudResource]:
        """Tell what the stack's state knows, as (type token, id). Whatever else exists was left by an interrupted run.

        Such a resource is taken over when the same URN is created again, instead of being in the way. Returns those
        that are left: after a destroy, the real cloud would still hold them, and `remove` deletes them.
        """
        left: list[CloudResource] = []
        with self._cloud.transaction():
            for resource in self._cloud.all():
                orphan = (resource.type, resource.id) not in known
                if orphan != resource.orphan:
                    resource = self._cloud.save(dataclasses.replace(resource, orphan=orphan))
                if orphan:
                    left.append(resource)
        return left

    def _one(self, id_or_name: str) -> CloudResource:
        found = [found for found in self._cloud.all() if found.id == id_or_name]
        found = found or [found for found in self._cloud.all() if found.name == id_or_name]
        if len(found) != 1:
            raise KeyError(f"{len(found)} resources are called {id_or_name!r}")
        return found[0]
