"""What the page says of Pod Security, and the NetworkPolicies, asked of a real API server."""

import json
import urllib.error
from collections.abc import Iterator

import pytest

from engine import find_control_plane
from simulator.control_plane import ControlPlane
from tests.docs.least_privilege import Pod, image_of, levels, plans, pods
from tests.waiting import wait_until

pytestmark = pytest.mark.cluster

LEVELS = ("restricted", "baseline", "privileged")
"""The strictest first."""

NOT_OF_PODS = ("serviceAccountName", "nodeSelector")
"""What other admission asks of a cluster that is there."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with ControlPlane(find_control_plane(), tmp_path_factory.mktemp("control-plane")) as running:
        for level in LEVELS:
            labels = {"pod-security.kubernetes.io/enforce": level}
            running.request("POST", "/api/v1/namespaces", {"metadata": {"name": level, "labels": labels}})
            wait_until(lambda level=level: has_account(running, level))
        yield running


def has_account(cluster: ControlPlane, namespace: str) -> bool:
    accounts = cluster.request("GET", f"/api/v1/namespaces/{namespace}/serviceaccounts")["items"]
    return any(each["metadata"]["name"] == "default" for each in accounts)


def passes(cluster: ControlPlane, pod: Pod, level: str) -> bool:
    spec = {key: value for key, value in pod.spec.items() if key not in NOT_OF_PODS}
    if pod.kind == "StatefulSet":
        # which the controller adds, of the claim that it makes
        claim = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
        spec["volumes"] = [*spec.get("volumes", []), claim]
    body = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "asked"}, "spec": spec}
    try:
        cluster.request("POST", f"/api/v1/namespaces/{level}/pods?dryRun=All", body)
    except urllib.error.HTTPError as refused:
        message = json.load(refused)["message"]
        assert "violates PodSecurity" in message, f"{pod.of}: {message}"
        return False
    return True


def test_every_pod_passes_the_level_of_the_page_and_no_stricter_one(cluster: ControlPlane) -> None:
    said = levels()
    for pod in pods():
        # of a pod with several containers, the least strict is what it passes
        meant = max(LEVELS.index(said[image_of(container), pod.kind]) for container in pod.spec["containers"])
        found = [level for level in LEVELS if passes(cluster, pod, level)]
        assert found == list(LEVELS[meant:]), pod.of


def test_the_api_server_takes_every_network_policy(cluster: ControlPlane) -> None:
    policies = [each for _, recording in plans() for each in recording.of(":NetworkPolicy")]
    assert policies
    path = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies?dryRun=All&fieldValidation=Strict"
    for policy in policies:
        answer = cluster.request("POST", path, {**policy.inputs, "metadata": {"name": policy.name}})
        assert answer["spec"] == policy.inputs["spec"]
