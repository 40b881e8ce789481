"""The page on least privilege says what the plans of the stacks do, and the pods are as closed as it says."""

import re

import yaml

from components.servers import SERVERS
from tests.docs.least_privilege import Container, Grant, Pod, containers, grants, image_of, levels, pods, rows
from tests.stacks.stack_file import ROOT


def test_every_grant_is_on_the_page_with_a_reason_and_no_other() -> None:
    told = [(Grant(stack, *cells[1:4]), cells[4]) for cells in rows("Roles") for stack in cells[0].split(", ")]
    assert sorted(grant for grant, _ in told) == sorted(grants())
    assert all(reason for _, reason in told)


def test_every_container_is_on_the_page_and_no_other() -> None:
    assert sorted(Container(*cells[:5]) for cells in rows("Pods")) == sorted(containers())


def test_what_is_not_closed_has_a_reason() -> None:
    for cells in rows("Pods"):
        assert cells[5] in ("restricted", "baseline", "privileged"), cells
        assert cells[6], cells
        assert (cells[5] == "restricted") == (cells[2] != "root" and cells[4] == "none"), cells


def test_every_pod_is_as_closed_as_the_page_says() -> None:
    found = pods()
    assert len({pod.kind for pod in found}) == 3
    for pod in found:
        check_closed(pod)


def check_closed(pod: Pod) -> None:
    spec = pod.spec
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
    # Kubernetes mounts it unless told, which is right for the one that calls its API
    calls = {image_of(container) for container in spec["containers"]} == {
        "gcr.io/gke-release/custom-metrics-stackdriver-adapter"
    }
    assert calls or spec["automountServiceAccountToken"] is False
    assert not calls or spec["serviceAccountName"]
    assert not spec.get("initContainers")
    for container in spec["containers"]:
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert "privileged" not in container["securityContext"]


def test_only_the_recipe_of_the_page_mounts_a_folder_of_its_node() -> None:
    mounting = {pod.of for pod in pods() if any("hostPath" in volume for volume in pod.spec.get("volumes", []))}
    levels_of_hosts = {image for (image, _), level in levels().items() if level == "privileged"}
    assert mounting
    assert {image_of(pod.spec["containers"][0]) for pod in pods() if pod.of in mounting} == levels_of_hosts


def test_profiles_name_what_the_page_says_of_their_images() -> None:
    said = {(cells[0], cells[1]): (cells[2], cells[3]) for cells in rows("Pods")}
    for server in SERVERS.values():
        user, root = said[server.image.rpartition(":")[0], "Deployment"]
        assert user == str(server.user or "root"), server.name
        assert root == ("read-only" if server.read_only_root else "writable"), server.name


def test_the_policy_of_the_page_is_one_for_egress_alone() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/least-privilege.md").read_text(), re.DOTALL)
    policy = yaml.safe_load(text)
    assert (policy["kind"], policy["spec"]["policyTypes"]) == ("NetworkPolicy", ["Egress"])
    ports = [(each["port"], each["protocol"]) for rule in policy["spec"]["egress"] for each in rule["ports"]]
    assert ports == [(53, "UDP"), (53, "TCP"), (443, "TCP"), (80, "TCP")]
