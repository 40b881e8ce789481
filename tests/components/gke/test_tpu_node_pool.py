"""TPU node pools: what each machine and topology registers, and what is refused."""

from typing import Any

import pytest

from components.findings import ConfigurationError, Finding
from components.gke.node_pool_checks import check_tpu_pool
from components.gke.tpu_node_pool import TpuNodePool, TpuNodePoolArgs
from tests.components.guide import GONE, changed, inputs
from tests.recording import Recording, record

CLUSTER_ID = "projects/test-project/locations/us-west4-a/clusters/jetstream"

# the guide's pool: two independent slices, each of them one node of eight chips
POOL: dict[str, Any] = {
    "machineType": "ct5lp-hightpu-8t",
    "topology": "2x4",
    "nodes": 2,
    "minNodes": 0,
    "maxNodes": 2,
    "clusterId": CLUSTER_ID,
    "location": "us-west4-a",
    "serviceAccount": "nodes@test-project.iam.gserviceaccount.com",
}

# the same chips as one slice that two nodes make
MULTI_HOST = {"machineType": "ct5lp-hightpu-4t"}


def record_pool(*, name: str = "tpu", **changes: Any) -> Recording:
    args: Any = changed(POOL, changes)
    return record(lambda: TpuNodePool(name, args))


def pool(**changes: Any) -> dict[str, Any]:
    return inputs(record_pool(**changes), "NodePool", "tpu-pool")


def found(*, name: str = "tpu", **changes: Any) -> list[Finding]:
    args = TpuNodePoolArgs.parse(changed(POOL, changes))
    return check_tpu_pool(name, args, args.location)


@pytest.fixture(scope="module")
def guide() -> Recording:
    recording = record_pool()
    assert recording.error is None
    return recording


def test_independent_slices_of_one_host(guide: Recording) -> None:
    # exactly so: no placement policy, which single hosts must not have, no taint, which GKE adds itself
    assert guide["NodePool", "tpu-pool"].inputs == {
        "name": "tpu",
        "cluster": CLUSTER_ID,
        "nodeLocations": ["us-west4-a"],
        "initialNodeCount": 2,
        "autoscaling": {"totalMinNodeCount": 0, "totalMaxNodeCount": 2, "locationPolicy": "ANY"},
        "management": {"autoRepair": True, "autoUpgrade": True},
        "upgradeSettings": {"maxSurge": 0, "maxUnavailable": 1},
        "nodeDrainConfigs": [{"respectPdbDuringNodePoolDeletion": True}],
        "nodeConfig": {
            "machineType": "ct5lp-hightpu-8t",
            "serviceAccount": "nodes@test-project.iam.gserviceaccount.com",
            "oauthScopes": ["https://www.googleapis.com/auth/cloud-platform"],
            "gcfsConfig": {"enabled": True},
            "shieldedInstanceConfig": {"enableSecureBoot": True, "enableIntegrityMonitoring": True},
            "workloadMetadataConfig": {"mode": "GKE_METADATA"},
        },
    }


def test_parent_options_and_outputs(guide: Recording) -> None:
    registered = guide["NodePool", "tpu-pool"]
    assert registered.parent == "tpu"
    assert list(registered.request.ignoreChanges) == ["initialNodeCount"]
    # two pools of one name cannot be, nor does the quota of chips suffice for both
    assert registered.request.deleteBeforeReplace is True
    assert registered.request.customTimeouts.create == "45m"
    assert guide["TpuNodePool", "tpu"].outputs == {
        "name": "tpu",
        "accelerator": "tpu-v5-lite-podslice",
        "topology": "2x4",
        "chipsPerNode": 8,
        "nodesPerSlice": 1,
    }


def test_one_slice_of_several_hosts() -> None:
    # the topology of the guide, and yet another pool
    recording = record_pool(**MULTI_HOST)
    registered = inputs(recording, "NodePool", "tpu-pool")
    assert registered["placementPolicy"] == {"type": "COMPACT", "tpuTopology": "2x4"}
    assert registered["initialNodeCount"] == 2
    # users trip over 22: bounds per zone, and no total
    assert registered["autoscaling"] == {"minNodeCount": 0, "maxNodeCount": 2}
    outputs = recording["TpuNodePool", "tpu"].outputs or {}
    assert (outputs["chipsPerNode"], outputs["nodesPerSlice"]) == (4, 2)


@pytest.mark.parametrize(
    ("machine", "topology", "zone", "nodes", "accelerator", "compact"),
    [
        ("ct5lp-hightpu-1t", "1x1", "us-west4-a", 1, "tpu-v5-lite-podslice", False),
        ("ct5lp-hightpu-4t", "4x4", "us-west4-a", 4, "tpu-v5-lite-podslice", True),
        ("ct6e-standard-8t", "2x4", "us-east5-b", 3, "tpu-v6e-slice", False),
        ("ct6e-standard-4t", "2x4", "us-east5-b", 2, "tpu-v6e-slice", True),
        ("ct5p-hightpu-4t", "2x2x1", "us-east5-a", 1, "tpu-v5p-slice", False),
        ("ct5p-hightpu-4t", "2x2x2", "us-east5-a", 2, "tpu-v5p-slice", True),
    ],
)
def test_other_machines(machine: str, topology: str, zone: str, nodes: int, accelerator: str, compact: bool) -> None:
    recording = record_pool(machineType=machine, topology=topology, location=zone, nodes=nodes, maxNodes=nodes)
    registered = inputs(recording, "NodePool", "tpu-pool")
    assert registered["nodeLocations"] == [zone]
    assert registered["initialNodeCount"] == nodes
    assert ("placementPolicy" in registered) is compact
    assert (recording["TpuNodePool", "tpu"].outputs or {})["accelerator"] == accelerator


