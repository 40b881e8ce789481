"""What is wrong with GPU hosts on Oracle Cloud is told before anything is registered, with what to do."""

from typing import Any

import pytest

from components.args import LARGEST
from components.findings import ConfigurationError
from components.oci.gpu_host_args import OciGpuHostArgs
from tests.components.guide import GONE, changed
from tests.components.oci.host import CONFIG, HOST, KEY, found
from tests.components.oci.test_gpu_host import SUBNETS

REGION = {"oci:region": "eu-madrid-1", "oci:tenancyOcid": CONFIG["oci:tenancyOcid"]}


def test_the_guide_is_right() -> None:
    assert found() == []
    assert found({"shape": "VM.GPU.A10.2", "triton.model": "mistralai/Mistral-7B-Instruct-v0.3"}) == []
    assert found({"exposure": "public", "ssh": {"access": "public", "publicKey": KEY}}) == []
    assert found({"network": SUBNETS, "availabilityDomains": ["Uocm:US-ASHBURN-AD-3", "AD-1"]}) == []


@pytest.mark.parametrize(
    ("changes", "path", "code", "text"),
    [
        # shape and place
        (
            {"shape": "BM.GPU5.8"},
            "shape",
            "shape-unknown",
            "there is no shape with GPUs 'BM.GPU5.8'. Known: BM.GPU4.8, BM.GPU.A100-v2.8, BM.GPU.H100.8, VM.GPU.A10.1,"
            " VM.GPU.A10.2, BM.GPU.A10.4.",
        ),
        (
            {"availabilityDomains": ["AD-1", "AD-4"]},
            "availabilityDomains[1]",
            "availability-domain-unknown",
            "us-ashburn-1 has 3 availability domains, and no AD-4. Set AD-1 to AD-3.",
        ),
        (
            {"availabilityDomains": ["2"]},
            "availabilityDomains[0]",
            "availability-domain-invalid",
            "'2' is not the name of an availability domain. Write it as AD-1, or as Uocm:PHX-AD-1.",
        ),
        (
            {"availabilityDomains": ["AD-2", "Uocm:US-ASHBURN-AD-2"]},
            "availabilityDomains[1]",
            "availability-domain-twice",
            "'AD-2' is named twice. Remove one of them.",
        ),
        (
            {"faultDomain": "FD-1"},
            "faultDomain",
            "fault-domain-invalid",
            "'FD-1' is not a fault domain. Write it as FAULT-DOMAIN-1, 2 or 3.",
        ),
        (
            {"capacityReservationId": "ocid1.capacityreservation.oc1.iad.mine"},
            "availabilityDomains",
            "reservation-availability-domain",
            "a capacity reservation is in one availability domain. Name that one alone.",
        ),
        # OCIDs
        (
            {"compartmentId": "my-compartment"},
            "compartmentId",
            "ocid-invalid",
            "'my-compartment' is not the OCID of a compartment. Copy it from the console: it begins with"
            " ocid1.compartment.oc1.",
        ),
        (
            {"tokenSecretId": "ocid1.vault.oc1.iad.x", "token": GONE},
            "tokenSecretId",
            "ocid-invalid",
            "'ocid1.vault.oc1.iad.x' is not the OCID of a vaultsecret. Copy it from the console: it begins with"
            " ocid1.vaultsecret.oc1.",
        ),
        (
            {"keyId": "ocid1.key"},
            "keyId",
            "ocid-invalid",
            "'ocid1.key' is not the OCID of a key. Copy it from the console: it begins with ocid1.key.oc1.",
        ),
        (
            {"network": {**SUBNETS, "hostSubnetId": SUBNETS["vcnId"]}},
            "network.hostSubnetId",
            "ocid-invalid",
            "'ocid1.vcn.oc1.iad.mine' is not the OCID of a subnet. Copy it from the console: it begins with"
            " ocid1.subnet.oc1.",
        ),
        # images
        (
            {"image": {"name": "a", "id": "ocid1.image.oc1.iad.b"}},
            "image",
            "image-ambiguous",
            "name and id each say which image is meant. Keep one of them.",
        ),
        (
            {"image": {"version": "8|9"}},
            "image.version",
            "image-version-invalid",
            "'8|9' is not the version of an operating system. Write it as 8, or as 22.04.",
        ),
        # the network
        (
            {"network": {"cidr": "10.0.0.1/16"}},
            "network.cidr",
            "cidr-invalid",
            "'10.0.0.1/16' is not a CIDR range of IPv4. Write it as 10.0.0.0/16.",
        ),
        (
            {"network": {"cidr": "10.0.0.0/8"}},
            "network.cidr",
            "cidr-size",
            "a VCN has between /16 and /30, and 10.0.0.0/8 is to hold two subnets. Set a range between /16 and /28.",
        ),
        (
            {"network": {**SUBNETS, "balancerSubnetId": None}},
            "network.balancerSubnetId",
            "network-incomplete",
            "a network that exists is named by its VCN and both subnets. Set it, or remove all three.",
        ),
        (
            {"network": {**SUBNETS, "cidr": None}},
            "network.cidr",
            "cidr-missing",
            "what is inside a VCN that exists is not known here. Set its range.",
        ),
        # who may reach it
        (
            {"exposure": "public", "sourceRanges": GONE},
            "sourceRanges",
            "source-ranges-missing",
            "a public load balancer without source ranges answers the whole internet, and the server asks for no"
            " password. Set the ranges that may reach it: `pulumi config set --path 'sourceRanges[0]' 198.51.100.7/32`;"
            " or set host.exposure to internal.",
        ),
        (
            {"sourceRanges": GONE},
            "sourceRanges",
            "source-ranges-missing",
            "a bastion without source ranges lets nobody in. Set the ranges that may use it: `pulumi config set --path"
            " 'sourceRanges[0]' 198.51.100.7/32`; or set host.ssh.access to none.",
        ),
        (
            {"ssh": {"access": "none"}},
            "sourceRanges",
            "source-ranges-unused",
            "nothing that they would hold back is reached from the internet. Remove sourceRanges, or set exposure to"
            " public.",
        ),
        (
            {"sourceRanges": ["198.51.100.0/24", "my office"]},
            "sourceRanges[1]",
            "source-range-invalid",
            "'my office' is not a CIDR range of IPv4. Write it as 198.51.100.0/24.",
        ),
        (
            {"ssh": {"access": "public"}},
            "ssh.publicKey",
            "ssh-key-missing",
            "hosts that ask for a key need to know one. Set the content of your id_rsa.pub or the like.",
        ),
        (
            {"ssh": {"publicKey": "-----BEGIN OPENSSH PRIVATE KEY-----"}},
            "ssh.publicKey",
            "ssh-key-invalid",
            "this is not one public SSH key. Set the content of your id_rsa.pub or the like.",
        ),
        (
            {"ssh": {"access": "none", "publicKey": KEY}, "sourceRanges": GONE},
            "ssh.publicKey",
            "ssh-unused",
            "nobody reaches the hosts by SSH. Remove it.",
        ),
        # the token
        (
            {"token": GONE},
            "token",
            "token-missing",
            "'mistralai/Mixtral-8x7B-Instruct-v0.1' is gated: without a Hugging Face token its download is refused."
            " Accept its terms on Hugging Face, then run `pulumi config set --secret huggingFaceToken TOKEN`, or set"
            " host.tokenSecretId to a Vault secret that holds one.",
        ),
        (
            {"tokenSecretId": "ocid1.vaultsecret.oc1.iad.mine"},
            "tokenSecretId",
            "token-twice",
            "the token is in a Vault secret of yours already. Remove it, or huggingFaceToken.",
        ),
        # disks
        (
            {"engineStore": {"sizeGb": 100}},
            "engineStore.sizeGb",
            "engine-store-too-small",
            "the engine of 'mistralai/Mixtral-8x7B-Instruct-v0.1' takes about 103 GB, and the volume has 100. Set at"
            " least 103.",
        ),
        (
            {"engineStore": {"kind": "bucket", "sizeGb": 500}},
            "engineStore.sizeGb",
            "engine-store-size-unused",
            "a bucket grows with what is in it. Remove it.",
        ),
        # the model and its GPUs, in Triton's own words
        ({"bootVolumeGb": 200}, "bootVolumeGb", "boot-volume-too-small", None),
        ({"triton.tensorParallel": 4}, "triton.tensorParallel", "tensor-parallel-not-accelerators", None),
        ({"shape": "BM.GPU.A10.4"}, "triton.model", "model-too-large", None),
        ({"triton.maxBatchTokens": 100}, "triton.maxBatchTokens", "batch-tokens", None),
    ],
)
def test_what_is_wrong(changes: dict[str, Any], path: str, code: str, text: str | None) -> None:
    told = {(finding.path, finding.code): finding for finding in found(changes)}
    assert (path, code) in told, told
    finding = told[path, code]
    assert finding.severity == "error"
    if text is not None:
        assert set(told) == {(path, code)}
        assert f"{finding.message} {finding.remedy}" == text


