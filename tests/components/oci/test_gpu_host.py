"""GPU hosts on Oracle Cloud: what is registered, and what is not."""

import base64
import gzip
import json
from typing import Any

import pytest

from components.findings import ConfigurationError
from components.oci.triton_host import LOG
from tests.components.guide import GONE, TOKEN, inputs
from tests.components.oci.host import COMPARTMENT, CONFIG, KEY, TENANCY, record_host
from tests.recording import Recording

PUBLIC = {"exposure": "public"}
OPEN_SSH = {"ssh": {"access": "public", "publicKey": KEY}}
BUCKET = {"engineStore": {"kind": "bucket"}}
SUBNETS = {
    "vcnId": "ocid1.vcn.oc1.iad.mine",
    "hostSubnetId": "ocid1.subnet.oc1.iad.hosts",
    "balancerSubnetId": "ocid1.subnet.oc1.iad.balancer",
    "cidr": "172.16.0.0/20",
}


@pytest.fixture(scope="module")
def host() -> Recording:
    return record_host()


def instance(recording: Recording, number: int = 1) -> dict[str, Any]:
    return inputs(recording, "Core/instance:Instance", f"triton-{number}")


def cloud_config(recording: Recording) -> str:
    return gzip.decompress(base64.b64decode(instance(recording)["metadata"]["user_data"])).decode()


def rules(recording: Recording, group: str) -> set[tuple[str, str, str, int | None]]:
    """Direction, protocol, the other side and port of what may pass a security group."""
    assert recording.error is None
    return {
        (
            rule.inputs["direction"],
            rule.inputs["protocol"],
            rule.inputs.get("source", rule.inputs.get("destination")),
            rule.inputs.get("tcpOptions", {}).get("destinationPortRange", {}).get("min"),
        )
        for rule in recording.of("NetworkSecurityGroupSecurityRule")
        if rule.inputs["networkSecurityGroupId"] == f"{group}-id"
    }


# the hosts


def test_the_host_is_the_guides(host: Recording) -> None:
    described = instance(host)
    assert {key: value for key, value in described.items() if key != "metadata"} == {
        "compartmentId": COMPARTMENT,
        "availabilityDomain": "Uocm:PHX-AD-1",
        "shape": "BM.GPU4.8",
        "displayName": "triton-1",
        "platformConfig": {"type": "AMD_ROME_BM_GPU"},
        "sourceDetails": {
            "sourceType": "image",
            "sourceId": "ocid1.image.oc1.iad.newest",
            "bootVolumeSizeInGbs": "1000",
        },
        "createVnicDetails": {
            "subnetId": "triton-hosts-subnet-id",
            "nsgIds": ["triton-hosts-group-id"],
            "assignPublicIp": "false",
        },
        "instanceOptions": {"areLegacyImdsEndpointsDisabled": True},
        "agentConfig": {
            "pluginsConfigs": [
                {"name": "Bastion", "desiredState": "ENABLED"},
                {"name": "Block Volume Management", "desiredState": "ENABLED"},
                {"name": "Compute Instance Run Command", "desiredState": "DISABLED"},
            ]
        },
        "preserveBootVolume": False,
    }
    # no key: the bastion's sessions bring one
    assert set(described["metadata"]) == {"user_data"}


def test_the_newest_image_is_that_of_the_day_of_the_launch(host: Recording) -> None:
    registered = host["Core/instance:Instance", "triton-1"].request
    assert list(registered.ignoreChanges) == ["sourceDetails.sourceId"]
    assert registered.deleteBeforeReplace is True
    assert list(registered.replaceOnChanges) == ["metadata", "shape", "platformConfig", "sourceDetails.sourceId"]
    (asked,) = [arguments for token, arguments in host.calls if token.endswith("getImages")]
    assert asked == {
        "compartmentId": COMPARTMENT,
        "operatingSystem": "Oracle Linux",
        "operatingSystemVersion": "8",
        "shape": "BM.GPU4.8",
        "state": "AVAILABLE",
        "sortBy": "TIMECREATED",
        "sortOrder": "DESC",
        "filters": [{"name": "display_name", "values": [r"^Oracle-Linux-8\.\d+-Gen2-GPU-\d"], "regex": True}],
    }


