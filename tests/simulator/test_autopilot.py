"""What Autopilot makes of pods, and which nodes it makes for them."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.autopilot import admitted, pools_for
from simulator.cloud import CloudResource
from simulator.errors import CloudError
from simulator.fitting import free_on, misfit
from simulator.machines import node_of
from simulator.pods import quantity

CLUSTER = CloudResource(
    type="gcp:container/cluster:Cluster",
    id="projects/example-project/locations/us-central1/clusters/autopilot",
    name="autopilot",
    urn="",
    state="ready",
    inputs={"location": "us-central1", "enableAutopilot": True},
    outputs={},
    scope="",
    created="",
    parent=None,
)
L4 = {"cloud.google.com/gke-accelerator": "nvidia-l4"}
V5E = {"cloud.google.com/gke-tpu-accelerator": "tpu-v5-lite-podslice", "cloud.google.com/gke-tpu-topology": "2x4"}


def pod(selector: dict[str, str] | None = None, *resources: dict[str, Any], **spec: Any) -> dict[str, Any]:
    containers = [{"name": f"c{index}", "image": "example.com/c:1", "resources": each}
                  for index, each in enumerate(resources or ({},))]  # fmt: skip
    return {
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"nodeSelector": selector or {}, "containers": containers, **spec},
    }


def deployment(of: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "Deployment", "metadata": {"name": "d"}, "spec": {"template": {"spec": of["spec"]}}}


def gpus(count: int, **requests: str) -> dict[str, Any]:
    return {"limits": {"nvidia.com/gpu": str(count)}, "requests": requests}


def node_for(wanting: dict[str, Any]) -> dict[str, Any] | None:
    """The node that is made for a pod, as the autoscaler chooses it: the first that the pod fits."""
    tolerated = admitted(wanting)
    # as the API server admits it
    chips = [{"key": key, "operator": "Exists"} for key in ("nvidia.com/gpu", "google.com/tpu")]
    tolerated["spec"].setdefault("tolerations", []).extend(chips)
    for pool in pools_for(tolerated, CLUSTER):
        node = node_of(pool, "autopilot", "example-project", pool.zones[0], 0)
        if not misfit(tolerated, node, free_on(node, ())):
            return node
    return None


def labels(node: dict[str, Any] | None) -> dict[str, str]:
    assert node is not None
    return node["metadata"]["labels"]


def requests(manifest: dict[str, Any]) -> list[dict[str, str]]:
    spec = manifest["spec"]
    template = spec.get("template", {"spec": spec})
    return [container["resources"]["requests"] for container in template["spec"]["containers"]]


def test_what_a_pod_leaves_open_is_set_in_a_workload_too() -> None:
    whole = {"cpu": "500m", "memory": "2Gi", "ephemeral-storage": "1Gi"}
    assert requests(admitted(deployment(pod()))) == [whole]
    assert requests(admitted(pod(None, {"requests": {"cpu": "1"}}))) == [{**whole, "cpu": "1"}]
    assert requests(admitted(pod(None, {"limits": {"memory": "1Gi"}}))) == [{"cpu": "500m", "ephemeral-storage": "1Gi"}]
    small = {"cpu": "50m", "memory": "100Mi", "ephemeral-storage": "100Mi"}
    assert requests(admitted({**deployment(pod()), "kind": "DaemonSet"})) == [small]


def test_of_a_pod_with_accelerators_only_ephemeral_storage_is_set() -> None:
    assert requests(admitted(pod(L4, gpus(1)))) == [{"ephemeral-storage": "1Gi"}]
    assert requests(admitted(pod(L4, gpus(1, **{"ephemeral-storage": "200Gi"})))) == [{"ephemeral-storage": "200Gi"}]


@pytest.mark.parametrize(
    ("asked", "cpu", "memory_gib"), [(("4", "1Gi"), 4, 4), (("1", "13Gi"), 2, 13), (("1", "4Gi"), 1, 4)]
)
def test_memory_and_cpu_are_kept_in_proportion(asked: tuple[str, str], cpu: float, memory_gib: float) -> None:
    given = {"requests": {"cpu": asked[0], "memory": asked[1]}, "limits": {"cpu": asked[0], "memory": asked[1]}}
    (container,) = admitted(pod(None, given))["spec"]["containers"]
    for kind in ("requests", "limits"):
        assert quantity(container["resources"][kind]["cpu"]) == pytest.approx(cpu)
        assert quantity(container["resources"][kind]["memory"]) == pytest.approx(memory_gib * 2**30)


def test_the_object_itself_and_what_runs_no_pods_are_left_alone() -> None:
    given = deployment(pod())
    admitted(given)
    assert given == deployment(pod())
    service = {"kind": "Service", "metadata": {"name": "s"}, "spec": {"type": "ClusterIP"}}
    assert admitted(service) == service


def test_more_than_autopilot_s_maximum_is_refused_in_its_words() -> None:
    large = pod(None, {"requests": {"ephemeral-storage": "11Gi"}})
    with pytest.raises(CloudError, match="Total ephemeral-storage requested by containers for workload 'd' is higher"):
        admitted(deployment(large))
    with pytest.raises(CloudError, match="than the Autopilot maximum of '30'"):
        admitted(pod(None, {"requests": {"cpu": "16"}}, {"requests": {"cpu": "15"}}))
    admitted(pod({"cloud.google.com/compute-class": "Performance"}, {"requests": {"ephemeral-storage": "11Gi"}}))


def test_a_gpu_pod_gets_the_smallest_machine_that_fits() -> None:
    node = node_for(pod(L4, gpus(1, cpu="2", memory="10Gi")))
    assert labels(node)["node.kubernetes.io/instance-type"] == "g2-standard-4"
    assert labels(node)["cloud.google.com/gke-accelerator"] == "nvidia-l4"
    assert labels(node)["cloud.google.com/gke-accelerator-count"] == "1"
    assert labels(node)["topology.kubernetes.io/region"] == "us-central1"
    assert "cloud.google.com/gke-spot" not in labels(node)
    assert node is not None
    assert node["status"]["allocatable"]["nvidia.com/gpu"] == "1"
    assert [taint["key"] for taint in node["spec"]["taints"]] == ["nvidia.com/gpu"]
    assert labels(node_for(pod(L4, gpus(1, memory="40Gi"))))["node.kubernetes.io/instance-type"] == "g2-standard-12"
    assert labels(node_for(pod(L4, gpus(2))))["node.kubernetes.io/instance-type"] == "g2-standard-24"


def test_a_node_has_what_the_pod_selects_and_keeps_others_away() -> None:
    selected = {
        **L4,
        "cloud.google.com/compute-class": "Accelerator",
        "cloud.google.com/gke-spot": "true",
        "cloud.google.com/gke-gpu-driver-version": "latest",
        "cloud.google.com/gke-gpu-sharing-strategy": "time-sharing",
        "cloud.google.com/gke-max-shared-clients-per-gpu": "3",
        "cloud.google.com/gke-ephemeral-storage-local-ssd": "true",
        "topology.kubernetes.io/zone": "us-central1-b",
    }
    node = node_for(pod(selected, gpus(1, **{"ephemeral-storage": "250Gi"})))
    assert node is not None
    assert selected.items() <= labels(node).items()
    assert node["status"]["allocatable"]["nvidia.com/gpu"] == "3"
    assert {taint["key"]: taint["value"] for taint in node["spec"]["taints"]} == {
        "cloud.google.com/compute-class": "Accelerator",
        "cloud.google.com/gke-spot": "true",
        "nvidia.com/gpu": "present",
    }


def test_a_boot_disk_is_large_enough() -> None:
    node = node_for(pod(L4, gpus(1, **{"ephemeral-storage": "300Gi"})))
    assert node is not None
    assert int(node["status"]["allocatable"]["ephemeral-storage"]) >= 300 * 2**30


def test_affinity_counts_as_a_selector() -> None:
    expression = {"key": "cloud.google.com/gke-accelerator", "operator": "In", "values": ["nvidia-l4"]}
    terms = {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
    node = node_for(pod(None, gpus(1), affinity=affinity))
    assert labels(node)["cloud.google.com/gke-accelerator"] == "nvidia-l4"


def test_a_pod_without_accelerators_gets_a_machine_of_its_compute_class() -> None:
    assert labels(node_for(pod()))["cloud.google.com/machine-family"] == "e2"
    balanced = labels(node_for(pod({"cloud.google.com/compute-class": "Balanced"})))
    assert balanced["cloud.google.com/machine-family"] in ("n2", "n2d")
    assert balanced["cloud.google.com/compute-class"] == "Balanced"


def test_a_tpu_pod_gets_a_machine_of_its_topology() -> None:
    node = node_for(pod(V5E, {"limits": {"google.com/tpu": "8"}}))
    assert V5E.items() <= labels(node).items()
    assert labels(node)["node.kubernetes.io/instance-type"] == "ct5lp-hightpu-8t"
    hosts = labels(node_for(pod(V5E, {"limits": {"google.com/tpu": "4"}})))
    assert hosts["node.kubernetes.io/instance-type"] == "ct5lp-hightpu-4t"


@pytest.mark.parametrize(
    "wanting",
    [
        pytest.param(pod(None, gpus(1)), id="no type"),
        pytest.param(pod({"cloud.google.com/gke-accelerator": "nvidia-l5"}, gpus(1)), id="no such type"),
        pytest.param(pod(L4, gpus(3)), id="no such count"),
        pytest.param(pod({**L4, "cloud.google.com/gke-accelerator-count": "3"}, gpus(1)), id="no such count selected"),
        pytest.param(pod(L4, gpus(1, memory="200Gi")), id="too large"),
        pytest.param(pod({**L4, "disktype": "ssd"}, gpus(1)), id="label"),
        pytest.param(pod({**L4, "cloud.google.com/gke-spot": "yes"}, gpus(1)), id="value"),
        pytest.param(pod({"cloud.google.com/compute-class": "Accelerated"}), id="class"),
        pytest.param(pod({**L4, "topology.kubernetes.io/zone": "us-east1-b"}, gpus(1)), id="zone"),
        pytest.param(
            pod({**V5E, "cloud.google.com/gke-tpu-topology": "2x5"}, {"limits": {"google.com/tpu": "8"}}), id="tpu"
        ),
    ],
)
def test_what_autopilot_lacks_gets_no_node(wanting: dict[str, Any]) -> None:
    assert node_for(wanting) is None
