"""Who may reach what is deployed."""

from typing import Any

import pytest
from llm_serving_policy.network import CONTROL_PLANES_RESTRICTED, ENDPOINTS_RESTRICTED, NO_OPEN_RANGES

from tests.policy.judging import UNKNOWN, judge, paths

FIREWALL = "gcp:compute/firewall:Firewall"
FIREWALL_RULE = "gcp:compute/networkFirewallPolicyRule:NetworkFirewallPolicyRule"
CLUSTER = "gcp:container/cluster:Cluster"
SERVICE = "kubernetes:core/v1:Service"
INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"
GATEWAY = "kubernetes:gateway.networking.k8s.io/v1:Gateway"
SECURITY_LIST = "oci:Core/securityList:SecurityList"
DEFAULT_SECURITY_LIST = "oci:Core/defaultSecurityList:DefaultSecurityList"
SECURITY_RULE = "oci:Core/networkSecurityGroupSecurityRule:NetworkSecurityGroupSecurityRule"
BASTION = "oci:Bastion/bastion:Bastion"
NLB = "oci:NetworkLoadBalancer/networkLoadBalancer:NetworkLoadBalancer"
LB = "oci:LoadBalancer/loadBalancer:LoadBalancer"
INSTANCE = "oci:Core/instance:Instance"
OKE = "oci:ContainerEngine/cluster:Cluster"
BACKEND = "gcp:compute/backendService:BackendService"
REGION_BACKEND = "gcp:compute/regionBackendService:RegionBackendService"
RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges"
ALLOW = {"allows": [{"protocol": "tcp", "ports": ["80"]}]}


def service(annotations: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "llm", "annotations": annotations}, "spec": {"type": "LoadBalancer", **spec}}


@pytest.mark.parametrize(
    ("resource_type", "inputs", "path"),
    [
        (FIREWALL, {**ALLOW, "sourceRanges": ["203.0.113.0/24", "0.0.0.0/0"]}, "sourceRanges[1]"),
        (FIREWALL, {**ALLOW, "sourceRanges": ["::/0"]}, "sourceRanges[0]"),
        (FIREWALL, ALLOW, "sourceRanges"),
        (FIREWALL_RULE, {"direction": "INGRESS", "action": "allow", "match": {"srcIpRanges": ["0.0.0.0/0"]}},
         "match.srcIpRanges[0]"),
        (CLUSTER, {"masterAuthorizedNetworksConfig": {"cidrBlocks": [{"cidrBlock": "0.0.0.0/0"}]}},
         "masterAuthorizedNetworksConfig.cidrBlocks[0].cidrBlock"),
        (SERVICE, service(loadBalancerSourceRanges=["0.0.0.0/0"]), "spec.loadBalancerSourceRanges[0]"),
        (SERVICE, service({RANGES: "203.0.113.0/24, ::/0"}), f"metadata.annotations.{RANGES}"),
        (SECURITY_LIST, {"ingressSecurityRules": [{"protocol": "6", "source": "0.0.0.0/0"}]},
         "ingressSecurityRules[0].source"),
        (DEFAULT_SECURITY_LIST, {"ingressSecurityRules": [{"protocol": "all", "source": "::/0"}]},
         "ingressSecurityRules[0].source"),
        (SECURITY_RULE, {"direction": "INGRESS", "protocol": "6", "source": "0.0.0.0/0"}, "source"),
        (SECURITY_RULE, {"direction": "INGRESS", "protocol": "1", "source": "0.0.0.0/0", "icmpOptions": {"type": 8}},
         "source"),
        (BASTION, {"clientCidrBlockAllowLists": ["0.0.0.0/0"]}, "clientCidrBlockAllowLists[0]"),
        ("gcp:sql/databaseInstance:DatabaseInstance",
         {"settings": {"ipConfiguration": {"authorizedNetworks": [{"value": "0.0.0.0/0"}]}}},
         "settings.ipConfiguration.authorizedNetworks[0].value"),
        # two halves of the internet
        (FIREWALL, {**ALLOW, "sourceRanges": ["128.0.0.0/1"]}, "sourceRanges[0]"),
    ],
)  # fmt: skip
def test_open_ranges_are_found(resource_type: str, inputs: dict[str, Any], path: str) -> None:
    assert paths(NO_OPEN_RANGES, resource_type, inputs) == [path]


