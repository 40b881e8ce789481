"""Nodes that go from a real control plane: with their pods, as disruption budgets allow."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator
from typing import Any

import pytest

from engine import find_control_plane
from simulator import draining
from simulator.api import Api
from simulator.clock import Clock
from simulator.control_plane import ControlPlane
from simulator.controllers import ClusterMachines, Controllers
from simulator.nodes import Pool
from tests.waiting import PATIENCE_SECONDS, wait_until

pytestmark = pytest.mark.cluster

LABEL = "cloud.google.com/gke-nodepool"
POOL = Pool(
    "pool",
    {LABEL: "pool", "cloud.google.com/gke-accelerator": "nvidia-l4"},
    [],
    {"nvidia.com/gpu": 1.0},
    current_nodes=2,
    max_nodes=2,
    zones=["us-central1-a"],
    max_per_zone=2,
    inputs={"nodeConfig": {"machineType": "g2-standard-4"}},
)


class Cluster:
    """A cluster with one pool, which a test can change."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.pools = (POOL,)

    def machines(self) -> ClusterMachines:
        return ClusterMachines("cluster", "example-project", self.pools)

    def change(self, **changes: Any) -> None:
        self.pools = (dataclasses.replace(POOL, **changes),)

    def serve(self, replicas: int, budget: dict[str, int]) -> None:
        container = {"name": "c", "image": "example.com/c:1", "resources": {"limits": {"nvidia.com/gpu": "1"}}}
        labels = {"app": "server"}
        self.api.apply(
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "server"},
                "spec": {
                    "replicas": replicas,
                    "selector": {"matchLabels": labels},
                    "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
                },
            }
        )
        self.allow(budget)
        wait_until(lambda: len(self.running()) == replicas)
        # only then it knows how many there are
        wait_until(lambda: self.budget()["status"].get("currentHealthy") == replicas)

    def allow(self, budget: dict[str, int]) -> None:
        spec = {"selector": {"matchLabels": {"app": "server"}}, **budget}
        self.api.apply({**self._budget(), "spec": spec})

    def budget(self) -> dict[str, Any]:
        return self.api.get(self._budget()) or {}

    @staticmethod
    def _budget() -> dict[str, Any]:
        return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "server"}}

    def running(self) -> dict[str, str]:
        """Uids of pods that serve, with their nodes."""
        pods = self.api.list("v1", "Pod")
        return {
            pod["metadata"]["uid"]: pod["spec"]["nodeName"]
            for pod in pods
            if pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]
        }

    def nodes(self) -> dict[str, bool]:
        """Whether each takes no new pods."""
        nodes = self.api.list("v1", "Node")
        return {node["metadata"]["name"]: node["spec"].get("unschedulable", False) for node in nodes}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with ControlPlane(find_control_plane(), tmp_path_factory.mktemp("cluster")) as control_plane:
        yield Api(control_plane)


@pytest.fixture
def cluster(api: Api) -> Iterator[Cluster]:
    """One without nodes and pods."""
    yield Cluster(api)
    for version, kind in (("apps/v1", "Deployment"), ("policy/v1", "PodDisruptionBudget"), ("v1", "Node")):
        for each in api.list(version, kind):
            api.delete({"apiVersion": version, "kind": kind, "metadata": each["metadata"]}, at_once=True)
    wait_until(lambda: not api.list("v1", "Pod") and not api.list("v1", "Node"))


@pytest.fixture
def at_work(cluster: Cluster) -> Iterator[Controllers]:
    """Its controllers, by a clock that runs as the real one: an hour is long."""
    controllers = Controllers(cluster.api, cluster.machines, Clock(1))
    controllers.start()
    yield controllers
    # what a test leaves blocked would be waited for
    cluster.pools = (POOL,)
    controllers.stop()


@pytest.mark.usefixtures("at_work")
def test_a_pool_that_shrinks_evicts_as_the_budget_allows(cluster: Cluster) -> None:
    cluster.serve(2, {"minAvailable": 2})
    before = cluster.running()
    cluster.change(current_nodes=1, max_nodes=1)
    wait_until(lambda: sorted(cluster.nodes().values()) == [False, True])
    (going,) = [name for name, cordoned in cluster.nodes().items() if cordoned]
    # several steps of the controllers pass, and it is asked for each time
    time.sleep(1)
    assert cluster.running() == before
    assert going in cluster.nodes()

    cluster.allow({"minAvailable": 1})
    wait_until(lambda: going not in cluster.nodes())
    assert cluster.running() == {uid: node for uid, node in before.items() if node != going}


@pytest.mark.usefixtures("at_work")
def test_new_nodes_come_before_changed_ones_go(cluster: Cluster) -> None:
    cluster.serve(2, {"minAvailable": 1})
    old = set(cluster.nodes())
    cluster.change(inputs={"nodeConfig": {"machineType": "g2-standard-8"}})
    wait_until(lambda: len(cluster.nodes()) == 2 and not old & set(cluster.nodes()))
    wait_until(lambda: len(cluster.running()) == 2)
    assert set(cluster.running().values()) == set(cluster.nodes())


@pytest.mark.usefixtures("at_work")
def test_with_no_surge_a_changed_node_goes_first(cluster: Cluster) -> None:
    cluster.serve(2, {"minAvailable": 2})
    old = set(cluster.nodes())
    surge = {"maxSurge": 0, "maxUnavailable": 1}
    cluster.change(inputs={"nodeConfig": {"machineType": "g2-standard-8"}, "upgradeSettings": surge})
    wait_until(lambda: all(cluster.nodes().values()))
    time.sleep(1)
    assert set(cluster.nodes()) == old
    cluster.allow({"minAvailable": 0})
    wait_until(lambda: len(cluster.nodes()) == 2 and not old & set(cluster.nodes()))
    wait_until(lambda: len(cluster.running()) == 2)


@pytest.mark.parametrize("respected", [True, False])
def test_a_pool_that_is_deleted_respects_budgets_only_if_it_says_so(cluster: Cluster, respected: bool) -> None:
    cluster.change(inputs={**POOL.inputs, "nodeDrainConfigs": [{"respectPdbDuringNodePoolDeletion": respected}]})
    controllers = Controllers(cluster.api, cluster.machines, Clock(1))
    controllers.start()
    cluster.serve(1, {"minAvailable": 1})
    before = cluster.running()
    cluster.pools = ()
    if respected:
        wait_until(lambda: list(cluster.nodes().values()) == [True])
        assert cluster.running() == before
        cluster.allow({"minAvailable": 0})
    wait_until(lambda: not cluster.nodes())
    wait_until(lambda: not cluster.running())
    controllers.stop()


def test_when_its_time_is_over_a_node_goes_with_what_is_on_it(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draining, "_LEAST_SECONDS", 1.0)
    monkeypatch.setattr("simulator.controllers._LAST_SECONDS", PATIENCE_SECONDS)
    controllers = Controllers(cluster.api, cluster.machines, Clock(math.inf))
    controllers.start()
    cluster.serve(2, {"minAvailable": 2})
    cluster.change(current_nodes=1, max_nodes=1)
    # the end waits for it
    controllers.stop()
    assert list(cluster.nodes().values()) == [False]
    wait_until(lambda: len(cluster.running()) == 1)


def test_the_last_change_of_a_pool_is_not_lost_at_the_end(cluster: Cluster) -> None:
    controllers = Controllers(cluster.api, cluster.machines, Clock(1))
    controllers.start()
    cluster.change(current_nodes=1, max_nodes=1)
    controllers.stop()
    assert len(cluster.nodes()) == 1
