"""What is found wrong with a cluster, at which setting, and what is not."""

from typing import Any

import pytest

from components.findings import Finding
from components.gke.cluster_checks import check_gke_gpu_cluster, cluster_zones, is_region, region_of, zones_with
from tests.components.guide import GONE, cluster_args

POOL = "gpuPools.l4"
MORE = {"machineType": "n2-standard-16", "minNodes": 0, "maxNodes": 2}


def found(name: str = "guide", **changes: Any) -> list[Finding]:
    return check_gke_gpu_cluster(name, cluster_args(**changes), "test-project")


def test_the_guide_itself_is_right() -> None:
    assert found() == []
    assert found(cpuPools={"more": MORE}) == []


@pytest.mark.parametrize(
    ("changes", "path", "code", "said"),
    [
        ({"location": "somewhere"}, "location", "location-invalid", "us-central1"),
        ({"nodeLocations": ["us-central1"]}, "nodeLocations[0]", "zone-is-region", "us-central1-a"),
        (
            {"nodeLocations": ["us-central1-a", "us-west4-a"]},
            "nodeLocations[1]",
            "zone-outside-region",
            "Set a zone of us-central1, or move the cluster to us-west4.",
        ),
        (
            {f"{POOL}.zones": ["us-west4-a"]},
            f"{POOL}.zones[0]",
            "zone-outside-region",
            "a node pool cannot leave",
        ),
        ({f"{POOL}.zones": ["us-central1"]}, f"{POOL}.zones[0]", "zone-is-region", "us-central1-a"),
        ({f"{POOL}.zones": ["us-central1-z"]}, f"{POOL}.zones[0]", "zone-unknown", "us-central1-f"),
        ({"nodeLocations": ["us-central1-a"] * 2}, "nodeLocations[1]", "zone-twice", "Name each zone once."),
        ({"cpuPool.zones": ["us-central1-z"], "cpuPool.nodes": 4}, "cpuPool.zones[0]", "zone-unknown", "us-central1-f"),
        (
            {f"{POOL}.zones": ["us-central1-f"]},
            f"{POOL}.zones[0]",
            "zone-without-accelerator",
            "us-central1-a, us-central1-b, us-central1-c",
        ),
        ({f"{POOL}.machineType": "n2d-standard-8"}, f"{POOL}.machineType", "machine-without-gpu", "g2-standard-48"),
        ({f"{POOL}.machineType": "ct5lp-hightpu-8t"}, f"{POOL}.machineType", "machine-without-gpu", "g2-standard-48"),
        ({"cpuPool.machineType": "g2-standard-4"}, "cpuPool.machineType", "cpu-pool-accelerator", "gpuPools"),
        (
            {"cpuPools": {"more": {"machineType": "g2-standard-4", "minNodes": 0, "maxNodes": 1}}},
            "cpuPools.more.machineType",
            "cpu-pool-accelerator",
            "gpuPools",
        ),
        (
            {"cpuPools": {"more": {"machineType": "n2-standard-16", "nodes": 4, "minNodes": 0, "maxNodes": 2}}},
            "cpuPools.more.nodes",
            "pool-bounds",
            "minNodes <= nodes <= maxNodes",
        ),
        (
            {"cpuPools": {"more": {**MORE, "zones": ["us-west4-a"]}}},
            "cpuPools.more.zones[0]",
            "zone-outside-region",
            "a node pool cannot leave",
        ),
        ({"cpuPools": {"cpu": MORE}}, "cpuPools.cpu", "pool-name-invalid", "not 'cpu'"),
        ({"cpuPools": {"l4": MORE}}, "cpuPools.l4", "pool-name-twice", "its own name"),
        ({"authorizedNetworks": {"office": "here"}}, "authorizedNetworks.office", "cidr-invalid", "198.51.100.0/24"),
        ({"nodeRoles": ["storage.admin"]}, "nodeRoles[0]", "role-invalid", "roles/"),
        ({"logging": ["SYSTEM"]}, "logging[0]", "component-unknown", "SYSTEM_COMPONENTS"),
        ({"monitoring": ["SYSTEM"]}, "monitoring[0]", "component-unknown", "SYSTEM_COMPONENTS"),
        (
            {"maintenanceWindow": {"start": "Saturday", "end": "2026-01-03T09:00:00Z", "recurrence": "FREQ=DAILY"}},
            "maintenanceWindow.start",
            "time-invalid",
            "2026-01-03T03:00:00Z",
        ),
        ({f"{POOL}.machineType": "g2-standard-47"}, f"{POOL}.machineType", "machine-without-gpu", "g2-standard-48"),
        (
            {f"{POOL}.acceleratorType": "nvidia-tesla-t4"},
            f"{POOL}.acceleratorType",
            "machine-accelerator",
            "Set acceleratorType to nvidia-l4",
        ),
        (
            {f"{POOL}.acceleratorCount": 2},
            f"{POOL}.acceleratorCount",
            "machine-accelerator-count",
            "Set acceleratorCount to 4, or machineType to g2-standard-24.",
        ),
        (
            {f"{POOL}.acceleratorCount": 3},
            f"{POOL}.acceleratorCount",
            "machine-accelerator-count",
            "Set acceleratorCount to 4.",
        ),
        ({f"{POOL}.localSsds": 8}, f"{POOL}.localSsds", "machine-local-ssds", "Allowed: 0, 4."),
        ({f"{POOL}.nodes": 3}, f"{POOL}.nodes", "pool-bounds", "minNodes <= nodes <= maxNodes"),
        ({f"{POOL}.minNodes": 2}, f"{POOL}.nodes", "pool-bounds", "minNodes <= nodes <= maxNodes"),
        ({f"{POOL}.minNodes": 3, f"{POOL}.nodes": GONE}, f"{POOL}.nodes", "pool-bounds", "minNodes <= nodes"),
        ({"cpuPool.nodes": 5}, "cpuPool.nodes", "pool-nodes-per-zone", "Set 4 or 6 nodes"),
        # of the default, which is minNodes
        ({"cpuPool.nodes": GONE}, "cpuPool.nodes", "pool-nodes-per-zone", "Set 2 or 4 nodes"),
    ],
)
def test_one_mistake_is_one_error_at_its_setting(changes: dict[str, Any], path: str, code: str, said: str) -> None:
    (finding,) = found(**changes)
    assert (finding.severity, finding.path, finding.code) == ("error", path, code)
    assert said in f"{finding.message} {finding.remedy}"


