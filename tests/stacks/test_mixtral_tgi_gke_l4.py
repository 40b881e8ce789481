"""The stack `mixtral-tgi-gke-l4`: what its guide meant, with the guide's mistakes repaired.

Numbers after `a` count the guide's mistakes, the others what users trip over; both lists are in docs/recipes.
"""

from typing import Any

import pytest

from components.findings import ConfigurationError
from tests.components.guide import GONE
from tests.recording import Recording
from tests.stacks.stack_file import MIXTRAL, run, stack_file

CLUSTER, SERVICE = "mixtral8x7-cluster-gke", "mixtral8x7b"
POOL = "mixtral-moe-gpu-pool"
GPU_POOL = f"cluster.gpuPools.{POOL}"


@pytest.fixture(scope="module")
def guide() -> Recording:
    recording = run(MIXTRAL)
    assert recording.error is None
    return recording


def cluster(recording: Recording) -> dict[str, Any]:
    return recording["container/cluster:Cluster", CLUSTER].inputs


def gpu_pool(recording: Recording) -> dict[str, Any]:
    return recording["NodePool", f"{CLUSTER}-{POOL}"].inputs


def deployment(recording: Recording) -> dict[str, Any]:
    return recording["Deployment", SERVICE].inputs["spec"]


def pod(recording: Recording) -> dict[str, Any]:
    return deployment(recording)["template"]["spec"]


def container(recording: Recording) -> dict[str, Any]:
    (only,) = pod(recording)["containers"]
    return only


def environment(recording: Recording) -> dict[str, Any]:
    return {variable["name"]: variable.get("value") for variable in container(recording)["env"]}


def test_what_the_guide_creates(guide: Recording) -> None:
    assert cluster(guide)["location"] == "us-central1"
    assert (cluster(guide)["network"], cluster(guide)["subnetwork"]) == ("default", "default")
    assert cluster(guide)["resourceLabels"] == {"env": "production", "team": "mixtral8x7"}
    assert cluster(guide)["releaseChannel"] == {"channel": "REGULAR"}
    assert cluster(guide)["enableShieldedNodes"] is True
    assert cluster(guide)["loggingConfig"] == {"enableComponents": ["SYSTEM_COMPONENTS", "WORKLOADS"]}
    # --no-enable-master-authorized-networks
    assert "masterAuthorizedNetworksConfig" not in cluster(guide)
    cpu = guide["NodePool", f"{CLUSTER}-cpu"].inputs
    assert cpu["nodeConfig"]["machineType"] == "n2d-standard-8"
    assert cpu["nodeConfig"]["tags"] == ["web", "sftp"]
    gpu = gpu_pool(guide)
    assert gpu["name"] == POOL
    assert gpu["nodeConfig"]["machineType"] == "g2-standard-48"
    assert gpu["nodeConfig"]["labels"] == {"accelerator": "nvidia-gpu"}
    assert gpu["nodeConfig"]["ephemeralStorageLocalSsdConfig"] == {"localSsdCount": 4}
    assert gpu["nodeConfig"]["workloadMetadataConfig"] == {"mode": "GKE_METADATA"}
    assert gpu["autoscaling"]["totalMinNodeCount"] == 1
    assert gpu["autoscaling"]["totalMaxNodeCount"] == 2
    assert container(guide)["image"] == "ghcr.io/huggingface/text-generation-inference:1.4.3"
    assert environment(guide)["MODEL_ID"] == "mistralai/Mixtral-8x7B-Instruct-v0.1"
    assert environment(guide)["QUANTIZE"] == "bitsandbytes-nf4"
    service = guide["core/v1:Service", f"{SERVICE}-service"].inputs
    assert service["metadata"]["labels"] == {
        "LLM_deployment": "true",
        "model_LoadBalancer": "true",
        "Ingress_Point": "true",
    }
    assert service["spec"]["ports"] == [{"name": "http", "port": 80, "targetPort": "http"}]
    assert container(guide)["ports"] == [{"name": "http", "containerPort": 8080}]


def test_outputs(guide: Recording) -> None:
    outputs = guide.stack_outputs()
    assert outputs.pop("kubeconfig")["4dabf18193072939515e22adb298388d"]
    assert outputs.pop("tryIt").startswith(
        "curl http://203.0.113.10/generate -H 'Content-Type: application/json' -d '{"
    )
    cost = outputs.pop("hourlyCost")
    assert 0 < cost["minimum"] < cost["maximum"]
    assert outputs == {
        "endpoint": "http://203.0.113.10/generate",
        "loadBalancerIp": "203.0.113.10",
        "healthUrl": "http://203.0.113.10/health",
        "metricsUrl": "http://203.0.113.10/metrics",
        "access": "public",
        "model": "mistralai/Mixtral-8x7B-Instruct-v0.1",
        "server": "tgi (ghcr.io/huggingface/text-generation-inference:1.4.3)",
        "accelerators": "4 x nvidia-l4",
    }


