"""What resources need beside what their properties tell."""

from typing import Any

import pytest

from cli.timeline.tasks import load_needs, tasks_of
from cli.timeline.timeline import timeline_of

POOL = "gcp:container/nodePool:NodePool"
CPU = {"nodeConfig": {"machineType": "e2-standard-4"}}
CONVERTER = {"nodeConfig": {"machineType": "n2-standard-16", "taints": [{"key": "convert"}]}}
L4 = {"nodeConfig": {"machineType": "g2-standard-48", "guestAccelerators": [{"type": "nvidia-l4", "count": 4}]}}
TPU = {"nodeConfig": {"machineType": "ct5lp-hightpu-8t"}}


def resource(name: str, type_: str, inputs: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"urn": name, "type": type_, "custom": True, "inputs": inputs or {}, **more}


def component(name: str, type_: str, parent: str | None = None) -> dict[str, Any]:
    return {"urn": name, "type": type_, "custom": False, "parent": parent}


def pods(name: str, selector: dict[str, str], kind: str = "apps/v1:Deployment") -> dict[str, Any]:
    return resource(name, f"kubernetes:{kind}", {"spec": {"template": {"spec": {"nodeSelector": selector}}}})


def needs(*state: dict[str, Any]) -> dict[str, set[str]]:
    return {each.urn: set(each.needs) for each in tasks_of(state, {}) if each.needs}


def test_each_need_says_why_and_where_that_is_written() -> None:
    for each in (*load_needs().needs, *load_needs().queues):
        assert each.reason
        assert "." in each.source


def test_what_the_properties_and_the_provider_come_from_is_needed_and_what_orders_is_not() -> None:
    state = resource(
        "a", "t", parent="p", provider="provider::id", dependencies=["order"], propertyDependencies={"x": ["value"]}
    )
    assert needs(component("p", "t"), state) == {"a": {"p", "provider", "value"}}
    assert tasks_of([component("p", "t"), state], {})[1].waits == {"p", "provider", "value", "order"}
    # a resource of a cloud that is only the parent of another gives it nothing
    assert needs(resource("p", "t"), resource("a", "t", parent="p")) == {}


def test_a_component_waits_for_the_providers_that_it_was_given_and_needs_none() -> None:
    tasks = tasks_of(
        [
            component("stack", "t"),
            component("cluster", "t", "stack"),
            resource("provider", "pulumi:providers:kubernetes", parent="cluster"),
            component("site", "t", "stack"),
            component("part", "t", "site"),
            resource("pods", "t", parent="part", provider="provider::id"),
            resource("inner", "t", parent="cluster", provider="provider::id"),
        ],
        {},
    )
    waits = {each.urn: each.waits for each in tasks if each.type == "t"}
    assert waits == {
        "stack": set(),
        "cluster": {"stack"},
        "site": {"stack", "provider"},
        "part": {"site", "provider"},
        "pods": {"part", "provider"},
        "inner": {"cluster", "provider"},
    }
    assert next(each.needs for each in tasks if each.urn == "part") == {"site"}


def test_google_cloud_needs_its_apis() -> None:
    api = resource("api", "gcp:projects/service:Service")
    assert needs(api, resource("network", "gcp:compute/network:Network"), resource("other", "oci:Core/vcn:Vcn")) == {
        "network": {"api"}
    }


def test_nodes_need_the_roles_of_their_own_account() -> None:
    account = {"propertyDependencies": {"x": ["account"]}}
    other = {"propertyDependencies": {"x": ["other"]}}
    state = [
        *(resource(name, "gcp:serviceaccount/account:Account") for name in ("account", "other")),
        resource("role", "gcp:projects/iAMMember:IAMMember", **account),
        resource("foreign", "gcp:projects/iAMMember:IAMMember", **other),
        resource("cluster", "gcp:container/cluster:Cluster", **account),
    ]
    assert needs(*state)["cluster"] == {"account", "role"}


