"""What is needed of a quota, by hand from the catalogue's machines."""

from typing import Any

import pytest

from components.gke.gpu_cluster_args import GkeGpuClusterArgs
from components.gke.node_pool import NodePoolArgs, TpuPoolArgs
from components.inference.chat_page import ChatPageArgs
from components.jobs.fine_tune_job_args import FineTuneJobArgs
from components.oci.gpu_host_args import OciGpuHostArgs
from components.quota import (
    Quota,
    Scope,
    quotas_of_chat_page,
    quotas_of_checkpoint_disk,
    quotas_of_cluster,
    quotas_of_fine_tune,
    quotas_of_hosts,
    quotas_of_pool,
    quotas_of_service,
    total,
)
from components.storage.checkpoint_disk_args import CheckpointDiskArgs
from tests.components.guide import GONE, changed, cluster_args, service_args
from tests.components.inference.vllm_guide import vllm_args
from tests.components.oci.host import HOST

Sums = dict[str, tuple[int, int]]


def sums(quotas: list[Quota]) -> Sums:
    return {quota.metric: (quota.needed, quota.most) for quota in total(quotas)}


def of_cluster(**changes: Any) -> Sums:
    return sums(quotas_of_cluster(cluster_args(**changes)))


def test_the_guide() -> None:
    assert of_cluster() == {
        # 4 to 6 n2d-standard-8, and 1 to 2 g2-standard-48 with 4 L4 and 4 local SSDs of 375 GB
        "N2D_CPUS": (32, 48),
        "NVIDIA_L4_GPUS": (4, 8),
        "GPUS_ALL_REGIONS": (4, 8),
        "LOCAL_SSD_TOTAL_GB_PER_VM_FAMILY": (1500, 3000),
        "SSD_TOTAL_GB": (500, 800),
        # an e2-medium in each of two zones, before there are pools
        "CPUS": (4, 4),
        # of the NAT
        "IN_USE_ADDRESSES": (1, 1),
        "STATIC_ADDRESSES": (1, 1),
    }


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"gpuPools.l4.localSsds": GONE}, {"LOCAL_SSD_TOTAL_GB_PER_VM_FAMILY": None}),
        ({"gpuPools.l4.nodes": 0, "gpuPools.l4.minNodes": 0}, {"NVIDIA_L4_GPUS": (0, 8), "SSD_TOTAL_GB": (400, 800)}),
        # what comes up is what the autoscaler keeps at least
        ({"gpuPools.l4.nodes": GONE, "gpuPools.l4.minNodes": 2}, {"NVIDIA_L4_GPUS": (8, 8)}),
        ({"cpuPool.diskSizeGb": 50}, {"SSD_TOTAL_GB": (300, 500)}),
        ({"cpuPool.diskType": "pd-standard"}, {"DISKS_TOTAL_GB": (400, 600), "SSD_TOTAL_GB": (100, 200)}),
        ({"cpuPool.diskType": "pd-unheard-of"}, {"SSD_TOTAL_GB": (100, 200)}),
        ({"cpuPool.machineType": "e2-standard-4"}, {"CPUS": (16, 24), "N2D_CPUS": None}),
        ({"cpuPool.machineType": "unknown-8"}, {"N2D_CPUS": None, "NVIDIA_L4_GPUS": (4, 8)}),
        ({"nat": False}, {"IN_USE_ADDRESSES": None, "STATIC_ADDRESSES": None}),
        # nodes with addresses of their own
        ({"privateNodes": False}, {"IN_USE_ADDRESSES": (5, 8), "STATIC_ADDRESSES": None}),
        (
            {"gpuPools.l4.spot": True},
            {
                "NVIDIA_L4_GPUS": None,
                "PREEMPTIBLE_NVIDIA_L4_GPUS": (4, 8),
                "GPUS_ALL_REGIONS": (4, 8),
                "PREEMPTIBLE_LOCAL_SSD_GB": (1500, 3000),
                "LOCAL_SSD_TOTAL_GB_PER_VM_FAMILY": None,
            },
        ),
        ({"cpuPool.spot": True}, {"N2D_CPUS": None, "PREEMPTIBLE_CPUS": (32, 48)}),
    ],
)
def test_what_a_setting_changes(changes: dict[str, Any], expected: dict[str, tuple[int, int] | None]) -> None:
    found = of_cluster(**changes)
    assert {metric: found.get(metric) for metric in expected} == expected


