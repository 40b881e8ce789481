"""How each setting of GkeGpuCluster changes what it registers."""

import re
from typing import Any

import pulumi
import pytest

from components.gke.gpu_cluster import GkeGpuCluster
from components.gke.gpu_cluster_args import GkeGpuClusterArgs
from tests.components.guide import CLUSTER, GONE, cluster_args, inputs, record_cluster
from tests.recording import Recording, record

WINDOW = {"start": "2026-02-01T01:00:00Z", "end": "2026-02-01T05:00:00Z"}


@pytest.fixture(scope="module")
def guide() -> Recording:
    recording = record_cluster()
    assert recording.error is None
    return recording


def cluster_of(**changes: Any) -> dict[str, Any]:
    return inputs(record_cluster(**changes), "container/cluster:Cluster", "guide")


def test_a_zonal_cluster_names_only_the_zones_besides_its_own() -> None:
    cluster = cluster_of(location="us-central1-a")
    assert cluster["location"] == "us-central1-a"
    assert cluster["nodeLocations"] == ["us-central1-c"]
    recording = record_cluster(location="us-central1-a", nodeLocations=GONE)
    assert "nodeLocations" not in inputs(recording, "container/cluster:Cluster", "guide")
    assert inputs(recording, "NodePool", "guide-cpu")["nodeLocations"] == ["us-central1-a"]
    assert inputs(recording, "NodePool", "guide-cpu")["initialNodeCount"] == 4
    assert inputs(recording, "Router", "guide-router")["region"] == "us-central1"


@pytest.mark.parametrize(
    ("changes", "path", "expected"),
    [
        ({"releaseChannel": "stable"}, "releaseChannel", {"channel": "STABLE"}),
        ({"network": "a", "subnetwork": "b"}, "network", "a"),
        ({"network": "a", "subnetwork": "b"}, "subnetwork", "b"),
        ({"deletionProtection": True}, "deletionProtection", True),
        ({"logging": ["SYSTEM_COMPONENTS"]}, "loggingConfig", {"enableComponents": ["SYSTEM_COMPONENTS"]}),
        (
            {"monitoring": [], "managedPrometheus": False},
            "monitoringConfig",
            {"enableComponents": [], "managedPrometheus": {"enabled": False}},
        ),
        (
            {
                "addons": {
                    "horizontalPodAutoscaling": False,
                    "httpLoadBalancing": False,
                    "persistentDiskCsi": False,
                    "gcsFuseCsi": False,
                }
            },
            "addonsConfig",
            {
                "horizontalPodAutoscaling": {"disabled": True},
                "httpLoadBalancing": {"disabled": True},
                "gcePersistentDiskCsiDriverConfig": {"enabled": False},
                "gcsFuseCsiDriverConfig": {"enabled": False},
            },
        ),
        (
            {"maintenanceWindow": {**WINDOW, "recurrence": "FREQ=DAILY"}},
            "maintenancePolicy",
            {"recurringWindow": {"startTime": WINDOW["start"], "endTime": WINDOW["end"], "recurrence": "FREQ=DAILY"}},
        ),
        (
            {"authorizedNetworks": {"office": "198.51.100.0/24"}},
            "masterAuthorizedNetworksConfig",
            {"cidrBlocks": [{"cidrBlock": "198.51.100.0/24", "displayName": "office"}]},
        ),
        # none may: not the same as no list, by which all may
        ({"authorizedNetworks": {}}, "masterAuthorizedNetworksConfig", {"cidrBlocks": []}),
    ],
)
def test_settings_of_the_cluster(changes: dict[str, Any], path: str, expected: object) -> None:
    assert cluster_of(**changes)[path] == expected


@pytest.mark.parametrize(
    ("changes", "private", "nat"),
    [
        ({}, True, True),
        ({"nat": False}, True, False),
        ({"privateNodes": False}, False, False),
        ({"privateNodes": False, "nat": True}, False, True),
    ],
)
def test_private_nodes_and_nat(changes: dict[str, Any], private: bool, nat: bool) -> None:
    recording = record_cluster(**changes)
    cluster = inputs(recording, "container/cluster:Cluster", "guide")
    assert cluster["privateClusterConfig"]["enablePrivateNodes"] is private
    assert bool(recording.of("RouterNat")) is nat
    assert bool(recording.of("Router")) is nat


