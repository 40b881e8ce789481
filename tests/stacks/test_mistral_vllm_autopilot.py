"""The stack `mistral-vllm-autopilot`: what its guide meant, with the guide's mistakes repaired.

Numbers after `b` count the guide's mistakes, the others what users trip over; both lists are in docs/recipes.
"""

from typing import Any

import pytest

from components.catalog import load_catalog
from components.findings import ConfigurationError
from components.quantities import quantity
from tests.components.guide import GONE
from tests.recording import Recording
from tests.stacks.stack_file import MISTRAL, run

CLUSTER, SERVICE, CHAT = "vllm", "llm", "chat"
TUNED = "Prat/Mistral-7B-Instruct-v0.3_summarizer_v1"
BASE = "mistralai/Mistral-7B-Instruct-v0.3"
# as the guide starts it
GENERATE = {"service.server": "vllm-generate", "service.autoscaling": GONE, "service.replicas": 1}
PAGE = {"chatPage": {"exposure": "cluster"}}
STANDARD = {
    "cluster": {
        "location": "us-central1",
        "cpuPool": {"machineType": "n2d-standard-4", "minNodes": 3, "maxNodes": 3},
        "gpuPools": {
            "l4": {
                "machineType": "g2-standard-12",
                "minNodes": 0,
                "maxNodes": 2,
                "zones": ["us-central1-a"],
            }
        },
    },
    "service.nodeSelector": GONE,
}


def succeeded(changes: dict[str, Any] | None = None) -> Recording:
    recording = run(MISTRAL, changes)
    assert recording.error is None
    return recording


@pytest.fixture(scope="module")
def guide() -> Recording:
    return succeeded()


def pod(recording: Recording) -> dict[str, Any]:
    return recording["Deployment", SERVICE].inputs["spec"]["template"]["spec"]


def container(recording: Recording) -> dict[str, Any]:
    (only,) = pod(recording)["containers"]
    return only


def test_what_the_guide_creates(guide: Recording) -> None:
    cluster = guide["container/cluster:Cluster", CLUSTER].inputs
    assert (cluster["enableAutopilot"], cluster["location"]) == (True, "us-central1")
    assert cluster["releaseChannel"] == {"channel": "RAPID"}
    deployment = guide["Deployment", SERVICE].inputs["spec"]
    assert deployment["template"]["metadata"]["labels"] == {
        "app": SERVICE,
        "ai.gke.io/model": "mistral-7B-instruct-v0.3",
        "ai.gke.io/inference-server": "vllm",
        "examples.ai.gke.io/source": "user-guide",
    }
    assert pod(guide)["nodeSelector"] == {
        "cloud.google.com/gke-accelerator": "nvidia-l4",
        "cloud.google.com/gke-gpu-driver-version": "latest",
    }
    assert container(guide)["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert container(guide)["args"] == [
        f"--model={TUNED}",
        "--tensor-parallel-size=1",
        "--port=8000",
        f"--served-model-name={TUNED}",
    ]
    service = guide["core/v1:Service", "llm-service"].inputs["spec"]
    assert service["type"] == "ClusterIP"
    assert service["ports"] == [{"name": "http", "port": 8000, "targetPort": "http"}]


def test_the_guides_own_entrypoint_is_one_setting_away() -> None:
    recording = succeeded(GENERATE)
    assert container(recording)["image"] == (
        "us-docker.pkg.dev/vertex-ai/vertex-vision-model-garden-dockers/pytorch-vllm-serve:20240930_0945_RC00"
    )
    assert container(recording)["command"] == ["python3", "-m", "vllm.entrypoints.api_server"]
    assert container(recording)["args"] == [f"--model={TUNED}", "--tensor-parallel-size=1", "--port=8000"]
    outputs = recording.stack_outputs()
    assert outputs["endpoint"] == "http://llm-service.default.svc.cluster.local:8000/generate"
    assert "metricsUrl" not in outputs
    assert recording.of("HorizontalPodAutoscaler") == recording.of("CustomMetricsAdapter") == []


def test_the_token_is_in_a_secret_and_nowhere_else(guide: Recording) -> None:
    sources = {each["name"]: each["valueFrom"] for each in container(guide)["env"] if "valueFrom" in each}
    assert sources == {"HF_TOKEN": {"secretKeyRef": {"name": "llm-token-12345678", "key": "HF_TOKEN"}}}
    assert guide["Secret", "llm-token"].secret("stringData", "HF_TOKEN") == "rehearsal-token"