def test_the_first_pool_of_gke_needs_more_than_a_small_pool() -> None:
    # three zones with 2 CPUS and 30 GB each, before there is the one node
    pool = {"machineType": "e2-standard-4", "minNodes": 1, "maxNodes": 1, "diskSizeGb": 50}
    cluster = GkeGpuClusterArgs.parse({"location": "us-central1", "cpuPool": pool, "nat": False})
    assert sums(quotas_of_cluster(cluster)) == {"CPUS": (6, 6), "SSD_TOTAL_GB": (90, 90)}


def test_where_each_limit_holds() -> None:
    found = {quota.metric: quota.place for quota in total(quotas_of_cluster(cluster_args()))}
    assert found.pop("GPUS_ALL_REGIONS") == "global"
    assert set(found.values()) == {"us-central1"}


def test_spot_takes_from_the_rest_where_there_is_nothing_for_it_alone() -> None:
    (gpus,) = [
        quota
        for quota in quotas_of_cluster(cluster_args(gpuPools__l4__spot=True))
        if quota.metric == "PREEMPTIBLE_NVIDIA_L4_GPUS"
    ]
    assert gpus.instead == "NVIDIA_L4_GPUS"
    on_demand = quotas_of_cluster(cluster_args())
    assert all(quota.instead is None for quota in on_demand)


TPUS = {"machineType": "ct5lp-hightpu-8t", "topology": "2x4", "nodes": 2, "minNodes": 2, "maxNodes": 3}


@pytest.mark.parametrize(
    ("changes", "metric"),
    [
        ({}, "TPU_LITE_PODSLICE_V5"),
        ({"spot": True}, "PREEMPTIBLE_TPU_LITE_PODSLICE_V5"),
        ({"flexStart": True}, "PREEMPTIBLE_TPU_LITE_PODSLICE_V5"),
    ],
)
def test_chips_of_a_tpu_have_no_global_limit(changes: dict[str, Any], metric: str) -> None:
    pool = TpuPoolArgs.parse({**TPUS, **changes})
    assert sums(quotas_of_pool("us-west4-a", pool)) == {metric: (16, 24), "SSD_TOTAL_GB": (200, 300)}


def test_an_unknown_machine_needs_nothing_that_is_known() -> None:
    assert quotas_of_pool("us-central1", NodePoolArgs(machine_type="x", min_nodes=1, max_nodes=1)) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {"IN_USE_ADDRESSES": (1, 1), "STATIC_ADDRESSES": (1, 1)}),
        ({"exposure": "internal"}, {"INTERNAL_ADDRESSES": (1, 1)}),
        ({"exposure": "cluster"}, {}),
        (
            {
                "exposure": "cluster",
                "storage": {"kind": "ephemeral-volume", "size": "150Gi", "storageClass": "premium-rwo"},
                "autoscaling": {"minReplicas": 1, "maxReplicas": 2},
            },
            {"SSD_TOTAL_GB": (150, 300)},
        ),
        (
            {
                "exposure": "cluster",
                "storage": {"kind": "ephemeral-volume", "size": "150Gi", "storageClass": "standard"},
                "replicas": 2,
            },
            {"DISKS_TOTAL_GB": (300, 300)},
        ),
        # a class of one's own, of whatever disks
        (
            {
                "exposure": "cluster",
                "storage": {"kind": "ephemeral-volume", "size": "150Gi", "storageClass": "mine"},
            },
            {},
        ),
    ],
)
def test_a_service(changes: dict[str, Any], expected: Sums) -> None:
    assert sums(quotas_of_service("us-central1", service_args(**changes))) == expected


def test_pods_of_autopilot_bring_their_machines() -> None:
    # a g2-standard-8 counts by its GPU alone; 100 GB of boot disk, and 40 of weights
    args = vllm_args({"autoscaling": {"minReplicas": 1, "maxReplicas": 3, "adapter": True}})
    assert sums(quotas_of_service("us-central1", args)) == {
        "NVIDIA_L4_GPUS": (1, 3),
        "GPUS_ALL_REGIONS": (1, 3),
        "SSD_TOTAL_GB": (140, 420),
    }