def test_a_pinned_image_is_meant() -> None:
    name = "Oracle-Linux-8.9-Gen2-GPU-2024.04.19-0"
    by_name = record_host({"image": {"name": name}})
    (asked,) = [arguments for token, arguments in by_name.calls if token.endswith("getImages")]
    assert asked["filters"][0]["values"] == [r"^Oracle\-Linux\-8\.9\-Gen2\-GPU\-2024\.04\.19\-0$"]
    assert "operatingSystemVersion" not in asked
    assert instance(by_name)["sourceDetails"]["sourceId"] == "ocid1.image.oc1.iad.guides"
    by_id = record_host({"image": {"id": "ocid1.image.oc1.iad.mine"}})
    assert instance(by_id)["sourceDetails"]["sourceId"] == "ocid1.image.oc1.iad.mine"
    assert not [token for token, _ in by_id.calls if token.endswith("getImages")]
    for recording in (by_name, by_id):
        assert list(recording["Core/instance:Instance", "triton-1"].request.ignoreChanges) == []


def test_ubuntu() -> None:
    recording = record_host({"image": {"operatingSystem": "ubuntu"}})
    (asked,) = [arguments for token, arguments in recording.calls if token.endswith("getImages")]
    assert (asked["operatingSystem"], asked["operatingSystemVersion"]) == ("Canonical Ubuntu", "22.04")
    assert asked["filters"][0]["values"] == [r"^Canonical-Ubuntu-22\.04-\d"]
    assert instance(recording)["sourceDetails"]["sourceId"] == "ocid1.image.oc1.iad.ubuntu"
    assert "OPERATING_SYSTEM=ubuntu" in cloud_config(recording)
    assert " --target-os-username ubuntu " in recording["OciGpuHost", "triton"].outputs["sshCommand"]


def test_a_virtual_machine_has_its_disks_from_the_hypervisor() -> None:
    recording = record_host({"shape": "VM.GPU.A10.2", "triton.model": "mistralai/Mistral-7B-Instruct-v0.3"})
    described = instance(recording)
    assert described["isPvEncryptionInTransitEnabled"] is True
    assert "platformConfig" not in described
    attachment = inputs(recording, "VolumeAttachment", "triton-engines-1-attachment")
    assert attachment["attachmentType"] == "paravirtualized"
    assert attachment["isPvEncryptionInTransitEnabled"] is True
    # nobody logs in to iSCSI, and so the agent needs no right
    assert {"name": "Block Volume Management", "desiredState": "DISABLED"} in described["agentConfig"]["pluginsConfigs"]
    assert [line for line in inputs(recording, "Policy", "triton-policy")["statements"] if "secret" not in line] == []


def test_where_hosts_are_and_what_they_have_is_passed_on() -> None:
    recording = record_host(
        {
            "availabilityDomains": ["AD-2"],
            "faultDomain": "FAULT-DOMAIN-3",
            "capacityReservationId": "ocid1.capacityreservation.oc1.iad.mine",
            "keyId": "ocid1.key.oc1.iad.mine",
            "bootVolumeGb": 2000,
            "nvme": True,
            "tags": {"team": "models"},
        }
    )
    described = instance(recording)
    assert described["availabilityDomain"] == "Uocm:PHX-AD-2"
    assert described["faultDomain"] == "FAULT-DOMAIN-3"
    assert described["capacityReservationId"] == "ocid1.capacityreservation.oc1.iad.mine"
    assert described["sourceDetails"]["kmsKeyId"] == "ocid1.key.oc1.iad.mine"
    assert described["sourceDetails"]["bootVolumeSizeInGbs"] == "2000"
    assert inputs(recording, "volume:Volume", "triton-engines-1")["kmsKeyId"] == "ocid1.key.oc1.iad.mine"
    assert "NVME=yes" in cloud_config(recording)
    untagged = {"OciGpuHost", "Stack", "ComputeCapacityReport", "NetworkSecurityGroupSecurityRule"}
    untagged |= {"VolumeAttachment", "BackendSet", "Backend", "Listener"}
    for registered in recording.resources:
        if registered.type.rpartition(":")[2] not in untagged:
            assert registered.inputs["freeformTags"] == {"team": "models"}, registered.name


