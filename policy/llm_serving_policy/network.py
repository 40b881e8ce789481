"""Policies on who may reach what is deployed."""

import ipaddress
import re
from collections.abc import Callable, Iterator
from typing import Any, cast

from pulumi_policy import EnforcementLevel, PolicyConfigSchema

from .rule import UNKNOWN, Config, Inputs, Violation, find, get, resource_policy

SHORTEST_IPV4 = 8
"""Length of the prefix of the largest private range, 10.0.0.0/8 (RFC 1918)."""
SHORTEST_IPV6 = 16
"""A provider is given /32 or /29; what is shorter is nobody's own."""

FIREWALL = "gcp:compute/firewall:Firewall"
FIREWALL_SOURCES = ("sourceRanges", "sourceTags", "sourceServiceAccounts")
FIREWALL_POLICY_RULES = (
    "gcp:compute/firewallPolicyRule:FirewallPolicyRule",
    "gcp:compute/networkFirewallPolicyRule:NetworkFirewallPolicyRule",
    "gcp:compute/regionNetworkFirewallPolicyRule:RegionNetworkFirewallPolicyRule",
)
RANGES = {
    FIREWALL: ("", "sourceRanges[]"),
    "gcp:container/cluster:Cluster": ("masterAuthorizedNetworksConfig.cidrBlocks[]", "cidrBlock"),
    "gcp:sql/databaseInstance:DatabaseInstance": ("settings.ipConfiguration.authorizedNetworks[]", "value"),
    "kubernetes:core/v1:Service": ("", "spec.loadBalancerSourceRanges[]"),
    "oci:Bastion/bastion:Bastion": ("", "clientCidrBlockAllowLists[]"),
    "oci:Core/defaultSecurityList:DefaultSecurityList": ("ingressSecurityRules[]", "source"),
    "oci:Core/networkSecurityGroupSecurityRule:NetworkSecurityGroupSecurityRule": ("", "source"),
    "oci:Core/securityList:SecurityList": ("ingressSecurityRules[]", "source"),
} | dict.fromkeys(FIREWALL_POLICY_RULES, ("", "match.srcIpRanges[]"))
"""Where each type has its rules, if it is none itself, and where a rule says from which addresses it lets in."""

RANGES_ANNOTATION = "service.beta.kubernetes.io/load-balancer-source-ranges"
INTERNAL_SERVICE = {
    "networking.gke.io/load-balancer-type": "internal",
    "cloud.google.com/load-balancer-type": "internal",
    "service.beta.kubernetes.io/oci-load-balancer-internal": "true",
    "oci-network-load-balancer.oraclecloud.com/internal": "true",
    "service.beta.kubernetes.io/aws-load-balancer-internal": "true",
    "service.beta.kubernetes.io/aws-load-balancer-scheme": "internal",
    "service.beta.kubernetes.io/azure-load-balancer-internal": "true",
}
"""Annotations of a Service whose load balancer has an internal address, by the clouds' documentation, 2026-11-21."""
INGRESS_CLASS = "kubernetes.io/ingress.class"
GATEWAY = re.compile(r"kubernetes:gateway\.networking\.k8s\.io/\w+:Gateway")
SECURITY_GROUP = "Put it into a network security group whose rules name the ranges that may reach it."

BACKEND_SERVICES = {
    "gcp:compute/backendService:BackendService": "EXTERNAL",
    "gcp:compute/regionBackendService:RegionBackendService": "INTERNAL",
}
"""Backend services of Google Cloud, with the scheme that each has by default."""


def check_open_ranges(resource_type: str, inputs: Inputs, config: Config) -> Iterator[Violation]:
    """Find source ranges that are everybody's."""
    shortest = {
        4: int(config.get("shortestIpv4Prefix", SHORTEST_IPV4)),
        6: int(config.get("shortestIpv6Prefix", SHORTEST_IPV6)),
    }
    for path, source in _sources(resource_type, inputs):
        try:
            network = ipaddress.ip_network(source, strict=False)
        except ValueError:
            continue  # the name of a group of addresses
        if network.prefixlen < shortest[network.version]:
            whom = f"2^{network.max_prefixlen - network.prefixlen} addresses" if network.prefixlen else "everybody"
            remedy = "Name the ranges of those who use it, such as your office's or VPN's."
            yield Violation(path, f"{source} lets in {whom}.", remedy)


