"""Names and labels at every limit are planned as the clouds take them, and one character more is refused clearly."""

from collections.abc import Callable, Mapping
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest

from components import (
    BucketVolumeClaim,
    ChatPage,
    CheckpointBucket,
    CheckpointDisk,
    ConversionJob,
    FineTuneJob,
    GkeGpuCluster,
    InferenceService,
    ModelArchiveJob,
    OciGpuHost,
    WorkloadIdentityBinding,
)
from components.findings import ConfigurationError
from components.texts import load_texts
from tests.components.cloud_names import refused
from tests.components.guide import CLUSTER, CPU_SERVICE, TOKEN
from tests.components.oci.host import CONFIG, HOST
from tests.recording import Recording, record
from tests.stacks.stack_file import MIXTRAL, TRITON, run

LLAMA, MACHINE = "meta-llama/Llama-2-7b-hf", "n2-standard-32"
JOB: dict[str, Any] = {"bucket": "weights", "serviceAccount": "writer", "machineType": MACHINE, "token": TOKEN}
PUBLIC: dict[str, Any] = {"exposure": "public", "region": "us-central1", "sourceRanges": ["198.51.100.0/24"]}
COMPONENTS: dict[str, tuple[Callable[..., Any], dict[str, Any], int]] = {
    "service": (InferenceService, {"server": "llama-cpp", **CPU_SERVICE}, 52),
    "exposed-service": (InferenceService, {"server": "llama-cpp", **CPU_SERVICE, **PUBLIC}, 47),
    "page": (ChatPage, {"apiUrl": "http://a/v1"}, 52),
    "exposed-page": (ChatPage, {"apiUrl": "http://a/v1", **PUBLIC}, 47),
    "cluster": (GkeGpuCluster, CLUSTER, 28),
    "bucket": (CheckpointBucket, {"location": "us-central1"}, 55),
    "claim": (BucketVolumeClaim, {"bucket": "weights"}, 237),
    "disk": (CheckpointDisk, {"model": LLAMA, "zone": "us-central1-a", "token": TOKEN}, 45),
    "conversion": (ConversionJob, {**JOB, "model": LLAMA, "diskSizeGb": 300}, 54),
    "archive": (
        ModelArchiveJob,
        {**JOB, "model": "mistralai/Mixtral-8x7B-v0.1", "startupSeconds": 600, "diskSizeGb": 400},
        54,
    ),
    "fine-tune": (
        FineTuneJob,
        {"bucket": "weights", "serviceAccount": "w", "accelerator": "nvidia-l4", "token": TOKEN},
        54,
    ),
    "binding": (WorkloadIdentityBinding, {"project": "test-project", "projectRoles": ["roles/viewer"]}, 253),
    "hosts": (OciGpuHost, HOST, 40),
}


def registered(component: str, name: str, changes: Mapping[str, str] | None = None) -> Recording:
    make, args, _ = COMPONENTS[component]

    def program() -> None:
        there = kubernetes.Provider("there", kubeconfig="{}")
        make(name, {**args, **(changes or {})}, pulumi.ResourceOptions(providers=[there]))

    return record(program, config={"gcp:project": "test-project", **CONFIG})


@pytest.mark.parametrize("component", COMPONENTS)
def test_the_longest_name_of_a_component_is_taken_by_the_cloud(component: str) -> None:
    name = "a" * (COMPONENTS[component][2] - 1) + "9"
    recording = registered(component, name)
    assert recording.error is None
    assert refused(recording) == []


WRONG = ["longer", "A", "-a", "a-", "a.", "a_b", "\u0430", "a\u0301", "\N{FULLWIDTH DIGIT EIGHT}"]
# a bucket's name is made of it, in lower case and with letters behind it
BUCKETS_MAY = ["A", "a-", "a_b"]


@pytest.mark.parametrize(
    ("component", "name"),
    [(each, name) for each in COMPONENTS for name in WRONG if each != "bucket" or name not in BUCKETS_MAY],
)
def test_other_names_of_components_are_refused(component: str, name: str) -> None:
    most = COMPONENTS[component][2]
    recording = registered(component, "a" * (most + 1) if name == "longer" else name)
    assert isinstance(recording.error, ConfigurationError)
    (finding,) = [each for each in recording.error.findings if each.path == "name"]
    assert str(finding).isprintable()
    # of a bucket, 8 characters are Pulumi's
    assert f" {63 if component == 'bucket' else most} " in finding.remedy


