"""Which availability domain is chosen, and what is said when it has no machine."""

from typing import Any

import pulumi
import pytest

from components.oci.gpu_host_args import OciGpuHostArgs
from components.oci.placement import choose_domain, find_domain, image_id, tell_capacity
from tests.components.guide import changed
from tests.components.oci.host import CONFIG, HOST
from tests.recording import Recording, record

NAMES = ["Uocm:PHX-AD-1", "Uocm:PHX-AD-2", "Uocm:PHX-AD-3"]


def args(**changes: Any) -> OciGpuHostArgs:
    return OciGpuHostArgs.parse(changed(HOST, changes))


@pytest.mark.parametrize("wanted", ["AD-2", "Uocm:PHX-AD-2"])
def test_a_domain_is_found_by_its_end(wanted: str) -> None:
    assert find_domain(NAMES, wanted) == "Uocm:PHX-AD-2"


def test_a_domain_that_is_not_there() -> None:
    with pytest.raises(
        pulumi.RunError, match=r"There is no availability domain 'D-2'\. This tenancy's: Uocm:PHX-AD-1, "
    ):
        find_domain(NAMES, "D-2")


@pytest.mark.parametrize(
    ("reports", "chosen"),
    [
        (["AVAILABLE", "AVAILABLE", "AVAILABLE"], 1),
        (["OUT_OF_HOST_CAPACITY", "AVAILABLE", "AVAILABLE"], 2),
        (["HARDWARE_NOT_SUPPORTED", "OUT_OF_HOST_CAPACITY", "AVAILABLE"], 3),
        # its launch fails, and says so in Oracle's own words
        (["OUT_OF_HOST_CAPACITY", "OUT_OF_HOST_CAPACITY", "HARDWARE_NOT_SUPPORTED"], 1),
        # a preview
        ([None, None, None], 1),
    ],
)
def test_the_first_with_capacity(reports: list[str | None], chosen: int) -> None:
    assert choose_domain(list(zip(NAMES, reports, strict=True))) == NAMES[chosen - 1]


def told(message: str, **changes: Any) -> Recording:
    """What a program logs when Oracle says `message` of an instance in the second availability domain."""

    def program() -> None:
        failed = pulumi.ErrorHookArgs(
            urn="urn",
            id="",
            name="triton-1",
            type="oci:Core/instance:Instance",
            new_inputs={"availabilityDomain": "Uocm:PHX-AD-2"},
            failed_operation="create",
            errors=[message],
        )
        assert tell_capacity("triton", args(**changes))(failed) is False  # no other try

    recording = record(program, config=CONFIG)
    assert recording.error is None
    return recording


def test_what_to_do_without_capacity() -> None:
    (message,) = told("500-InternalError, Out of host capacity.").messages
    assert message == (
        "triton-1: Oracle has no BM.GPU4.8 left in Uocm:PHX-AD-2. Run `pulumi up` again later; or set"
        " availabilityDomains to AD-1 or AD-3 alone; or ask Oracle anew where there is one, with `pulumi up --replace"
        " '**oci:Core/computeCapacityReport:ComputeCapacityReport**'`; or name a capacity reservation."
    )
    (message,) = told("500-InternalError, Out of host capacity.", availabilityDomains=["AD-2"]).messages
    assert "or try another region;" in message


def test_of_other_failures_nothing_is_said() -> None:
    assert told("404-NotAuthorizedOrNotFound").messages == []


def test_no_image() -> None:
    seen: list[str] = []

    def program() -> None:
        image_id(args(image={"name": "Oracle-Linux-7.9"}), pulumi.ResourceOptions()).apply(seen.append)

    recording = record(program, config=CONFIG)
    assert str(recording.error) == (
        "Oracle offers no image 'Oracle-Linux-7.9' for BM.GPU4.8 in this region. Set image.version, image.name or"
        " image.id."
    )
    assert seen == []