def _sources(resource_type: str, inputs: Inputs) -> Iterator[tuple[str, str]]:
    if resource_type not in RANGES or not _lets_in(resource_type, inputs):
        return
    rules, field = RANGES[resource_type]
    for at, rule in find(inputs, rules):
        if _only_finds_path_mtu(rule):
            continue
        for path, source in find(rule, field):
            if isinstance(source, str):
                yield f"{at}.{path}".removeprefix("."), source
    annotation = _annotations(inputs).get(RANGES_ANNOTATION)
    if isinstance(annotation, str):
        for source in annotation.split(","):
            yield f"metadata.annotations.{RANGES_ANNOTATION}", source.strip()
    if resource_type == FIREWALL and not any(inputs.get(name) for name in FIREWALL_SOURCES):
        yield "sourceRanges", "0.0.0.0/0"  # which a rule without any source means


def _lets_in(resource_type: str, inputs: Inputs) -> bool:
    if inputs.get("direction") == "EGRESS" or inputs.get("disabled") is True:
        return False
    if resource_type in FIREWALL_POLICY_RULES:
        return inputs.get("action") != "deny"
    return resource_type != FIREWALL or bool(inputs.get("allows"))


def _only_finds_path_mtu(rule: Any) -> bool:
    """Whether a rule admits only what tells a sender that its packets are too big, which any router may send."""
    protocol, kind, code = (get(rule, path) for path in ("protocol", "icmpOptions.type", "icmpOptions.code"))
    return (protocol == "1" and (kind, code) == (3, 4)) or (protocol == "58" and kind == 2)


def check_endpoints(resource_type: str, inputs: Inputs, _config: Config) -> Iterator[Violation]:
    """Find what has a public address and does not say who may reach it."""
    if resource_type in PUBLIC:
        yield from PUBLIC[resource_type](inputs)
    elif resource_type in BACKEND_SERVICES:
        yield from _check_backend_service(inputs, BACKEND_SERVICES[resource_type])
    elif GATEWAY.fullmatch(resource_type) and "external" in str(get(inputs, "spec.gatewayClassName")):
        yield Violation(
            "spec.gatewayClassName",
            "the gateway has a public address, and a Gateway cannot say who may reach it.",
            "Take an internal class, such as gke-l7-rilb, or a Service with loadBalancerSourceRanges.",
        )


def _check_service(inputs: Inputs) -> Iterator[Violation]:
    notes = _annotations(inputs)
    internal = any(str(notes.get(name)).lower() == value for name, value in INTERNAL_SERVICE.items())
    ranges = get(inputs, "spec.loadBalancerSourceRanges") or notes.get(RANGES_ANNOTATION)
    if get(inputs, "spec.type") == "LoadBalancer" and not internal and not ranges:
        yield Violation(
            "spec.loadBalancerSourceRanges",
            "the load balancer has a public address that everybody can reach.",
            "List the ranges that may, or make it internal with your cloud's annotation, such as"
            " networking.gke.io/load-balancer-type: Internal.",
        )


def _check_ingress(inputs: Inputs) -> Iterator[Violation]:
    name = get(inputs, "spec.ingressClassName") or _annotations(inputs).get(INGRESS_CLASS) or "gce"
    if name == "gce":  # what GKE takes where none is named; others stand behind a Service, which is judged itself
        yield Violation(
            f"metadata.annotations.{INGRESS_CLASS}",
            "the load balancer has a public address, and an Ingress cannot say who may reach it.",
            "Set gce-internal, or take a Service with loadBalancerSourceRanges.",
        )