def test_outputs(guide: Recording) -> None:
    outputs = guide.stack_outputs()
    assert outputs.pop("kubeconfig")["4dabf18193072939515e22adb298388d"]
    assert outputs.pop("tryIt").startswith("curl http://localhost:8080/v1/completions ")
    cost = outputs.pop("hourlyCost")
    # a g2-standard-8 for each pod
    price = load_catalog().machines["g2-standard-8"].hourly_usd["us-central1"]
    assert (cost["minimum"], cost["maximum"]) == (round(price, 4), round(2 * price, 4))
    assert outputs == {
        "endpoint": "http://llm-service.default.svc.cluster.local:8000/v1/completions",
        "healthUrl": "http://llm-service.default.svc.cluster.local:8000/health",
        "metricsUrl": "http://llm-service.default.svc.cluster.local:8000/metrics",
        "access": "port-forward: kubectl --namespace default port-forward service/llm-service 8080:8000",
        "model": TUNED,
        "server": "vllm (docker.io/vllm/vllm-openai:v0.11.1)",
        "accelerators": "1 x nvidia-l4",
    }


def test_b2_the_weights_are_not_on_ephemeral_storage(guide: Recording) -> None:
    volumes = {volume["name"]: volume for volume in pod(guide)["volumes"]}
    claim = volumes["data"]["ephemeral"]["volumeClaimTemplate"]["spec"]
    assert quantity(claim["resources"]["requests"]["storage"]) > load_catalog().models[BASE].weight_bytes
    limits = container(guide)["resources"]["limits"]
    assert quantity(limits["memory"]) > load_catalog().models[BASE].weight_bytes
    assert limits["ephemeral-storage"] == "4Gi"
    assert {each["name"]: each.get("value") for each in container(guide)["env"]}["HF_HOME"] == "/data"


@pytest.mark.parametrize(
    ("setting", "metric", "average"),
    [
        ({"queueSize": 5}, "vllm:num_requests_waiting", "5"),
        ({"batchSize": 32}, "vllm:num_requests_running", "32"),
        ({"cachePercent": 80}, "vllm:kv_cache_usage_perc", "800m"),
        ({"gpuMemoryPercent": 95}, "llm_serving_gpu_memory_used", "950m"),
    ],
)
def test_b3_autoscaling_on_each_of_the_guides_metrics(setting: dict[str, int], metric: str, average: str) -> None:
    recording = succeeded({"service.autoscaling": {"minReplicas": 1, "maxReplicas": 2, **setting}})
    (target,) = recording["HorizontalPodAutoscaler", "llm-autoscaler"].inputs["spec"]["metrics"]
    assert target["pods"]["metric"] == {"name": f"prometheus.googleapis.com|{metric}|gauge"}
    assert target["pods"]["target"] == {"type": "AverageValue", "averageValue": average}
    # users trip over 14: the autoscaler owns the number
    assert "replicas" not in recording["Deployment", SERVICE].inputs["spec"]
    # and reads it through the adapter
    assert recording.of("CustomMetricsAdapter")
    recorded_rules = [each for each in recording.resources if each.inputs.get("kind") == "ClusterRules"]
    assert bool(recorded_rules) is ("gpuMemoryPercent" in setting)


@pytest.mark.parametrize("strategy", ["time-sharing", "mps"])
def test_b4_pods_share_an_l4(strategy: str) -> None:
    sharing = {"strategy": strategy, "clients": 2}
    shared = {
        "service.sharing": sharing,
        "service.model": "meta-llama/Llama-3.2-3B-Instruct",
        "service.baseModel": GONE,
        "service.vllm": {"maxModelLength": 8192},
    }
    labels = {
        "cloud.google.com/gke-gpu-sharing-strategy": strategy,
        "cloud.google.com/gke-max-shared-clients-per-gpu": "2",
    }
    if strategy == "time-sharing":
        assert labels.items() <= pod(succeeded(shared))["nodeSelector"].items()
    else:
        refused = run(MISTRAL, shared).error
        assert isinstance(refused, ConfigurationError)
        assert [finding.code for finding in refused.findings] == ["autopilot-mps"]
    # with pools of one's own, from pool to pod
    pools = succeeded({**STANDARD, **shared, "cluster.gpuPools.l4.sharing": sharing})
    (guest,) = pools["NodePool", f"{CLUSTER}-l4"].inputs["nodeConfig"]["guestAccelerators"]
    assert guest["gpuSharingConfig"] == {
        "gpuSharingStrategy": strategy.replace("-", "_").upper(),
        "maxSharedClientsPerGpu": 2,
    }
    assert labels.items() <= pod(pools)["nodeSelector"].items()


