"""The stack `mixtral-torchserve-gke`: what its guide meant, with the guide's mistakes repaired.

Numbers after `c` count the guide's mistakes, of which docs/recipes has the list.
"""

import json
from typing import Any

import pytest

from components.findings import ConfigurationError
from tests.components.guide import GONE
from tests.recording import Recording
from tests.stacks.stack_file import TORCHSERVE, run

CLUSTER, SERVICE = "mixtral-torchserve", "mixtral-torchserve-server"
BUCKET, ARCHIVE = "mixtral-torchserve-store", "mixtral-torchserve-archive"
MIXTRAL = "mistralai/Mixtral-8x7B-v0.1"
JOB = "batch/v1:Job"
OWN_BUCKET: dict[str, Any] = {"bucket": GONE, "service.storage.bucket": "my-archives"}
L4: dict[str, Any] = {
    "service.accelerator": "nvidia-l4",
    "service.accelerators": 4,
    "cluster.gpuPools": {
        "l4": {
            "machineType": "g2-standard-48",
            "acceleratorType": "nvidia-l4",
            "acceleratorCount": 4,
            "zones": ["us-central1-a"],
            "nodes": 0,
            "minNodes": 0,
            "maxNodes": 1,
        }
    },
}
SCALED: dict[str, Any] = {
    "service.torchserve.tokenAuthorization": False,
    "service.autoscaling": {"minReplicas": 1, "maxReplicas": 2},
    "cluster.gpuPools.a100.maxNodes": 2,
}


@pytest.fixture(scope="module")
def guide() -> Recording:
    return planned()


def planned(changes: dict[str, Any] | None = None) -> Recording:
    recording = run(TORCHSERVE, changes)
    assert recording.error is None
    assert recording.messages == []
    return recording


def refused(changes: dict[str, Any]) -> list[str]:
    recording = run(TORCHSERVE, changes)
    assert isinstance(recording.error, ConfigurationError)
    assert [resource.type for resource in recording.resources] == ["pulumi:pulumi:Stack"]
    return [f"{finding.code} {finding.path}" for finding in recording.error.findings]


def server(recording: Recording) -> dict[str, Any]:
    (only,) = recording["Deployment", SERVICE].inputs["spec"]["template"]["spec"]["containers"]
    return only


def prepared(recording: Recording) -> dict[str, Any]:
    return json.loads(recording["core/v1:ConfigMap", f"{ARCHIVE}-scripts"].inputs["data"]["settings.json"])


def test_what_the_guide_creates(guide: Recording) -> None:
    pool = guide["NodePool", f"{CLUSTER}-a100"].inputs
    assert pool["nodeConfig"]["machineType"] == "a2-ultragpu-1g"
    # no GPU is paid for while CPUs prepare
    assert (pool["initialNodeCount"], pool["autoscaling"]["totalMinNodeCount"]) == (0, 0)
    assert server(guide)["resources"]["limits"]["nvidia.com/gpu"] == "1"
    told = prepared(guide)
    assert (told["model"], told["quantized"], told["config"]["handler"]["max_sequence_length"]) == (MIXTRAL, True, 2048)
    assert guide["storage/bucket:Bucket", BUCKET].inputs["location"] == "US-CENTRAL1".lower()


def test_job_and_server_agree_on_the_places(guide: Recording) -> None:
    flags = server(guide)["args"]
    store = flags[flags.index("--model-store") + 1]
    assert prepared(guide)["model_store"] == store
    assert flags[-1] == f"{prepared(guide)['name']}={prepared(guide)['name']}"
    mounts = {mount["name"]: mount["mountPath"] for mount in server(guide)["volumeMounts"]}
    assert store.startswith(f"{mounts['data']}/")
    assert prepared(guide)["config"]["handler"]["converted_ckpt_dir"].startswith(f"{mounts['data']}/")


def test_the_server_starts_when_the_archive_is_there(guide: Recording) -> None:
    assert ARCHIVE in guide["Deployment", SERVICE].depends_on()
    assert f"{ARCHIVE}-bucket" in guide[JOB, ARCHIVE].depends_on()
    assert f"{SERVICE}-bucket" in guide["Deployment", SERVICE].depends_on()
    roles = {name: guide["BucketIAMMember", f"{name}-bucket"].inputs["role"] for name in (ARCHIVE, SERVICE)}
    assert roles == {ARCHIVE: "roles/storage.objectUser", SERVICE: "roles/storage.objectViewer"}


def test_outputs(guide: Recording) -> None:
    outputs = guide.stack_outputs()
    assert outputs["endpoint"].endswith(":8080/predictions/gpt_fast_mixtral_moe")
    assert outputs["metricsUrl"].endswith(":8082/metrics")
    assert outputs["model"] == MIXTRAL
    assert outputs["accelerators"] == "1 x nvidia-a100-80gb"
    assert outputs["server"] == "torchserve (docker.io/pytorch/torchserve:0.12.0-gpu)"
    cost = outputs["hourlyCost"]
    # with the GPU, which the server's pod brings, though the pool begins without
    assert cost["minimum"] == pytest.approx(2 * 0.1340 + 5.0688, abs=0.01)
    assert cost["maximum"] == pytest.approx(3 * 0.1340 + 5.0688 + 0.7769, abs=0.01)


