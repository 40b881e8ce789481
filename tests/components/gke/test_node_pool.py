"""Node pools of the guide's cluster, and how each setting changes them."""

from typing import Any

import pytest

from tests.components.guide import GONE, inputs, record_cluster
from tests.recording import Recording

EMAIL = "guide-test-nodes@test-project.iam.gserviceaccount.com"

NODES: dict[str, Any] = {
    "serviceAccount": EMAIL,
    "oauthScopes": ["https://www.googleapis.com/auth/cloud-platform"],
    "gcfsConfig": {"enabled": True},
    "shieldedInstanceConfig": {"enableSecureBoot": True, "enableIntegrityMonitoring": True},
    "workloadMetadataConfig": {"mode": "GKE_METADATA"},
    "tags": ["web", "sftp"],
}


@pytest.fixture(scope="module")
def guide() -> Recording:
    recording = record_cluster()
    assert recording.error is None
    return recording


def pool_of(name: str = "l4", **changes: Any) -> dict[str, Any]:
    return inputs(record_cluster(**changes), "NodePool", f"guide-{name}")


def test_the_cpu_pool(guide: Recording) -> None:
    # four nodes in two zones are two in each; Pulumi names the pool, so that it can be replaced without a gap
    assert guide["NodePool", "guide-cpu"].inputs == {
        "cluster": "guide-id",
        "nodeLocations": ["us-central1-a", "us-central1-c"],
        "initialNodeCount": 2,
        "autoscaling": {"totalMinNodeCount": 3, "totalMaxNodeCount": 6, "locationPolicy": "ANY"},
        "management": {"autoRepair": True, "autoUpgrade": True},
        "nodeDrainConfigs": [{"respectPdbDuringNodePoolDeletion": True}],
        "nodeConfig": {"machineType": "n2d-standard-8", **NODES},
    }


def test_the_gpu_pool(guide: Recording) -> None:
    # exactly so: no taint, which GKE adds itself, no node count, which the autoscaler owns
    assert guide["NodePool", "guide-l4"].inputs == {
        "name": "l4",
        "cluster": "guide-id",
        "nodeLocations": ["us-central1-a"],
        "initialNodeCount": 1,
        "autoscaling": {"totalMinNodeCount": 1, "totalMaxNodeCount": 2, "locationPolicy": "ANY"},
        "management": {"autoRepair": True, "autoUpgrade": True},
        "upgradeSettings": {"maxSurge": 0, "maxUnavailable": 1},
        "nodeDrainConfigs": [{"respectPdbDuringNodePoolDeletion": True}],
        "nodeConfig": {
            "machineType": "g2-standard-48",
            **NODES,
            "labels": {"accelerator": "nvidia-gpu"},
            "guestAccelerators": [
                {
                    "type": "nvidia-l4",
                    "count": 4,
                    "gpuDriverInstallationConfig": {"gpuDriverVersion": "LATEST"},
                }
            ],
            "gvnic": {"enabled": True},
            "ephemeralStorageLocalSsdConfig": {"localSsdCount": 4},
        },
    }


def test_pool_zones_come_from_the_catalogue() -> None:
    # of the cluster's own zones those that offer the GPU: us-central1-f has no L4
    zones = ["us-central1-a", "us-central1-f"]
    assert pool_of(nodeLocations=zones, gpuPools__l4__zones=GONE)["nodeLocations"] == ["us-central1-a"]
    # where none of them does, all of the region that do
    everywhere = pool_of(
        nodeLocations=["us-central1-f"], gpuPools__l4__zones=GONE, gpuPools__l4__nodes=0, gpuPools__l4__minNodes=0
    )
    assert everywhere["nodeLocations"] == ["us-central1-a", "us-central1-b", "us-central1-c"]
    # and the CPU pool is not pinned to the GPU's zone
    assert pool_of("cpu")["nodeLocations"] == ["us-central1-a", "us-central1-c"]


def test_the_default_zones_of_a_region_are_three() -> None:
    recording = record_cluster(nodeLocations=GONE, cpuPool__nodes=3)
    assert "nodeLocations" not in inputs(recording, "container/cluster:Cluster", "guide")
    assert inputs(recording, "NodePool", "guide-cpu")["nodeLocations"] == [
        "us-central1-a",
        "us-central1-b",
        "us-central1-c",
    ]
    assert inputs(recording, "NodePool", "guide-cpu")["initialNodeCount"] == 1


def test_spot_and_reservation() -> None:
    assert pool_of(gpuPools__l4__spot=True)["nodeConfig"]["spot"] is True
    assert pool_of(gpuPools__l4__reservation="ours")["nodeConfig"]["reservationAffinity"] == {
        "consumeReservationType": "SPECIFIC_RESERVATION",
        "key": "compute.googleapis.com/reservation-name",
        "values": ["ours"],
    }


@pytest.mark.parametrize(
    ("version", "expected"),
    [("latest", "LATEST"), ("default", "DEFAULT"), ("installation-disabled", "INSTALLATION_DISABLED")],
)
def test_driver_version(version: str, expected: str) -> None:
    (gpu,) = pool_of(gpuPools__l4__driverVersion=version)["nodeConfig"]["guestAccelerators"]
    assert gpu["gpuDriverInstallationConfig"] == {"gpuDriverVersion": expected}


def test_accelerators_follow_from_the_machine_type() -> None:
    pool = pool_of(
        gpuPools__l4__machineType="g2-standard-24",
        gpuPools__l4__acceleratorType=GONE,
        gpuPools__l4__acceleratorCount=GONE,
        gpuPools__l4__localSsds=GONE,
    )
    (gpu,) = pool["nodeConfig"]["guestAccelerators"]
    assert (gpu["type"], gpu["count"]) == ("nvidia-l4", 2)
    assert "ephemeralStorageLocalSsdConfig" not in pool["nodeConfig"]


def test_boot_disk_and_what_can_be_switched_off() -> None:
    node = pool_of(
        gpuPools__l4__diskSizeGb=200,
        gpuPools__l4__diskType="pd-ssd",
        gpuPools__l4__imageStreaming=False,
        gpuPools__l4__secureBoot=False,
        gpuPools__l4__integrityMonitoring=False,
    )["nodeConfig"]
    assert (node["diskSizeGb"], node["diskType"]) == (200, "pd-ssd")
    assert node["gcfsConfig"] == {"enabled": False}
    assert node["shieldedInstanceConfig"] == {"enableSecureBoot": False, "enableIntegrityMonitoring": False}
    pool = pool_of("cpu", cpuPool__autoRepair=False, cpuPool__autoUpgrade=False)
    assert pool["management"] == {"autoRepair": False, "autoUpgrade": False}
