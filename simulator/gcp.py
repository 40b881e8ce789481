"""What simulated Google Cloud does that its data file cannot say."""
# Not every method of a Package needs all its parameters:
# ruff: noqa: ARG002

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from simulator import nodes
from simulator.cloud import Cloud, CloudResource
from simulator.errors import CloudError
from simulator.package import Course, Package, Place, Request, Verb
from simulator.rules import TypeRules, load_rules
from simulator.templates import Fields, UnknownFieldError
from simulator.values import UNKNOWN, Properties, is_unknown, secret

CLUSTER = "gcp:container/cluster:Cluster"
NODE_POOL = "gcp:container/nodePool:NodePool"
SERVICE = "gcp:projects/service:Service"
_IMPLICIT_NETWORK = "default"
_CLUSTER_PATH = re.compile(r"projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)/clusters/[^/]+")
_ATTRIBUTION = {"goog-pulumi-provisioned": "true"}


class Gcp(Package):
    """Google Cloud."""

    rules = load_rules("gcp")

    def __init__(self, cloud: Cloud, cluster_deleted: Callable[[], None] | None = None) -> None:
        """Set up; `cluster_deleted` is called after a cluster is gone."""
        self._cloud = cloud
        self._cluster_deleted = cluster_deleted

    def complete(self, inputs: Properties, rules: TypeRules, config: Properties) -> Properties:
        """Project, region or location from the provider's configuration."""
        given: Properties = {}
        for name in rules.scope:
            given[name] = next((config[key] for key in self.rules.fallbacks[name] if config.get(key)), None)
        if rules.token == NODE_POOL:
            cluster = str(inputs.get("cluster"))
            if match := _CLUSTER_PATH.fullmatch(cluster):
                given |= match.groupdict()
            elif is_unknown(cluster):
                given |= {"project": UNKNOWN, "location": UNKNOWN}
        return {**{key: value for key, value in given.items() if value}, **inputs}

    def check(self, inputs: Properties, rules: TypeRules, config: Properties) -> dict[str, str]:
        """A project, region or location must be known."""
        completed = self.complete(inputs, rules, config)
        return {
            name: f"{name}: required field is not set. Set it on the resource, or `pulumi config set gcp:"
            f"{self.rules.fallbacks[name][0]} ...`"
            for name in rules.scope
            if not completed.get(name)
        }

    def scope(self, config: Properties) -> str:
        """Google Cloud is one: ids tell everything."""
        return ""

    def place(self, request: Request) -> Place:
        """Where the resource is, and what it lives in."""
        rules = request.rules
        name = rules.name.property if rules.name else "name"
        fields = Fields({"name": request.resource_name, **request.inputs})
        prefix = request.inputs.get(rules.name.prefix_property) if rules.name else None
        if prefix and "name" not in request.inputs:
            fields["name"] = prefix + format(Fields({}, request.urn)["hex"], "7")
        try:
            id_ = fields.fill(rules.id)
        except UnknownFieldError:
            id_ = request.resource_name
        return Place(id_, str(fields.get(name, request.resource_name)), parent=self._parent(request, fields))

    def _parent(self, request: Request, fields: Fields) -> CloudResource | None:
        inside = request.rules.inside
        if inside is None or not request.inputs.get(inside.property):
            return None
        id_ = fields.fill(inside.id)
        parent = self._cloud.find(inside.type, id_)
        if parent is None and inside.must_exist:
            raise CloudError(404, f"googleapi: Error 404: Not found: {id_}., notFound")
        return parent

    def traits(self, inputs: Properties) -> str:
        """The accelerators of a node pool: `nvidia-l4`."""
        return " ".join(nodes.accelerator_types(inputs))

    def admit(self, request: Request, place: Place) -> None:
        """The API is enabled, the zones offer what is asked for, the quota suffices."""
        project = request.inputs.get("project") or request.config.get("project") or ""
        if request.rules.api and not self._is_enabled(project, request.rules.api):
            title = self.rules.data["apis"]["titles"][request.rules.api]
            raise CloudError(
                403,
                f"googleapi: Error 403: {title} has not been used in project {project} before or it is disabled. "
                f"Enable it with gcp.projects.Service({request.rules.api!r}), on which this resource depends, "
                "then retry., accessNotConfigured",
            )
        if request.token == CLUSTER:
            nodes.check_cluster_location(request.inputs)
        elif request.token == NODE_POOL and place.parent:
            nodes.check_pool(request.inputs, place.parent)
        for metric, needed in self._demand(request, place).items():
            limit, used = self._quota(metric), self._used(metric, request)
            if used + needed > limit:
                raise _quota_error(metric, limit, used, needed, request)

    def fault(self, kind: Literal["quota", "stockout"], request: Request, place: Place) -> CloudError | None:
        """No quota at all."""
        # of a pool the scarcest: accelerators come first
        metric, needed = next(iter(self._demand(request, place).items()), ("", 0))
        return _quota_error(metric, 0, 0, needed, request) if kind == "quota" and metric else None

    def short_of_capacity(self, request: Request, resource: CloudResource) -> list[str]:
        """GKE makes the pool all the same, and goes on trying; the provider tells the state that it finds it in.

        Source: resourceContainerNodePoolCreate of terraform-provider-google, and its pull request 10121.
        """
        if request.token != NODE_POOL:
            return []
        return [f'NodePool {resource.name} was created in the error state "ERROR"']

    def _demand(self, request: Request, place: Place) -> dict[str, int]:
        if request.token == NODE_POOL and place.parent:
            return nodes.quota_of_pool(request.inputs, place.parent)
        return {request.rules.quota: 1} if request.rules.quota else {}

    def _quota(self, metric: str) -> int:
        quota = self.rules.data["quota"]
        return quota.get(metric) or quota["cpus" if metric.endswith("CPUS") else "accelerators"]

    def _used(self, metric: str, request: Request) -> int:
        region = nodes.region_of(request.inputs.get("region") or request.inputs.get("location") or "")
        used = 0
        for pool in self._cloud.of_type(NODE_POOL, part=f"/locations/{region}"):
            parent = self._cloud.find(CLUSTER, pool.id.rpartition("/nodePools/")[0])
            if parent:
                used += nodes.quota_of_pool(pool.inputs, parent).get(metric, 0)
        if metric == request.rules.quota:
            used += len(self._cloud.of_type(request.token, part=f"/{region}"))
        return used

    def _is_enabled(self, project: str, api: str) -> bool:
        apis = self.rules.data["apis"]
        bringers = [bringer for bringer, brought in apis["brings"].items() if api in brought]
        return api in apis["on"] or any(self._cloud.setting(f"{project}/{each}") for each in (api, *bringers))

    def course(self, request: Request, resource: CloudResource, verb: Verb) -> Course:
        """As long as the data file says."""
        return Course(request.rules.seconds[verb], request.rules.waits_for)

    def not_ready(self, request: Request, resource: CloudResource, waited: float | None) -> list[str]:
        """In the words of the google provider and of GKE."""
        title = {CLUSTER: "GKE cluster", NODE_POOL: "GKE NodePool"}.get(request.token, f"to create {resource.id}")
        told = f"the operation ended with an error; {resource.id} exists half-made"
        if waited is not None:
            minutes, seconds = divmod(round(waited), 60)
            told = (
                "timeout while waiting for state to become 'DONE' (last state: 'RUNNING', timeout: "
                f"{minutes}m{seconds}s). Raise the resource's custom_timeouts, or repeat `pulumi up`."
            )
        elif request.token in (CLUSTER, NODE_POOL):
            told = (
                "All cluster resources were brought up, but: only 0 nodes out of 1 have registered; cluster may be "
                "unhealthy."
            )
        return [f"Error waiting for creating {title}: {told}"]

    def outputs(self, request: Request, resource: CloudResource) -> Properties:
        """What the cloud adds to the inputs."""
        rules, inputs = request.rules, request.inputs
        version = self.rules.data["kubernetes_versions"]["current"]
        named = {"name": resource.name} if rules.name is None or rules.name.property == "name" else {}
        made_up = {"now": resource.created, "kubernetes_version": version}
        properties = {**named, **inputs, **made_up}
        fields = Fields(properties, f"{resource.type} {resource.id}", lambda: self._address(resource, inputs))
        outputs = self.planned(inputs, rules) | named | fields.fill(dict(rules.outputs))
        if not rules.known:
            return {}
        if rules.labels:
            effective = secret({**(inputs.get(rules.labels) or {}), **_ATTRIBUTION})
            outputs |= {"effectiveLabels": effective, "pulumiLabels": effective}
        if request.token == SERVICE:
            self._cloud.set_setting(f"{inputs['project']}/{inputs['service']}", "on")
        elif request.token == CLUSTER:
            outputs["nodeLocations"] = nodes.cluster_zones(inputs)
        elif request.token == NODE_POOL:
            outputs |= self._pool_outputs(resource, inputs)
        return outputs

    def planned(self, inputs: Properties, rules: TypeRules) -> Properties:
        """Outputs that are known before the deployment."""
        scope = {key: inputs[key] for key in rules.scope if key in inputs}
        return scope | Fields(inputs).fill_known(dict(rules.planned))

    def _address(self, resource: CloudResource, inputs: Properties) -> str:
        if inputs.get("ipVersion") == "IPV6":
            # RFC 3849; as unique as the IPv4 address in its last part
            return "2001:db8::" + self._cloud.address_of(resource).replace(".", ":")
        return self._cloud.address_of(resource)

    def _pool_outputs(self, resource: CloudResource, inputs: Properties) -> Properties:
        cluster = self._cloud.find(CLUSTER, resource.id.rpartition("/nodePools/")[0])
        if cluster is None:
            raise CloudError(404, f"googleapi: Error 404: Not found: {resource.id.rpartition('/nodePools/')[0]}.")
        zones = nodes.pool_zones(inputs, cluster)
        digits = format(Fields({}, resource.id)["hex"], "8")
        base = f"https://www.googleapis.com/compute/v1/projects/{inputs['project']}/zones"
        groups = [f"{base}/{zone}/instanceGroups/gke-{cluster.name}-{resource.name}-{digits}-grp" for zone in zones]
        return {
            "nodeLocations": zones,
            "nodeCount": nodes.nodes_per_zone(inputs),
            "initialNodeCount": nodes.nodes_per_zone(inputs),
            "instanceGroupUrls": groups,
            "managedInstanceGroupUrls": [url.replace("/instanceGroups/", "/instanceGroupManagers/") for url in groups],
        }

    def config_replaces(self, old: Properties, new: Properties) -> list[str]:
        """Resources keep their project; the configuration is only for those that name none."""
        return []

    def refuse_delete(self, resource: CloudResource) -> None:
        """The provider refuses to delete a cluster whose deletionProtection is not false."""
        if resource.type == CLUSTER and resource.outputs.get("deletionProtection", True) is True:
            raise CloudError(
                400,
                "Cannot destroy cluster because deletion_protection is set to true. Set it to false to proceed with "
                "cluster deletion, and run `pulumi up` before `pulumi destroy`.",
            )

    def deleted(self, resource: CloudResource) -> None:
        """An API stays enabled unless `disableOnDestroy` says otherwise; a cluster takes its control plane along."""
        if resource.type == SERVICE and resource.inputs.get("disableOnDestroy") is True:
            self._cloud.set_setting(resource.id, None)
        elif resource.type == CLUSTER and self._cluster_deleted:
            self._cluster_deleted()

    def invoke(self, token: str, arguments: Properties, config: Properties) -> Properties | None:
        """The functions that the components call; None for one that the simulator does not know."""
        project = str(arguments.get("projectId") or arguments.get("project") or config.get("project") or "")
        region = str(arguments.get("region") or config.get("region") or "")
        match token:
            case "gcp:organizations/getProject:getProject":
                number = Fields({"project": project})["project_number"]
                return {"id": f"projects/{project}", "projectId": project, "name": project, "number": number} | {
                    "autoCreateNetwork": True, "billingAccount": "", "deletionPolicy": "PREVENT", "folderId": "",
                    "orgId": "", "labels": {}, "effectiveLabels": secret({}), "pulumiLabels": secret({}), "tags": {},
                }  # fmt: skip
            case "gcp:organizations/getClientConfig:getClientConfig":
                return {
                    "id": f"projects/{project}/regions/{region}",
                    "accessToken": secret("simulated-access-token"),
                    "project": project,
                    "region": region,
                    "zone": str(config.get("zone") or ""),
                    "defaultLabels": {},
                }
            case "gcp:compute/getZones:getZones":
                zones = nodes.zones_of(region)
                return {
                    "id": f"projects/{project}/regions/{region}",
                    "names": zones,
                    "project": project,
                    "region": region,
                }
            case _:
                return None


def _quota_error(metric: str, limit: float, used: float, needed: float, request: Request) -> CloudError:
    project = request.inputs.get("project", "")
    if request.token not in (CLUSTER, NODE_POOL):
        region = nodes.region_of(str(request.inputs.get("region") or request.inputs.get("location") or ""))
        exceeded = f"Quota '{metric}' exceeded. Limit: {limit:.1f} in region {region}."
        return CloudError(403, f"googleapi: Error 403: {exceeded}, quotaExceeded")
    creating = "error creating NodePool: " if request.token == NODE_POOL else ""
    return CloudError(
        403,
        f'{creating}googleapi: Error 403: Insufficient regional quota to satisfy request: resource "{metric}": request '
        f"requires '{needed:.1f}' and is short '{used + needed - limit:.1f}'. project has a quota of '{limit:.1f}' "
        f"with '{limit - used:.1f}' available. View and manage quotas at "
        f"https://console.cloud.google.com/iam-admin/quotas?usage=USED&project={project}., forbidden",
    )
