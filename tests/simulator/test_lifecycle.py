"""Up, preview, change, refresh and destroy with Pulumi's own engine."""

from __future__ import annotations

import sqlite3

import pulumi
import pulumi_gcp as gcp
import pulumi_kubernetes as kubernetes

from tests.simulator.harness import Rehearsal, changes, steps
from tests.simulator.programs import Platform

POOL = "gcp:container/nodePool:NodePool"


def test_up_twice_refresh_and_destroy(rehearsal: Rehearsal) -> None:
    program = Platform()
    assert steps(rehearsal.preview(program)) == {"create": 17}
    with rehearsal.clouds() as clouds:
        assert clouds.empty

    first = rehearsal.up(program)

    assert changes(first) == {"create": 17}
    outputs = {name: output.value for name, output in first.outputs.items()}
    assert outputs["address"] == outputs["loadBalancer"]
    assert outputs["email"].endswith("@example-project.iam.gserviceaccount.com")
    assert changes(rehearsal.up(program)) == {}
    assert changes(rehearsal.refresh(program)) == {}
    assert changes(rehearsal.destroy(program)) == {"delete": 17}
    with rehearsal.clouds() as clouds:
        assert clouds.empty


def test_addresses_are_unique_and_for_documentation(rehearsal: Rehearsal) -> None:
    def program() -> None:
        api = gcp.projects.Service("compute", service="compute.googleapis.com")
        ready = pulumi.ResourceOptions(depends_on=[api])
        for index in range(8):
            gcp.compute.Address(f"ip-{index}", opts=ready)
            kubernetes.core.v1.Service(f"service-{index}", spec={"ports": [{"port": 80}]})
        gcp.compute.GlobalAddress("ipv6", ip_version="IPV6", opts=ready)

    rehearsal.up(program)

    with rehearsal.clouds() as clouds:
        addresses = [
            found.outputs.get("address") or found.outputs["spec"]["clusterIP"]
            for found in clouds.resources()
            if found.type.endswith((":Address", ":GlobalAddress", "v1:Service"))
        ]
    assert len(set(addresses)) == 17
    assert all(address.startswith(("192.0.2.", "198.51.100.", "203.0.113.", "2001:db8::")) for address in addresses)


def test_a_change_updates_what_can_be_updated(rehearsal: Rehearsal) -> None:
    rehearsal.up(Platform())

    grown = Platform(pool={"node_count": 2}, deployments={"server": {"deployment": {"replicas": 2}}})

    assert steps(rehearsal.preview(grown)) == {"update": 2}
    assert changes(rehearsal.up(grown)) == {"update": 2}
    with rehearsal.clouds() as clouds:
        assert {found.outputs["nodeCount"] for found in clouds.resources() if found.type == POOL} == {2}
        deployment = next(found for found in clouds.resources() if found.type.endswith(":Deployment"))
        assert deployment.outputs["status"]["readyReplicas"] == 2


def test_a_nested_change_replaces_what_cannot(rehearsal: Rehearsal) -> None:
    rehearsal.up(Platform(workload=False))

    spot = Platform(workload=False, machine={"spot": True})

    with rehearsal.open(spot) as (stack, _):
        preview = stack.preview(diff=True, color="never")
    assert "+-gcp:container/nodePool:NodePool" in preview.stdout
    assert "spot" in preview.stdout
    assert changes(rehearsal.up(spot)) == {"replace": 1}
    with rehearsal.clouds() as clouds:
        assert len([found for found in clouds.resources() if found.type == POOL]) == 1


def test_a_fixed_name_is_freed_before_it_is_taken_again(rehearsal: Rehearsal) -> None:
    def program(*, gateway: bool) -> None:
        api = gcp.projects.Service("compute", service="compute.googleapis.com")
        for name in ("fixed", None):
            gcp.compute.Network(
                name or "made-up",
                name=name,
                auto_create_subnetworks=gateway,
                opts=pulumi.ResourceOptions(depends_on=[api]),
            )

    rehearsal.up(lambda: program(gateway=True))
    rehearsal.up(lambda: program(gateway=False))

    output = rehearsal.output
    assert output.index("Network fixed deleted original") < output.index("Network fixed created replacement")
    assert output.index("Network made-up created replacement") < output.index("Network made-up deleted original")


def test_kubernetes_objects_with_fixed_names_are_deleted_first(rehearsal: Rehearsal) -> None:
    def program(text: str) -> None:
        kubernetes.core.v1.ConfigMap("settings", metadata={"name": "settings"}, data={"key": text})

    rehearsal.up(lambda: program("one"))
    assert changes(rehearsal.up(lambda: program("two"))) == {"replace": 1}
    with rehearsal.clouds() as clouds:
        (settings,) = clouds.resources()
        assert (settings.id, settings.inputs["data"]) == ("default/settings", {"key": "two"})


