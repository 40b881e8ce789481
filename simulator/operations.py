"""Creates, reads, updates and deletes in a simulated cloud: what is common to all of them."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Sequence

from simulator.clock import Clock
from simulator.cloud import Cloud, CloudResource
from simulator.errors import CloudError
from simulator.faults import BACKOFF_SECONDS, Faults, Kind
from simulator.package import Package, Place, Request, Verb
from simulator.rules import load_rules
from simulator.values import Properties, merge, seal


class HalfMadeError(Exception):
    """The resource exists but is not ready. The engine keeps it in its state; the next `up` repairs it."""

    def __init__(self, resource: CloudResource, outputs: Properties, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.id = resource.id
        self.outputs = outputs
        self.problems = problems


class Operations:
    """The operations of one provider on the simulated clouds."""

    def __init__(
        self, package: Package, cloud: Cloud, clock: Clock, faults: Faults, warn: Callable[[str], None]
    ) -> None:
        self._package = package
        self._cloud = cloud
        self._clock = clock
        self._faults = faults
        self._warn = warn

    def create(self, request: Request) -> tuple[str, Properties]:
        """Create a resource. Returns its id and outputs.

        Raises:
            CloudError: refused, nothing was made.
            HalfMadeError: it exists but is not ready.
        """
        self._throttle(request)
        with self._cloud.transaction():
            place = self._package.place(request)
            for kind in ("quota", "stockout"):
                error = self._package.fault(kind, request, place)
                if error and self._strikes(kind, request):
                    raise error
            resource = self._reserve(request, place)
        try:
            self._package.apply(request, resource)
        except CloudError:
            if self._package.observe(request, resource) is None:
                self._cloud.remove(resource)
            raise
        return resource.id, self._make_ready(request, resource, "create")

    def _reserve(self, request: Request, place: Place) -> CloudResource:
        """Take the name, or take over what an interrupted run left behind for the same URN."""
        scope = self._scope(request)
        left = [found for found in self._cloud.of_urn(request.urn) if found.orphan]
        for found in left:
            if found.id == place.id and found.scope == scope:
                return self._cloud.save(dataclasses.replace(found, orphan=False, inputs=seal(request.raw)))
        for found in left:
            self._warn(
                f"An interrupted run left {found.type} {found.id} behind under another name. The real cloud would keep "
                "it, and charge for it, until it is deleted by hand; here it is removed."
            )
            self._cloud.remove(found)
        if self._cloud.find(request.token, place.id, scope):
            raise self._exists(request, place)
        self._package.admit(request, place)
        return self._cloud.add(
            CloudResource(
                type=request.token,
                id=place.id,
                name=place.name,
                urn=request.urn,
                state="creating",
                inputs=seal(request.raw),
                outputs=seal(request.raw),
                scope=scope,
                created=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                parent=place.parent.key if place.parent else None,
            )
        )

    def _scope(self, request: Request) -> str:
        """Within which ids are unique: what can be had twice, within its URN."""
        return request.urn if request.rules.shared else self._package.scope(request.config)

    def _exists(self, request: Request, place: Place) -> CloudError:
        plural = request.rules.plural or request.token.rpartition(":")[2].lower()
        return CloudError(409, self._message("exists", id=place.id, name=place.name, urn=request.urn, plural=plural))

    def _message(self, kind: str, /, **fields: str) -> str:
        text: str = self._package.rules.data["messages"][kind]
        return text.format(**fields)

    def _make_ready(self, request: Request, resource: CloudResource, verb: Verb) -> Properties:
        course = self._package.course(request, resource, verb)
        seconds, problems = course.seconds, list(course.problems)
        limit = request.timeout or request.rules.timeout
        if seconds > limit or self._strikes("timeout", request):
            seconds = limit
            problems = problems or self._package.not_ready(request, resource, limit)
        elif self._strikes("partial", request):
            problems = self._package.not_ready(request, resource, None)
        elif verb == "create" and (short := self._package.short_of_capacity(request, resource)):
            problems = short if self._strikes("stockout", request) else problems
        if not self._clock.wait(request.urn, course.waits_for, seconds, request.cancelled):
            problems = [f"cancelled while waiting ({course.waits_for}); the next `pulumi up` goes on with it"]
        elif not problems:
            problems = self._package.settle(request, resource, seconds)
        # drawn up last, so that what the resource lives on is ready too
        outputs: Properties = merge(self._package.outputs(request, resource), request.raw)
        outputs |= self._package.answers(request, resource)
        outputs.pop("__defaults", None)
        self._cloud.save(
            dataclasses.replace(
                resource,
                state="tainted" if problems else "ready",
                inputs=seal(request.raw),
                outputs=seal(outputs),
            )
        )
        if problems:
            raise HalfMadeError(resource, outputs, problems)
        return outputs

    def update(self, request: Request, id_: str) -> Properties:
        """Change a resource to the new inputs; make it ready where it was not. Returns its outputs.

        Raises:
            CloudError: it does not exist, or the cloud refuses.
            HalfMadeError: it was changed but is not ready.
        """
        self._throttle(request)
        resource = self._cloud.find(request.token, id_, self._scope(request))
        if resource is None:
            raise CloudError(
                404, f"{id_} no longer exists: it was deleted outside Pulumi. Run `pulumi refresh`, then `pulumi up`."
            )
        self._package.apply(request, resource)
        return self._make_ready(request, resource, "create" if resource.state in ("creating", "tainted") else "update")

    def read(self, request: Request, id_: str) -> CloudResource | None:
        """What exists; None when it is gone. Raises CloudError if its cloud cannot be reached."""
        resource = self._cloud.find(request.token, id_, self._scope(request))
        if resource is None:
            return None
        seen = self._package.observe(request, resource)
        if seen is None:
            self._cloud.remove(resource)
        elif seen != resource:
            self._cloud.save(seen)
        return seen

    def delete(self, request: Request, id_: str) -> None:
        """Delete a resource and what lives in it. What is gone already counts as deleted.

        Raises:
            CloudError: the cloud refuses, for example because something else uses it.
        """
        self._throttle(request)
        with self._cloud.transaction():
            resource = self._cloud.find(request.token, id_, self._scope(request))
            if resource is None:
                return
            self._package.refuse_delete(resource)
            for child in self._cloud.children(resource):
                inside = load_rules(child.provider).of(child.type).inside
                if inside and inside.on_delete == "refuse":
                    kind = resource.type.rpartition(":")[2].lower()
                    raise CloudError(400, self._message("in_use", kind=kind, id=resource.id, user=child.id))
            resource = self._cloud.save(dataclasses.replace(resource, state="deleting"))
        seconds, late = request.rules.seconds["delete"], self._strikes("timeout", request)
        if late:
            seconds = request.timeout or request.rules.timeout
        if not self._clock.wait(request.urn, "deletion", seconds, request.cancelled):
            raise CloudError(503, f"The deletion of {id_} was cancelled; the next `pulumi destroy` goes on with it.")
        if late:
            waited = f"timeout: {seconds / 60:.0f}m0s"
            raise CloudError(504, f"timeout while waiting for {id_} to be deleted (last state: 'DELETING', {waited})")
        self._package.erase(request, resource)
        self._cloud.remove(resource)
        self._package.deleted(resource)

    def _strikes(self, kind: Kind, request: Request) -> bool:
        words = (request.token, request.resource_name, self._package.traits(request.inputs))
        return self._faults.strikes(kind, " ".join(words))

    def _throttle(self, request: Request) -> None:
        for attempt, seconds in enumerate(BACKOFF_SECONDS, 1):
            if not self._strikes("throttle", request):
                return
            reason = f"asked too often ({self._message('throttled')}), attempt {attempt + 1}"
            self._clock.wait(request.urn, reason, seconds, request.cancelled)