def test_drives_that_the_shape_has_not() -> None:
    (finding,) = found({"shape": "VM.GPU.A10.2", "triton.model": "mistralai/Mistral-7B-Instruct-v0.3", "nvme": True})
    assert (finding.path, finding.code) == ("nvme", "nvme-missing")
    assert f"{finding.message} {finding.remedy}" == "VM.GPU.A10.2 has no NVMe drives. Remove nvme."


@pytest.mark.parametrize(
    ("config", "path", "code", "text"),
    [
        (
            {"oci:region": "us-ashburn-1"},
            "oci:tenancyOcid",
            "tenancy-missing",
            "no tenancy is set, in which the rights of the hosts are granted. Run `pulumi config set oci:tenancyOcid"
            " TENANCY_OCID`.",
        ),
        (
            {"oci:tenancyOcid": CONFIG["oci:tenancyOcid"]},
            "oci:region",
            "region-missing",
            "no region of Oracle Cloud is set. Run `pulumi config set oci:region us-ashburn-1`.",
        ),
        (
            REGION,
            "oci:region",
            "region-without-shape",
            "eu-madrid-1 is not known to offer BM.GPU4.8. Set a region as eu-frankfurt-1, uk-london-1, us-ashburn-1,"
            " us-chicago-1; or shape to one of VM.GPU.A10.1, VM.GPU.A10.2, BM.GPU.A10.4.",
        ),
        (
            {**CONFIG, "oci:tenancyOcid": "mine"},
            "oci:tenancyOcid",
            "ocid-invalid",
            "'mine' is not the OCID of a tenancy. Copy it from the console: it begins with ocid1.tenancy.oc1.",
        ),
    ],
)
def test_what_is_wrong_with_the_provider(config: dict[str, str], path: str, code: str, text: str) -> None:
    (finding,) = found(config=config)
    assert (finding.severity, finding.path, finding.code) == ("error", path, code)
    assert f"{finding.message} {finding.remedy}" == text


