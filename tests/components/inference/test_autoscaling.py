"""Autoscaling of every server on every metric that it publishes, and the targets that are refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from components.inference.autoscaling import GPU_MEMORY, Target, _quantity, check_autoscaling, targets_of
from components.inference.inference_checks import check_inference_service
from components.inference.inference_service_args import AutoscalingArgs, InferenceServiceArgs, Server
from components.quantities import quantity
from components.servers import SERVERS
from components.servers.metrics import load_metrics
from tests.components.guide import CPU_SERVICE, SERVICE, changed, record_service
from tests.components.inference.test_torchserve_service import OPEN, TORCHSERVE
from tests.components.inference.test_tpu_service import JETSTREAM
from tests.components.inference.test_tpu_service import VLLM as VLLM_TPU
from tests.components.inference.test_triton_service import TRITON
from tests.components.inference.vllm_guide import DEMONSTRATION, STANDARD, VLLM, record_vllm
from tests.recording import Recording

BOUNDS = {"minReplicas": 1, "maxReplicas": 2, "adapter": True}

SERVICES: dict[str, dict[str, Any]] = {
    "tgi": SERVICE,
    "llama-cpp": CPU_SERVICE,
    "jetstream": JETSTREAM,
    "vllm": VLLM,
    "vllm-generate": {**VLLM, **DEMONSTRATION},
    "vllm-tpu": changed(JETSTREAM, VLLM_TPU),
    "triton": TRITON,
    "torchserve": changed(TORCHSERVE, {path.replace("__", "."): value for path, value in OPEN.items()}),
}


def args_of(server: str, **scaling: Any) -> InferenceServiceArgs:
    """The arguments of a service with that server, autoscaled so."""
    base = {key: value for key, value in SERVICES[server].items() if key != "replicas"}
    return InferenceServiceArgs.parse({**base, "autoscaling": {**BOUNDS, **scaling}})


def metrics(recording: Recording) -> list[dict[str, Any]]:
    assert recording.error is None
    return recording["HorizontalPodAutoscaler", "llm-autoscaler"].inputs["spec"]["metrics"]


def test_every_server_has_a_service_here_and_an_entry_of_metrics() -> None:
    assert set(SERVICES) == set(SERVERS) == set(load_metrics()) == {server.value for server in Server}


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_without_metrics_has_none_listed(server: str) -> None:
    listed = load_metrics()[server]
    has_any = any((listed.queue, listed.batch, listed.cache))
    assert has_any == (SERVERS[server].metrics_path is not None)
    assert listed.source.startswith("https://")


@pytest.mark.parametrize("server", SERVERS)
def test_names_are_in_lower_case_and_gauges(server: str) -> None:
    # kubernetes/kubernetes#72996; a counter never falls, and neither does a number of pods that follows one
    listed = load_metrics()[server]
    for metric in (listed.queue, listed.batch, listed.cache):
        assert metric is None or metric.name == metric.name.lower()
        assert metric is None or not metric.name.endswith(("_total", "_count", "_sum", "_bucket"))
    assert GPU_MEMORY.name == GPU_MEMORY.name.lower()


ACTIVE = {"matchLabels": {"metric.labels.request_type": "active"}}
WAITING = {"matchLabels": {"metric.labels.request_type": "waiting"}}
FRACTION = {"matchLabels": {"metric.labels.kv_cache_block_type": "fraction"}}


@pytest.mark.parametrize(
    ("server", "setting", "value", "name", "selector", "target"),
    [
        ("tgi", "queueSize", 3, "tgi_queue_size", None, "3"),
        ("tgi", "batchSize", 12, "tgi_batch_current_size", None, "12"),
        ("llama-cpp", "queueSize", 3, "llamacpp:requests_deferred", None, "3"),
        ("llama-cpp", "batchSize", 2, "llamacpp:requests_processing", None, "2"),
        ("jetstream", "queueSize", 10, "jetstream_prefill_backlog_size", None, "10"),
        # a share of its 80 slots
        ("jetstream", "batchSize", 60, "jetstream_slots_used_percentage", None, "750m"),
        ("vllm", "queueSize", 5, "vllm:num_requests_waiting", None, "5"),
        ("vllm", "batchSize", 200, "vllm:num_requests_running", None, "200"),
        ("vllm", "cachePercent", 80, "vllm:kv_cache_usage_perc", None, "800m"),
        ("vllm-tpu", "queueSize", 5, "vllm:num_requests_waiting", None, "5"),
        ("vllm-tpu", "batchSize", 200, "vllm:num_requests_running", None, "200"),
        ("vllm-tpu", "cachePercent", 1, "vllm:kv_cache_usage_perc", None, "10m"),
        # one name, of which the autoscaler reads one series
        ("triton", "queueSize", 5, "nv_trt_llm_request_metrics", WAITING, "5"),
        ("triton", "batchSize", 16, "nv_trt_llm_request_metrics", ACTIVE, "16"),
        ("triton", "cachePercent", 99, "nv_trt_llm_kv_cache_block_metrics", FRACTION, "990m"),
        ("vllm", "gpuMemoryPercent", 85, "llm_serving_gpu_memory_used", None, "850m"),
        ("vllm-generate", "gpuMemoryPercent", 85, "llm_serving_gpu_memory_used", None, "850m"),
    ],
)
def test_what_the_autoscaler_reads(
    server: str, setting: str, value: int, name: str, selector: dict[str, Any] | None, target: str
) -> None:
    metric = {"name": f"prometheus.googleapis.com|{name}|gauge", **({"selector": selector} if selector else {})}
    assert metrics(record_service(args_of(server, **{setting: value}))) == [
        {"type": "Pods", "pods": {"metric": metric, "target": {"type": "AverageValue", "averageValue": target}}}
    ]


@pytest.mark.parametrize("server", sorted(SERVICES.keys() - {"vllm-generate"}))
def test_every_server_is_scaled_by_its_queue_unless_told(server: str) -> None:
    queue = load_metrics()[server].queue
    assert queue
    assert targets_of(args_of(server), AutoscalingArgs.parse(BOUNDS)) == [Target("queueSize", queue, 5)]


def test_several_targets_in_one_autoscaler() -> None:
    scaling = {"queueSize": 5, "batchSize": 128, "cachePercent": 80, "gpuMemoryPercent": 90}
    found = [
        (metric["pods"]["metric"]["name"].split("|")[1], metric["pods"]["target"]["averageValue"])
        for metric in metrics(record_service(args_of("vllm", **scaling)))
    ]
    assert found == [
        ("vllm:num_requests_waiting", "5"),
        ("vllm:num_requests_running", "128"),
        ("vllm:kv_cache_usage_perc", "800m"),
        ("llm_serving_gpu_memory_used", "900m"),
    ]


def test_up_fast_and_down_slow() -> None:
    recording = record_vllm({"autoscaling": BOUNDS})
    spec = recording["HorizontalPodAutoscaler", "llm-autoscaler"].inputs["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (1, 2)
    assert spec["behavior"] == {
        "scaleUp": {"stabilizationWindowSeconds": 0},
        "scaleDown": {
            "stabilizationWindowSeconds": 300,
            "policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}],
        },
    }


@pytest.mark.parametrize(("server", "port"), [("vllm", "http"), ("triton", "metrics"), ("jetstream", "metrics")])
def test_metrics_are_collected_from_the_port_that_has_them(server: str, port: str) -> None:
    recording = record_service(args_of(server))
    assert recording.error is None
    (endpoint,) = recording["PodMonitoring", "llm-metrics"].inputs["spec"]["endpoints"]
    assert endpoint == {"port": port, "path": SERVERS[server].metrics_path, "interval": "15s"}


def test_a_server_without_metrics_is_not_asked_for_them() -> None:
    recording = record_service(args_of("vllm-generate", gpuMemoryPercent=80))
    assert recording.error is None
    assert recording.of("PodMonitoring") == []


def found(server: str, **scaling: Any) -> list[tuple[str, str, str, str]]:
    args = args_of(server, **scaling)
    assert args.autoscaling
    return [
        (finding.severity.value, finding.code, finding.path.removeprefix("autoscaling."), finding.remedy)
        for finding in check_autoscaling(args, args.autoscaling)
    ]


@pytest.mark.parametrize(
    ("server", "scaling", "severity", "code", "path", "remedy"),
    [
        (
            "vllm",
            {"adapter": False},
            "warning",
            "autoscaling-adapter",
            "adapter",
            "Add a CustomMetricsAdapter to the cluster and set adapter: true, or pods stay at minReplicas.",
        ),
        # a demonstration server publishes nothing, not even what is scaled by unless told
        (
            "vllm-generate",
            {},
            "error",
            "autoscaling-metric-missing",
            "queueSize",
            "Choose another server, or set gpuMemoryPercent.",
        ),
        (
            "vllm-generate",
            {"batchSize": 8},
            "error",
            "autoscaling-metric-missing",
            "batchSize",
            "Choose another server, or set gpuMemoryPercent.",
        ),
        (
            "tgi",
            {"cachePercent": 80},
            "error",
            "autoscaling-metric-missing",
            "cachePercent",
            "Set queueSize or batchSize.",
        ),
        ("vllm", {"batchSize": 256}, "error", "autoscaling-target", "batchSize", "Set less than 256."),
        ("jetstream", {"batchSize": 80}, "error", "autoscaling-target", "batchSize", "Set less than 80."),
        (
            "llama-cpp",
            {"gpuMemoryPercent": 80},
            "error",
            "autoscaling-target",
            "gpuMemoryPercent",
            "Remove gpuMemoryPercent.",
        ),
        (
            "vllm-tpu",
            {"gpuMemoryPercent": 80},
            "error",
            "autoscaling-target",
            "gpuMemoryPercent",
            "Remove gpuMemoryPercent.",
        ),
        (
            "vllm",
            {"gpuMemoryPercent": 80},
            "warning",
            "autoscaling-memory-reserved",
            "gpuMemoryPercent",
            "Set cachePercent, the part of it that requests take, or queueSize.",
        ),
        (
            "tgi",
            {"gpuMemoryPercent": 80},
            "warning",
            "autoscaling-memory-reserved",
            "gpuMemoryPercent",
            "Set queueSize.",
        ),
        (
            "vllm-generate",
            {"gpuMemoryPercent": 80},
            "warning",
            "autoscaling-memory-reserved",
            "gpuMemoryPercent",
            "Choose another server.",
        ),
    ],
)
def test_findings(server: str, scaling: dict[str, Any], severity: str, code: str, path: str, remedy: str) -> None:
    assert found(server, **scaling) == [(severity, code, path, remedy)]


@pytest.mark.parametrize(
    ("server", "scaling"),
    [
        ("vllm", {"batchSize": 255}),
        ("jetstream", {"batchSize": 79}),
        # no bound is known
        ("tgi", {"batchSize": 100_000}),
        ("vllm", {"cachePercent": 99}),
    ],
)
def test_no_findings(server: str, scaling: dict[str, Any]) -> None:
    assert found(server, **scaling) == []


def test_the_slots_are_those_that_are_set() -> None:
    service = {**VLLM, "vllm": {"maxSequences": 16}}

    def codes(batch_size: int) -> list[str]:
        args = InferenceServiceArgs.parse({**service, "autoscaling": {**BOUNDS, "batchSize": batch_size}})
        return [finding.code for finding in check_inference_service("llm", args)]

    assert codes(15) == []
    assert codes(16) == ["autoscaling-target"]


def test_memory_of_a_shared_gpu_is_nobodys() -> None:
    settings = {**STANDARD, "quantization": "awq", "sharing": {"strategy": "mps", "clients": 2}}
    args = InferenceServiceArgs.parse(
        changed(VLLM, {**settings, "autoscaling": {**BOUNDS, "gpuMemoryPercent": 80}, "vllm": {"maxModelLength": 512}})
    )
    assert [
        (finding.severity, finding.code, finding.path, finding.remedy)
        for finding in check_inference_service("llm", args)
    ] == [("error", "autoscaling-target", "autoscaling.gpuMemoryPercent", "Remove gpuMemoryPercent, or sharing.")]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5, "5"),
        (0.75, "750m"),
        (0.5, "500m"),
        (1.0, "1"),
        # as the API server writes them, which otherwise would be changed back at every update
        (0.9996, "1"),
        (1.5, "1500m"),
        # never 0, which it refuses
        (0.0001, "1m"),
    ],
)
def test_quantities_as_the_api_server_writes_them(value: float, text: str) -> None:
    assert _quantity(value) == text


@given(
    server=some.sampled_from(sorted(SERVICES)),
    scaling=some.fixed_dictionaries(
        {},
        optional={
            "queueSize": some.integers(1, 2**31 - 1),
            "batchSize": some.integers(1, 2**31 - 1),
            "cachePercent": some.integers(1, 99),
            "gpuMemoryPercent": some.integers(1, 99),
        },
    ),
    slots=some.integers(1, 2**31 - 1),
)
def test_any_target_is_a_quantity_above_nothing(server: str, scaling: dict[str, int], slots: int) -> None:
    args = args_of(server, **scaling)
    if args.jetstream:
        args = args.model_copy(update={"jetstream": args.jetstream.model_copy(update={"batch_size": slots})})
    assert args.autoscaling
    check_autoscaling(args, args.autoscaling)
    for target in targets_of(args, args.autoscaling):
        assert quantity(_quantity(target.value)) == pytest.approx(target.value, abs=1.0001e-3)
        assert quantity(_quantity(target.value)) > 0


def test_nothing_scales_what_is_not_asked_to() -> None:
    recording = record_vllm()
    assert recording.of("HorizontalPodAutoscaler") == recording.of("PodMonitoring") == []
