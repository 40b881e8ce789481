"""What talks to what: the arrows of a picture, from the resources of a stack."""

import json
from collections.abc import Iterator, Mapping

from cli.diff.recording import Step
from cli.graph.boxes import Nesting
from cli.graph.describe import is_balancer, pod_spec, scales
from cli.graph.picture import Arrow, Box, Kind
from cli.graph.resources import Resources, entries_of, get, inputs_of, items_of
from cli.graph.types import load_types

PODS = ("kubernetes:apps/v1:Deployment", "kubernetes:apps/v1:StatefulSet")
JOBS = ("kubernetes:batch/v1:Job", "kubernetes:batch/v1:CronJob")
BALANCER, HOST = "oci:NetworkLoadBalancer/networkLoadBalancer:NetworkLoadBalancer", "oci:Core/instance:Instance"
GATEWAYS = ("gcp:compute/routerNat:RouterNat", "oci:Core/natGateway:NatGateway")
CLIENTS, HUB = "clients", "Hugging Face Hub"


class Traffic:
    """Finds out what uses what. What is used and no part of the stack gets a box of its own."""

    def __init__(self, resources: Resources, nesting: Nesting) -> None:
        self._resources = resources
        self._nesting = nesting
        self.outside: dict[str, Box] = {}

    def arrows(self) -> tuple[Arrow, ...]:
        """Return them in the order in which they are read: requests first."""
        found = [*self._requests(), *self._scaling(), *self._storage(), *self._downloads(), *self._rights()]
        return tuple(dict.fromkeys(found))

    def _requests(self) -> Iterator[Arrow]:
        for service in self._resources.of("kubernetes:core/v1:Service"):
            selector = entries_of(inputs_of(service), "spec", "selector")
            behind = [each for each in self._resources.of(*PODS) if selector and _has_labels(each, selector)]
            if self._nesting.component(service):
                continue
            if behind:
                yield Arrow(start=self._clients(service), end=service.urn, text=_coming_in(service))
            for pods in behind:
                yield Arrow(start=service.urn, end=pods.urn, text="passes requests on to the pods that are ready")
        yield from self._hosts()

    def _hosts(self) -> Iterator[Arrow]:
        for balancer in self._resources.of(BALANCER):
            private = get(inputs_of(balancer), "isPrivate")
            client = self._box(CLIENTS, Kind.CLIENTS, "Clients", "inside the network" if private else "anywhere")
            yield Arrow(start=client, end=balancer.urn, text="requests, on its ports")
            backends = self._resources.siblings(balancer, "oci:NetworkLoadBalancer/backend:Backend")
            for host in self._resources.of(HOST):
                ports = {get(inputs_of(each), "port") for each in backends if host in self._resources.needs(each, HOST)}
                if ports:
                    told = ", ".join(str(port) for port in sorted(ports, key=str))
                    yield Arrow(
                        start=balancer.urn, end=host.urn, text=f"passes requests on to the hosts that are ready: {told}"
                    )
        for bastion in self._resources.of("oci:Bastion/bastion:Bastion"):
            ranges = ", ".join(str(each) for each in items_of(inputs_of(bastion), "clientCidrBlockAllowLists"))
            people = self._box("administrators", Kind.CLIENTS, "Administrators", f"from {ranges}" if ranges else "")
            yield Arrow(start=people, end=bastion.urn, text="open a session")
            for host in self._resources.siblings(bastion, HOST):
                yield Arrow(start=bastion.urn, end=host.urn, text="SSH")

    def _scaling(self) -> Iterator[Arrow]:
        adapters = self._resources.of("llm-serving:index:CustomMetricsAdapter")
        for scaler in self._resources.of("kubernetes:autoscaling/v2:HorizontalPodAutoscaler"):
            for pods in self._resources.of(*PODS):
                if scales(scaler, pods):
                    yield Arrow(start=scaler.urn, end=pods.urn, text="sets how many pods there are", rights=True)
            kinds = {get(each, "type") for each in items_of(inputs_of(scaler), "spec", "metrics")}
            for adapter in adapters if kinds - {"Resource"} else ():
                yield Arrow(
                    start=scaler.urn, end=adapter.urn, text="asks for the metric that it scales by", rights=True
                )

    def _storage(self) -> Iterator[Arrow]:
        for pods in self._resources.of(*PODS, *JOBS):
            mounted = items_of(pod_spec(pods), "volumes")
            for bucket in self._resources.needs(pods, "gcp:storage/bucket:Bucket"):
                volumes = [
                    entries_of(each, "csi")
                    for each in mounted
                    if "bucketName" in entries_of(each, "csi", "volumeAttributes")
                ]
                reads = bool(volumes) and all(each.get("readOnly") for each in volumes)
                text = "reads files of the model" if reads else "reads and writes files of the model"
                yield Arrow(start=pods.urn, end=bucket.urn, text=text)
            for claim in self._resources.needs(pods, "kubernetes:core/v1:PersistentVolumeClaim"):
                yield Arrow(start=pods.urn, end=claim.urn, text="mounts it")
        for attachment in self._resources.of("oci:Core/volumeAttachment:VolumeAttachment"):
            for host in self._resources.needs(attachment, HOST):
                for volume in self._resources.needs(attachment, "oci:Core/volume:Volume"):
                    yield Arrow(start=host.urn, end=volume.urn, text="keeps files on it")

    def _downloads(self) -> Iterator[Arrow]:
        for pods in self._resources.of(*PODS, *JOBS):
            told = json.dumps(inputs_of(pods))
            for title, texts in load_types().outside.items():
                if any(text in told for text in texts):
                    yield from self._download(pods, title)
        for host in self._resources.of(HOST):
            # what a host downloads is not known before it is there; that it is given a token tells
            if get(self._resources.outputs, "model") and self._resources.siblings(host, "oci:Vault/secret:Secret"):
                yield from self._download(host, HUB)

    def _download(self, reader: Step, title: str) -> Iterator[Arrow]:
        place = self._box(title, Kind.OUTSIDE, title, "on the internet")
        gateway = next(iter(self._resources.of(*GATEWAYS)), None)
        yield Arrow(start=reader.urn, end=gateway.urn if gateway else place, text="downloads the model")
        if gateway:
            yield Arrow(start=gateway.urn, end=place, text="the way out for machines without public addresses")

    def _rights(self) -> Iterator[Arrow]:
        for identity in self._resources.of(*load_types().components):
            accounts = [
                each
                for each in self._resources.of("kubernetes:core/v1:ServiceAccount")
                if self._nesting.component(each) == identity
            ]
            names = [account.urn for account in accounts]
            for pods in self._resources.of(*PODS, *JOBS):
                if any(each.urn in names for each in self._resources.needs(pods, "kubernetes:core/v1:ServiceAccount")):
                    yield Arrow(start=pods.urn, end=identity.urn, text="acts as it", rights=True)
            for member in self._resources.of("gcp:storage/bucketIAMMember:BucketIAMMember"):
                if self._nesting.component(member) == identity:
                    role = str(get(inputs_of(member), "role"))
                    for bucket in self._resources.needs(member, "gcp:storage/bucket:Bucket"):
                        text = load_types().rights.get(role, f"has {role} on")
                        yield Arrow(start=identity.urn, end=bucket.urn, text=text, rights=True)
        for policy in self._resources.of("oci:Identity/policy:Policy"):
            for vault in self._resources.siblings(policy, "oci:Kms/vault:Vault"):
                if self._resources.needs(policy, "oci:Vault/secret:Secret"):
                    for host in self._resources.siblings(policy, HOST):
                        yield Arrow(start=host.urn, end=vault.urn, text="may read its secret", rights=True)

    def _clients(self, service: Step) -> str:
        if not is_balancer(service):
            return self._box(CLIENTS, Kind.CLIENTS, "Clients", "in the cluster, or by kubectl port-forward")
        ranges = ", ".join(str(each) for each in items_of(inputs_of(service), "spec", "loadBalancerSourceRanges"))
        return self._box(CLIENTS, Kind.CLIENTS, "Clients", f"from {ranges} alone" if ranges else "from anywhere")

    def _box(self, key: str, kind: Kind, title: str, line: str) -> str:
        known = self.outside.get(key)
        lines = (*(known.lines if known else ()), *((line,) if line and not (known and line in known.lines) else ()))
        self.outside[key] = Box(id=key, kind=kind, title=title, lines=lines, exists=True)
        return key


def _has_labels(pods: Step, selector: Mapping[str, object]) -> bool:
    labels = entries_of(inputs_of(pods), "spec", "template", "metadata", "labels")
    return all(labels.get(key) == value for key, value in selector.items())


def _coming_in(service: Step) -> str:
    ports = [str(get(each, "port")) for each in items_of(inputs_of(service), "spec", "ports")]
    return f"requests, on {'ports' if len(ports) > 1 else 'port'} {', '.join(ports)}"