def test_a_region_of_one_availability_domain() -> None:
    (finding,) = found({"availabilityDomains": ["AD-2"]}, config={**CONFIG, "oci:region": "eu-paris-1"})
    assert finding.remedy == "Set AD-1."


def test_what_the_component_is_told_wins_over_the_provider() -> None:
    ids = {"region": "us-phoenix-1", "tenancyId": "ocid1.tenancy.oc1..other"}
    assert found(ids, config={}) == []
    (finding,) = found({**ids, "tenancyId": "other"}, config={})
    assert (finding.path, finding.code) == ("tenancyId", "ocid-invalid")


def test_a_new_region_is_told_and_not_refused() -> None:
    (finding,) = found(config={**CONFIG, "oci:region": "eu-oslo-1"})
    assert (finding.severity, finding.path, finding.code) == ("warning", "oci:region", "region-unknown")


def test_the_whole_internet_is_told_and_not_refused() -> None:
    (finding,) = found({"exposure": "public", "sourceRanges": ["0.0.0.0/0"]})
    assert (finding.severity, finding.path, finding.code) == ("warning", "sourceRanges[0]", "source-range-open")


@pytest.mark.parametrize("name", ["Triton", "triton_1", "x" * 41, "1st", ""])
def test_names(name: str) -> None:
    (finding,) = found(name=name)
    assert (finding.path, finding.code) == ("name", "name-invalid")


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"bootVolumeGb": 49}, "bootVolumeGb"),
        ({"bootVolumeGb": 32769}, "bootVolumeGb"),
        ({"hosts": 0}, "hosts"),
        ({"hosts": LARGEST + 1}, "hosts"),
        ({"exposure": "cluster"}, "exposure"),
        ({"ssh": {"access": "open"}}, "ssh.access"),
        ({"engineStore": {"kind": "disk"}}, "engineStore.kind"),
        ({"compartmentId": GONE}, "compartmentId"),
        ({"triton": GONE}, "triton"),
        ({"bootVolume": 1000}, "bootVolume"),
    ],
)
def test_types_and_bounds(changes: dict[str, Any], path: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        OciGpuHostArgs.parse(changed(HOST, changes))
    assert [finding.path for finding in refusal.value.findings] == [path]
