"""What simulated Kubernetes clusters do that their data file cannot say."""

from __future__ import annotations

import functools
import hashlib
import json
import uuid
from typing import Any

import yaml

from simulator import pods
from simulator.cloud import Cloud, CloudResource
from simulator.errors import CloudError
from simulator.gcp import CLUSTER, NODE_POOL
from simulator.nodes import pools_of, region_of
from simulator.package import Course, Package, Place, Request, Verb
from simulator.rules import TypeRules, load_rules
from simulator.values import Properties, at, is_object

CURRENT_CONTEXT = "current context"
"""The cluster of a provider that names none of the simulated ones. Nothing is known of its nodes."""
_ADDRESS_TYPES = ("gcp:compute/address:Address", "gcp:compute/globalAddress:GlobalAddress")
_DOCUMENTATION_PREFIXES = ("192.0.2.", "198.51.100.", "203.0.113.")
_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "Pod")


class Kubernetes(Package):
    """All clusters."""

    rules = load_rules("kubernetes")

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def complete(self, inputs: Properties, rules: TypeRules, config: Properties) -> Properties:
        """The namespace, from the provider's configuration or `default`."""
        if rules.cluster_wide:
            return inputs
        metadata: Properties = inputs.get("metadata") or {}
        namespace = metadata.get("namespace") or config.get("namespace") or "default"
        return {**inputs, "metadata": {**metadata, "namespace": namespace}}

    @staticmethod
    def _cluster_of(config: Properties) -> str | None:
        kubeconfig = config.get("kubeconfig")
        return _host(kubeconfig, config.get("context")) if isinstance(kubeconfig, str) else None

    def _cluster(self, config: Properties) -> CloudResource | None:
        """The simulated cluster that the provider is configured for; None: one of which nothing is known."""
        host = self._cluster_of(config)
        if host and (found := self._cloud.at(CLUSTER, "endpoint", host)):
            return found[0]
        if host and host.startswith(_DOCUMENTATION_PREFIXES):
            raise CloudError(
                503,
                "configured Kubernetes cluster is unreachable: unable to load schema information from the API server: "
                f'Get "https://{host}/openapi/v2?timeout=32s": dial tcp {host}:443: i/o timeout. If the cluster was '
                "deleted, run the operation with the environment variable PULUMI_K8S_DELETE_UNREACHABLE set to true.",
            )
        return None

    def scope(self, config: Properties) -> str:
        """The id of the simulated cluster, or the address of another."""
        cluster = self._cluster(config)
        return cluster.id if cluster else self._cluster_of(config) or CURRENT_CONTEXT

    def place(self, request: Request) -> Place:
        """The namespace and cluster of an object."""
        cluster = self._cluster(request.config)
        name = str(at(request.inputs, "metadata", "name"))
        if request.rules.cluster_wide:
            return Place(name, name, cluster)
        namespace = str(at(request.inputs, "metadata", "namespace"))
        inside = self._cloud.find("kubernetes:core/v1:Namespace", namespace, self.scope(request.config))
        if inside is None:
            self._check_namespace(request, namespace)
        return Place(f"{namespace}/{name}", name, inside or cluster)

    def _check_namespace(self, request: Request, namespace: str) -> None:
        """Raises CloudError where there is no such namespace."""
        if namespace not in self.rules.data["namespaces"]["initial"]:
            raise CloudError(
                404,
                f'resource "{request.urn}" was not successfully created by the Kubernetes API server: namespaces '
                f'"{namespace}" not found',
            )

    def course(self, request: Request, resource: CloudResource, verb: Verb) -> Course:
        """Services wait for their address, workloads for their pods."""
        course = Course(request.rules.seconds[verb], request.rules.waits_for)
        if annotation(request, "pulumi.com/skipAwait").lower() == "true":
            return course
        kind = request.token.rpartition(":")[2]
        if kind == "Service" and at(request.inputs, "spec", "type") == "LoadBalancer":
            return self._load_balancer_course(request, resource, course)
        return self._workload_course(request, resource, kind) if kind in _WORKLOADS else course

    def _load_balancer_course(self, request: Request, resource: CloudResource, course: Course) -> Course:
        seconds = max(course.seconds, self.rules.data["speeds"]["address_seconds"])
        wanted = at(request.inputs, "spec", "loadBalancerIP")
        cluster = self._cluster(request.config)
        region = region_of(cluster.id.split("/")[3]) if cluster else ""
        reserved = [found for type_ in _ADDRESS_TYPES for found in self._cloud.at(type_, "address", str(wanted))]
        if wanted and cluster and not any(f"/regions/{region}/" in found.id for found in reserved):
            return Course(
                request.timeout or request.rules.timeout,
                "address",
                [
                    *unready(request, resource, "timed out waiting to be Ready"),
                    "Service was not allocated an IP address; does your cloud provider support this?",
                    f'Error syncing load balancer: failed to ensure load balancer: requested ip "{wanted}" is neither '
                    f"static nor assigned to the LB: reserve it in {region}",
                ],
            )
        return Course(seconds, "load balancer gets its address")

    def _workload_course(self, request: Request, resource: CloudResource, kind: str) -> Course:
        spec: Properties = request.inputs.get("spec") or {}
        pod: Properties = spec if kind == "Pod" else at(spec, "template", "spec") or {}
        replicas = int(spec.get("replicas", 1))
        expected = pods.outlook(pod, replicas, self._pools(request))
        limit, deadline = deadlines(request)
        if not expected.problem and expected.seconds <= min(limit, deadline):
            return Course(expected.seconds, request.rules.waits_for)
        problems = unready(request, resource, "timed out waiting to be Ready")
        if kind == "Deployment":
            problems.append("[MinimumReplicasUnavailable] Deployment does not have minimum availability.")
            if deadline <= limit:
                problems.append(
                    f'[ProgressDeadlineExceeded] ReplicaSet "{_replica_set(resource)}" has timed out progressing.'
                )
            problems.append("Minimum number of live Pods was not attained")
        reason = expected.problem or (
            f"it needs {expected.seconds:.0f} s to pull its images, fetch and load its weights, and had "
            f"{min(limit, deadline):.0f} s: raise spec.progressDeadlineSeconds and the resource's custom_timeouts"
        )
        problems.append(f"[Pod {resource.id}-{_digits(resource, 5)}]: {reason}")
        return Course(min(limit, deadline), request.rules.waits_for, problems)

    def _pools(self, request: Request) -> list[Any] | None:  # Any: Pool
        cluster = self._cluster(request.config)
        if cluster is None or cluster.inputs.get("enableAutopilot") is True:
            return None
        return pools_of(cluster, self._cloud.children(cluster, NODE_POOL))

    def not_ready(self, request: Request, resource: CloudResource, waited: float | None) -> list[str]:
        """In the words of pulumi-kubernetes."""
        if waited is None:
            return unready(request, resource, "was created but failed to initialize")
        return unready(request, resource, "timed out waiting to be Ready")

    def outputs(self, request: Request, resource: CloudResource) -> Properties:
        """What the API server and the controllers add."""
        kind = request.token.rpartition(":")[2]
        uid = uuid.UUID(bytes=hashlib.sha256(f"{resource.scope} {resource.type} {resource.id}".encode()).digest()[:16])
        added: Properties = {
            **self.planned(request.inputs, request.rules),
            "metadata": {"uid": str(uid), "creationTimestamp": resource.created},
            **dict(request.rules.outputs),
        }
        if not request.rules.cluster_wide:
            added["metadata"]["namespace"] = resource.id.partition("/")[0]
        if kind == "Service":
            added |= self._service_outputs(request, resource)
        elif kind == "Deployment":
            replicas = at(request.inputs, "spec", "replicas")
            count = 1 if replicas is None else replicas
            added["status"] = {
                "replicas": count, "updatedReplicas": count, "readyReplicas": count, "availableReplicas": count,
                "conditions": [{"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"}],
            }  # fmt: skip
        return added

    def _service_outputs(self, request: Request, resource: CloudResource) -> Properties:
        headless = at(request.inputs, "spec", "clusterIP") == "None"
        cluster_ip = "None" if headless else self._cloud.address_of(resource, "cluster")
        balancer: Properties = {}
        if at(request.inputs, "spec", "type") == "LoadBalancer":
            wanted = at(request.inputs, "spec", "loadBalancerIP")
            balancer = {"ingress": [{"ip": wanted or self._cloud.address_of(resource, "load balancer")}]}
        return {
            "spec": {"clusterIP": cluster_ip, "clusterIPs": [cluster_ip], "type": "ClusterIP"},
            "status": {"loadBalancer": balancer},
        }

    def planned(self, inputs: Properties, rules: TypeRules) -> Properties:
        """Outputs that are known before the deployment."""
        namespace = at(inputs, "metadata", "namespace")
        return {} if rules.cluster_wide or not namespace else {"metadata": {"namespace": namespace}}

    def config_replaces(self, old: Properties, new: Properties) -> list[str]:
        """Another cluster replaces everything, unless `clusterIdentifier` says that it is the same one."""
        if old.get("clusterIdentifier") and new.get("clusterIdentifier"):
            return ["clusterIdentifier"] if old["clusterIdentifier"] != new["clusterIdentifier"] else []
        # in a preview the new address may not be known: then it counts as another
        return ["kubeconfig"] if self._cluster_of(old) != self._cluster_of(new) else []


