"""Wrong inputs of Oracle Cloud are refused in the preview, where the real provider lets them pass."""

from __future__ import annotations

from typing import Any

import pytest

from simulator import schema
from simulator.oci_checks import problems
from simulator.oci_names import domains_of
from simulator.values import UNKNOWN
from tests.simulator.harness import Rehearsal
from tests.simulator.oci_programs import COMPARTMENT, Host

INSTANCE = "oci:Core/instance:Instance"
RULE = "oci:Core/networkSecurityGroupSecurityRule:NetworkSecurityGroupSecurityRule"
GROUP = "ocid1.networksecuritygroup.oc1.iad.example"
IN: dict[str, Any] = {"networkSecurityGroupId": GROUP, "direction": "INGRESS", "protocol": "6", "source": "10.0.0.0/8"}
LAUNCH: dict[str, Any] = {
    "compartmentId": COMPARTMENT,
    "availabilityDomain": domains_of("eu-frankfurt-1")[0],
    "shape": "BM.GPU4.8",
    "sourceDetails": {"sourceType": "image", "sourceId": "ocid1.image.oc1.iad.example"},
}


def ports(low: int, high: int) -> dict[str, Any]:
    """Options of a rule."""
    return {"destinationPortRange": {"min": low, "max": high}}


@pytest.mark.parametrize(
    ("token", "inputs", "path", "reason"),
    [
        (RULE, {**IN, "networkSecurityGroupId": "group"}, "networkSecurityGroupId", "OCID of a networksecuritygroup"),
        (RULE, {**IN, "source": None}, "source", "needs source"),
        (RULE, {**IN, "destination": "10.0.0.0/8"}, "destination", "has source, not destination"),
        (RULE, {**IN, "source": "10.0.0.1/8"}, "source", "CIDR IP 10.0.0.1 does not match network IP 10.0.0.0."),
        (RULE, {**IN, "source": "anywhere"}, "source", "is not a CIDR block"),
        (RULE, {**IN, "source": "10.0.0.1"}, "source", "add /32"),
        (RULE, {**IN, "sourceType": "NETWORK_SECURITY_GROUP"}, "source", "OCID of a networksecuritygroup"),
        (RULE, {**IN, "protocol": "17", "tcpOptions": ports(80, 80)}, "tcpOptions", "go with protocol 6, not 17"),
        (RULE, {**IN, "tcpOptions": ports(8002, 8000)}, "tcpOptions.destinationPortRange", "no range of ports"),
        (RULE, {**IN, "tcpOptions": ports(0, 80)}, "tcpOptions.destinationPortRange", "no range of ports"),
        (
            "oci:Core/vcn:Vcn",
            {"compartmentId": "mine", "cidrBlocks": ["10.0.0.0/16"]},
            "compartmentId",
            "compartment or ten",
        ),
        ("oci:Core/vcn:Vcn", {"compartmentId": COMPARTMENT}, "cidrBlocks", "at least one CIDR block"),
        ("oci:Core/vcn:Vcn", {"cidrBlocks": ["10.0.0.0/8"]}, "cidrBlocks", "between /16 and /30"),
        ("oci:Core/vcn:Vcn", {"cidrBlocks": ["10.0.1.0/16"]}, "cidrBlocks[0]", "does not match network IP 10.0.0.0"),
        ("oci:Core/subnet:Subnet", {"vcnId": "ocid1.subnet.oc1.iad.example"}, "vcnId", "Expected the OCID of a vcn"),
        ("oci:Core/volume:Volume", {"sizeInGbs": "40"}, "sizeInGbs", "Expected 50 to 32768, got 40"),
        ("oci:Bastion/session:Session", {"sessionTtlInSeconds": 86400}, "sessionTtlInSeconds", "1800 to 10800"),
        (INSTANCE, {**LAUNCH, "shape": None}, "shape", "needs a shape"),
        (INSTANCE, {**LAUNCH, "sourceDetails": None}, "sourceDetails", "needs an image"),
        (
            INSTANCE,
            {**LAUNCH, "sourceDetails": {"bootVolumeSizeInGbs": "47"}},
            "sourceDetails.bootVolumeSizeInGbs",
            "Expected 50 to 32768, got 47",
        ),
        (
            INSTANCE,
            {**LAUNCH, "platformConfig": {"type": "AMD_MILAN_BM_GPU"}},
            "platformConfig.type",
            "BM.GPU4.8 takes a platform configuration of type AMD_ROME_BM_GPU, not AMD_MILAN_BM_GPU",
        ),
        (INSTANCE, {**LAUNCH, "metadata": {"user_data": "#cloud-config"}}, "metadata.user_data", "has to be base64"),
        # 9 characters of the key
        (
            INSTANCE,
            {**LAUNCH, "metadata": {"user_data": "A" * 31992}},
            "metadata",
            "Metadata size is 32001 bytes and cannot be larger than 32000 bytes",
        ),
        (
            INSTANCE,
            {**LAUNCH, "createVnicDetails": {"subnetId": "mine", "nsgIds": [GROUP, "other"]}},
            "createVnicDetails.nsgIds[1]",
            "Expected the OCID of a networksecuritygroup",
        ),
    ],
)
def test_wrong_inputs(token: str, inputs: dict[str, Any], path: str, reason: str) -> None:
    assert reason in problems(token, inputs)[path]