def test_b6_a_rollout_may_take_longer_than_the_guides_700_seconds(guide: Recording) -> None:
    deployment = guide["Deployment", SERVICE]
    assert deployment.inputs["spec"]["progressDeadlineSeconds"] > 700
    assert float(deployment.request.customTimeouts.create.removesuffix("s")) > 700


def test_a_chat_page_where_it_is_asked_for(guide: Recording) -> None:
    assert guide.of("ChatPage") == []
    recording = succeeded(PAGE)
    (page,) = recording["StatefulSet", CHAT].inputs["spec"]["template"]["spec"]["containers"]
    assert {"name": "OPENAI_API_BASE_URL", "value": "http://llm-service.default.svc.cluster.local:8000/v1"} in page[
        "env"
    ]
    outputs = recording.stack_outputs()
    assert outputs["chatPageUrl"] == "http://localhost:8080"
    assert outputs["chatPageAccess"].endswith("port-forward service/chat-service 8080:80")
    assert recording.of("compute/address:Address") == []


def test_a_public_chat_page_leaves_the_server_inside() -> None:
    recording = succeeded({"chatPage": {"exposure": "public"}, "sourceRanges": ["198.51.100.0/24"]})
    page = recording["core/v1:Service", "chat-service"].inputs["spec"]
    assert page["loadBalancerSourceRanges"] == ["198.51.100.0/24"]
    assert recording["core/v1:Service", "llm-service"].inputs["spec"]["type"] == "ClusterIP"


def test_adapters_are_served_on_their_base_model() -> None:
    adapters = {
        "summarizer": {"folder": "mistral/adapter", "baseModel": BASE, "rank": 16},
        "other": {"repository": "someone/adapter", "rank": 8},
    }
    vllm = {"adapters": adapters, "adaptersBucket": "tuned"}
    recording = succeeded({"service.model": BASE, "service.baseModel": GONE, "service.vllm": vllm})
    assert container(recording)["args"][4:] == [
        "--enable-lora",
        "--max-lora-rank=16",
        "--lora-modules",
        "summarizer=/adapters/mistral/adapter",
        "other=someone/adapter",
    ]
    assert {"name": "adapters", "mountPath": "/adapters", "readOnly": True} in container(recording)["volumeMounts"]
    assert '"model": "summarizer"' in recording.stack_outputs()["tryIt"]


