"""The host makes the components from what the engine passes, as a program in Python makes them."""

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pytest
from pulumi.errors import InputPropertiesError
from pulumi.runtime import settings
from pulumi.runtime.proto import resource_pb2

import components
from package.plugin.host import COMPONENTS, Host, refusal
from tests.components.gke.test_tpu_node_pool import POOL
from tests.components.gke.test_workload_identity_binding import BINDING
from tests.components.guide import CLUSTER, SERVICE
from tests.components.inference.test_chat_page import PAGE
from tests.components.jobs.test_conversion_job import CONVERSION
from tests.components.jobs.test_fine_tune_job import FINE_TUNE
from tests.components.oci.host import CONFIG, HOST, record_host
from tests.components.storage.test_checkpoint_disk import DISK
from tests.recording import Recording, record

HOSTED = Host()
GCP = {"gcp:project": "test-project"}


def as_the_engine_does(value: Any) -> Any:
    """Numbers as floats."""
    if isinstance(value, dict):
        return {key: as_the_engine_does(part) for key, part in value.items()}
    if isinstance(value, list):
        return [as_the_engine_does(part) for part in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def construct(component: str, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    passed = as_the_engine_does(dict(inputs))
    return dict(HOSTED.construct(name, f"llm-serving:index:{component}", passed).state)


def resources(recording: Recording) -> dict[tuple[str, str], Any]:
    assert recording.error is None
    return {(each.type, each.name): each.inputs for each in recording.resources}


@pytest.mark.parametrize(
    ("component", "name", "inputs"),
    [
        ("GkeGpuCluster", "guide", CLUSTER),
        ("InferenceService", "llm", SERVICE),
        ("TpuNodePool", "tpu", POOL),
        ("WorkloadIdentityBinding", "jetstream", BINDING),
        ("CheckpointBucket", "checkpoints", {"location": "us-west4", "softDeleteDays": 30}),
        ("CheckpointDisk", "jetstream", DISK),
        ("ConversionJob", "convert", CONVERSION),
        ("FineTuneJob", "tune", FINE_TUNE),
        ("BucketVolumeClaim", "weights", {"bucket": "a-bucket"}),
        ("CustomMetricsAdapter", "metrics", {"project": "test-project", "gpuMemory": True}),
        ("ChatPage", "chat", PAGE),
    ],
)
def test_it_makes_what_a_program_in_python_makes(component: str, name: str, inputs: Mapping[str, Any]) -> None:
    states: list[dict[str, Any]] = []
    hosted = record(lambda: states.append(construct(component, name, inputs)), config=GCP)
    directly = record(lambda: getattr(components, component)(name, inputs), config=GCP)
    assert resources(hosted) == resources(directly)
    declared = json.loads(HOSTED.schema or "")["resources"][f"llm-serving:index:{component}"]
    assert set(declared["required"]) <= set(states[0]) <= set(declared["properties"])


def test_it_makes_hosts_of_oracle_cloud() -> None:
    hosted = record(lambda: construct("OciGpuHost", "triton", HOST), config=CONFIG)
    assert resources(hosted) == resources(record_host())


def test_it_has_every_component_of_the_library() -> None:
    assert {each.__name__ for each in COMPONENTS} == {
        name for name in components.__all__ if f"{name}Args" in components.__all__
    }


def refused(component: str, inputs: Mapping[str, Any]) -> dict[str, str]:
    """Return what it says of each property that it refuses."""
    told: dict[str, str] = {}

    def program() -> None:
        with pytest.raises(InputPropertiesError) as error:
            construct(component, "x", inputs)
        assert "nothing of this component was changed" in error.value.message
        told.update({each["property_path"]: each["reason"] for each in error.value.errors or []})

    recording = record(program, config=GCP)
    assert recording.error is None
    assert [kind for kind, _ in resources(recording)] == ["pulumi:pulumi:Stack"]
    return told


def test_a_name_that_is_unknown_is_refused_at_any_depth() -> None:
    assert refused("CheckpointBucket", {"location": "us-west4", "softDeletDays": 30}) == {
        "softDeletDays": "[unknown-setting] 'softDeletDays' is not a setting. Did you mean 'softDeleteDays'?"
    }
    wrong = {**CLUSTER, "cpuPool": {**CLUSTER["cpuPool"], "machinType": "e2-standard-4"}}
    assert refused("GkeGpuCluster", wrong) == {
        "cpuPool.machinType": "[unknown-setting] 'machinType' is not a setting. Did you mean 'machineType'?"
    }


def test_what_is_missing_wrong_or_not_whole_is_refused() -> None:
    assert refused("CheckpointBucket", {}) == {"location": "[missing-setting] this setting is required. Set it."}
    assert refused("CheckpointBucket", {"location": "us-west4", "softDeleteDays": 7.5}) == {
        "softDeleteDays": "[wrong-value] Input should be a valid integer, got a number with a fractional part,"
        " not 7.5 (float). Correct it."
    }
    assert refused("InferenceService", {**SERVICE, "server": "vlm"})["server"].startswith("[wrong-value] Input should")


def test_an_output_for_what_must_be_known_is_refused_in_words() -> None:
    told: list[Any] = []

    def program() -> None:
        inputs = {"location": "us-west4", "softDeleteDays": pulumi.Output.from_input(7)}
        with pytest.raises(InputPropertiesError) as error:
            HOSTED.construct("x", "llm-serving:index:CheckpointBucket", inputs)
        told.extend(error.value.errors or [])

    assert record(program, config=GCP).error is None
    assert told == [
        {
            "property_path": "softDeleteDays",
            "reason": "[wrong-value] this has to be known before anything is deployed, and an output of a resource is"
            " not. Set the value itself.",
        }
    ]


def test_every_finding_is_told_with_its_property() -> None:
    findings = [
        components.Finding(components.findings.Severity.ERROR, "a-code", f"a.{n}", "Wrong.", "Mend it.") for n in "bc"
    ]
    assert refusal(components.ConfigurationError(findings)).errors == [
        {"property_path": "a.b", "reason": "[a-code] Wrong. Mend it."},
        {"property_path": "a.c", "reason": "[a-code] Wrong. Mend it."},
    ]


def test_the_engine_is_not_asked_to_wait_for_what_an_invoke_depends_on() -> None:
    left: list[bool] = []

    def program() -> None:
        feature = resource_pb2.RESOURCE_MONITOR_FEATURE_INVOKE_DEPENDS_ON
        settings.SETTINGS.monitor_features.add(feature)
        construct("CheckpointBucket", "x", {"location": "us-west4"})
        left.append(feature in settings.SETTINGS.monitor_features)

    assert record(program, config=GCP).error is None
    assert left == [False]