def test_a_machine_that_the_catalogue_lacks_is_told_and_not_refused() -> None:
    (finding,) = found(**{"cpuPool.machineType": "n2d-standrd-8"})
    assert (finding.severity, finding.path, finding.code) == ("warning", "cpuPool.machineType", "machine-unknown")


def test_a_region_where_zones_are_expected_names_what_it_takes() -> None:
    (finding,) = found(nodeLocations=["us-central1"])
    assert finding.remedy == "Set zones: us-central1-a, us-central1-b, us-central1-c, us-central1-f."


@pytest.mark.parametrize("zones", [None, []])
def test_a_region_without_the_accelerator(zones: list[str] | None) -> None:
    findings = found(
        location="us-west2",
        nodeLocations=GONE,
        cpuPool__nodes=3,
        gpuPools__l4__zones=zones,
        gpuPools__l4__nodes=0,
        gpuPools__l4__minNodes=0,
    )
    assert {finding.code for finding in findings} == {"zone-without-accelerator"}
    assert findings[0].remedy.startswith("Regions that do: ")
    assert "us-central1" in findings[0].remedy


def test_no_project() -> None:
    (finding,) = check_gke_gpu_cluster("guide", cluster_args())
    assert (finding.path, finding.code) == ("gcp:project", "project-missing")
    assert "pulumi config set gcp:project" in finding.remedy
    assert check_gke_gpu_cluster("guide", cluster_args(project="my-project")) == []


def test_a_region_that_the_catalogue_does_not_know_is_only_a_warning() -> None:
    (finding,) = found(
        location="mars-north1", nodeLocations=GONE, cpuPool__nodes=3, gpuPools__l4__zones=["mars-north1-a"]
    )
    assert (finding.severity, finding.path, finding.code) == ("warning", "location", "region-unknown")


# 40 characters of GKE, less the 8 that Pulumi appends and the 4 of "-cpu"
@pytest.mark.parametrize("name", ["", "A", "1a", "a-", "a_b", "a" * 29])
def test_names_that_cannot_be(name: str) -> None:
    (finding,) = found(name)
    assert (finding.path, finding.code) == ("name", "name-invalid")
    assert "28" in finding.remedy


def test_a_name_that_can_be() -> None:
    assert found("a" * 28) == []


@pytest.mark.parametrize("pool", ["", "A", "1a", "a-", "a_b", "a" * 41, "cpu"])
def test_pool_names_that_cannot_be(pool: str) -> None:
    args = cluster_args()
    args = args.model_copy(update={"gpu_pools": {pool: args.gpu_pools["l4"]}})
    (finding,) = check_gke_gpu_cluster("guide", args, "test-project")
    assert (finding.path, finding.code) == (f"gpuPools.{pool}", "pool-name-invalid")


def test_several_mistakes_are_all_found() -> None:
    findings = found(nodeLocations=["us-central1"], cpuPool__nodes=9, gpuPools__l4__localSsds=3)
    assert {finding.code for finding in findings} == {"zone-is-region", "pool-bounds", "machine-local-ssds"}


def test_regions_and_zones() -> None:
    assert is_region("us-central1")
    assert not is_region("us-central1-a")
    assert region_of("us-central1-a") == region_of("us-central1") == "us-central1"
    assert zones_with("nvidia-l4", "us-central1") == ["us-central1-a", "us-central1-b", "us-central1-c"]
    assert zones_with("nvidia-l4", "mars-north1") == []
    assert cluster_zones(cluster_args(location="mars-north1", nodeLocations=GONE)) == [
        f"mars-north1-{letter}" for letter in "abc"
    ]
