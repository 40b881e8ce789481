"""Oracle Cloud: up, change, refresh and destroy with Pulumi's own engine, and what it refuses."""

from __future__ import annotations

import ipaddress
import re

import pulumi
import pulumi_oci as oci
import pytest

from simulator.oci_names import OCID
from tests.simulator.harness import Rehearsal, changes, steps
from tests.simulator.oci_programs import COMPARTMENT, DOMAIN, Host

INSTANCE = "oci:Core/instance:Instance"


def test_up_twice_refresh_and_destroy(rehearsal: Rehearsal) -> None:
    program = Host()

    first = rehearsal.up(program)

    assert changes(first) == {"create": 12}
    outputs = {name: output.value for name, output in first.outputs.items()}
    addresses = [*outputs["privateIps"], outputs["balancer"]]
    assert len(set(addresses)) == 2
    assert all(ipaddress.ip_address(each) in ipaddress.ip_network("10.0.1.0/24") for each in addresses)
    assert not set(addresses) & {"10.0.1.0", "10.0.1.1", "10.0.1.255"}
    assert outputs["publicIp"] == ""
    assert changes(rehearsal.up(program)) == {}
    assert changes(rehearsal.refresh(program)) == {}
    assert changes(rehearsal.destroy(program)) == {"delete": 12}
    with rehearsal.clouds() as clouds:
        assert clouds.empty


def test_ocids_are_of_the_right_form_and_unique(rehearsal: Rehearsal) -> None:
    rehearsal.up(Host(count=2))
    with rehearsal.clouds() as clouds:
        found = {each.id: each.type for each in clouds.resources()}
    ocids = {ocid: OCID.fullmatch(ocid) for ocid in found if ocid.startswith("ocid1.")}
    assert len(ocids) == 8
    for ocid, match in ocids.items():
        assert match
        assert match["kind"] == found[ocid].rpartition(":")[2].lower()
        assert re.fullmatch(r"ocid1\.\w+\.oc1\.eu-frankfurt-1\.aaaaaaaasimulated[a-z2-7]{43}", ocid)


def test_a_change_updates_what_can_be_updated(rehearsal: Rehearsal) -> None:
    rehearsal.up(Host())
    assert steps(rehearsal.preview(Host(instance={"display_name": "other"}))) == {"update": 1}
    assert changes(rehearsal.up(Host(rule={"source": "10.0.1.0/24"}, instance={"display_name": "other"}))) == {
        "update": 2
    }


@pytest.mark.parametrize(
    "changed",
    [Host(domain=2), Host(metadata={"user_data": "AAAA"}), Host(vnic={"privateIp": "10.0.1.9"})],
    ids=["domain", "user data", "address"],
)
def test_a_change_replaces_what_cannot(rehearsal: Rehearsal, changed: Host) -> None:
    rehearsal.up(Host())
    with rehearsal.clouds() as clouds:
        (before,) = (found.id for found in clouds.resources() if found.type == INSTANCE)

    # the backend is for the very instance
    assert changes(rehearsal.up(changed)) == {"replace": 2}

    with rehearsal.clouds() as clouds:
        (after,) = (found.id for found in clouds.resources() if found.type == INSTANCE)
    assert after != before


def test_other_metadata_is_updated(rehearsal: Rehearsal) -> None:
    rehearsal.up(Host())
    assert changes(rehearsal.up(Host(metadata={"note": "a"}))) == {"update": 1}


def test_refresh_sees_drift_and_up_mends_it(rehearsal: Rehearsal) -> None:
    program = Host(instance={"display_name": "host"})
    rehearsal.up(program)
    with rehearsal.clouds() as clouds:
        clouds.change("host", displayName="another")
        clouds.remove(next(found.id for found in clouds.resources() if found.type.endswith(":Listener")))

    assert changes(rehearsal.refresh(program)) == {"update": 1, "delete": 1}
    assert changes(rehearsal.up(program)) == {"update": 1, "create": 1}


def test_bare_metal_takes_its_time(rehearsal: Rehearsal) -> None:
    # 14 minutes at 1000 times real time, of which all else takes far less
    with rehearsal.open(Host(), time_scale=1000) as (stack, clouds):
        seen: set[str] = set()
        stack.up(on_output=lambda _: seen.update(clouds.waiting().values()))
    assert any(re.fullmatch(r"instance starts, \d+ of 14 min", each) for each in seen)


@pytest.mark.parametrize(
    ("program", "told"),
    [
        (Host(domain=3), "404-NotAuthorizedOrNotFound, shape BM.GPU4.8 not found"),
        (Host(domain=4), "404-NotAuthorizedOrNotFound, Authorization failed or requested resource not found: availab"),
        (Host(image="Oracle-Linux-8.10-2025.11.20-0"), "Shape BM.GPU4.8 is not valid for image Oracle-Linux-8.10-2025"),
        (Host(vnic={"assignPublicIp": "true"}), "Invalid VNIC creation parameters"),
        (Host(subnet={"cidr_block": "10.1.0.0/24"}), "10.1.0.0/24 is invalid: it is not within the VCN's 10.0.0.0/16"),
        (Host(instance={"fault_domain": "FAULT-DOMAIN-4"}), "400-InvalidParameter, Invalid faultDomain FAULT-DOMAIN-4"),
        (Host(count=3), "400-LimitExceeded, The following service limits were exceeded: gpu4-count."),
    ],
    ids=["shape", "domain", "image", "public address", "range", "fault domain", "limit"],
)
def test_what_the_cloud_refuses(rehearsal: Rehearsal, program: Host, told: str) -> None:
    assert told in rehearsal.fails(program)