def test_gpu_nodes_need_a_pool_for_gkes_own_pods() -> None:
    state = [resource("cpu", POOL, CPU), resource("converter", POOL, CONVERTER), resource("l4", POOL, L4)]
    assert needs(*state) == {"l4": {"cpu"}}


@pytest.mark.parametrize("kind", ["apps/v1:Deployment", "batch/v1:Job"])
@pytest.mark.parametrize(
    ("selector", "pool"),
    [
        ({"cloud.google.com/gke-accelerator": "nvidia-l4"}, "l4"),
        ({"cloud.google.com/gke-accelerator": "nvidia-h100"}, None),
        ({"cloud.google.com/gke-tpu-topology": "2x4"}, "tpu"),
        ({"node.kubernetes.io/instance-type": "n2-standard-16"}, "converter"),
        ({}, None),
    ],
)
def test_pods_need_the_nodes_that_they_select(kind: str, selector: dict[str, str], pool: str | None) -> None:
    pools = {"converter": CONVERTER, "l4": L4, "tpu": TPU}
    found = needs(*(resource(name, POOL, inputs) for name, inputs in pools.items()), pods("pods", selector, kind))
    assert found.get("pods") == ({pool} if pool else None)


def test_pods_need_the_way_out() -> None:
    assert needs(resource("nat", "gcp:compute/routerNat:RouterNat"), pods("pods", {})) == {"pods": {"nat"}}


def test_a_cluster_is_used_once_its_own_pools_are_there() -> None:
    cluster, tpus = component("cluster", "t"), component("tpus", "t")
    own, other = resource("cpu", POOL, CPU, parent="cluster"), resource("tpu", POOL, TPU, parent="tpus")
    provider = resource("provider", "pulumi:providers:kubernetes", parent="cluster")
    assert needs(cluster, tpus, own, other, provider)["provider"] == {"cluster", "cpu"}


def test_tpus_wait_for_the_checkpoint() -> None:
    tpus = component("tpus", "llm-serving:index:TpuNodePool")
    found = needs(tpus, resource("tpu", POOL, TPU, parent="tpus"), pods("job", {}, "batch/v1:Job"))
    assert found == {"tpus": {"job"}, "tpu": {"tpus"}}


def test_a_host_needs_the_way_out_and_no_way_in() -> None:
    group = {"propertyDependencies": {"x": ["group"]}}
    rule = "oci:Core/networkSecurityGroupSecurityRule:NetworkSecurityGroupSecurityRule"
    found = needs(
        resource("group", "oci:Core/networkSecurityGroup:NetworkSecurityGroup"),
        resource("out", rule, {"direction": "EGRESS"}, **group),
        resource("in", rule, {"direction": "INGRESS"}, **group),
        resource("foreign", rule, {"direction": "EGRESS"}),
        resource("host", "oci:Core/instance:Instance", **group),
    )
    assert found["host"] == {"group", "out"}


def test_a_load_balancer_is_changed_by_one_at_a_time() -> None:
    kinds = ("backendSet:BackendSet", "backend:Backend", "listener:Listener")
    state = [resource(kind, f"oci:NetworkLoadBalancer/{kind}", {"networkLoadBalancerId": "balancer"}) for kind in kinds]
    timeline = timeline_of(state, dict.fromkeys(kinds, 15.0))
    assert timeline.bound == 45.0


def test_the_first_token_waits_for_what_serves_and_for_nothing_else() -> None:
    service = component("service", "llm-serving:index:InferenceService")
    inside, beside = resource("pods", "t", parent="service"), resource("adapter", "t")
    timeline = timeline_of([service, inside, beside], {"pods": 5.0, "adapter": 9.0})
    assert (timeline.ready, timeline.end) == (5.0, 9.0)
    # where nothing serves, for everything
    assert timeline_of([beside], {"adapter": 9.0}).ready == 9.0
    assert timeline_of([], {}).ready == 0.0