REFUSED: list[tuple[str, dict[str, Any], str, str, str]] = [
    (
        "b2-memory-of-the-guide",
        {"service.resources.ephemeralStorage": "12Gi"},
        "autopilot-ephemeral-storage",
        "service.resources.ephemeralStorage",
        "ephemeral-volume or bucket",
    ),
    (
        "b2-weights-on-ephemeral-storage",
        {"service.storage": {"kind": "empty-dir", "size": "40Gi"}},
        "autopilot-ephemeral-storage",
        "service.storage.size",
        "ephemeral-volume or bucket",
    ),
    ("b4-mig-on-l4", {"service.partition": "1g.5gb"}, "partition-unknown", "service.partition", "time-sharing or MPS"),
    (
        "b4-two-shared-gpus",
        {"service.accelerators": 2, "service.sharing": {"strategy": "time-sharing", "clients": 2}},
        "sharing-one-gpu",
        "service.accelerators",
        "Set 1",
    ),
    (
        "b5-gemma-2-27b-like",
        {
            "service.model": "mistralai/Mixtral-8x7B-Instruct-v0.1",
            "service.baseModel": GONE,
            "service.storage.size": "100Gi",
        },
        "model-too-large",
        "service.accelerators",
        "at least 8",
    ),
    (
        "23-target-above-the-slots",
        {"service.autoscaling.batchSize": 256},
        "autoscaling-target",
        "service.autoscaling.batchSize",
        "less than 256",
    ),
    (
        "no-metrics-to-scale-on",
        {"service.server": "vllm-generate"},
        "autoscaling-metric-missing",
        "service.autoscaling.queueSize",
        "another server",
    ),
    ("accelerator-unknown", {"service.accelerator": "nvidia-l5"}, "accelerator-unknown", "service.accelerator", "l4"),
    ("too-many-gpus", {"service.accelerators": 32}, "placement-accelerators", "service.accelerators", "1, 2, 4, 8"),
    (
        "class-without-gpus",
        {"service.computeClass": "Balanced"},
        "compute-class",
        "service.computeClass",
        "Accelerator",
    ),
    ("class-of-gke", {"service.computeClass": "autopilot-x"}, "compute-class", "service.computeClass", "Remove it"),
    ("memory", {"service.resources.memory": "130Gi"}, "placement-resources", "service.resources.memory", "Set less"),
    ("cpu", {"service.resources.cpu": "40"}, "placement-resources", "service.resources.cpu", "Set less"),
    (
        "own-label",
        {"service.nodeSelector": {"pool": "gpu"}},
        "autopilot-node-selector",
        "service.nodeSelector.pool",
        "Remove it",
    ),
    (
        "host-path",
        {"service.storage": {"kind": "host-path", "hostPath": "/data", "size": "40Gi"}},
        "autopilot-host-path",
        "service.storage.kind",
        "ephemeral-volume",
    ),
    (
        "adapter-of-another-model",
        {"service.vllm": {"adapters": {"a": {"repository": "o/a", "baseModel": "meta-llama/Llama-3.2-3B-Instruct"}}}},
        "adapter-base-model",
        "service.vllm.adapters.a.baseModel",
        "Set model to meta-llama/Llama-3.2-3B-Instruct",
    ),
    (
        "adapter-rank",
        {"service.vllm": {"adapters": {"a": {"repository": "o/a", "rank": 1024}}}},
        "adapter-rank",
        "service.vllm.adapters.a.rank",
        "smaller rank",
    ),
    ("dtype", {"service.vllm": {"dtype": "int4"}}, "dtype-unknown", "service.vllm.dtype", "bfloat16"),
    (
        "longer-than-its-context",
        {"service.vllm": {"maxModelLength": 40000}},
        "context-too-long",
        "service.vllm.maxModelLength",
        "at most 32768",
    ),
    (
        "pools-on-autopilot",
        {"cluster.gpuPools": STANDARD["cluster"]["gpuPools"]},
        "autopilot-owned",
        "cluster.gpuPools",
        "Remove gpuPools",
    ),
    ("chat-page-without-openai", {**GENERATE, **PAGE}, "chat-page-server", "chatPage", "Set service.server to vllm"),
    (
        "public-chat-page-for-all",
        {"chatPage": {"exposure": "public"}},
        "source-ranges-missing",
        "sourceRanges",
        "sourceRanges[0]",
    ),
    (
        "ranges-without-load-balancer",
        {"sourceRanges": ["198.51.100.0/24"]},
        "source-ranges-unused",
        "sourceRanges",
        "exposure of service or chatPage",
    ),
    (
        "gpu-memory-without-dcgm",
        {
            "cluster.monitoring": ["SYSTEM_COMPONENTS"],
            "service.autoscaling": {"minReplicas": 1, "maxReplicas": 2, "gpuMemoryPercent": 90},
        },
        "gpu-metrics-missing",
        "cluster.monitoring",
        "Add DCGM",
    ),
]


@pytest.mark.parametrize(
    ("changes", "code", "path", "remedy"), [pytest.param(*rest, id=name) for name, *rest in REFUSED]
)
def test_refused(changes: dict[str, Any], code: str, path: str, remedy: str) -> None:
    recording = run(MISTRAL, changes)
    assert isinstance(recording.error, ConfigurationError)
    (finding,) = [each for each in recording.error.findings if each.severity == "error"]
    assert (finding.code, finding.path) == (code, path)
    assert remedy in finding.remedy
    assert [resource.type for resource in recording.resources] == ["pulumi:pulumi:Stack"]