def test_a_regional_cluster_has_the_pool_in_one_zone_that_offers_the_tpu() -> None:
    assert pool(location="us-central1")["nodeLocations"] == ["us-central1-a"]
    assert pool(location="us-west4", zones=["us-west4-a"])["nodeLocations"] == ["us-west4-a"]


def test_spot_reservation_and_tags() -> None:
    assert pool(spot=True)["nodeConfig"]["spot"] is True
    assert pool(reservation="ours")["nodeConfig"]["reservationAffinity"] == {
        "consumeReservationType": "SPECIFIC_RESERVATION",
        "key": "compute.googleapis.com/reservation-name",
        "values": ["ours"],
    }
    assert pool(tags=["web"])["nodeConfig"]["tags"] == ["web"]
    assert pool(imageStreaming=False)["nodeConfig"]["gcfsConfig"] == {"enabled": False}


def test_flex_start() -> None:
    registered = pool(flexStart=True, nodes=0)
    assert registered["initialNodeCount"] == 0
    assert registered["management"] == {"autoRepair": False, "autoUpgrade": True}
    node = registered["nodeConfig"]
    assert (node["flexStart"], node["maxRunDuration"]) == (True, "604800s")
    assert node["reservationAffinity"] == {"consumeReservationType": "NO_RESERVATION"}


def test_the_guide_is_right() -> None:
    assert found() == []
    assert found(**MULTI_HOST) == []
    # not yet there
    assert found(**MULTI_HOST, nodes=0) == []


@pytest.mark.parametrize(
    ("changes", "path", "code", "said"),
    [
        ({"machineType": "g2-standard-48"}, "machineType", "machine-without-tpu", "ct5lp-hightpu-8t"),
        ({"topology": "4x4"}, "topology", "topology-impossible", "It makes 2x4; '4x4' is made by ct5lp-hightpu-4t"),
        ({"topology": "2x2x1"}, "topology", "topology-impossible", "ct5p-hightpu-4t"),
        ({"topology": "3x3"}, "topology", "topology-impossible", "It makes 2x4."),
        ({"topology": "eight"}, "topology", "topology-impossible", "It makes 2x4."),
        ({"location": "us-central1-b"}, "zones[0]", "zone-without-accelerator", "us-central1-a"),
        ({"location": "us-central1", "zones": ["us-central1-f"]}, "zones[0]", "zone-without-accelerator", "1-a"),
        ({"zones": ["us-east5-b"]}, "zones[0]", "zone-outside-region", "us-west4"),
        ({"location": "europe-west9"}, "machineType", "region-without-accelerator", "us-west4"),
        # both nodes of the slice, or none
        ({**MULTI_HOST, "nodes": 1}, "nodes", "slice-nodes", "2x4 on 'ct5lp-hightpu-4t' is 2 nodes"),
        ({**MULTI_HOST, "minNodes": 1}, "minNodes", "slice-nodes", "Set 2, or 0 to begin without."),
        ({**MULTI_HOST, "maxNodes": 4}, "maxNodes", "slice-nodes", "Set 2."),
        ({"maxNodes": 1}, "nodes", "pool-bounds", "minNodes <= nodes <= maxNodes"),
        (
            {**MULTI_HOST, "location": "us-central1", "zones": ["us-central1-a", "us-central1-a"]},
            "zones[1]",
            "zone-twice",
            "Name each zone once.",
        ),
        ({"flexStart": True}, "minNodes", "flex-start-nodes", "Set minNodes and nodes to 0."),
        ({"flexStart": True, "nodes": 0, "spot": True}, "spot", "pool-capacity", "flexStart and spot are set"),
        ({"spot": True, "reservation": "ours"}, "reservation", "pool-capacity", "Set one of them."),
        ({"name": "cpu"}, "name", "pool-name-invalid", "not 'cpu'"),
        ({"name": "TPU"}, "name", "pool-name-invalid", "lower-case"),
    ],
)
def test_what_is_wrong(changes: dict[str, Any], path: str, code: str, said: str) -> None:
    findings = [finding for finding in found(**changes) if finding.code == code]
    assert [finding.path for finding in findings] == [path]
    assert findings[0].severity == "error"
    assert said in str(findings[0])


def test_a_slice_is_in_one_zone() -> None:
    findings = found(**MULTI_HOST, location="us-central1", zones=["us-central1-a", "us-central1-b"])
    assert "slice-zones" in {finding.code for finding in findings}


def test_nothing_of_a_refused_pool_is_registered() -> None:
    recording = record_pool(topology="4x4")
    assert isinstance(recording.error, ConfigurationError)
    assert [resource.type for resource in recording.resources] == ["pulumi:pulumi:Stack"]
    assert isinstance(record_pool(topology=GONE).error, ConfigurationError)