def test_what_the_service_takes_from_the_cluster() -> None:
    recording = run(MIXTRAL, {"cluster.subnetwork": "ours", "service.exposure": "internal", "sourceRanges": []})
    assert recording.error is None
    address = recording["Address", f"{SERVICE}-address"]
    assert address.inputs["subnetwork"] == "ours"
    assert address.inputs["region"] == "us-central1"
    # reserved in the cluster's project, once that has the APIs
    assert address.inputs["project"] == "test-project"
    assert f"{CLUSTER}-compute" in address.depends_on()
    # the pool's largest size gives the rollout room
    assert deployment(recording)["strategy"]["rollingUpdate"]["maxSurge"] == 1
    tight = run(MIXTRAL, {f"{GPU_POOL}.maxNodes": 1})
    assert deployment(tight)["strategy"]["rollingUpdate"]["maxSurge"] == 0


REFUSED_AGAIN: list[tuple[str, dict[str, Any], str, str]] = [
    (
        "a1-region-as-node-location",
        {"cluster.nodeLocations": ["us-central1"]},
        "zone-is-region",
        "cluster.nodeLocations[0]",
    ),
    ("a2-pool-in-another-region", {f"{GPU_POOL}.zones": ["us-west4-a"]}, "zone-outside-region", f"{GPU_POOL}.zones[0]"),
    ("a3-shards-of-the-readme", {"service.shards": 2}, "shards-not-accelerators", "service.shards"),
    ("a3-gpus-of-the-manifest", {"service.accelerators": 2}, "shards-not-accelerators", "service.shards"),
    ("a4-no-token", {"huggingFaceToken": GONE}, "token-missing", "huggingFaceToken"),
    ("a5-one-l4", {"service.accelerators": 1, "service.shards": 1}, "model-too-large", "service.accelerators"),
    (
        "a7-claim-beside-local-ssds",
        {"service.storage.storageClass": "premium-rwo"},
        "storage-class-unused",
        "service.storage.storageClass",
    ),
    ("a9-public-without-ranges", {"sourceRanges": GONE}, "source-ranges-missing", "sourceRanges"),
    (
        "a10-unbounded-shared-memory",
        {"service.sharedMemory": "160Gi"},
        "shared-memory-too-large",
        "service.sharedMemory",
    ),
]


@pytest.mark.parametrize(("changes", "code", "path"), [pytest.param(*rest, id=name) for name, *rest in REFUSED_AGAIN])
def test_a_mistake_of_the_guide_put_back_is_refused(changes: dict[str, Any], code: str, path: str) -> None:
    error = run(MIXTRAL, changes).error
    assert isinstance(error, ConfigurationError)
    assert (code, path) in [(finding.code, finding.path) for finding in error.findings]


def test_a4_the_token_is_really_mounted(guide: Recording) -> None:
    name = guide["Secret", f"{SERVICE}-token"].name
    assert f"{SERVICE}-token" == name
    sources = [variable["valueFrom"] for variable in container(guide)["env"] if "valueFrom" in variable]
    assert sources == [{"secretKeyRef": {"name": f"{name}-12345678", "key": "HF_TOKEN"}}] * 2


def test_a6_counts_are_of_the_whole_pool(guide: Recording) -> None:
    settings = stack_file(MIXTRAL)["llm-serving:cluster"]
    cpu = guide["NodePool", f"{CLUSTER}-cpu"].inputs
    assert cpu["initialNodeCount"] * len(cpu["nodeLocations"]) == settings["cpuPool"]["nodes"] == 4
    # bounds without autoscaling cannot be, and of four addons none is lost
    assert cpu["autoscaling"]["totalMinNodeCount"] == 3
    assert cpu["autoscaling"]["totalMaxNodeCount"] == 6
    assert cluster(guide)["addonsConfig"] == {
        "horizontalPodAutoscaling": {"disabled": False},
        "httpLoadBalancing": {"disabled": False},
        "gcePersistentDiskCsiDriverConfig": {"enabled": True},
        "gcsFuseCsiDriverConfig": {"enabled": True},
    }


def test_a7_the_weights_are_on_the_local_ssds(guide: Recording) -> None:
    volumes = {volume["name"]: volume for volume in pod(guide)["volumes"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in container(guide)["volumeMounts"]}
    assert mounts == {"dshm": "/dev/shm", "data": "/data"}
    assert volumes["data"]["hostPath"]["path"].startswith("/mnt/stateful_partition/kube-ephemeral-ssd/")


def test_a8_the_autoscaler_scales_the_deployment_by_a_metric_that_exists() -> None:
    recording = run(MIXTRAL, {"service.autoscaling": {"minReplicas": 1, "maxReplicas": 2}})
    assert recording.error is None
    spec = recording["HorizontalPodAutoscaler", f"{SERVICE}-autoscaler"].inputs["spec"]
    assert spec["scaleTargetRef"]["name"] == recording["Deployment", SERVICE].inputs["metadata"]["name"]
    (metric,) = spec["metrics"]
    assert metric["pods"]["metric"]["name"] == "prometheus.googleapis.com|tgi_queue_size|gauge"
    assert recording["PodMonitoring", f"{SERVICE}-metrics"].inputs["spec"]["selector"] == {
        "matchLabels": {"app": SERVICE}
    }


def test_a9_probes_and_ranges(guide: Recording) -> None:
    assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container(guide))
    service = guide["core/v1:Service", f"{SERVICE}-service"].inputs["spec"]
    assert service["loadBalancerSourceRanges"] == ["198.51.100.0/24"]


