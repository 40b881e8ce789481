"""The stack `llama-jetstream-tpu`: what its guide meant, with the guide's mistakes repaired.

Numbers after `e` count the guide's mistakes, of which docs/recipes has the list.
"""

from typing import Any

import pytest

from components.findings import ConfigurationError
from tests.components.guide import GONE
from tests.recording import Recording
from tests.stacks.stack_file import JETSTREAM, run

CLUSTER, SERVICE = "jetstream-maxtext", "jetstream-pytorch-server"
BUCKET, CONVERTER, DISK = "jetstream-checkpoints", "jetstream-converter", "jetstream-pytorch-ckpt"
MODELS = ["meta-llama/Llama-2-7b-hf", "meta-llama/Meta-Llama-3-8B", "google/gemma-2b-pytorch"]
OWN_BUCKET: dict[str, Any] = {"bucket": GONE, "service.storage.bucket": "my-weights"}


@pytest.fixture(scope="module")
def guide() -> Recording:
    return planned()


def planned(changes: dict[str, Any] | None = None) -> Recording:
    recording = run(JETSTREAM, changes)
    assert recording.error is None
    return recording


def cluster(recording: Recording) -> dict[str, Any]:
    return recording["container/cluster:Cluster", CLUSTER].inputs


def pod(recording: Recording, kind: str = "Deployment", name: str = SERVICE) -> dict[str, Any]:
    return recording[kind, name].inputs["spec"]["template"]["spec"]


def server(recording: Recording) -> dict[str, Any]:
    return pod(recording)["containers"][0]


def flag(arguments: list[str], name: str) -> str:
    (value,) = [each.removeprefix(f"{name}=") for each in arguments if each.startswith(f"{name}=")]
    return value


def converter(recording: Recording) -> list[str]:
    return pod(recording, "batch/v1:Job", CONVERTER)["containers"][0]["args"]


def test_what_the_guide_creates(guide: Recording) -> None:
    assert cluster(guide)["location"] == "us-west4-a"
    assert cluster(guide)["releaseChannel"] == {"channel": "RAPID"}
    assert cluster(guide)["workloadIdentityConfig"] == {"workloadPool": "rehearsal-project.svc.id.goog"}
    assert guide["NodePool", f"{CLUSTER}-cpu"].inputs["initialNodeCount"] == 2
    tpu = guide["NodePool", "tpu-pool"].inputs
    assert (tpu["name"], tpu["initialNodeCount"], tpu["nodeLocations"]) == ("tpu", 2, ["us-west4-a"])
    assert tpu["nodeConfig"]["machineType"] == "ct5lp-hightpu-8t"
    # one node is a slice of its own
    assert "placementPolicy" not in tpu
    spec = guide["Deployment", SERVICE].inputs["spec"]
    assert spec["replicas"] == 2
    # users trip over 11: a third pod would wait for chips that there are not
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
    assert server(guide)["resources"]["limits"]["google.com/tpu"] == "8"
    assert flag(server(guide)["args"], "--batch_size") == "80"
    assert flag(server(guide)["args"], "--max_cache_length") == "2048"
    ports = guide["core/v1:Service", f"{SERVICE}-service"].inputs["spec"]["ports"]
    assert [port["port"] for port in ports] == [8000, 9000, 9100]
    assert guide["storage/bucket:Bucket", BUCKET].inputs["location"] == "us-west4"
    assert flag(converter(guide), "-m") == "meta-llama/Llama-2-7b-hf"
    assert [flag(converter(guide), name) for name in ("-n", "-q", "-h")] == ["llama-2", "False", "True"]


def test_the_guides_service_accounts(guide: Recording) -> None:
    for name, role in ((CONVERTER, "roles/storage.objectUser"), (SERVICE, "roles/storage.objectViewer")):
        account = guide["serviceaccount/account:Account", f"{name}-account"]
        user = guide["IAMMember", f"{name}-user"].inputs
        assert user["role"] == "roles/iam.workloadIdentityUser"
        assert user["member"] == f"serviceAccount:test-project.svc.id.goog[default/{name}]"
        annotations = guide["core/v1:ServiceAccount", f"{name}-service-account"].inputs["metadata"]["annotations"]
        email = f"{account.inputs['accountId']}@test-project.iam.gserviceaccount.com"
        assert annotations == {"iam.gke.io/gcp-service-account": email}
        grant = guide["BucketIAMMember", f"{name}-bucket"].inputs
        assert (grant["role"], grant["member"]) == (role, f"serviceAccount:{email}")
    assert pod(guide)["serviceAccountName"] == SERVICE
    assert pod(guide, "batch/v1:Job", CONVERTER)["serviceAccountName"] == CONVERTER


