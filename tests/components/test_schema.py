"""Pulumi's component host takes both components, and what other languages see of them is described."""

from collections.abc import Iterator
from typing import Any

import pulumi
import pytest
from pulumi.provider.experimental.analyzer import Analyzer, ComponentDefinition, PropertyDefinition, TypeDefinition
from pulumi.provider.experimental.component import ComponentProvider

from components import (
    BucketVolumeClaim,
    ChatPage,
    CheckpointBucket,
    CheckpointDisk,
    ConversionJob,
    CustomMetricsAdapter,
    FineTuneJob,
    GkeGpuCluster,
    InferenceService,
    OciGpuHost,
    TpuNodePool,
    WorkloadIdentityBinding,
)
from components.gke.node_pool import TpuPoolArgs
from components.oci.gpu_host_args import OciHostArgs
from tests.components.gke.test_tpu_node_pool import POOL
from tests.components.gke.test_workload_identity_binding import BINDING
from tests.components.guide import CLUSTER, SERVICE
from tests.components.inference.test_chat_page import PAGE
from tests.components.jobs.test_conversion_job import CONVERSION
from tests.components.jobs.test_fine_tune_job import FINE_TUNE
from tests.components.oci.host import CONFIG, HOST, record_host
from tests.components.storage.test_checkpoint_disk import DISK
from tests.recording import record

COMPONENTS: list[type[pulumi.ComponentResource]] = [GkeGpuCluster, InferenceService]
RESULT = Analyzer("llm-serving").analyze(COMPONENTS)
TYPES: dict[str, TypeDefinition] = RESULT["type_definitions"]
DEFINITIONS: dict[str, ComponentDefinition] = RESULT["component_definitions"]


def undescribed(properties: dict[str, PropertyDefinition]) -> set[str]:
    return {name for name, part in properties.items() if not part.description}


def inherited(definition: TypeDefinition) -> Iterator[str]:
    """Properties that the analyzer finds described only at the base class, whose source it reads apart."""
    for base in definition.python_type.__mro__[1:]:
        if base.__name__ in TYPES:
            yield from TYPES[base.__name__].properties


@pytest.mark.parametrize("name", ["GkeGpuCluster", "InferenceService"])
def test_every_input_and_output_is_described(name: str) -> None:
    definition = DEFINITIONS[name]
    assert definition.description
    assert definition.inputs
    assert undescribed(definition.inputs) | undescribed(definition.outputs) == set()


@pytest.mark.parametrize("name", sorted(TYPES))
def test_every_type_and_every_part_of_it_is_described(name: str) -> None:
    definition = TYPES[name]
    assert definition.description
    assert undescribed(definition.properties) - set(inherited(definition)) == set()
    assert all(member.description for member in definition.enum or [])


def test_what_is_required_and_what_is_optional() -> None:
    def required(properties: dict[str, PropertyDefinition]) -> set[str]:
        return {name for name, part in properties.items() if not part.optional}

    assert required(DEFINITIONS["GkeGpuCluster"].inputs) == {"location"}
    assert required(DEFINITIONS["InferenceService"].inputs) == {"server", "model", "resources", "storage"}
    assert required(TYPES["GpuPoolArgs"].properties) == {"machineType", "minNodes", "maxNodes"}
    # an optional input, so that its default is the component's business and not the schema's
    assert set(DEFINITIONS["InferenceService"].outputs) == {
        "endpoint",
        "loadBalancerIp",
        "healthUrl",
        "metricsUrl",
        "access",
        "tryIt",
        "deploymentName",
        "serviceName",
        "namespace",
    }


def test_what_may_come_from_another_resource_is_no_plain_input() -> None:
    inputs = {**DEFINITIONS["GkeGpuCluster"].inputs, **DEFINITIONS["InferenceService"].inputs}
    assert {name for name, part in inputs.items() if not part.plain} == {
        "project",
        "network",
        "subnetwork",
        "token",
        "serviceAccount",
        "namespace",
    }