# availability domains


def test_the_first_availability_domain_with_capacity_is_taken(host: Recording) -> None:
    reports = {report.name: report.inputs for report in host.of("ComputeCapacityReport")}
    assert reports == {
        f"triton-capacity-ad-{number}": {
            "availabilityDomain": f"Uocm:PHX-AD-{number}",
            "compartmentId": TENANCY,
            "shapeAvailabilities": [{"instanceShape": "BM.GPU4.8"}],
        }
        for number in (1, 2, 3)
    }
    second = record_host(full=("Uocm:PHX-AD-1",))
    assert instance(second)["availabilityDomain"] == "Uocm:PHX-AD-2"
    assert inputs(second, "volume:Volume", "triton-engines-1")["availabilityDomain"] == "Uocm:PHX-AD-2"


def test_the_order_is_the_settings() -> None:
    recording = record_host({"availabilityDomains": ["Uocm:PHX-AD-3", "AD-1"]})
    assert instance(recording)["availabilityDomain"] == "Uocm:PHX-AD-3"
    names = {report.name for report in recording.of("ComputeCapacityReport")}
    # whatever the tenancy's prefix, and so the same however it is written
    assert names == {"triton-capacity-phx-ad-3", "triton-capacity-ad-1"}


def test_the_only_one_is_taken_without_asking() -> None:
    recording = record_host({"availabilityDomains": ["AD-2"]}, full=("Uocm:PHX-AD-2",))
    assert instance(recording)["availabilityDomain"] == "Uocm:PHX-AD-2"
    assert recording.of("ComputeCapacityReport") == []


def test_one_that_the_tenancy_has_not() -> None:
    recording = record_host({"availabilityDomains": ["vnHX:PHX-AD-1"]})
    assert "There is no availability domain 'vnHX:PHX-AD-1'. This tenancy's: Uocm:PHX-AD-1," in str(recording.error)


# the network


def test_the_network_is_closed(host: Recording) -> None:
    assert inputs(host, "Vcn", "triton-vcn") == {
        "compartmentId": COMPARTMENT,
        "cidrBlocks": ["10.0.0.0/16"],
        "displayName": "triton",
    }
    # Oracle's own would let anyone in on port 22
    assert inputs(host, "DefaultSecurityList", "triton-no-security-list") == {
        "compartmentId": COMPARTMENT,
        "manageDefaultResourceId": "triton-vcn-default-list",
        "ingressSecurityRules": [],
        "egressSecurityRules": [{"protocol": "all", "destination": "10.0.0.0/16"}],
    }
    assert host.of("InternetGateway") == []
    assert host.of("publicIp:PublicIp") == []
    subnets = {subnet.name: subnet.inputs for subnet in host.of("subnet:Subnet")}
    assert subnets == {
        "triton-hosts-subnet": {
            "compartmentId": COMPARTMENT,
            "vcnId": "triton-vcn-id",
            "cidrBlock": "10.0.0.0/18",
            "displayName": "triton-hosts",
            "prohibitPublicIpOnVnic": True,
            "routeTableId": "triton-private-id",
        },
        "triton-balancer-subnet": {
            "compartmentId": COMPARTMENT,
            "vcnId": "triton-vcn-id",
            "cidrBlock": "10.0.128.0/18",
            "displayName": "triton-balancer",
            "prohibitPublicIpOnVnic": True,
        },
    }
    assert inputs(host, "RouteTable", "triton-private")["routeRules"] == [
        {"destination": "0.0.0.0/0", "destinationType": "CIDR_BLOCK", "networkEntityId": "triton-nat-id"},
        {
            "destination": "all-iad-services-in-oracle-services-network",
            "destinationType": "SERVICE_CIDR_BLOCK",
            "networkEntityId": "triton-services-id",
        },
    ]