def annotation(request: Request, name: str) -> str:
    """The value of an annotation of the object; empty where it has none."""
    annotations: Properties = at(request.inputs, "metadata", "annotations") or {}
    return str(annotations.get(name) or "")


def deadlines(request: Request) -> tuple[float, float]:
    """Simulated seconds after which the provider gives up, and those after which the rollout itself has failed."""
    limit = float(annotation(request, "pulumi.com/timeoutSeconds") or request.timeout or request.rules.timeout)
    rollout = float(at(request.inputs, "spec", "progressDeadlineSeconds") or 600)
    return limit, rollout if request.token.endswith(":Deployment") else limit


def unready(request: Request, resource: CloudResource, what: str) -> list[str]:
    """The error of an object that is there but not ready, in the words of pulumi-kubernetes."""
    return [
        f'resource "{request.urn}" was successfully created, but the Kubernetes API server reported that it failed to '
        f"fully initialize or become live: '{resource.name}' {what}"
    ]


def _digits(resource: CloudResource, count: int) -> str:
    return hashlib.sha256(f"{resource.scope} {resource.id}".encode()).hexdigest()[:count]


def _replica_set(resource: CloudResource) -> str:
    return f"{resource.name}-{_digits(resource, 9)}"


@functools.lru_cache
def _host(kubeconfig: str, context: str | None) -> str | None:
    """The API server's host in the text of a kubeconfig; None: it has none, or is the path of a file.

    No file is opened: a rehearsal never looks at the user's clusters.
    """
    try:
        parsed: Any = json.loads(kubeconfig)
    except ValueError:
        try:
            parsed = yaml.safe_load(kubeconfig)
        except yaml.YAMLError:
            return None
    if not is_object(parsed):
        return None
    chosen = context or parsed.get("current-context")
    contexts = {item.get("name"): item.get("context") for item in pods.objects(parsed.get("contexts"))}
    clusters = {item.get("name"): item.get("cluster") for item in pods.objects(parsed.get("clusters"))}
    cluster = clusters.get(at(contexts.get(chosen), "cluster")) or next(iter(clusters.values()), None)
    server = at(cluster, "server")
    return str(server).partition("//")[2].partition("/")[0].partition(":")[0] if server else None
