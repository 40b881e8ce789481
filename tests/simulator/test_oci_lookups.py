"""What a program can look up on simulated Oracle Cloud."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_oci as oci
import pytest

from tests.simulator.harness import Rehearsal
from tests.simulator.oci_programs import COMPARTMENT, DOMAIN, TENANCY, Host

GPU_IMAGES = {"operating_system": "Oracle Linux", "operating_system_version": "8", "shape": "BM.GPU4.8"}


def looked_up(rehearsal: Rehearsal, name: str, function: Any, **arguments: Any) -> Any:
    """What one function tells."""

    def program() -> None:
        pulumi.export("found", getattr(function(**arguments), name))

    return rehearsal.up(program).outputs["found"].value


def test_availability_and_fault_domains(rehearsal: Rehearsal) -> None:
    def program() -> None:
        domains = oci.identity.get_availability_domains_output(compartment_id=TENANCY).availability_domains
        faults = oci.identity.get_fault_domains_output(compartment_id=TENANCY, availability_domain=domains[0].name)
        pulumi.export("domains", domains.apply(lambda found: [each.name for each in found]))
        pulumi.export("faults", faults.fault_domains.apply(lambda found: [each.name for each in found]))

    outputs = rehearsal.up(program).outputs
    assert outputs["domains"].value == [DOMAIN.format(number) for number in (1, 2, 3)]
    assert outputs["faults"].value == ["FAULT-DOMAIN-1", "FAULT-DOMAIN-2", "FAULT-DOMAIN-3"]


@pytest.mark.parametrize(
    ("arguments", "first", "count"),
    [
        ({**GPU_IMAGES, "sort_by": "TIMECREATED", "sort_order": "DESC"}, "Oracle-Linux-8.10-Gen2-GPU-2025.11.20-0", 4),
        ({**GPU_IMAGES, "sort_order": "ASC"}, "Oracle-Linux-8.9-Gen2-GPU-2024.04.19-0", 4),
        ({"display_name": "Oracle-Linux-8.10-2025.11.20-0"}, "Oracle-Linux-8.10-2025.11.20-0", 1),
        (
            {"filters": [{"name": "display_name", "values": [r"^Canonical-Ubuntu-22\.04-\d"], "regex": True}]},
            "Canonical-Ubuntu-22.04-2025.07.23-0",
            2,
        ),
    ],
)  # fmt: skip
def test_images(rehearsal: Rehearsal, arguments: dict[str, Any], first: str, count: int) -> None:
    found = looked_up(rehearsal, "images", oci.core.get_images, compartment_id=COMPARTMENT, **arguments)
    assert (found[0]["displayName"], len(found)) == (first, count)


def test_a_filter_is_named_as_terraform_names_it(rehearsal: Rehearsal) -> None:
    filters = [{"name": "displayName", "values": [".*"], "regex": True}]
    assert not looked_up(rehearsal, "images", oci.core.get_images, compartment_id=COMPARTMENT, filters=filters)


@pytest.mark.parametrize(("number", "offered"), [(1, True), (3, False)])
def test_shapes(rehearsal: Rehearsal, number: int, offered: bool) -> None:
    found = looked_up(
        rehearsal,
        "shapes",
        oci.core.get_shapes,
        compartment_id=COMPARTMENT,
        availability_domain=DOMAIN.format(number),
    )
    by_name = {shape["name"]: shape for shape in found}
    assert ("BM.GPU4.8" in by_name) == offered
    assert (by_name["VM.GPU.A10.1"]["gpus"], by_name["VM.GPU.A10.1"]["quotaNames"]) == (1, ["gpu-a10-count"])


def test_services(rehearsal: Rehearsal) -> None:
    filters = [{"name": "name", "values": ["All .* Services In Oracle Services Network"], "regex": True}]
    (service,) = looked_up(rehearsal, "services", oci.core.get_services, filters=filters)
    assert service["name"] == "All FRA Services In Oracle Services Network"
    assert service["cidrBlock"] == "all-fra-services-in-oracle-services-network"


def test_the_vnic_of_an_instance(rehearsal: Rehearsal) -> None:
    host = Host()

    def program() -> None:
        host()
        pulumi.export("namespace", oci.objectstorage.get_namespace().namespace)

    address = rehearsal.up(program).outputs["privateIps"].value[0]
    with rehearsal.clouds() as clouds:
        (instance,) = (found.id for found in clouds.resources() if found.type.endswith(":Instance"))

    def look() -> None:
        program()
        attachments = oci.core.get_vnic_attachments_output(compartment_id=COMPARTMENT, instance_id=instance)
        vnic = oci.core.get_vnic_output(vnic_id=attachments.vnic_attachments[0].vnic_id)
        pulumi.export("found", vnic.private_ip_address)
        limit = oci.limits.get_resource_availability(
            compartment_id=TENANCY,
            service_name="compute",
            limit_name="gpu4-count",
            availability_domain=DOMAIN.format(1),
        )
        pulumi.export("available", limit.available)

    outputs = rehearsal.up(look).outputs
    assert outputs["found"].value == address
    assert outputs["namespace"].value == "simulated"
    assert outputs["available"].value == "8"