FINE_TUNE = {"bucket": "b", "serviceAccount": "s", "accelerator": "nvidia-l4", "token": "t", "diskSizeGb": 90}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        # the pool that it runs in counts for itself
        ({}, {"SSD_TOTAL_GB": (90, 90)}),
        (
            {"autopilot": True},
            {"SSD_TOTAL_GB": (190, 190), "PREEMPTIBLE_NVIDIA_L4_GPUS": (1, 1), "GPUS_ALL_REGIONS": (1, 1)},
        ),
        (
            {"autopilot": True, "spot": False, "storageClass": "standard"},
            {
                "DISKS_TOTAL_GB": (90, 90),
                "SSD_TOTAL_GB": (100, 100),
                "NVIDIA_L4_GPUS": (1, 1),
                "GPUS_ALL_REGIONS": (1, 1),
            },
        ),
    ],
)
def test_a_fine_tune(changes: dict[str, Any], expected: Sums) -> None:
    assert sums(quotas_of_fine_tune("us-central1", FineTuneJobArgs.parse({**FINE_TUNE, **changes}))) == expected


def test_a_chat_page() -> None:
    page = ChatPageArgs.parse({"apiUrl": "http://x/v1", "exposure": "public", "sourceRanges": ["198.51.100.0/24"]})
    assert sums(quotas_of_chat_page("us-central1", page)) == {
        "IN_USE_ADDRESSES": (1, 1),
        "STATIC_ADDRESSES": (1, 1),
        "SSD_TOTAL_GB": (5, 5),
    }


def test_a_disk_of_a_checkpoint_and_the_machine_that_fills_it() -> None:
    args = {"model": "meta-llama/Llama-2-7b-hf", "zone": "us-west4-a", "token": "t", "sizeGb": 20}
    assert sums(quotas_of_checkpoint_disk(CheckpointDiskArgs.parse(args))) == {
        "SSD_TOTAL_GB": (148, 148),
        "N2_CPUS": (32, 32),
    }
    filled = CheckpointDiskArgs.parse({**args, "convert": False})
    assert sums(quotas_of_checkpoint_disk(filled)) == {"SSD_TOTAL_GB": (20, 20)}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {"gpu4-count": (8, 8), "total-storage-gb": (1500, 1500)}),
        ({"hosts": 2}, {"gpu4-count": (16, 16), "total-storage-gb": (3000, 3000)}),
        ({"engineStore": {"kind": "bucket"}}, {"gpu4-count": (8, 8), "total-storage-gb": (1000, 1000)}),
        ({"bootVolumeGb": 600}, {"gpu4-count": (8, 8), "total-storage-gb": (1100, 1100)}),
        (
            {"exposure": "public", "sourceRanges": ["198.51.100.0/24"]},
            {"gpu4-count": (8, 8), "total-storage-gb": (1500, 1500), "reserved-public-ip-count": (1, 1)},
        ),
        ({"shape": "BM.GPU5"}, {}),
    ],
)
def test_hosts_on_oracle_cloud(changes: dict[str, Any], expected: Sums) -> None:
    quotas = quotas_of_hosts(OciGpuHostArgs.parse(changed(HOST, {"region": "us-ashburn-1", **changes})))
    assert sums(quotas) == expected
    assert all(quota.cloud == "oci" for quota in quotas)
    of_domains = [quota for quota in quotas if quota.scope is Scope.AVAILABILITY_DOMAIN]
    assert all(quota.domains for quota in of_domains)
    assert {quota.metric for quota in quotas if quota not in of_domains} <= {"reserved-public-ip-count"}


def test_what_is_needed_of_one_metric_in_several_places_is_not_added_up() -> None:
    here, there = (Quota(metric="CPUS", region=region, needed=1, most=2) for region in ("us-west4", "us-east1"))
    assert total([here, there, here]) == (
        Quota(metric="CPUS", region="us-west4", needed=2, most=4),
        Quota(metric="CPUS", region="us-east1", needed=1, most=2),
    )