def test_what_may_pass(host: Recording) -> None:
    assert rules(host, "triton-hosts-group") == {
        ("INGRESS", "6", "triton-balancer-group-id", 8000),
        ("INGRESS", "6", "triton-balancer-group-id", 8001),
        ("INGRESS", "6", "triton-balancer-group-id", 8002),
        ("INGRESS", "6", "10.0.0.9/32", 22),
        ("INGRESS", "1", "0.0.0.0/0", None),
        ("EGRESS", "all", "0.0.0.0/0", None),
    }
    assert rules(host, "triton-balancer-group") == {
        ("INGRESS", "6", "10.0.0.0/16", 8000),
        ("INGRESS", "6", "10.0.0.0/16", 8001),
        ("INGRESS", "6", "10.0.0.0/16", 8002),
        ("EGRESS", "6", "triton-hosts-group-id", 8000),
        ("EGRESS", "6", "triton-hosts-group-id", 8001),
        ("EGRESS", "6", "triton-hosts-group-id", 8002),
    }
    # the firewall of the host itself knows the same
    assert "ALLOWED_RANGES=10.0.128.0/17" in cloud_config(host)


def test_a_host_boots_when_it_may_reach_what_it_needs(host: Recording) -> None:
    assert {"triton-hosts-out", "triton-hosts-subnet"} <= host["Core/instance:Instance", "triton-1"].depends_on()


def test_a_network_that_exists() -> None:
    recording = record_host({"network": SUBNETS})
    for kind in ("Vcn", "subnet:Subnet", "RouteTable", "NatGateway", "ServiceGateway", "DefaultSecurityList"):
        assert recording.of(kind) == []
    assert instance(recording)["createVnicDetails"]["subnetId"] == SUBNETS["hostSubnetId"]
    balancer = inputs(recording, ":NetworkLoadBalancer", "triton-balancer")
    assert balancer["subnetId"] == SUBNETS["balancerSubnetId"]
    assert inputs(recording, "Bastion", "triton-bastion")["targetSubnetId"] == SUBNETS["hostSubnetId"]
    assert ("INGRESS", "6", SUBNETS["cidr"], 8002) in rules(recording, "triton-balancer-group")
    assert f"ALLOWED_RANGES={SUBNETS['cidr']}" in cloud_config(recording)


# the load balancer


def test_the_load_balancer_asks_whether_the_model_is_loaded(host: Recording) -> None:
    assert inputs(host, ":NetworkLoadBalancer", "triton-balancer") == {
        "compartmentId": COMPARTMENT,
        "displayName": "triton",
        "subnetId": "triton-balancer-subnet-id",
        "isPrivate": True,
        "isPreserveSourceDestination": False,
        "networkSecurityGroupIds": ["triton-balancer-group-id"],
    }
    for port_name, port in (("http", 8000), ("grpc", 8001), ("metrics", 8002)):
        assert inputs(host, "BackendSet", f"triton-{port_name}") == {
            "networkLoadBalancerId": "triton-balancer-id",
            "name": port_name,
            "policy": "FIVE_TUPLE",
            "isPreserveSource": False,
            "healthChecker": {
                "protocol": "HTTP",
                "port": 8000,
                "urlPath": "/v2/health/ready",
                "returnCode": 200,
                "intervalInMillis": 10000,
                "timeoutInMillis": 3000,
                "retries": 3,
            },
        }
        assert inputs(host, "Backend", f"triton-{port_name}-1") == {
            "networkLoadBalancerId": "triton-balancer-id",
            "backendSetName": port_name,
            "name": "host-1",
            "targetId": "triton-1-id",
            "port": port,
        }
        assert inputs(host, "Listener", f"triton-{port_name}-listener") == {
            "networkLoadBalancerId": "triton-balancer-id",
            "name": port_name,
            "defaultBackendSetName": port_name,
            "port": port,
            "protocol": "TCP",
        }


def test_the_load_balancer_is_changed_by_one_at_a_time() -> None:
    recording = record_host({"hosts": 2})
    parts = {part.name: part for kind in ("BackendSet", "Backend", "Listener") for part in recording.of(kind)}
    assert len(parts) == 3 * (1 + 2 + 1)

    def before(name: str) -> set[str]:
        return {other for other in parts[name].depends_on() if other in parts}

    def all_before(name: str) -> set[str]:
        return before(name) | {earlier for other in before(name) for earlier in all_before(other)}

    # a chain: of any two of them, one waits for the other
    assert sorted(len(all_before(name)) for name in parts) == list(range(len(parts)))