@pytest.mark.parametrize(
    ("token", "inputs"),
    [
        (RULE, IN),
        (RULE, {**IN, "direction": UNKNOWN, "source": UNKNOWN, "tcpOptions": UNKNOWN}),
        (RULE, {**IN, "source": GROUP, "sourceType": "NETWORK_SECURITY_GROUP", "tcpOptions": ports(8000, 8002)}),
        (
            RULE,
            {"networkSecurityGroupId": UNKNOWN, "direction": "EGRESS", "protocol": "all", "destination": "0.0.0.0/0"},
        ),
        (INSTANCE, LAUNCH),
        (INSTANCE, {**LAUNCH, "platformConfig": {"type": "AMD_ROME_BM_GPU"}, "metadata": {"user_data": "A" * 31988}}),
        (INSTANCE, {**LAUNCH, "shape": UNKNOWN, "metadata": UNKNOWN, "sourceDetails": UNKNOWN}),
        (INSTANCE, {**LAUNCH, "shape": "VM.Standard.E5.Flex", "platformConfig": {"type": "AMD_VM"}}),
        ("oci:Core/vcn:Vcn", {"compartmentId": "ocid1.tenancy.oc1..example", "cidrBlocks": [UNKNOWN]}),
        ("oci:Core/volume:Volume", {"sizeInGbs": "32768"}),
    ],
)
def test_right_inputs(token: str, inputs: dict[str, Any]) -> None:
    assert problems(token, inputs) == {}


@pytest.mark.parametrize(
    ("program", "told"),
    [
        (Host(rule={"direction": "IN"}), 'Expected one of INGRESS, EGRESS, got "IN"'),
        (Host(vnic={"assignPublicIp": "yes"}), 'Expected one of true, false, got "yes"'),
        (Host(vnic={"subnet": "a"}), 'no property "subnet"; did you mean "subnetId"?'),
        (Host(subnet={"cidr_block": "10.0.1.0"}), '"10.0.1.0" is not a CIDR block'),
    ],
)
def test_wrong_inputs_are_refused_in_the_preview(rehearsal: Rehearsal, program: Host, told: str) -> None:
    assert told in rehearsal.fails(program, preview=True)


def test_a_region_is_needed() -> None:
    found = schema.check_resource("oci:Core/vcn:Vcn", {"cidrBlock": "10.0.0.0/16"})
    assert [problem.path for problem in found] == ["compartmentId"]