@pytest.mark.parametrize(
    ("resource_type", "inputs"),
    [
        (FIREWALL, {**ALLOW, "sourceRanges": ["203.0.113.0/24", "10.0.0.0/8"]}),
        (FIREWALL, {**ALLOW, "sourceTags": ["web"]}),
        (FIREWALL, {**ALLOW, "sourceRanges": UNKNOWN}),
        (FIREWALL, {**ALLOW, "sourceRanges": [UNKNOWN]}),
        (FIREWALL, {**ALLOW, "direction": "EGRESS", "destinationRanges": ["0.0.0.0/0"]}),
        (FIREWALL, {"denies": [{"protocol": "all"}], "sourceRanges": ["0.0.0.0/0"]}),
        (FIREWALL, {**ALLOW, "disabled": True, "sourceRanges": ["0.0.0.0/0"]}),
        (FIREWALL_RULE, {"direction": "INGRESS", "action": "deny", "match": {"srcIpRanges": ["0.0.0.0/0"]}}),
        (SERVICE, service(loadBalancerSourceRanges=["203.0.113.0/24", "2001:db8::/32"])),
        (SECURITY_LIST, {"egressSecurityRules": [{"protocol": "all", "destination": "0.0.0.0/0"}]}),
        (SECURITY_RULE, {"direction": "EGRESS", "protocol": "all", "destination": "0.0.0.0/0"}),
        (SECURITY_RULE, {"direction": "INGRESS", "protocol": "6", "source": "ocid1.networksecuritygroup.oc1..a"}),
        # without which larger packets get lost on the way
        (SECURITY_RULE, {"direction": "INGRESS", "protocol": "1", "source": "0.0.0.0/0",
                         "icmpOptions": {"type": 3, "code": 4}}),
        (SECURITY_LIST, {"ingressSecurityRules": [{"protocol": "58", "source": "::/0", "icmpOptions": {"type": 2}}]}),
        ("gcp:compute/route:Route", {"destRange": "0.0.0.0/0"}),
    ],
)  # fmt: skip
def test_named_ranges_pass(resource_type: str, inputs: dict[str, Any]) -> None:
    assert judge(NO_OPEN_RANGES, resource_type, inputs) == []


def test_how_large_a_range_may_be_is_configured() -> None:
    inputs = {**ALLOW, "sourceRanges": ["10.0.0.0/8"]}
    assert judge(NO_OPEN_RANGES, FIREWALL, inputs, {"shortestIpv4Prefix": 8.0}) == []
    (report,) = judge(NO_OPEN_RANGES, FIREWALL, inputs, {"shortestIpv4Prefix": 9.0})
    assert "lets in 2^24 addresses" in report
    inputs = {**ALLOW, "sourceRanges": ["2001:db8::/32"]}
    assert len(judge(NO_OPEN_RANGES, FIREWALL, inputs, {"shortestIpv6Prefix": 48.0})) == 1


def test_a_report_says_what_is_wrong_where_and_what_to_do() -> None:
    (report,) = judge(NO_OPEN_RANGES, FIREWALL, {**ALLOW, "sourceRanges": ["0.0.0.0/0"]})
    assert report == (
        "sourceRanges[0]: 0.0.0.0/0 lets in everybody. Name the ranges of those who use it, such as your office's or"
        " VPN's."
    )


