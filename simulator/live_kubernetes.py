"""Simulated clusters that are real Kubernetes control planes: what is asked for is applied to an API server."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from simulator.api import FIELD_MANAGER, Api, ApiError, NoMatchError
from simulator.autopilot import admitted
from simulator.clock import Clock
from simulator.cloud import Cloud, CloudResource
from simulator.control_planes import ControlPlanes, RunningCluster
from simulator.drift import drifted
from simulator.errors import CloudError
from simulator.kubernetes import Kubernetes, annotation, deadlines, unready
from simulator.package import Request
from simulator.readiness import Readiness, readiness
from simulator.values import Properties, at, has_unknown, merge, plain, seal, secret
from simulator.veil import veiled

_RETRY_SECONDS = (2, 4, 8, 16, 32)
"""How long the provider waits before it asks again for what lacks its namespace or its kind (provider/pkg/retry)."""
_LOOK_SECONDS = 0.1
_SURE_SECONDS = 4.0
"""Real seconds for which a pod has to find no node before that counts as final: in a rollout, what takes its place goes
a moment later, on a busy machine a long one."""
_PATIENCE_SECONDS = 60.0
"""Real seconds that the control plane has at least: it works in real time, whatever the time scale."""
_COLLECTION_SECONDS = 240.0
"""Likewise to delete what an object owns: what the garbage collector missed, it looks for every 30 seconds."""


class LiveKubernetes(Kubernetes):
    """All clusters."""

    def __init__(self, cloud: Cloud, control_planes: ControlPlanes, clock: Clock) -> None:
        super().__init__(cloud)
        self._control_planes = control_planes
        self._clock = clock

    def _check_namespace(self, request: Request, namespace: str) -> None:
        """The API server knows which there are."""

    def _pools(self, request: Request) -> list[Any] | None:  # Any: Pool  # noqa: ARG002
        """None: where pods fit is the scheduler's to say."""
        return None

    def _running(self, config: Properties) -> RunningCluster:
        return self._control_planes.of(self.scope(config))

    def _admitted(self, request: Request) -> Properties:
        """The object as it is applied, after what GKE's webhooks make of it. Raises CloudError if they refuse it."""
        cluster = self._cluster(request.config)
        autopilot = cluster is not None and cluster.inputs.get("enableAutopilot") is True
        return admitted(_manifest(request)) if autopilot else _manifest(request)

    def judges(self, inputs: Properties, config: Properties) -> bool:
        """Whether the cluster is up and has the object's namespace: without it, the API server refuses to look."""
        try:
            cluster = self._cluster(config)
        except CloudError:
            return False
        if has_unknown(inputs) or (cluster is not None and cluster.state != "ready"):
            return False
        namespace = at(inputs, "metadata", "namespace") or config.get("namespace") or "default"
        reference = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        with _told_as_cloud_errors("namespace"):
            return self._running(config).api.get(reference) is not None

    def dry_run(self, request: Request, *, exists: bool) -> None:
        """As pulumi-kubernetes does: not for what another resource of the same preview may still bring about."""
        if not self.judges(plain(request.raw), request.config):
            return
        api, manifest = self._running(request.config).api, self._admitted(request)
        with _told_as_cloud_errors(request.urn):
            try:
                # what is to be replaced is still there
                if exists or api.get(manifest) is None:
                    api.apply(manifest, dry_run=True, force=not exists or _forced(request))
            except NoMatchError:
                return

    def apply(self, request: Request, resource: CloudResource) -> None:
        """Server-side, with strict validation: where the real provider only warns, an unknown field is refused."""
        api, manifest = self._running(request.config).api, self._admitted(request)
        self._control_planes.remember()
        with _told_as_cloud_errors(request.urn):
            for seconds in _RETRY_SECONDS:
                try:
                    _apply(api, manifest, request, resource)
                except ApiError as error:
                    if error.status != 404:
                        raise
                else:
                    return
                self._clock.wait(request.urn, "its kind or namespace is missing", seconds, request.cancelled)
                if request.cancelled.wait(_LOOK_SECONDS):
                    break
            _apply(api, manifest, request, resource)

    def settle(self, request: Request, resource: CloudResource, waited: float) -> list[str]:
        """Awaits the object as pulumi-kubernetes does, from its status and that of its pods."""
        cluster, reference = self._running(request.config), _manifest(request)
        if reference["kind"] == "Service" and at(request.inputs, "spec", "type") == "LoadBalancer":
            with _told_as_cloud_errors(request.urn):
                status = self._service_outputs(request, resource)["status"]
                cluster.api.set_status({**reference, "status": status})
        if annotation(request, "pulumi.com/skipAwait").lower() == "true":
            return []
        limit, deadline = deadlines(request)
        left = max(0, min(limit, deadline) - waited)
        with self._clock.shown(request.urn, request.rules.waits_for, left), _told_as_cloud_errors(request.urn):
            state = self._await(cluster, reference, request, left)
        if state.ready:
            return []
        if request.cancelled.is_set():
            return [f"cancelled while waiting ({request.rules.waits_for}); the next `pulumi up` goes on with it"]
        problems = [*unready(request, resource, "timed out waiting to be Ready"), *state.problems]
        if request.token.endswith(":Deployment") and deadline <= limit:
            name = _latest_replica_set(cluster.api, resource)
            problems.insert(1, f'[ProgressDeadlineExceeded] ReplicaSet "{name}" has timed out progressing.')
        return problems

    def _await(self, cluster: RunningCluster, reference: Properties, request: Request, seconds: float) -> Readiness:
        start = stuck_since = time.monotonic()
        while True:
            live = cluster.api.get(reference)
            gone = Readiness(ready=False, stuck=True, problems=["it was deleted meanwhile"])
            state = readiness(cluster.api, live, cluster.controllers.hopeless) if live else gone
            now = time.monotonic()
            stuck_since = stuck_since if state.stuck else now
            over = now - start >= self._clock.real(seconds)
            final = now - stuck_since >= _SURE_SECONDS or now - start >= _PATIENCE_SECONDS
            if state.ready or (over and final) or request.cancelled.wait(_LOOK_SECONDS):
                return state

    def observe(self, request: Request, resource: CloudResource) -> CloudResource | None:
        """What others have changed of the inputs is found by asking what the API server would make of them."""
        api, manifest = self._running(request.config).api, self._admitted(request)
        with _told_as_cloud_errors(request.urn):
            try:
                live = api.get(manifest)
            except NoMatchError:
                return None
            if live is None:
                return None
            try:
                wanted = api.apply(manifest, dry_run=True, force=True)
            except ApiError:
                wanted = live
        inputs = drifted(request.raw, wanted, live)
        outputs = merge(_outputs(live), inputs)
        return dataclasses.replace(resource, inputs=seal(inputs), outputs=seal(outputs))

    def outputs(self, request: Request, resource: CloudResource) -> Properties:  # noqa: ARG002
        """The live object."""
        with _told_as_cloud_errors(request.urn):
            live = self._running(request.config).api.get(_manifest(request))
        return _outputs(live) if live else {}

    def erase(self, request: Request, resource: CloudResource) -> None:
        """Deletes the object after what it owns, and waits until it is gone."""
        api, manifest = self._running(request.config).api, _manifest(request)
        start = time.monotonic()
        limit = max(_COLLECTION_SECONDS, self._clock.real(request.timeout or request.rules.timeout))
        with _told_as_cloud_errors(request.urn, "deleted"):
            try:
                api.delete(manifest)
                while (live := api.get(manifest)) and live["metadata"].get("deletionTimestamp"):
                    if request.cancelled.wait(_LOOK_SECONDS) or time.monotonic() - start > limit:
                        holders = ", ".join(live["metadata"].get("finalizers") or ["its pods"])
                        raise CloudError(503, f"'{resource.name}' is not gone yet: {holders} hold it.")
            except NoMatchError:
                return