def test_e9_the_guides_roles_on_the_project_are_reachable_and_not_the_default(guide: Recording) -> None:
    roles = ["roles/storage.objectUser", "roles/storage.insightsCollectorService"]
    on_project = [each.inputs["role"] for each in guide.of("projects/iAMMember:IAMMember")]
    assert not set(roles) & set(on_project)
    asked = planned({"workloadIdentity.projectRoles": roles})
    assert set(roles) < {each.inputs["role"] for each in asked.of("projects/iAMMember:IAMMember")}


def test_order(guide: Recording) -> None:
    # the conversion comes first, and no chip is paid for meanwhile
    assert CONVERTER in guide["TpuNodePool", "tpu"].depends_on()
    assert CONVERTER in guide["Deployment", SERVICE].depends_on()
    assert f"{SERVICE}-bucket" in guide["Deployment", SERVICE].depends_on()
    assert "tpu-pool" in guide["InferenceService", SERVICE].depends_on()
    # an identity pool is there with its cluster
    assert CLUSTER in guide["IAMMember", f"{CONVERTER}-user"].depends_on()


def test_outputs(guide: Recording) -> None:
    outputs = guide.stack_outputs()
    assert outputs.pop("kubeconfig")["4dabf18193072939515e22adb298388d"]
    assert outputs.pop("tryIt").startswith("curl http://localhost:8080/generate ")
    cost = outputs.pop("hourlyCost")
    # 2 x e2-standard-4 and 2 x ct5lp-hightpu-8t in us-west4; at the most 3, and the converter
    assert cost["minimum"] == pytest.approx(2 * 0.1509 + 2 * 9.6, abs=0.01)
    assert cost["maximum"] == pytest.approx(3 * 0.1509 + 2 * 9.6 + 0.875, abs=0.01)
    base = f"http://{SERVICE}-service.default.svc.cluster.local"
    assert outputs == {
        "endpoint": f"{base}:8000/generate",
        "healthUrl": f"{base}:8000/healthcheck",
        "metricsUrl": f"{base}:9100/",
        "access": f"port-forward: kubectl --namespace default port-forward service/{SERVICE}-service 8080:8000",
        "model": "meta-llama/Llama-2-7b-hf",
        "server": "jetstream (us-docker.pkg.dev/cloud-tpu-images/inference/jetstream-pytorch-server:v0.2.3)",
        "accelerators": "8 x tpu-v5-lite-podslice",
    }


def test_e1_no_option_is_lost(guide: Recording) -> None:
    assert cluster(guide)["addonsConfig"]["gcsFuseCsiDriverConfig"] == {"enabled": True}
    assert guide["NodePool", f"{CLUSTER}-cpu"].inputs["initialNodeCount"] == 2


def test_e2_the_bucket_has_a_name_and_a_url(guide: Recording) -> None:
    assert "name" not in guide["storage/bucket:Bucket", BUCKET].inputs  # Pulumi gives one that nobody else has
    assert flag(converter(guide), "-o").startswith("gs://")


@pytest.mark.parametrize("model", MODELS)
def test_e3_e4_job_mount_and_server_agree_on_the_path(model: str) -> None:
    recording = planned({"service.model": model})
    written = flag(converter(recording), "-o")
    (mount,) = [each for each in server(recording)["volumeMounts"] if each["name"] == "data"]
    (volume,) = [each for each in pod(recording)["volumes"] if each["name"] == "data"]
    bucket = volume["csi"]["volumeAttributes"]["bucketName"]
    folder = written.removeprefix(f"gs://{bucket}/").rstrip("/")
    assert folder.startswith("pytorch/")
    arguments = server(recording)["args"]
    assert flag(arguments, "--checkpoint_path") == f"{mount['mountPath']}/{folder}/model.safetensors"
    assert flag(arguments, "--tokenizer_path") == f"{mount['mountPath']}/{folder}/tokenizer.model"
    assert flag(arguments, "--model_name") == flag(converter(recording), "-n")