def test_a_public_load_balancer_has_a_reserved_address_and_named_clients() -> None:
    recording = record_host(PUBLIC)
    assert inputs(recording, "publicIp:PublicIp", "triton-address") == {
        "compartmentId": COMPARTMENT,
        "lifetime": "RESERVED",
        "displayName": "triton",
    }
    assert list(recording["publicIp:PublicIp", "triton-address"].request.ignoreChanges) == ["privateIpId"]
    balancer = inputs(recording, ":NetworkLoadBalancer", "triton-balancer")
    assert balancer["isPrivate"] is False
    assert balancer["reservedIps"] == [{"id": "triton-address-id"}]
    ingress = {rule for rule in rules(recording, "triton-balancer-group") if rule[0] == "INGRESS"}
    # gRPC and metrics stay inside
    assert ingress == {
        ("INGRESS", "6", "198.51.100.0/24", 8000),
        ("INGRESS", "6", "10.0.0.0/16", 8000),
        ("INGRESS", "6", "10.0.0.0/16", 8001),
        ("INGRESS", "6", "10.0.0.0/16", 8002),
    }
    subnets = {subnet.name: subnet.inputs for subnet in recording.of("subnet:Subnet")}
    assert subnets["triton-public-balancer-subnet"]["prohibitPublicIpOnVnic"] is False
    assert subnets["triton-public-balancer-subnet"]["routeTableId"] == "triton-public-id"
    assert subnets["triton-hosts-subnet"]["prohibitPublicIpOnVnic"] is True
    outputs = recording["OciGpuHost", "triton"].outputs or {}
    assert outputs["loadBalancerIp"] == "203.0.113.30"
    assert outputs["endpoint"] == "http://203.0.113.30:8000/v2/models/ensemble/generate"
    assert outputs["access"] == "public"


# several hosts


def test_hosts_are_counted() -> None:
    recording = record_host({"hosts": 2})
    assert [instance(recording, number)["displayName"] for number in (1, 2)] == ["triton-1", "triton-2"]
    assert len(recording.of("volume:Volume")) == 2
    assert {backend.inputs["targetId"] for backend in recording.of("Backend")} == {"triton-1-id", "triton-2-id"}
    rule = inputs(recording, "DynamicGroup", "triton-hosts")["matchingRule"]
    assert rule == "Any {instance.id = 'triton-1-id', instance.id = 'triton-2-id'}"
    assert (recording["OciGpuHost", "triton"].outputs or {})["privateAddresses"] == ["10.0.0.5", "10.0.0.5"]


# engines


def test_engines_outlive_the_host(host: Recording) -> None:
    volume = host["volume:Volume", "triton-engines-1"]
    assert volume.inputs == {
        "compartmentId": COMPARTMENT,
        "availabilityDomain": "Uocm:PHX-AD-1",
        "displayName": "triton-engines-1",
        "sizeInGbs": "500",
    }
    # what depends on a host that is replaced would be replaced with it
    assert "triton-1" not in volume.depends_on()
    assert volume.request.retainOnDelete is False
    assert inputs(host, "VolumeAttachment", "triton-engines-1-attachment") == {
        "instanceId": "triton-1-id",
        "volumeId": "triton-engines-1-id",
        "displayName": "triton-engines-1",
        "device": "/dev/oracleoci/oraclevdb",
        "attachmentType": "iscsi",
        "isAgentAutoIscsiLoginEnabled": True,
    }
    assert "ENGINE_DEVICE=/dev/oracleoci/oraclevdb" in cloud_config(host)