@pytest.mark.parametrize(
    ("resource_type", "inputs", "path"),
    [
        (SERVICE, service(), "spec.loadBalancerSourceRanges"),
        (SERVICE, service(loadBalancerSourceRanges=[]), "spec.loadBalancerSourceRanges"),
        (SERVICE, service({"networking.gke.io/load-balancer-type": "External"}), "spec.loadBalancerSourceRanges"),
        (INGRESS, {"spec": {"rules": []}}, "metadata.annotations.kubernetes.io/ingress.class"),
        (INGRESS, {"metadata": {"annotations": {"kubernetes.io/ingress.class": "gce"}}},
         "metadata.annotations.kubernetes.io/ingress.class"),
        (GATEWAY, {"spec": {"gatewayClassName": "gke-l7-global-external-managed"}}, "spec.gatewayClassName"),
        (NLB, {"isPrivate": False}, "networkSecurityGroupIds"),
        (LB, {"networkSecurityGroupIds": []}, "networkSecurityGroupIds"),
        (INSTANCE, {"createVnicDetails": {"assignPublicIp": "true"}}, "createVnicDetails.nsgIds"),
        (OKE, {"endpointConfig": {"isPublicIpEnabled": True}}, "endpointConfig.nsgIds"),
        (BACKEND, {}, "securityPolicy"),
        (BACKEND, {"loadBalancingScheme": "EXTERNAL_MANAGED", "protocol": "HTTPS"}, "securityPolicy"),
        (REGION_BACKEND, {"loadBalancingScheme": "EXTERNAL_MANAGED"}, "securityPolicy"),
    ],
)  # fmt: skip
def test_open_endpoints_are_found(resource_type: str, inputs: dict[str, Any], path: str) -> None:
    assert paths(ENDPOINTS_RESTRICTED, resource_type, inputs) == [path]


@pytest.mark.parametrize(
    ("resource_type", "inputs"),
    [
        (SERVICE, service(loadBalancerSourceRanges=["203.0.113.0/24"])),
        (SERVICE, service(loadBalancerSourceRanges=UNKNOWN)),
        (SERVICE, service({RANGES: "203.0.113.0/24"})),
        (SERVICE, service({"networking.gke.io/load-balancer-type": "Internal"})),
        (SERVICE, service({"oci-network-load-balancer.oraclecloud.com/internal": "true"})),
        (SERVICE, {"spec": {"type": "ClusterIP"}}),
        (SERVICE, {"spec": UNKNOWN}),
        (INGRESS, {"metadata": {"annotations": {"kubernetes.io/ingress.class": "gce-internal"}}}),
        (INGRESS, {"spec": {"ingressClassName": "nginx"}}),
        (GATEWAY, {"spec": {"gatewayClassName": "gke-l7-rilb"}}),
        (NLB, {"isPrivate": True}),
        (NLB, {"isPrivate": False, "networkSecurityGroupIds": UNKNOWN}),
        (INSTANCE, {"createVnicDetails": {"assignPublicIp": "true", "nsgIds": ["ocid1.networksecuritygroup.oc1..a"]}}),
        (INSTANCE, {"createVnicDetails": {"assignPublicIp": "false"}}),
        (OKE, {"endpointConfig": {"isPublicIpEnabled": False}}),
        (BACKEND, {"securityPolicy": "office"}),
        (BACKEND, {"loadBalancingScheme": "INTERNAL_MANAGED"}),
        (BACKEND, {"protocol": "TCP"}),
        (REGION_BACKEND, {}),
    ],
)
def test_closed_endpoints_pass(resource_type: str, inputs: dict[str, Any]) -> None:
    assert judge(ENDPOINTS_RESTRICTED, resource_type, inputs) == []


@pytest.mark.parametrize(
    "inputs",
    [
        {"privateClusterConfig": {"enablePrivateEndpoint": False}},
        {"controlPlaneEndpointsConfig": {"ipEndpointsConfig": {"enabled": True}}},
        {},
    ],
)
def test_open_control_planes_are_found(inputs: dict[str, Any]) -> None:
    assert paths(CONTROL_PLANES_RESTRICTED, CLUSTER, inputs) == ["masterAuthorizedNetworksConfig"]


@pytest.mark.parametrize(
    "inputs",
    [
        {"privateClusterConfig": {"enablePrivateEndpoint": True}},
        {"controlPlaneEndpointsConfig": {"ipEndpointsConfig": {"enabled": False}}},
        {"masterAuthorizedNetworksConfig": {"cidrBlocks": [{"cidrBlock": "203.0.113.0/24"}]}},
        {"masterAuthorizedNetworksConfig": UNKNOWN},
        {"privateClusterConfig": UNKNOWN},
    ],
)
def test_closed_control_planes_pass(inputs: dict[str, Any]) -> None:
    assert judge(CONTROL_PLANES_RESTRICTED, CLUSTER, inputs) == []