REFUSED_AGAIN: list[tuple[str, dict[str, Any], str, str]] = [
    (
        "e4-disk-of-one-node",
        {"service.storage": {"kind": "claim", "claim": "disk", "accessMode": "ReadWriteOnce"}},
        "storage-one-node",
        "service.storage.accessMode",
    ),
    (
        "e5-one-node-for-two-pods",
        {"tpuPool.nodes": 1, "tpuPool.minNodes": 1, "tpuPool.maxNodes": 1},
        "replicas-exceed-pool",
        "service.replicas",
    ),
    (
        "e8-conversion-on-chips",
        {"cluster.cpuPools.converter.machineType": "ct5lp-hightpu-8t"},
        "conversion-accelerator",
        "cluster.cpuPools.converter.machineType",
    ),
    (
        "e12-another-region",
        {"cluster.cpuPool.zones": ["us-central1-a"]},
        "zone-outside-region",
        "cluster.cpuPool.zones[0]",
    ),
]


@pytest.mark.parametrize(("changes", "code", "path"), [pytest.param(*rest, id=name) for name, *rest in REFUSED_AGAIN])
def test_a_mistake_of_the_guide_put_back_is_refused(changes: dict[str, Any], code: str, path: str) -> None:
    error = run(JETSTREAM, changes).error
    assert isinstance(error, ConfigurationError)
    assert (code, path) in [(finding.code, finding.path) for finding in error.findings]


def test_e6_only_the_secret_that_is_made_is_mounted(guide: Recording) -> None:
    secrets = [
        each["secret"]["secretName"] for each in pod(guide, "batch/v1:Job", CONVERTER)["volumes"] if "secret" in each
    ]
    assert secrets == [guide["Secret", f"{CONVERTER}-token"].inputs["metadata"]["name"]]
    assert [each.name for each in guide.of("core/v1:Secret")] == [f"{CONVERTER}-token"]


def test_e7_the_job_and_its_logs_stay(guide: Recording) -> None:
    assert "ttlSecondsAfterFinished" not in guide["batch/v1:Job", CONVERTER].inputs["spec"]


def test_e8_the_conversion_holds_no_chips_and_its_node_goes(guide: Recording) -> None:
    (container,) = pod(guide, "batch/v1:Job", CONVERTER)["containers"]
    assert "google.com/tpu" not in container["resources"]["limits"]
    pool = guide["NodePool", f"{CLUSTER}-converter"].inputs
    assert pod(guide, "batch/v1:Job", CONVERTER)["nodeSelector"] == {
        "node.kubernetes.io/instance-type": pool["nodeConfig"]["machineType"]
    }
    assert pool["initialNodeCount"] == 0
    assert (pool["autoscaling"]["totalMinNodeCount"], pool["autoscaling"]["totalMaxNodeCount"]) == (0, 1)


def test_e10_probes(guide: Recording) -> None:
    probes = [server(guide)[name] for name in ("startupProbe", "readinessProbe", "livenessProbe")]
    assert [probe["httpGet"] for probe in probes] == [{"path": "/healthcheck", "port": 8000}] * 3


def test_e11_volumes_are_mounted_by_drivers(guide: Recording) -> None:
    drivers = [volume["csi"]["driver"] for volume in pod(guide)["volumes"] if volume["name"] == "data"]
    on_disk = planned({"service.storage.kind": "claim"})
    spec = on_disk["PersistentVolume", f"{DISK}-volume"].inputs["spec"]
    assert [*drivers, spec["csi"]["driver"]] == ["gcsfuse.csi.storage.gke.io", "pd.csi.storage.gke.io"]
    assert "gcePersistentDisk" not in spec


def test_own_weights_in_an_own_bucket_need_neither_bucket_nor_conversion_nor_token() -> None:
    recording = planned({**OWN_BUCKET, "conversion.convert": False, "huggingFaceToken": GONE})
    assert not recording.of("storage/bucket:Bucket")
    assert not recording.of("batch/v1:Job")
    assert not recording.of("core/v1:Secret")
    assert recording["BucketIAMMember", f"{SERVICE}-bucket"].inputs["bucket"] == "my-weights"
    (volume,) = [each for each in pod(recording)["volumes"] if each["name"] == "data"]
    assert volume["csi"]["volumeAttributes"]["bucketName"] == "my-weights"


def test_the_checkpoint_can_be_converted_into_an_own_bucket() -> None:
    recording = planned(OWN_BUCKET)
    assert flag(converter(recording), "-o").startswith("gs://my-weights/pytorch/llama-2-7b/")
    assert recording["BucketIAMMember", f"{CONVERTER}-bucket"].inputs["bucket"] == "my-weights"


