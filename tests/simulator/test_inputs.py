"""Wrong inputs are refused in the preview, with the path of the property and what to do."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_gcp as gcp
import pulumi_kubernetes as kubernetes
import pytest

from simulator import schema
from simulator.values import UNKNOWN, secret
from tests.simulator.harness import Rehearsal, changes
from tests.simulator.programs import Platform

POOL = "gcp:container/nodePool:NodePool"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"


def problems(token: str, inputs: dict[str, Any]) -> dict[str, str]:
    """What the check finds, by path."""
    return {problem.path: problem.reason for problem in schema.check_resource(token, inputs)}


def test_a_misspelled_nested_key_is_refused_in_the_preview(rehearsal: Rehearsal) -> None:
    output = rehearsal.fails(Platform(machine={"machineTyp": "g2-standard-8"}), preview=True)
    assert 'no property "machineTyp"; did you mean "machineType"?' in output
    assert "nodeConfig.machineTyp" in output


def test_a_misspelled_key_is_refused_on_a_cluster_that_does_not_exist_yet(rehearsal: Rehearsal) -> None:
    output = rehearsal.fails(
        Platform(deployments={"server": {"container": {"imagePullPolcy": "Always"}}}), preview=True
    )
    assert 'no property "imagePullPolcy"; did you mean "imagePullPolicy"?' in output
    assert "spec.template.spec.containers[0].imagePullPolcy" in output


@pytest.mark.parametrize(
    ("token", "inputs", "path", "reason"),
    [
        (POOL, {}, "cluster", "Missing required"),
        (POOL, {"cluster": "c", "nodeCount": "2"}, "nodeCount", "Expected a whole number, got a string"),
        (POOL, {"cluster": "c", "nodeCount": 2.5}, "nodeCount", "Expected a whole number, got a fraction"),
        (POOL, {"cluster": "c", "nodeCount": True}, "nodeCount", "Expected a whole number, got true or false"),
        (POOL, {"cluster": "c", "nodeLocations": "a"}, "nodeLocations", "Expected a list, got a string"),
        (POOL, {"cluster": "c", "nodeConfig": []}, "nodeConfig", "Expected an object, got a list"),
        (POOL, {"cluster": "c", "node_count": 1}, "node_count", 'did you mean "nodeCount"'),
        (
            POOL,
            {"cluster": "c", "nodeConfig": {"guestAccelerators": [{"type": "nvidia-l4", "count": 1}, {"count": 1}]}},
            "nodeConfig.guestAccelerators[1].type",
            "Missing required",
        ),
        (
            POOL,
            {"cluster": "c", "nodeConfig": {"labels": {"a.b/c": 1}}},
            'nodeConfig.labels["a.b/c"]',
            "Expected a string, got a whole number",
        ),
        (DEPLOYMENT, {"spec": {"template": {}}}, "spec.selector", "Missing required"),
        (DEPLOYMENT, {"metadata": {"label": {}}}, "metadata.label", 'did you mean "labels"'),
        (
            DEPLOYMENT,
            {"spec": {"template": {"spec": {"containers": [{"name": "a", "env": [{"name": "A", "value": 1}]}]}}}},
            "spec.template.spec.containers[0].env[0].value",
            "Expected a string, got a whole number",
        ),
        (
            "kubernetes:core/v1:Service",
            {"spec": {"ports": [{"port": 80, "targetPort": True}]}},
            "spec.ports[0].targetPort",
            "Expected a whole number or a string, got true or false",
        ),
        ("kubernetes:apps/v1:Deploymnt", {}, "kind", 'no matches for kind "Deploymnt" in version "apps/v1"'),
        ("kubernetes:example.com/v1:Thing", {"metadata": {"nam": "a"}}, "metadata.nam", 'did you mean "name"'),
    ],
)  # fmt: skip
def test_wrong_inputs(token: str, inputs: dict[str, Any], path: str, reason: str) -> None:
    assert reason in problems(token, inputs)[path]


@pytest.mark.parametrize(
    ("token", "inputs"),
    [
        (POOL, {"cluster": UNKNOWN, "nodeCount": UNKNOWN, "nodeConfig": UNKNOWN}),
        ("kubernetes:core/v1:Service", {"spec": {"ports": [{"port": 80, "targetPort": "http"}]}}),
        ("kubernetes:core/v1:Service", {"spec": {"ports": [{"port": 80, "targetPort": 8080}]}}),
        ("kubernetes:example.com/v1:Thing", {"apiVersion": "example.com/v1", "kind": "Thing", "any": [1]}),
        ("kubernetes:core/v1:Secret", {"stringData": secret({"token": "x"})}),
    ],
)
def test_right_inputs(token: str, inputs: dict[str, Any]) -> None:
    assert problems(token, inputs) == {}


@pytest.mark.parametrize(
    ("program", "told"),
    [
        (lambda: gcp.compute.Network("Net_Work", name="Net_Work"), '"Net_Work" is no valid name'),
        (lambda: gcp.serviceaccount.Account("a", account_id="short"), "6 to 30 characters"),
        (lambda: gcp.container.Cluster("a-name-that-is-longer-than-forty-characters"), "longer than maximum length 40"),
        (lambda: kubernetes.core.v1.Service("a", metadata={"name": "1a"}), '"1a" is no valid name'),
        (
            lambda: gcp.storage.Bucket("a", location="US", public_access_prevention="enforce"),
            'Expected one of inherited, enforced, got "enforce"',
        ),
        (lambda: gcp.Provider("a", project=1), "Expected a string"),
        (
            lambda: kubernetes.Provider("a", kube_client_settings={"brst": 1}),
            'no property "brst"; did you mean "burst"?',
        ),
        (
            lambda: gcp.compute.Network("net", opts=pulumi.ResourceOptions(provider=gcp.Provider("p", region="r"))),
            "project: required field is not set",
        ),
    ],
)
def test_names_values_and_provider_configuration(rehearsal: Rehearsal, program: Any, told: str) -> None:
    assert told in rehearsal.fails(program, preview=True)


def test_a_type_that_the_simulator_does_not_know_is_checked_and_echoed_with_a_warning(rehearsal: Rehearsal) -> None:
    def program() -> None:
        topic = gcp.pubsub.Topic("topic", labels={"a": "b"})
        pulumi.export("labels", topic.labels)

    with rehearsal.open(program) as (stack, clouds):
        result = stack.up(color="never")
        assert "The simulator does not know gcp:pubsub/topic:Topic" in result.stdout
        assert len(clouds.warnings) == 1
    assert result.outputs["labels"].value == {"a": "b"}
    rehearsal.destroy(program)
    with rehearsal.clouds() as clouds:
        assert clouds.empty


def test_custom_resources_are_known(rehearsal: Rehearsal) -> None:
    def program() -> None:
        kubernetes.apiextensions.CustomResource(
            "monitoring",
            api_version="monitoring.googleapis.com/v1",
            kind="PodMonitoring",
            spec={"endpoints": [{"port": 1}]},
        )

    with rehearsal.open(program) as (stack, clouds):
        assert changes(stack.up()) == {"create": 2}
        assert clouds.warnings == []
        assert clouds.resources()[0].id.startswith("default/monitoring-")


def test_autonaming_can_be_switched_off(rehearsal: Rehearsal) -> None:
    def program() -> None:
        kubernetes.core.v1.ConfigMap("settings")

    with rehearsal.open(program) as (stack, clouds):
        stack.set_config("pulumi:autonaming.mode", pulumi.automation.ConfigValue("verbatim"), path=True)
        stack.up()
        assert clouds.resources()[0].name == "settings"
        stack.destroy()
        stack.set_config("pulumi:autonaming.mode", pulumi.automation.ConfigValue("disabled"), path=True)
    assert "requires the metadata.name field to be set" in rehearsal.fails(program)