def _apply(api: Api, manifest: Properties, request: Request, resource: CloudResource) -> None:
    live = api.get(manifest)
    if live is not None and resource.state == "creating":
        managers = {each.get("manager") for each in live["metadata"].get("managedFields") or ()}
        # an interrupted run may have applied it already
        if FIELD_MANAGER not in managers:
            raise ApiError(409, f'{request.rules.plural or manifest["kind"]} "{resource.name}" already exists')
    api.apply(manifest, force=_forced(request))


def _forced(request: Request) -> bool:
    return annotation(request, "pulumi.com/patchForce").lower() == "true"


def _manifest(request: Request) -> Properties:
    """The object as it is applied. A digest stands for each secret: none is ever written to the disk."""
    version, kind = request.token.split(":")[1:]
    named: Properties = {
        "apiVersion": version.removeprefix("core/"),
        "kind": kind,
        **veiled(request.raw),
    }
    metadata: Properties = request.inputs["metadata"]
    scoped = {key: metadata[key] for key in ("name", "namespace") if key in metadata}
    return plain({**named, "metadata": {**(named.get("metadata") or {}), **scoped}})


def _outputs(live: Properties) -> Properties:
    metadata = {key: value for key, value in live["metadata"].items() if key != "managedFields"}
    hidden = {"data": secret(live["data"])} if live["kind"] == "Secret" and "data" in live else {}
    return {**live, "metadata": metadata, **hidden}


def _latest_replica_set(api: Api, resource: CloudResource) -> str:
    namespace = resource.id.partition("/")[0]
    mine = [
        each
        for each in api.list("apps/v1", "ReplicaSet", namespace)
        if any(owner["name"] == resource.name for owner in each["metadata"].get("ownerReferences") or ())
    ]
    newest = max(mine, key=lambda each: str(each["metadata"]["creationTimestamp"]), default=None)
    return newest["metadata"]["name"] if newest else resource.name


@contextmanager
def _told_as_cloud_errors(urn: str, what: str = "created") -> Generator[None]:
    try:
        yield
    except NoMatchError as error:
        raise CloudError(
            404,
            f"creation of resource {urn!r} failed because the Kubernetes API server reported that the apiVersion for "
            f"this resource does not exist. Verify that any required CRDs have been created: {error}",
        ) from error
    except ApiError as error:
        message = f'resource "{urn}" was not successfully {what} by the Kubernetes API server: {error}'
        raise CloudError(error.status, message) from error