def test_the_successor_is_one_setting_away() -> None:
    recording = planned({"service.server": "vllm-tpu"})
    assert recording.messages == []
    (container,) = pod(recording)["containers"]
    assert container["image"] == "docker.io/vllm/vllm-tpu:v0.11.1"
    assert container["resources"]["limits"]["google.com/tpu"] == "8"
    # it downloads the weights itself
    assert recording["core/v1:Secret", f"{SERVICE}-token"]
    assert not [
        *recording.of("storage/bucket:Bucket"),
        *recording.of("batch/v1:Job"),
        *recording.of("v1:ServiceAccount"),
    ]
    assert recording.stack_outputs()["endpoint"].endswith(":8000/v1/completions")


def test_warnings_are_told_once() -> None:
    (told,) = planned({"bucket.location": "us-central1"}).messages
    assert told.startswith("warning[bucket-other-region] bucket.location: ")
    (told,) = planned({"service.jetstream.quantizeKvCache": True}).messages
    assert told.startswith("warning[jetstream-cache-not-quantized] ")


def test_a_load_balancer_on_demand() -> None:
    recording = planned({"service.exposure": "public", "sourceRanges": ["198.51.100.0/24"]})
    assert recording["Address", f"{SERVICE}-address"].inputs["region"] == "us-west4"
    assert recording.stack_outputs()["endpoint"] == "http://203.0.113.10:8000/generate"


def test_a_disk_takes_the_place_of_the_bucket() -> None:
    recording = planned({"service.storage.kind": "claim"})
    assert recording.messages == []
    assert not recording.of("storage/bucket:Bucket")
    disk = recording["compute/disk:Disk", f"{DISK}-disk"]
    # e12: the disk, the machine that fills it, and the slices are in one zone
    group = recording["InstanceGroupManager", f"{DISK}-converter"]
    assert [disk.inputs["zone"]] == [group.inputs["zone"]] == recording["NodePool", "tpu-pool"].inputs["nodeLocations"]
    (volume,) = [each for each in pod(recording)["volumes"] if each["name"] == "data"]
    claim = recording["PersistentVolumeClaim", f"{DISK}-claim"].inputs
    assert volume["persistentVolumeClaim"]["readOnly"] is True
    assert claim["spec"]["accessModes"] == ["ReadOnlyMany"]
    # e4: the path on the disk is that of the flags
    script = recording["InstanceTemplate", f"{DISK}-converter"].inputs["metadata"]["startup-script"]
    assert (
        flag(server(recording)["args"], "--checkpoint_path")
        == "/models/pytorch/llama-2-7b/final/bf16/model.safetensors"
    )
    assert "pytorch/llama-2-7b/final/bf16" in str(script)
    # the server starts, and the chips come, when the disk is filled
    assert f"{DISK}-check" in recording["Deployment", SERVICE].depends_on()
    assert f"{DISK}-check" in recording["TpuNodePool", "tpu"].depends_on()
    filled = planned({"service.storage.kind": "claim", "conversion.convert": False})
    assert not [
        *filled.of("InstanceGroupManager"),
        *filled.of("InstanceTemplate"),
        *filled.of("secretmanager/secret:Secret"),
    ]
    assert filled["compute/disk:Disk", f"{DISK}-disk"]


def test_the_disk_is_as_large_as_asked_for() -> None:
    disks = [planned({"service.storage.kind": "claim", **size}) for size in ({}, {"disk.sizeGb": 100})]
    assert [disk["compute/disk:Disk", f"{DISK}-disk"].inputs["size"] for disk in disks] == [19, 100]
    volumes = [disk["PersistentVolume", f"{DISK}-volume"].inputs["spec"]["capacity"]["storage"] for disk in disks]
    assert volumes == ["19Gi", "100Gi"]


def test_autoscaling_brings_the_adapter_that_it_reads_through() -> None:
    changes = {"service.replicas": GONE, "service.autoscaling": {"minReplicas": 1, "maxReplicas": 2, "batchSize": 60}}
    recording = run(JETSTREAM, changes)
    assert recording.error is None
    assert recording.messages == []
    (metric,) = recording.of("HorizontalPodAutoscaler")[0].inputs["spec"]["metrics"]
    # of 80 slots
    assert metric["pods"]["target"] == {"type": "AverageValue", "averageValue": "750m"}
    assert recording.of("CustomMetricsAdapter")