def test_a_model_that_is_too_large_for_its_share() -> None:
    recording = run(MISTRAL, {"service.sharing": {"strategy": "time-sharing", "clients": 2}})
    assert isinstance(recording.error, ConfigurationError)
    assert [finding.code for finding in recording.error.findings] == ["model-too-large"]
    assert "50% of NVIDIA L4" in str(recording.error)


def test_mig_where_the_gpu_has_it() -> None:
    mig = {
        "service.accelerator": "nvidia-a100-80gb",
        "service.partition": "2g.20gb",
        "service.vllm": {"maxModelLength": 8192},
    }
    labels = pod(succeeded(mig))["nodeSelector"]
    assert labels["cloud.google.com/gke-gpu-partition-size"] == "2g.20gb"


TUNING = {"fineTune": {"models": [BASE, "meta-llama/Llama-3.2-3B-Instruct"], "settings": {"epochs": "1"}}}


def test_the_best_of_what_is_trained_is_served_from_the_bucket() -> None:
    recording = succeeded(TUNING)
    (trainer,) = recording["batch/v1:Job", "fine-tune"].inputs["spec"]["template"]["spec"]["containers"]
    assert "--epochs=1" in trainer["args"]
    assert f"--models={BASE},meta-llama/Llama-3.2-3B-Instruct" in trainer["args"]
    assert container(recording)["args"][0] == "--model=/data/finetune/best"
    volumes = {volume["name"]: volume for volume in pod(recording)["volumes"]}
    assert volumes["data"]["csi"]["readOnly"] is True
    # who writes and who reads are two accounts, with a role on the bucket and no other
    grants = {each.name: each.inputs["role"] for each in recording.of("BucketIAMMember")}
    assert grants == {
        "fine-tune-bucket": "roles/storage.objectUser",
        f"{SERVICE}-bucket": "roles/storage.objectViewer",
    }
    assert pod(recording)["serviceAccountName"] == SERVICE
    # a server that starts before has nothing to serve
    assert "fine-tune" in recording["Deployment", SERVICE].depends_on()


def test_an_adapter_is_served_with_its_base_model() -> None:
    recording = succeeded({"fineTune": {"models": [BASE], "save": "adapter", "rank": 8}})
    arguments = container(recording)["args"]
    assert arguments[0] == f"--model={BASE}"
    assert arguments[4:] == ["--enable-lora", "--max-lora-rank=8", "--lora-modules", "tuned=/adapters/finetune/best"]
    assert '"model": "tuned"' in recording.stack_outputs()["tryIt"]
    assert recording.stack_outputs()["model"] == BASE


def test_the_training_is_tracked_where_there_is_a_key() -> None:
    recording = run(MISTRAL, {**TUNING, "wandbApiKey": "0123456789"}, secret=("wandbApiKey",))
    assert recording.error is None
    assert recording["Secret", "fine-tune-tokens"].secret("stringData", "WANDB_API_KEY") == "0123456789"
    (trainer,) = recording["batch/v1:Job", "fine-tune"].inputs["spec"]["template"]["spec"]["containers"]
    assert "--wandb=true" in trainer["args"]


TUNING_REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("no-candidate", {"fineTune": {"models": []}}, "wrong-value", "fineTune.models"),
    (
        "adapter-of-either",
        {"fineTune": {"models": [BASE, "meta-llama/Llama-3.2-3B-Instruct"], "save": "adapter"}},
        "adapter-candidates",
        "fineTune.save",
    ),
    (
        "mixture-of-experts",
        {"fineTune": {"models": ["mistralai/Mixtral-8x7B-v0.1"]}},
        "fine-tune-model",
        "fineTune.models[0]",
    ),
    ("no-token", {**TUNING, "huggingFaceToken": GONE}, "token-missing", "huggingFaceToken"),
]


@pytest.mark.parametrize(("changes", "code", "path"), [pytest.param(*rest, id=name) for name, *rest in TUNING_REFUSED])
def test_a_training_that_cannot_be_is_refused(changes: dict[str, Any], code: str, path: str) -> None:
    recording = run(MISTRAL, changes)
    assert isinstance(recording.error, ConfigurationError)
    assert (code, path) in [(each.code, each.path) for each in recording.error.findings]
    assert [resource.type for resource in recording.resources] == ["pulumi:pulumi:Stack"]
