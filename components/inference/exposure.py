"""Who can reach a Service of a GKE cluster, and the load balancer that lets them."""

from __future__ import annotations  # or the SDK would be loaded for them, of whichever cloud the stack is

import ipaddress
import shlex
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Protocol

import pulumi
import pulumi_gcp as gcp
import pulumi_kubernetes as kubernetes

from ..args import Input, given
from ..findings import Finding, error, warning
from ..texts import check_text

FORWARDED_PORT = 8080
"""Local port of the port-forward that `access` proposes."""


class Exposure(StrEnum):
    """Who can reach the service."""

    CLUSTER = "cluster"
    """Pods of the cluster, and whoever may forward a port to it."""
    INTERNAL = "internal"
    """The VPC network, through an internal load balancer."""
    PUBLIC = "public"
    """The given ranges of the internet, through an external load balancer."""


class Exposed(Protocol):
    """Arguments that say who can reach a component's Service."""

    @property
    def exposure(self) -> Exposure | None:
        """Default: `cluster`."""
        ...

    @property
    def source_ranges(self) -> list[str] | None:
        """CIDR ranges that may reach the load balancer."""
        ...

    @property
    def network_policy(self) -> bool | None:
        """Whether the pods' other ports are closed. Default: true."""
        ...

    @property
    def region(self) -> str | None:
        """Region of the load balancer's address."""
        ...

    @property
    def project(self) -> Input[str] | None:
        """Project of the address."""
        ...

    @property
    def subnetwork(self) -> Input[str] | None:
        """Subnetwork of an internal load balancer's address."""
        ...


def exposure_of(args: Exposed) -> Exposure:
    """Return who can reach the service."""
    return args.exposure or Exposure.CLUSTER


def reserve_address(name: str, args: Exposed, opts: pulumi.ResourceOptions) -> gcp.compute.Address | None:
    """Register the address of the load balancer, if there is one."""
    if exposure_of(args) is Exposure.CLUSTER:
        return None
    internal = exposure_of(args) is Exposure.INTERNAL
    return gcp.compute.Address(
        f"{name}-address",
        project=args.project,
        region=args.region,
        address_type="INTERNAL" if internal else "EXTERNAL",
        **given(subnetwork=(args.subnetwork if args.subnetwork is not None else "default") if internal else None),
        opts=opts,
    )


def create_service(
    name: str,
    args: Exposed,
    *,
    namespace: pulumi.Output[str],
    labels: Mapping[str, str],
    selector: Mapping[str, str],
    ports: Mapping[str, int],
    address: gcp.compute.Address | None,
    opts: pulumi.ResourceOptions,
) -> kubernetes.core.v1.Service:
    """Register the Service `name`, of type LoadBalancer if it has an `address`.

    `ports` are its port numbers by the names that the pods' ports have, too.
    """
    internal = exposure_of(args) is Exposure.INTERNAL
    return kubernetes.core.v1.Service(
        name,
        metadata=kubernetes.meta.v1.ObjectMetaArgs(
            name=name,
            namespace=namespace,
            labels=dict(labels),
            **given(annotations={"networking.gke.io/load-balancer-type": "Internal"} if internal else None),
        ),
        spec=kubernetes.core.v1.ServiceSpecArgs(
            type="LoadBalancer" if address else "ClusterIP",
            selector=dict(selector),
            ports=[
                kubernetes.core.v1.ServicePortArgs(name=port, port=number, target_port=port)
                for port, number in ports.items()
            ],
            **given(
                load_balancer_ip=address.address if address else None,
                load_balancer_source_ranges=args.source_ranges if address else None,
            ),
        ),
        opts=opts,
    )


def close_other_ports(
    name: str,
    args: Exposed,
    *,
    namespace: pulumi.Output[str],
    selector: Mapping[str, str],
    ports: Iterable[int],
    opts: pulumi.ResourceOptions,
) -> None:
    """Register the NetworkPolicy by which the pods are reached on `ports` of theirs alone, unless `args` want none.

    From where is left open: what a load balancer forwards comes from a node, or from ranges of Google, and neither is
    something that a NetworkPolicy names. Source: docs.cilium.io/en/latest/security/policy/caveats, 2026-11-21.
    """
    if args.network_policy is False:
        return
    v1 = kubernetes.networking.v1
    v1.NetworkPolicy(
        name,
        # Pulumi names it, so that it cannot take the place of one of yours
        metadata=kubernetes.meta.v1.ObjectMetaArgs(namespace=namespace),
        spec=v1.NetworkPolicySpecArgs(
            pod_selector=kubernetes.meta.v1.LabelSelectorArgs(match_labels=dict(selector)),
            policy_types=["Ingress"],
            ingress=[
                v1.NetworkPolicyIngressRuleArgs(
                    ports=[v1.NetworkPolicyPortArgs(port=port, protocol="TCP") for port in ports]
                )
            ],
        ),
        opts=opts,
    )


def port_forward(namespace: pulumi.Output[str], service_name: pulumi.Output[str], port: int) -> pulumi.Output[str]:
    """Return what `access` says of a Service that only pods of the cluster can reach."""
    forward = f" {FORWARDED_PORT}:{port}"
    return pulumi.Output.concat(
        "port-forward: kubectl --namespace ",
        namespace.apply(shlex.quote),
        " port-forward service/",
        service_name,
        forward,
    )


def check_exposure(args: Exposed, guard: str) -> list[Finding]:
    """Return what is wrong with who can reach a Service, by path within `args`. `guard` is what holds back others."""
    exposure, ranges = exposure_of(args), args.source_ranges
    findings = check_text("google-project", args.project, "project")
    if exposure is Exposure.PUBLIC and not ranges:
        findings.append(
            error(
                "source-ranges-missing",
                "sourceRanges",
                f"a public load balancer without source ranges answers the whole internet, and {guard}.",
                "Set the ranges that may reach it: `pulumi config set --path 'sourceRanges[0]' 198.51.100.7/32`; or set"
                " exposure to internal or cluster.",
            )
        )
    if exposure is Exposure.CLUSTER and ranges:
        findings.append(
            error(
                "source-ranges-unused",
                "sourceRanges",
                "a cluster-internal service has no load balancer to hold back anyone.",
                "Remove sourceRanges, or set exposure to internal or public.",
            )
        )
    if exposure is not Exposure.CLUSTER and not args.region:
        findings.append(
            error("region-missing", "region", "the load balancer's address is reserved in a region.", "Set region.")
        )
    return [*findings, *_check_ranges(ranges or [], public=exposure is Exposure.PUBLIC)]


def _check_ranges(ranges: Sequence[str], *, public: bool) -> list[Finding]:
    findings: list[Finding] = []
    for index, text in enumerate(ranges):
        where = f"sourceRanges[{index}]"
        try:
            network = ipaddress.ip_network(text)
        except ValueError:
            findings.append(
                error("source-range-invalid", where, f"'{text}' is not a CIDR range.", "Write it as 198.51.100.0/24.")
            )
            continue
        if public and network.prefixlen == 0:
            findings.append(
                warning(
                    "source-range-open", where, f"'{text}' is the whole internet.", "Name the networks of your users."
                )
            )
    return findings