def test_engines_in_a_bucket() -> None:
    recording = record_host(BUCKET)
    assert recording.of("volume:Volume") == []
    assert recording.of("VolumeAttachment") == []
    assert inputs(recording, "Bucket", "triton-engines") == {
        "compartmentId": COMPARTMENT,
        "namespace": "tenancy-namespace",
        "name": "triton-test-engines",
        "accessType": "NoPublicAccess",
    }
    of_bucket = f"in compartment id {COMPARTMENT} where target.bucket.name = 'triton-test-engines'"
    assert inputs(recording, "Policy", "triton-policy")["statements"][1:] == [
        f"Allow dynamic-group id triton-hosts-id to read buckets {of_bucket}",
        f"Allow dynamic-group id triton-hosts-id to manage objects {of_bucket}",
    ]
    assert {"name": "Block Volume Management", "desiredState": "DISABLED"} in instance(recording)["agentConfig"][
        "pluginsConfigs"
    ]


@pytest.mark.parametrize(("changes", "kind"), [({}, "volume:Volume"), (BUCKET, "Bucket")])
def test_a_store_that_is_kept(changes: dict[str, Any], kind: str) -> None:
    (store,) = record_host({**changes, "engineStore.keep": True}).of(kind)
    assert store.request.retainOnDelete is True


# the token, and rights


def test_the_token_is_in_the_vault_and_nowhere_else(host: Recording) -> None:
    secret = host["Vault/secret:Secret", "triton-token"]
    assert secret.secret("secretContent") == {
        "contentType": "BASE64",
        "content": base64.b64encode(TOKEN.encode()).decode(),
    }
    assert (secret.inputs["vaultId"], secret.inputs["keyId"]) == ("triton-vault-id", "triton-key-id")
    assert inputs(host, "Key", "triton-key")["managementEndpoint"] == "https://triton-vault-management.example.com"
    for registered in host.resources:
        if registered is not secret:
            assert TOKEN not in json.dumps(registered.inputs)
    assert TOKEN not in cloud_config(host)
    assert "TOKEN_SECRET_ID=triton-token-id" in cloud_config(host)


def test_hosts_may_read_that_secret_and_have_their_volumes(host: Recording) -> None:
    assert inputs(host, "DynamicGroup", "triton-hosts") == {
        "compartmentId": TENANCY,
        "name": "triton-test",
        "description": "Hosts of triton",
        "matchingRule": "Any {instance.id = 'triton-1-id'}",
    }
    who, where = "Allow dynamic-group id triton-hosts-id to", f"in compartment id {COMPARTMENT}"
    assert inputs(host, "Policy", "triton-policy") == {
        "compartmentId": TENANCY,
        "name": "triton-test",
        "description": "What the hosts of triton may do",
        "statements": [
            f"{who} read secret-bundles in tenancy where target.secret.id = 'triton-token-id'",
            f"{who} use instances {where}",
            f"{who} use volume-attachments {where}",
        ],
    }


def test_a_secret_of_ones_own() -> None:
    recording = record_host({"token": GONE, "tokenSecretId": "ocid1.vaultsecret.oc1.iad.mine"})
    for kind in ("Kms/vault:Vault", "key:Key", "Vault/secret:Secret"):
        assert recording.of(kind) == []
    assert "TOKEN_SECRET_ID=ocid1.vaultsecret.oc1.iad.mine" in cloud_config(recording)
    statement = inputs(recording, "Policy", "triton-policy")["statements"][0]
    assert statement.endswith("where target.secret.id = 'ocid1.vaultsecret.oc1.iad.mine'")


def test_rights_that_an_administrator_grants() -> None:
    recording = record_host({"grantRights": False})
    assert recording.error is None
    assert recording.of("DynamicGroup") == recording.of("Policy") == []


def test_rights_are_granted_in_the_home_region() -> None:
    config = {**CONFIG, "oci:fingerprint": "aa:bb", "oci:privateKey": "PRIVATE"}
    recording = record_host({"homeRegion": "us-phoenix-1"}, config=config)
    home = recording["pulumi:providers:oci", "triton-home"]
    assert (home.inputs["region"], home.inputs["tenancyOcid"]) == ("us-phoenix-1", TENANCY)
    assert home.inputs["fingerprint"] == "aa:bb"
    assert home.secret("privateKey") == "PRIVATE"
    for kind, name in (("DynamicGroup", "triton-hosts"), ("Policy", "triton-policy")):
        assert recording[kind, name].provider() == "triton-home"
    assert recording["Core/instance:Instance", "triton-1"].provider() == ""
    assert record_host({"homeRegion": "us-ashburn-1"}).of("pulumi:providers:oci") == []