PROJECT = ["My Project", "1234567890", "short", "a" * 31, "under_score", "a-project-", "$(touch x)", "\u0430-project"]
LABEL, DOMAIN = "a" * 62 + "Z", ".".join(["a" * 62] * 4)
AT = {
    "service.podLabels": [{LABEL: LABEL}, {f"{DOMAIN}/x": ""}, {"a": ""}],
    "service.serviceLabels": [{f"{'a' * 253}/{LABEL}": "x_.-9"}],
    "service.nodeSelector": [{"accelerator": "nvidia-gpu"}],
    "cluster.labels": [{"a" * 63: "9" * 63}, {"a": ""}],
    "cluster.tags": [["a" * 63], ["a-9"]],
    "cluster.gpuPools.mixtral-moe-gpu-pool.labels": [{LABEL: LABEL, "accelerator": "nvidia-gpu"}],
    "service.environment": [{"A" * 1024: "\N{GRINNING FACE} e\u0301\u202e\n\t"}, {"_.-a9": ""}],
    "service.arguments": [["\N{GRINNING FACE}\u200b\u202e"]],
    "service.image": ["registry.example.com:5000/a/b_c.d-e:" + "v" * 128, "a@sha256:" + "0" * 64],
    "gcp:project": ["a" * 30, "short1", "example.com:old-project"],
    "service.storage.hostPath": ["/mnt/" + "a" * 4091, "/mnt/stateful_partition/\N{GRINNING FACE}..a"],
}
OVER = {
    "service.podLabels": [
        {"a" * 64: ""},
        {"a": "a" * 64},
        {f"{'a' * 254}/x": ""},
        {"/x": ""},
        {"a/b/c": ""},
        {"": "a"},
    ],
    "service.serviceLabels": [
        {"a": "-a"},
        {"a": "a b"},
        {"a": "\u0430"},
        {"e\u0301": "a"},
        {"a": "\N{FULLWIDTH DIGIT ONE}"},
    ],
    "service.nodeSelector": [{"a": "a\u200b"}, {"a\u202e": "a"}, {"a": "\N{GRINNING FACE}"}],
    "cluster.labels": [{"a" * 64: ""}, {"a": "a" * 64}, {"A": ""}, {"9a": ""}, {"a": "A"}, {"a": "a.b"}],
    "cluster.tags": [["a" * 64], ["a_b"], ["9a"], ["a-"], [""], ["\N{FULLWIDTH DIGIT ONE}"]],
    "cluster.gpuPools.mixtral-moe-gpu-pool.labels": [{"a" * 64: "a", "accelerator": "nvidia-gpu"}],
    "service.environment": [
        {"A" * 1025: ""},
        {"9A": ""},
        {"A=B": ""},
        {"": ""},
        {"A B": ""},
        {"A": "\0"},
        {"\u00c4": ""},
    ],
    "service.arguments": [["\0"], ["\ud800"]],
    "service.namespace": ["a" * 64, "A", "a.b", "a\n", "x; y", "\u0430"],
    "service.image": ["a b", "a:" + "v" * 129, "-a", "a\u200b", "https://a/b", "$(x)", ""],
    "service.storage.hostPath": ["/mnt/" + "a" * 4092, "/../etc", "/a/..", "/a\nb"],
    "service.model": ["mistralai/\N{FULLWIDTH DIGIT EIGHT}", "mistralai/\u0430", "a/b\n", "a/\u200b", "a/b/c"],
    "gcp:project": PROJECT,
    "cluster.location": ["us-central\N{FULLWIDTH DIGIT ONE}", "us-central1\n"],
}


@pytest.mark.parametrize(("path", "value"), [(path, value) for path, values in AT.items() for value in values])
def test_texts_at_their_limits_are_taken(path: str, value: object) -> None:
    recording = run(MIXTRAL, {path: value})
    assert recording.error is None
    assert refused(recording) == []


