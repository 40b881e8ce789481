"""A small program for simulated Oracle Cloud."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_oci as oci

COMPARTMENT = "ocid1.compartment.oc1..example"
TENANCY = "ocid1.tenancy.oc1..example"
DOMAIN = "Uocm:EU-FRANKFURT-1-AD-{}"
GPU_IMAGE = "Oracle-Linux-8.10-Gen2-GPU-2025.11.20-0"


@dataclass
class Host:
    """A GPU host behind a load balancer, every part of which a test can change."""

    domain: int = 1
    instance: dict[str, Any] = field(default_factory=dict)
    vnic: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    subnet: dict[str, Any] = field(default_factory=dict)
    rule: dict[str, Any] = field(default_factory=dict)
    count: int = 1
    image: str = GPU_IMAGE

    def __call__(self) -> None:
        """The program."""
        vcn = oci.core.Vcn("net", compartment_id=COMPARTMENT, cidr_blocks=["10.0.0.0/16"], dns_label="net")
        common: dict[str, Any] = {"compartment_id": COMPARTMENT, "vcn_id": vcn.id}
        nat = oci.core.NatGateway("nat", **common)
        routes = oci.core.RouteTable(
            "routes",
            route_rules=[{"destination": "0.0.0.0/0", "destinationType": "CIDR_BLOCK", "networkEntityId": nat.id}],
            **common,
        )
        subnet = oci.core.Subnet(
            "hosts",
            **{
                **common,
                "cidr_block": "10.0.1.0/24",
                "route_table_id": routes.id,
                "prohibit_public_ip_on_vnic": True,
                **self.subnet,
            },
        )
        group = oci.core.NetworkSecurityGroup("group", **common)
        oci.core.NetworkSecurityGroupSecurityRule(
            "http",
            **{
                "network_security_group_id": group.id,
                "direction": "INGRESS",
                "protocol": "6",
                "source": "10.0.0.0/16",
                "source_type": "CIDR_BLOCK",
                "tcp_options": {"destinationPortRange": {"min": 8000, "max": 8002}},
                **self.rule,
            },
        )
        images = oci.core.get_images_output(
            compartment_id=COMPARTMENT, filters=[{"name": "display_name", "values": [self.image]}]
        )
        instances = [
            oci.core.Instance(
                f"host-{index}",
                **{
                    "compartment_id": COMPARTMENT,
                    "availability_domain": DOMAIN.format(self.domain),
                    "shape": "BM.GPU4.8",
                    "source_details": {
                        "sourceType": "image",
                        "sourceId": images.images[0].id,
                        "bootVolumeSizeInGbs": "1000",
                    },
                    "create_vnic_details": {
                        "subnetId": subnet.id,
                        "assignPublicIp": "false",
                        "nsgIds": [group.id],
                        **self.vnic,
                    },
                    "metadata": {
                        # tells where a secret is, as programs may choose to hide
                        "user_data": pulumi.Output.secret(base64.b64encode(b"#cloud-config").decode()),
                        **self.metadata,
                    },
                    **self.instance,
                },
            )
            for index in range(self.count)
        ]
        self._balance(subnet, instances)
        pulumi.export("privateIps", [instance.private_ip for instance in instances])
        pulumi.export("publicIp", instances[0].public_ip)

    def _balance(self, subnet: oci.core.Subnet, instances: list[oci.core.Instance]) -> None:
        balancer = oci.networkloadbalancer.NetworkLoadBalancer(
            "balancer", compartment_id=COMPARTMENT, display_name="balancer", subnet_id=subnet.id, is_private=True
        )
        backends = oci.networkloadbalancer.BackendSet(
            "backends",
            network_load_balancer_id=balancer.id,
            name="triton",
            policy="FIVE_TUPLE",
            health_checker={"protocol": "HTTP", "port": 8000, "urlPath": "/v2/health/ready", "returnCode": 200},
        )
        for index, instance in enumerate(instances):
            oci.networkloadbalancer.Backend(
                f"backend-{index}",
                network_load_balancer_id=balancer.id,
                backend_set_name=backends.name,
                port=8000,
                target_id=instance.id,
            )
        oci.networkloadbalancer.Listener(
            "http",
            network_load_balancer_id=balancer.id,
            default_backend_set_name=backends.name,
            port=8000,
            protocol="TCP",
        )
        pulumi.export("balancer", balancer.ip_addresses.apply(lambda found: found[0].ip_address))