def test_a_region_without_the_shape(rehearsal: Rehearsal) -> None:
    with rehearsal.open(Host(instance={"availability_domain": "Uocm:UK-CARDIFF-1-AD-1"})) as (stack, _):
        stack.set_config("oci:region", pulumi.automation.ConfigValue("uk-cardiff-1"))
        with pytest.raises(pulumi.automation.CommandError, match=r"shape BM\.GPU4\.8 not found"):
            stack.up(color="never")


def test_what_is_named_must_exist(rehearsal: Rehearsal) -> None:
    rehearsal.up(Host())
    with rehearsal.clouds() as clouds:
        group = next(found.id for found in clouds.resources() if found.type.endswith(":NetworkSecurityGroup"))
        clouds.remove(group)

    def program() -> None:
        oci.core.NetworkSecurityGroupSecurityRule(
            "rule", network_security_group_id=group, direction="EGRESS", protocol="all", destination="0.0.0.0/0"
        )

    other = Rehearsal(rehearsal.folder / "other")
    other.folder.mkdir()
    (other.folder / "clouds").symlink_to(rehearsal.folder / "clouds")
    assert f"Authorization failed or requested resource not found: {group}." in other.fails(program)


def test_what_others_name_is_not_deleted(rehearsal: Rehearsal) -> None:
    def program() -> None:
        oci.core.Vcn("net", compartment_id=COMPARTMENT, cidr_blocks=["10.0.0.0/16"])

    rehearsal.up(program)
    with rehearsal.clouds() as clouds:
        (vcn,) = (found.id for found in clouds.resources())

    def subnet() -> None:
        oci.core.Subnet("subnet", compartment_id=COMPARTMENT, vcn_id=vcn, cidr_block="10.0.0.0/24")

    other = Rehearsal(rehearsal.folder / "other")
    other.folder.mkdir()
    (other.folder / "clouds").symlink_to(rehearsal.folder / "clouds")
    other.up(subnet)
    output = rehearsal.fails_to("destroy", program)
    assert f"409-Conflict, The Vcn {vcn} references the Subnet ocid1.subnet." in output
    other.destroy(subnet)
    rehearsal.destroy(program)
    with rehearsal.clouds() as clouds:
        assert clouds.empty


def test_bare_metal_keeps_its_shape(rehearsal: Rehearsal) -> None:
    rehearsal.up(Host())
    output = rehearsal.fails(Host(instance={"shape": "BM.GPU.A100-v2.8"}))
    assert "The shape of a bare metal instance cannot be changed from BM.GPU4.8 to BM.GPU.A100-v2.8" in output


@pytest.mark.parametrize(
    ("faults", "told"),
    [
        (["stockout"], "500-InternalError, Out of host capacity."),
        (["stockout:AD-1"], "500-InternalError, Out of host capacity."),
        (["quota"], "400-LimitExceeded, The following service limits were exceeded: gpu4-count. Request a service"),
        (["quota:vcn"], "The following service limits were exceeded: vcn-count."),
        (
            ["timeout"],
            "timeout while waiting for state to become 'RUNNING' (last state: 'PROVISIONING', timeout: 45m0s)",
        ),
        (["partial"], "unexpected state 'TERMINATED', wanted target 'RUNNING'"),
    ],
)
def test_faults(rehearsal: Rehearsal, faults: list[str], told: str) -> None:
    assert told in rehearsal.fails(Host(), faults=faults)
    # what is half-made is repaired, what was refused is made
    rehearsal.up(Host())
    assert changes(rehearsal.up(Host())) == {}


def test_a_shortage_elsewhere_and_throttling_stop_nothing(rehearsal: Rehearsal) -> None:
    with rehearsal.open(Host(), faults=["stockout:AD-2", "throttle:Vcn:2"]) as (stack, clouds):
        stack.up()
        assert [str(fault) for fault in clouds.unused_faults()] == ["stockout:AD-2"]


def test_capacity_reports(rehearsal: Rehearsal) -> None:
    def program() -> None:
        for number in (1, 2, 3):
            report = oci.core.ComputeCapacityReport(
                f"report-{number}",
                compartment_id="ocid1.tenancy.oc1..example",
                availability_domain=DOMAIN.format(number),
                shape_availabilities=[{"instanceShape": "BM.GPU4.8"}],
            )
            pulumi.export(str(number), report.shape_availabilities[0].availability_status)

    outputs = rehearsal.up(program, faults=["stockout:AD-1"]).outputs
    told = [outputs[number].value for number in "123"]
    assert told == ["OUT_OF_HOST_CAPACITY", "AVAILABLE", "HARDWARE_NOT_SUPPORTED"]
    # a report is made once
    assert changes(rehearsal.up(program)) == {}
