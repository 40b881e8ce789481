"""The Autopilot cluster of seeds/001: what it registers, what it must not pass, and what is refused."""

from typing import Any

import pulumi
import pytest

from components.gke.cluster_checks import check_gke_gpu_cluster
from components.gke.gpu_cluster import GkeGpuCluster
from components.gke.gpu_cluster_args import GkeGpuClusterArgs
from tests.components.guide import CLUSTER
from tests.recording import Recording, record

AUTOPILOT: dict[str, Any] = {"location": "us-central1", "autopilot": True, "releaseChannel": "rapid"}

POOL = {"machineType": "n2d-standard-8", "minNodes": 3, "maxNodes": 3}


def recorded(settings: dict[str, Any]) -> Recording:
    def program() -> None:
        cluster = GkeGpuCluster("vllm", GkeGpuClusterArgs.parse(settings))
        pulumi.export("poolNames", cluster.pool_names)
        pulumi.export("clusterId", cluster.cluster_id)

    recording = record(program, config={"gcp:project": "test-project"})
    assert recording.error is None
    return recording


@pytest.fixture(scope="module")
def guide() -> Recording:
    return recorded(AUTOPILOT)


def test_the_cluster_has_nothing_that_autopilot_owns(guide: Recording) -> None:
    assert guide["container/cluster:Cluster", "vllm"].inputs == {
        "location": "us-central1",
        "enableAutopilot": True,
        "releaseChannel": {"channel": "RAPID"},
        "network": "default",
        "subnetwork": "default",
        "networkingMode": "VPC_NATIVE",
        "ipAllocationPolicy": {},
        "privateClusterConfig": {"enablePrivateNodes": True, "enablePrivateEndpoint": False},
        "clusterAutoscaling": {
            "autoProvisioningDefaults": {
                "serviceAccount": "vllm-test-nodes@test-project.iam.gserviceaccount.com",
                "oauthScopes": ["https://www.googleapis.com/auth/cloud-platform"],
            }
        },
        "maintenancePolicy": {
            "recurringWindow": {
                "startTime": "2026-01-03T03:00:00Z",
                "endTime": "2026-01-03T09:00:00Z",
                "recurrence": "FREQ=WEEKLY;BYDAY=SA,SU",
            }
        },
        "deletionProtection": False,
    }


def test_what_gke_writes_itself_cannot_replace_the_cluster(guide: Recording) -> None:
    # users trip over 17
    request = guide["container/cluster:Cluster", "vllm"].request
    assert list(request.ignoreChanges) == ["nodeConfig", "dnsConfig"]


def test_it_has_no_pools(guide: Recording) -> None:
    assert guide.of("NodePool") == []
    assert guide.stack_outputs() == {"poolNames": [], "clusterId": guide.stack_outputs()["clusterId"]}
    assert guide["kubernetes", "vllm-kubernetes"].depends_on() == {"vllm"}


def test_what_may_be_said_of_its_nodes_and_logs() -> None:
    recording = recorded({**AUTOPILOT, "tags": ["llm"], "logging": ["SYSTEM_COMPONENTS"], "monitoring": ["DCGM"]})
    inputs = recording["container/cluster:Cluster", "vllm"].inputs
    assert inputs["nodePoolAutoConfig"] == {"networkTags": {"tags": ["llm"]}}
    assert inputs["loggingConfig"] == {"enableComponents": ["SYSTEM_COMPONENTS"]}
    assert inputs["monitoringConfig"] == {"enableComponents": ["DCGM"]}


@pytest.mark.parametrize(
    ("changes", "code", "path", "remedy"),
    [
        ({"cpuPool": POOL}, "autopilot-owned", "cpuPool", "Remove cpuPool, or set autopilot: false."),
        ({"cpuPools": {"more": POOL}}, "autopilot-owned", "cpuPools", "Remove cpuPools, or set autopilot: false."),
        (
            {"gpuPools": CLUSTER["gpuPools"]},
            "autopilot-owned",
            "gpuPools",
            "Remove gpuPools, or set autopilot: false.",
        ),
        (
            {"nodeLocations": ["us-central1-a"]},
            "autopilot-owned",
            "nodeLocations",
            "Remove nodeLocations, or set autopilot: false.",
        ),
        ({"addons": {}}, "autopilot-owned", "addons", "Remove addons, or set autopilot: false."),
        (
            {"managedPrometheus": False},
            "autopilot-owned",
            "managedPrometheus",
            "Remove managedPrometheus, or set autopilot: false.",
        ),
        ({"location": "us-central1-a"}, "autopilot-zonal", "location", "Set us-central1."),
        (
            {"autopilot": False},
            "cpu-pool-missing",
            "cpuPool",
            "Set cpuPool.machineType, minNodes and maxNodes; or autopilot: true.",
        ),
    ],
)
def test_refused(changes: dict[str, Any], code: str, path: str, remedy: str) -> None:
    found = check_gke_gpu_cluster("vllm", GkeGpuClusterArgs.parse({**AUTOPILOT, **changes}), "test-project")
    assert [(finding.code, finding.path, finding.remedy) for finding in found] == [(code, path, remedy)]


def test_the_guides_cluster_is_right() -> None:
    assert check_gke_gpu_cluster("vllm", GkeGpuClusterArgs.parse(AUTOPILOT), "test-project") == []