@pytest.mark.parametrize(
    ("component", "name", "inputs"), [(GkeGpuCluster, "guide", CLUSTER), (InferenceService, "llm", SERVICE)]
)
def test_the_host_constructs_it_from_what_the_engine_passes(
    component: type[pulumi.ComponentResource], name: str, inputs: dict[str, Any]
) -> None:
    states: list[dict[str, Any]] = []

    def program() -> None:
        host = ComponentProvider(COMPONENTS, "llm-serving")
        states.append(host.construct(name, f"llm-serving:index:{component.__name__}", as_the_engine_does(inputs)).state)

    recording = record(program, config={"gcp:project": "test-project"})
    assert recording.error is None
    directly = record(lambda: component(name, inputs), config={"gcp:project": "test-project"})  # type: ignore[arg-type]
    assert {r.name: r.inputs for r in recording.resources} == {r.name: r.inputs for r in directly.resources}
    assert set(states[0]) == set(recording[component.__name__, name].outputs or {})


def as_the_engine_does(value: Any) -> Any:
    """Numbers as floats."""
    if isinstance(value, dict):
        return {key: as_the_engine_does(part) for key, part in value.items()}
    if isinstance(value, list):
        return [as_the_engine_does(part) for part in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


@pytest.mark.parametrize(
    ("component", "name", "inputs"),
    [
        (TpuNodePool, "tpu", POOL),
        (WorkloadIdentityBinding, "jetstream", BINDING),
        (CheckpointBucket, "checkpoints", {"location": "us-west4", "softDeleteDays": 30}),
        (CheckpointDisk, "jetstream", DISK),
        (ConversionJob, "convert", CONVERSION),
        (FineTuneJob, "tune", FINE_TUNE),
        (BucketVolumeClaim, "weights", {"bucket": "a-bucket"}),
        (CustomMetricsAdapter, "metrics", {"project": "test-project", "gpuMemory": True}),
        (ChatPage, "chat", PAGE),
    ],
)
def test_the_host_takes_the_other_components(
    component: type[pulumi.ComponentResource], name: str, inputs: dict[str, Any]
) -> None:
    definition = Analyzer("llm-serving").analyze([component])["component_definitions"][component.__name__]
    assert definition.description
    # what a pool has of its base class is described there
    assert undescribed(definition.inputs) <= set(TpuPoolArgs.model_json_schema(by_alias=True)["properties"])
    assert undescribed(definition.outputs) == set()

    def program() -> None:
        host = ComponentProvider([component], "llm-serving")
        host.construct(name, f"llm-serving:index:{component.__name__}", as_the_engine_does(inputs))

    recording = record(program)
    directly = record(lambda: component(name, inputs))  # type: ignore[arg-type]
    assert recording.error is directly.error is None
    assert {(r.type, r.name): r.inputs for r in recording.resources} == {
        (r.type, r.name): r.inputs for r in directly.resources
    }


def test_the_host_takes_hosts_of_oracle_cloud() -> None:
    result = Analyzer("llm-serving").analyze([OciGpuHost])
    definition, types = result["component_definitions"]["OciGpuHost"], result["type_definitions"]
    # what hosts have whatever they serve is described at the base class
    assert undescribed(definition.inputs) <= set(OciHostArgs.model_json_schema(by_alias=True)["properties"])
    assert undescribed(definition.outputs) == set()
    assert {name for name, part in definition.inputs.items() if not part.optional} == {
        "shape",
        "triton",
        "compartmentId",
    }
    for each in types.values():
        assert each.description
        assert undescribed(each.properties) == set()
        assert all(member.description for member in each.enum or [])

    def program() -> None:
        host = ComponentProvider([OciGpuHost], "llm-serving")
        host.construct("triton", "llm-serving:index:OciGpuHost", as_the_engine_does(HOST))

    recording = record(program, config=CONFIG)
    directly = record_host()
    assert recording.error is directly.error is None
    assert {(r.type, r.name): r.inputs for r in recording.resources} == {
        (r.type, r.name): r.inputs for r in directly.resources
    }