@pytest.mark.parametrize(("path", "value"), [(path, value) for path, values in OVER.items() for value in values])
def test_texts_beyond_their_limits_are_refused(path: str, value: object) -> None:
    recording = run(MIXTRAL, {path: value})
    assert isinstance(recording.error, ConfigurationError)
    told = [each for each in recording.error.findings if each.path.startswith(path)]
    assert told
    assert all(str(each).isprintable() for each in told)
    if any(each.code == "text-invalid" for each in told):
        assert any(f"at most {most} characters" in each.remedy for each in told for most in LIMITS)


OF_GOOGLE = {
    "cluster": {"project": PROJECT},
    "exposed-service": {"project": PROJECT[:1]},
    "exposed-page": {"project": PROJECT[:1]},
    "binding": {"project": PROJECT[:1]},
    "disk": {"project": PROJECT[:1], "subnetwork": ["a b"], "namespace": ["a.b"]},
    "bucket": {
        "project": PROJECT[:1],
        "kmsKeyName": [
            "weights",
            "projects/p/locations/us-central1/keyRings/r",
            "projects/p/locations/us-central1/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1",
            "projects/p/locations/us-central1/keyRings/r/cryptoKeys/" + "k" * 64,
        ],
    },
}


@pytest.mark.parametrize(
    ("component", "setting", "text"),
    [(each, setting, text) for each, of in OF_GOOGLE.items() for setting, texts in of.items() for text in texts],
)
def test_texts_of_google_beyond_their_limits_are_refused(component: str, setting: str, text: str) -> None:
    recording = registered(component, "name", {setting: text})
    assert isinstance(recording.error, ConfigurationError)
    assert [each.path for each in recording.error.findings] == [setting]


JOBS = {
    "bucket": ["$(touch x)", "a; touch x", "Weights", "ab", "a" * 64, "a..b", "\u0430bc"],
    "serviceAccount": ["$(touch x)", "Converter", "a" * 254, "a_b"],
    "namespace": ["x; y", "a" * 64],
    "image": ["a b", "$(x)"],
}


@pytest.mark.parametrize("job", ["conversion", "archive", "fine-tune"])
@pytest.mark.parametrize(("setting", "text"), [(setting, text) for setting, texts in JOBS.items() for text in texts])
def test_texts_of_a_job_beyond_their_limits_are_refused(job: str, setting: str, text: str) -> None:
    recording = registered(job, "job", {setting: text})
    assert isinstance(recording.error, ConfigurationError)
    assert [each.path for each in recording.error.findings] == [setting]


LIMITS = {rule.most for rule in load_texts().values()}

ORACLE_AT = {"host.tags": [{"a" * 100: "\N{GRINNING FACE}" * 256}], "host.homeRegion": ["us-ashburn-1"]}
ORACLE_OVER = {
    "host.tags": [{"a" * 101: ""}, {"a": "a" * 257}, {"a.b": ""}, {"a b": ""}, {"": ""}, {"\u00c4": ""}, {"a": "\n"}],
    "host.homeRegion": ["us ashburn", "x; y", "us-ashburn-\N{FULLWIDTH DIGIT ONE}"],
    "host.image.name": ["", "\N{GRINNING FACE}", "a" * 256, "$(x)"],
    "host.image.version": ["\N{FULLWIDTH DIGIT EIGHT}", "8; x"],
    "host.availabilityDomains": [["\u0430:PHX-AD-1"]],
    "oci:region": ["x; touch y", "us-ashburn-1\n"],
}


@pytest.mark.parametrize(("path", "value"), [(path, value) for path, values in ORACLE_AT.items() for value in values])
def test_texts_of_oracle_at_their_limits_are_taken(path: str, value: object) -> None:
    recording = run(TRITON, {path: value})
    assert recording.error is None
    assert refused(recording) == []


@pytest.mark.parametrize(("path", "value"), [(path, value) for path, values in ORACLE_OVER.items() for value in values])
def test_texts_of_oracle_beyond_their_limits_are_refused(path: str, value: object) -> None:
    recording = run(TRITON, {path: value})
    assert isinstance(recording.error, ConfigurationError)
    assert any(each.path.startswith(path) for each in recording.error.findings), str(recording.error)