def _check_backend_service(inputs: Inputs, default_scheme: str) -> Iterator[Violation]:
    scheme = inputs.get("loadBalancingScheme", default_scheme)
    # what passes packets on as they are is shut off by firewall rules
    proxied = str(inputs.get("protocol", "HTTP")).startswith(("HTTP", "H2C", "GRPC"))
    if scheme in ("EXTERNAL", "EXTERNAL_MANAGED") and proxied and not inputs.get("securityPolicy"):
        yield Violation(
            "securityPolicy",
            "the backends are behind a public load balancer that everybody can reach.",
            "Name a Cloud Armor policy that lets in the ranges of those who use it.",
        )


def _check_oci_balancer(inputs: Inputs) -> Iterator[Violation]:
    if inputs.get("isPrivate") not in (True, UNKNOWN) and not inputs.get("networkSecurityGroupIds"):
        yield Violation("networkSecurityGroupIds", "the load balancer has a public address.", SECURITY_GROUP)


def _check_oci_instance(inputs: Inputs) -> Iterator[Violation]:
    card = inputs.get("createVnicDetails")
    if str(get(card, "assignPublicIp")).lower() == "true" and not get(card, "nsgIds"):
        yield Violation("createVnicDetails.nsgIds", "the instance has a public address.", SECURITY_GROUP)


def _check_oke(inputs: Inputs) -> Iterator[Violation]:
    endpoint = inputs.get("endpointConfig")
    if get(endpoint, "isPublicIpEnabled") is True and not get(endpoint, "nsgIds"):
        yield Violation("endpointConfig.nsgIds", "the control plane has a public address.", SECURITY_GROUP)


PUBLIC: dict[str, Callable[[Inputs], Iterator[Violation]]] = {
    "kubernetes:core/v1:Service": _check_service,
    "kubernetes:networking.k8s.io/v1:Ingress": _check_ingress,
    "oci:ContainerEngine/cluster:Cluster": _check_oke,
    "oci:Core/instance:Instance": _check_oci_instance,
    "oci:LoadBalancer/loadBalancer:LoadBalancer": _check_oci_balancer,
    "oci:NetworkLoadBalancer/networkLoadBalancer:NetworkLoadBalancer": _check_oci_balancer,
}
"""What each type is asked."""


def check_control_planes(resource_type: str, inputs: Inputs, _config: Config) -> Iterator[Violation]:
    """Find control planes of GKE that any address can reach."""
    if resource_type != "gcp:container/cluster:Cluster":
        return
    closed = (
        get(inputs, "privateClusterConfig.enablePrivateEndpoint") in (True, UNKNOWN)
        or get(inputs, "controlPlaneEndpointsConfig.ipEndpointsConfig.enabled") in (False, UNKNOWN)
        or inputs.get("masterAuthorizedNetworksConfig")
    )
    if not closed:
        yield Violation(
            "masterAuthorizedNetworksConfig",
            "everybody can reach the control plane, and only credentials keep them out.",
            "List the networks that may in cidrBlocks (authorizedNetworks of GkeGpuCluster).",
        )


def _annotations(inputs: Inputs) -> dict[str, Any]:  # Any: a value may be unknown
    found = get(inputs, "metadata.annotations")
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


NO_OPEN_RANGES = resource_policy(
    "no-open-ranges",
    "Nothing lets in the whole internet, as 0.0.0.0/0 and ::/0 do.",
    check_open_ranges,
    PolicyConfigSchema(
        {
            "shortestIpv4Prefix": {"type": "integer", "minimum": 0, "maximum": 32, "default": SHORTEST_IPV4},
            "shortestIpv6Prefix": {"type": "integer", "minimum": 0, "maximum": 128, "default": SHORTEST_IPV6},
        }
    ),
)
ENDPOINTS_RESTRICTED = resource_policy(
    "endpoints-restricted", "What has a public address says who may reach it.", check_endpoints
)
CONTROL_PLANES_RESTRICTED = resource_policy(
    "control-planes-restricted",
    "The control plane of a GKE cluster says from where it may be reached.",
    check_control_planes,
    # credentials guard it too, and the networks of those who deploy are often not known
    enforcement_level=EnforcementLevel.ADVISORY,
)