def test_the_project_of_the_arguments_reaches_everything() -> None:
    recording = record_cluster(project="elsewhere")
    assert recording.error is None
    # a node pool has the project in its cluster's ID, a Kubernetes provider in its kubeconfig
    without = (":Stack", ":GkeGpuCluster", ":NodePool", ":kubernetes")
    for resource in recording.resources:
        if not resource.type.endswith(without):
            assert resource.inputs["project"] == "elsewhere", resource.name
    cluster = recording["container/cluster:Cluster", "guide"].inputs
    assert cluster["workloadIdentityConfig"] == {"workloadPool": "elsewhere.svc.id.goog"}


def test_further_roles_are_granted_once() -> None:
    recording = record_cluster(
        nodeRoles=["roles/artifactregistry.reader", "roles/container.defaultNodeServiceAccount"] * 2
    )
    assert recording.error is None
    assert sorted(grant.inputs["role"] for grant in recording.of("IAMMember")) == [
        "roles/artifactregistry.reader",
        "roles/container.defaultNodeServiceAccount",
    ]


@pytest.mark.parametrize(
    ("name", "stack", "expected"),
    [
        ("guide", "Dev_1.x", "guide-dev-1-x-nodes"),
        ("a-cluster-with-quite-a-name", "test", "a-cluster-with-quite-a-[0-9a-f]{6}"),
    ],
)
def test_account_ids_are_what_google_takes(
    name: str, stack: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 6 to 30 lower-case letters, digits and hyphens, where a stack's name may hold more
    monkeypatch.setattr(pulumi, "get_stack", lambda: stack)
    recording = record(lambda: GkeGpuCluster(name, cluster_args()), config={"gcp:project": "test-project"})
    assert recording.error is None
    (account,) = recording.of("Account")
    assert re.fullmatch(expected, account.inputs["accountId"])
    assert len(account.inputs["accountId"]) <= 30


@pytest.mark.parametrize(
    "args",
    [
        pytest.param(CLUSTER, id="camelCase"),
        pytest.param(
            {
                "location": "us-central1",
                "node_locations": CLUSTER["nodeLocations"],
                "tags": CLUSTER["tags"],
                "labels": CLUSTER["labels"],
                "cpu_pool": {"machine_type": "n2d-standard-8", "nodes": 4, "min_nodes": 3, "max_nodes": 6},
                "gpu_pools": {
                    "l4": {
                        "machine_type": "g2-standard-48",
                        "accelerator_type": "nvidia-l4",
                        "accelerator_count": 4,
                        # numbers come as floats from programs in other languages
                        "local_ssds": 4.0,
                        "zones": ["us-central1-a"],
                        "nodes": 1.0,
                        "min_nodes": 1.0,
                        "max_nodes": 2.0,
                        "labels": {"accelerator": "nvidia-gpu"},
                    }
                },
            },
            id="snake_case",
        ),
    ],
)
def test_a_mapping_means_the_same_as_the_model(guide: Recording, args: dict[str, Any]) -> None:
    recording = record_cluster(args)
    assert recording.error is None
    assert {(r.type, r.name): r.inputs for r in recording.resources} == {
        (r.type, r.name): r.inputs for r in guide.resources
    }


def test_outputs_of_other_resources_are_taken() -> None:
    def program() -> None:
        names = {"network": "made-elsewhere", "subnetwork": "made-there-too", "project": "other-project"}
        outputs = {setting: pulumi.Output.from_input(name) for setting, name in names.items()}
        GkeGpuCluster("guide", GkeGpuClusterArgs.parse({**CLUSTER, **outputs}))

    recording = record(program)
    assert recording.error is None
    cluster = recording["container/cluster:Cluster", "guide"].inputs
    assert (cluster["network"], cluster["subnetwork"]) == ("made-elsewhere", "made-there-too")
    assert cluster["workloadIdentityConfig"] == {"workloadPool": "other-project.svc.id.goog"}