def test_c1_paths_are_absolute(guide: Recording) -> None:
    assert prepared(guide)["config"]["handler"]["converted_ckpt_dir"] == f"/models/gpt-fast/{MIXTRAL}/model_int8.pth"


def test_c2_the_split_follows_the_gpus() -> None:
    split = planned(L4)
    assert prepared(split)["config"]["torchrun"] == {"nproc-per-node": 4}
    assert server(split)["resources"]["limits"]["nvidia.com/gpu"] == "4"
    assert refused({"service.shards": 4}) == ["shards-not-accelerators service.shards"]


def test_c3_nothing_is_profiled(guide: Recording) -> None:
    assert "profile" not in prepared(guide)["config"]["handler"]
    assert refused({"service.torchserve.profile": True}) == ["unknown-setting service.torchserve.profile"]


def test_c4_c5_keys_and_the_model_api() -> None:
    for flag in ("--disable-token-auth", "--enable-model-api"):
        assert refused({"service.arguments": [flag]}) == ["torchserve-flag service.arguments[0]"]


def test_c6_a_model_that_gpt_fast_does_not_know() -> None:
    assert refused({"service.model": "mistralai/Mixtral-8x7B-Instruct-v0.1"}) == ["gpt-fast-model service.model"]


def test_c7_it_scales_on_a_gauge() -> None:
    scaled = planned(SCALED)
    (metric,) = scaled["HorizontalPodAutoscaler", f"{SERVICE}-autoscaler"].inputs["spec"]["metrics"]
    (rule,) = scaled["Rules", f"{SERVICE}-rules"].inputs["spec"]["groups"][0]["rules"]
    assert metric["pods"]["metric"]["name"] == f"prometheus.googleapis.com|{rule['record']}|gauge"
    assert scaled.of("CustomMetricsAdapter")
    # the pods need not wait for what scales them
    assert "metrics-adapter-deployment" not in scaled["InferenceService", SERVICE].depends_on()
    # a pod's key is not the other's
    assert refused({**SCALED, "service.torchserve.tokenAuthorization": True}) == [
        "keys-differ service.torchserve.tokenAuthorization"
    ]


def test_c8_workers_have_the_time_that_the_pod_has(guide: Recording) -> None:
    probe = server(guide)["startupProbe"]
    assert prepared(guide)["config"]["startupTimeout"] <= probe["failureThreshold"] * probe["periodSeconds"]
    longer = planned({"service.startupMinutes": 120})
    assert prepared(longer)["config"]["startupTimeout"] == 7200


def test_c10_the_published_weights_do_not_fit_one_gpu() -> None:
    assert refused({"service.quantization": GONE}) == ["model-too-large service.accelerators"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"huggingFaceToken": GONE}, "token-missing huggingFaceToken"),
        ({"cluster.cpuPools": GONE}, "conversion-pool cluster.cpuPools.converter"),
        (
            {"cluster.cpuPools.converter.machineType": "n2-standard-8"},
            "conversion-memory cluster.cpuPools.converter.machineType",
        ),
        ({"cluster.cpuPools.converter.diskSizeGb": 200}, "conversion-disk cluster.cpuPools.converter.diskSizeGb"),
        ({"cluster.addons.gcsFuseCsi": False}, "addon-missing cluster.addons.gcsFuseCsi"),
        ({"cluster.addons.persistentDiskCsi": False}, "addon-missing cluster.addons.persistentDiskCsi"),
        ({"service.storage.bucket": "my-archives"}, "bucket-ambiguous bucket"),
        ({"bucket": GONE}, "bucket-ambiguous bucket"),
        ({"bucket.location": "us-central1-a"}, "bucket-location-zone bucket.location"),
        ({"service.serviceAccount": "mine"}, "service-account-owned service.serviceAccount"),
        ({"service.exposure": "public"}, "source-ranges-missing sourceRanges"),
        ({"service.port": 8082}, "port-taken service.port"),
        ({"service.server": "vllm"}, "model-too-large service.accelerators"),
    ],
)
def test_refused(changes: dict[str, Any], said: str) -> None:
    assert refused(changes) == [said]


def test_an_archive_in_a_bucket_of_yours_needs_no_token() -> None:
    recording = planned({**OWN_BUCKET, "preparation.prepare": False, "huggingFaceToken": GONE})
    assert recording.of(JOB) == recording.of("storage/bucket:Bucket") == recording.of("core/v1:Secret") == []
    volumes = recording["Deployment", SERVICE].inputs["spec"]["template"]["spec"]["volumes"]
    (data,) = [volume for volume in volumes if volume["name"] == "data"]
    assert data["csi"]["volumeAttributes"]["bucketName"] == "my-archives"


def test_the_successor_is_one_setting_and_a_second_gpu() -> None:
    machine = {"machineType": "a2-ultragpu-2g", "acceleratorCount": 2}
    pool = {f"cluster.gpuPools.a100.{setting}": value for setting, value in machine.items()}
    recording = planned({"service.server": "vllm", "service.accelerators": 2, **pool})
    assert recording.of(JOB) == recording.of("storage/bucket:Bucket") == recording.of("PersistentVolumeClaim") == []
    assert server(recording)["image"].startswith("docker.io/vllm/vllm-openai:")
    assert f"{SERVICE}-token" in {secret.name for secret in recording.of("core/v1:Secret")}