def test_refresh_sees_drift_and_up_mends_it(rehearsal: Rehearsal) -> None:
    program = Platform()
    rehearsal.up(program)
    with rehearsal.clouds() as clouds:
        (pool,) = (found for found in clouds.resources() if found.type == POOL)
        clouds.change(pool.id, nodeCount=7)
        deployment = next(found for found in clouds.resources() if found.type.endswith(":Deployment"))
        clouds.change(deployment.id, spec={"progressDeadlineSeconds": 5})
        clouds.remove(next(found.id for found in clouds.resources() if found.type.endswith(":Address")))

    assert changes(rehearsal.refresh(program)) == {"update": 2, "delete": 1}
    # the address comes again under another name, and the service follows it
    assert changes(rehearsal.up(program)) == {"update": 3, "create": 1}
    with rehearsal.clouds() as clouds:
        assert {found.outputs["nodeCount"] for found in clouds.resources() if found.type == POOL} == {1}


def test_properties_that_the_program_leaves_alone_are_no_drift(rehearsal: Rehearsal) -> None:
    program = Platform(workload=False, pool={"node_count": None, "autoscaling": {"minNodeCount": 0, "maxNodeCount": 3}})
    rehearsal.up(program)
    with rehearsal.clouds() as clouds:
        (pool,) = (found for found in clouds.resources() if found.type == POOL)
        clouds.change(pool.id, nodeCount=3)

    rehearsal.refresh(program)

    assert changes(rehearsal.up(program)) == {}


def test_secrets_stay_secret_and_off_the_disk(rehearsal: Rehearsal) -> None:
    program = Platform()
    rehearsal.up(program)
    assert changes(rehearsal.refresh(program)) == {}

    on_disk = [
        file for folder in ("state", "clouds") for file in (rehearsal.folder / folder).rglob("*") if file.is_file()
    ]
    assert not [file for file in on_disk if b"hf_not_a_real_token" in file.read_bytes()]
    with sqlite3.connect(rehearsal.folder / "clouds" / "clouds.sqlite") as database:
        assert database.execute("SELECT count(*) FROM resource").fetchone() == (15,)
    with rehearsal.clouds() as clouds:
        token = next(found.name for found in clouds.resources() if found.type.endswith(":Secret"))
        clouds.change(token, stringData={"token": "someone else's"})
    assert changes(rehearsal.refresh(program)) == {"update": 1}
    assert changes(rehearsal.up(program)) == {"replace": 1, "update": 1}


def test_a_deleted_cluster_takes_everything_on_it_along(rehearsal: Rehearsal) -> None:
    program = Platform()
    rehearsal.up(program)
    with rehearsal.clouds() as clouds:
        (cluster,) = (found for found in clouds.resources() if found.type.endswith(":Cluster"))
        clouds.remove(cluster.id)
        assert not [found for found in clouds.resources() if found.type == POOL or found.provider == "kubernetes"]

    assert "configured Kubernetes cluster is unreachable" in rehearsal.fails_to("refresh", program)


def test_a_network_in_use_is_not_deleted(rehearsal: Rehearsal) -> None:
    def program() -> None:
        api = gcp.projects.Service("compute", service="compute.googleapis.com")
        gcp.compute.Network("net", name="net", opts=pulumi.ResourceOptions(depends_on=[api]))

    def subnetwork() -> None:
        gcp.compute.Subnetwork("subnet", network="net", region="us-central1", ip_cidr_range="10.0.0.0/16")

    rehearsal.up(program)
    other = Rehearsal(rehearsal.folder / "other")
    other.folder.mkdir()
    (other.folder / "clouds").symlink_to(rehearsal.folder / "clouds")
    other.up(subnetwork)

    assert "resourceInUseByAnotherResource" in rehearsal.fails_to("destroy", program)
    other.destroy(subnetwork)
    rehearsal.destroy(program)
    with rehearsal.clouds() as clouds:
        assert clouds.empty


def test_deletion_protection_is_on_unless_switched_off(rehearsal: Rehearsal) -> None:
    rehearsal.up(Platform(workload=False, cluster={"deletion_protection": None}))
    assert "deletion_protection is set to true" in rehearsal.fails_to("destroy", Platform())


def test_functions(rehearsal: Rehearsal) -> None:
    def program() -> None:
        project = gcp.organizations.get_project()
        pulumi.export("number", project.number)
        pulumi.export("zones", gcp.compute.get_zones(region="us-central1").names)
        client = gcp.organizations.get_client_config_output()
        pulumi.export("token", client.access_token)
        pulumi.export("region", client.region)

    outputs = rehearsal.up(program).outputs

    assert len(outputs["number"].value) == 12
    assert "us-central1-a" in outputs["zones"].value
    assert outputs["region"].value == "us-central1"
    assert outputs["token"].secret


def test_an_api_can_be_enabled_twice(rehearsal: Rehearsal) -> None:
    def program() -> None:
        for name in ("one", "other"):
            gcp.projects.Service(name, service="compute.googleapis.com", disable_on_destroy=False)

    def one_less() -> None:
        gcp.projects.Service("other", service="compute.googleapis.com", disable_on_destroy=False)

    assert changes(rehearsal.up(program)) == {"create": 3}  # the stack is one
    assert changes(rehearsal.up(one_less)) == {"delete": 1}
    assert changes(rehearsal.refresh(one_less)) == {}
    assert changes(rehearsal.destroy(one_less)) == {"delete": 2}