# shells


def test_people_come_through_the_bastion(host: Recording) -> None:
    assert inputs(host, "Bastion", "triton-bastion") == {
        "bastionType": "STANDARD",
        "compartmentId": COMPARTMENT,
        "name": "tritontest",
        "targetSubnetId": "triton-hosts-subnet-id",
        "clientCidrBlockAllowLists": ["198.51.100.0/24"],
        "maxSessionTtlInSeconds": 10800,
    }
    command = (host["OciGpuHost", "triton"].outputs or {})["sshCommand"]
    assert command.startswith(
        "session=$(oci bastion session create-managed-ssh --region us-ashburn-1 --bastion-id triton-bastion-id"
        " --target-resource-id triton-1-id --target-private-ip 10.0.0.5 --target-os-username opc "
    )
    assert command.endswith('$session@host.bastion.us-ashburn-1.oci.oraclecloud.com" opc@10.0.0.5')


def test_ranges_of_their_own_for_shells() -> None:
    recording = record_host({**PUBLIC, "ssh": {"sourceRanges": ["203.0.113.0/29"]}})
    bastion = inputs(recording, "Bastion", "triton-bastion")
    assert bastion["clientCidrBlockAllowLists"] == ["203.0.113.0/29"]


def test_an_open_port_is_open_for_named_ranges() -> None:
    recording = record_host(OPEN_SSH)
    assert recording.of("Bastion") == []
    assert {rule for rule in rules(recording, "triton-hosts-group") if rule[3] == 22} == {
        ("INGRESS", "6", "198.51.100.0/24", 22)
    }
    described = instance(recording)
    assert described["createVnicDetails"]["assignPublicIp"] == "true"
    assert described["metadata"]["ssh_authorized_keys"] == KEY
    assert {"name": "Bastion", "desiredState": "DISABLED"} in described["agentConfig"]["pluginsConfigs"]
    assert recording.of("NatGateway") == recording.of("ServiceGateway") == []
    outputs = recording["OciGpuHost", "triton"].outputs or {}
    assert outputs["sshCommand"] == "ssh opc@203.0.113.20"
    assert outputs["publicAddress"] == "203.0.113.20"


def test_no_shells_at_all() -> None:
    recording = record_host({"ssh": {"access": "none"}, "sourceRanges": GONE})
    assert recording.of("Bastion") == []
    assert {rule for rule in rules(recording, "triton-hosts-group") if rule[3] == 22} == set()
    assert "sshCommand" not in (recording["OciGpuHost", "triton"].outputs or {})


# the component


def test_outputs(host: Recording) -> None:
    outputs = dict(host["OciGpuHost", "triton"].outputs or {})
    assert outputs.pop("tryIt").startswith("curl http://10.0.128.7:8000/v2/models/ensemble/generate -H ")
    del outputs["sshCommand"]
    assert outputs == {
        "endpoint": "http://10.0.128.7:8000/v2/models/ensemble/generate",
        "healthUrl": "http://10.0.128.7:8000/v2/health/ready",
        "metricsUrl": "http://10.0.128.7:8002/metrics",
        "access": "internal",
        "loadBalancerIp": "10.0.128.7",
        "privateAddress": "10.0.0.5",
        "privateAddresses": ["10.0.0.5"],
        "setupLog": LOG,
    }


def test_everything_is_the_components_and_named_after_it(host: Recording) -> None:
    for registered in host.resources:
        if registered.type not in ("pulumi:pulumi:Stack", "llm-serving:index:OciGpuHost"):
            assert registered.parent == "triton"
            assert registered.name.startswith("triton-")


def test_a_preview_registers_the_same(host: Recording) -> None:
    preview = record_host(preview=True)
    assert preview.error is None
    assert {(r.type, r.name) for r in preview.resources} == {(r.type, r.name) for r in host.resources}


def test_nothing_of_refused_hosts_is_registered() -> None:
    recording = record_host({"shape": "BM.GPU5.8"})
    assert isinstance(recording.error, ConfigurationError)
    assert [r.type for r in recording.resources] == ["pulumi:pulumi:Stack"]
