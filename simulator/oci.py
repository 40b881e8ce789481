"""What simulated Oracle Cloud does that its data file cannot say."""
# Not every method of a Package needs all its parameters:
# ruff: noqa: ARG002

from __future__ import annotations

import itertools
from typing import Literal

from simulator import oci_checks, oci_instances, oci_lookups, oci_network
from simulator.cloud import Cloud, CloudResource
from simulator.errors import CloudError
from simulator.faults import Faults
from simulator.oci_names import RULES, is_made_up, refusal, region_key, strings, title, unique, users
from simulator.package import Course, Package, Place, Request, Verb
from simulator.rules import TypeRules
from simulator.templates import Fields, UnknownFieldError
from simulator.values import Properties, at

REPORT = "oci:Core/computeCapacityReport:ComputeCapacityReport"


class Oci(Package):
    """Oracle Cloud."""

    rules = RULES

    def __init__(self, cloud: Cloud, faults: Faults) -> None:
        """Set up; `faults` are asked where the cloud tells of a shortage instead of refusing."""
        self._cloud = cloud
        self._faults = faults

    def complete(self, inputs: Properties, rules: TypeRules, config: Properties) -> Properties:
        """Resources take nothing from the provider's configuration but where they are."""
        return inputs

    def check(self, inputs: Properties, rules: TypeRules, config: Properties) -> dict[str, str]:
        """What Oracle's API would refuse, and the real provider lets pass."""
        if not config.get("region"):
            return {"": "No region is configured: `pulumi config set oci:region eu-frankfurt-1`, or another."}
        return oci_checks.problems(rules.token, inputs)

    def scope(self, config: Properties) -> str:
        """Oracle Cloud is one: OCIDs tell everything."""
        return ""

    def place(self, request: Request) -> Place:
        """Under a new OCID, which the resource keeps when an interrupted run is repeated."""
        rules = request.rules
        name = rules.name.property if rules.name else "displayName"
        shown = str(at(request.inputs, name) or request.inputs.get("secretName") or request.resource_name)
        inside = rules.inside
        parent = self._cloud.find(inside.type, str(at(request.inputs, inside.property))) if inside else None
        taken = {found.id for found in self._cloud.of_urn(request.urn) if not found.orphan}
        id_ = ""
        for attempt in itertools.count():
            before, id_ = id_, self._id(request, f"{request.urn} {attempt}")
            if id_ not in taken or id_ == before:
                break
        return Place(id_, shown, parent=parent)

    def _id(self, request: Request, seed: str) -> str:
        fields = Fields({"name": request.resource_name, **request.inputs}, seed)
        fields |= {"unique": unique(seed), "region_key": region_key(str(request.config.get("region")))}
        try:
            return fields.fill(request.rules.id)
        except UnknownFieldError:
            return request.resource_name

    def traits(self, inputs: Properties) -> str:
        """The GPUs, shape and availability domain of an instance or of a report on its capacity."""
        return oci_instances.traits(inputs)

    def admit(self, request: Request, place: Place) -> None:
        """What is named exists, and the instance can be launched where it is to be."""
        everything = self._cloud.all()
        # some OCIDs, such as that of a VCN's own route table, are outputs of another resource
        known = {found.id for found in everything}
        known |= {text for found in everything for text in strings(found.outputs) - strings(found.inputs)}
        for ocid in strings({key: request.inputs[key] for key in request.inputs if key != "metadata"}):
            if is_made_up(ocid) and ocid not in known and not oci_lookups.exists(ocid, _region(request)):
                raise refusal(
                    404,
                    "NotAuthorizedOrNotFound",
                    f"Authorization failed or requested resource not found: {ocid}.",
                    request.token,
                )
        oci_network.admit(request, everything)
        oci_instances.admit(request, everything, _region(request))

    def fault(self, kind: Literal["quota", "stockout"], request: Request, place: Place) -> CloudError | None:
        """A service limit of 0, or no host left in the availability domain."""
        if kind == "stockout":
            return oci_instances.out_of_capacity(request)
        limit = oci_instances.limit_of(request.inputs) or request.rules.quota
        return oci_instances.limit_exceeded(limit, request.token) if limit else None

    def course(self, request: Request, resource: CloudResource, verb: Verb) -> Course:
        """As long as the data file says; bare metal takes its time."""
        seconds = request.rules.seconds[verb]
        if verb == "create" and oci_instances.is_bare_metal(request.inputs):
            seconds = self.rules.data["bare_metal"]["create"]
        return Course(seconds, request.rules.waits_for)

    def not_ready(self, request: Request, resource: CloudResource, waited: float | None) -> list[str]:
        """In the words of the oci provider."""
        wanted = request.rules.outputs.get("state", "AVAILABLE")
        if waited is None:
            return [f"unexpected state 'TERMINATED', wanted target '{wanted}'. {resource.id} exists half-made"]
        minutes, seconds = divmod(round(waited), 60)
        return [
            f"timeout while waiting for state to become '{wanted}' (last state: 'PROVISIONING', timeout: "
            f"{minutes}m{seconds}s). Raise the resource's custom_timeouts, or repeat `pulumi up`."
        ]

    def apply(self, request: Request, resource: CloudResource) -> None:
        """What an instance cannot change."""
        oci_instances.check_change(request, resource)

    def outputs(self, request: Request, resource: CloudResource) -> Properties:
        """What the cloud adds to the inputs."""
        if not request.rules.known:
            return {}
        region = _region(request)
        made_up = {"now": resource.created, "region": region, "region_key": region_key(region)}
        fields = Fields(
            {"name": resource.name, **request.inputs, **made_up},
            f"{resource.type} {resource.id}",
            lambda: self._cloud.address_of(resource),
        )
        fields["unique"] = unique(resource.id)
        named = {"name": resource.name} if request.rules.name else {"displayName": resource.name}
        common = named | fields.fill_known(dict(request.rules.outputs))
        return (
            common
            | oci_network.outputs(request, resource, self._cloud)
            | oci_instances.outputs(request, resource, self._cloud)
        )

    def answers(self, request: Request, resource: CloudResource) -> Properties:
        """Whether there is capacity."""
        if request.token != REPORT:
            return {}
        words = f"{request.token} {request.resource_name} {self.traits(request.inputs)}"
        short = self._faults.strikes("stockout", words)
        return oci_instances.report(request.inputs, self._cloud.all(), _region(request), short=short)

    def planned(self, inputs: Properties, rules: TypeRules) -> Properties:
        """Nothing: OCIDs and addresses are known after the deployment."""
        return {}

    def config_replaces(self, old: Properties, new: Properties) -> list[str]:
        """The real provider replaces nothing, whatever changes."""
        return []

    def refuse_delete(self, resource: CloudResource) -> None:
        """What others name stays."""
        if resource.type not in self.rules.data["blocked"]["types"]:
            return
        for user in users(resource, self._cloud.all()):
            message = self.rules.data["messages"]["in_use"].format(
                kind=title(resource.type), id=resource.id, user=f"{title(user.type)} {user.id}"
            )
            raise refusal(409, "Conflict", message, resource.type)

    def invoke(self, token: str, arguments: Properties, config: Properties) -> Properties | None:
        """The functions that the components call; None for one that the simulator does not know."""
        return oci_lookups.invoke(token, arguments, config, self._cloud)


def _region(request: Request) -> str:
    return str(request.config.get("region"))