def test_a10_the_pod_takes_the_node_that_it_has_to_itself(guide: Recording) -> None:
    assert container(guide)["resources"]["limits"] == {"cpu": "40", "memory": "160Gi", "nvidia.com/gpu": "4"}


# what users trip over, as far as these components answer it: number, where to look, what must be there
TRIPS: list[tuple[str, Any, Any]] = [
    ("03-gpu-pool-last", lambda r: f"{CLUSTER}-cpu" in r["NodePool", f"{CLUSTER}-{POOL}"].depends_on(), True),
    (
        "03-cpu-pool-not-pinned",
        lambda r: r["NodePool", f"{CLUSTER}-cpu"].inputs["nodeLocations"],
        ["us-central1-a", "us-central1-c"],
    ),
    ("05-fits", lambda r: container(r)["resources"]["limits"]["nvidia.com/gpu"], "4"),
    (
        "06-shared-memory",
        lambda r: pod(r)["volumes"][0],
        {"name": "dshm", "emptyDir": {"medium": "Memory", "sizeLimit": "8Gi"}},
    ),
    ("07-weights-stay-on-the-node", lambda r: pod(r)["volumes"][1]["hostPath"]["type"], "DirectoryOrCreate"),
    (
        "10-startup-probe-covers-the-slowest-known-load",
        lambda r: (
            container(r)["startupProbe"]["failureThreshold"] * container(r)["startupProbe"]["periodSeconds"] > 3966
        ),
        True,
    ),
    (
        "11-no-surge-without-room",
        lambda _: deployment(run(MIXTRAL, {f"{GPU_POOL}.maxNodes": 1}))["strategy"]["rollingUpdate"],
        {"maxSurge": 0, "maxUnavailable": 1},
    ),
    (
        "12-both-token-variables",
        lambda r: [variable["name"] for variable in container(r)["env"] if "valueFrom" in variable],
        ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"],
    ),
    (
        "13-address-from-the-reservation",
        lambda r: (r["Address", f"{SERVICE}-address"].inputs["addressType"], r.stack_outputs()["loadBalancerIp"]),
        ("EXTERNAL", "203.0.113.10"),
    ),
    (
        "14-replicas-left-to-the-autoscaler",
        lambda _: "replicas" in deployment(run(MIXTRAL, {"service.autoscaling": {"minReplicas": 1, "maxReplicas": 2}})),
        False,
    ),
    (
        "15-deadline-longer-than-the-probe",
        lambda r: deployment(r)["progressDeadlineSeconds"] > container(r)["startupProbe"]["failureThreshold"] * 10,
        True,
    ),
    (
        "15-pulumi-waits-longer-still",
        lambda r: (
            int(r["Deployment", SERVICE].request.customTimeouts.create.removesuffix("s"))
            > deployment(r)["progressDeadlineSeconds"]
        ),
        True,
    ),
    (
        "16-explicit-provider",
        lambda r: {x.provider() for x in r.resources if x.type.startswith("kubernetes:")},
        {f"{CLUSTER}-kubernetes"},
    ),
    ("18-separate-pools", lambda r: cluster(r)["removeDefaultNodePool"], True),
    (
        "18-deleted-before-replaced",
        lambda r: r["NodePool", f"{CLUSTER}-{POOL}"].request.deleteBeforeReplace,
        True,
    ),
    ("19-no-taint-declared", lambda r: "taints" in gpu_pool(r)["nodeConfig"], False),
    (
        "20-driver-said",
        lambda r: gpu_pool(r)["nodeConfig"]["guestAccelerators"][0]["gpuDriverInstallationConfig"],
        {"gpuDriverVersion": "LATEST"},
    ),
    (
        "21-services-go-before-nodes",
        lambda r: {f"{CLUSTER}-cpu", f"{CLUSTER}-{POOL}"} <= r["kubernetes", f"{CLUSTER}-kubernetes"].depends_on(),
        True,
    ),
    ("23-no-autoscaler-on-gpu-use", lambda r: r.of("HorizontalPodAutoscaler"), []),
    ("24-budget", lambda r: r["PodDisruptionBudget", f"{SERVICE}-budget"].inputs["spec"]["maxUnavailable"], 1),
    (
        "24-pool-deletion-respects-it",
        lambda r: gpu_pool(r)["nodeDrainConfigs"],
        [{"respectPdbDuringNodePoolDeletion": True}],
    ),
    ("24-maintenance-window", lambda r: "recurringWindow" in cluster(r)["maintenancePolicy"], True),
]


@pytest.mark.parametrize(("seen", "expected"), [pytest.param(*rest, id=name) for name, *rest in TRIPS])
def test_what_users_trip_over(guide: Recording, seen: Any, expected: Any) -> None:
    assert seen(guide) == expected
