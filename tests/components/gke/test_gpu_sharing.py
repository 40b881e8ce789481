"""GPUs that several pods share: from the pool's own settings to the labels by which a pod finds its part."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from components.args import ComponentArgs
from components.catalog import load_catalog
from components.findings import ConfigurationError, Finding
from components.gke.cluster_checks import check_gke_gpu_cluster
from components.gke.gpu_cluster_args import GkeGpuClusterArgs
from components.gke.gpu_sharing import (
    GpuSharingArgs,
    check_gpu_sharing,
    check_shared_request,
    memory_share,
    shares,
    sharing_labels,
)
from components.gke.node_pool import GpuPoolArgs
from components.inference.derived import node_selector
from components.inference.inference_checks import check_inference_service
from components.inference.inference_service_args import InferenceServiceArgs, Server
from components.placement import check_placement, pool_accelerators, pools_for
from components.servers import SERVERS
from tests.components.guide import cluster_args, container, environment, inputs, pod, record_cluster, record_service
from tests.components.inference.vllm_guide import BASE, GONE, STANDARD, VLLM, findings, record_vllm, said, vllm_args

CATALOG = load_catalog()
TURNS, MPS = ({"strategy": strategy, "clients": 4} for strategy in ("time-sharing", "mps"))

MACHINES = {
    "nvidia-l4": "g2-standard-48",
    "nvidia-tesla-a100": "a2-highgpu-1g",
    "nvidia-a100-80gb": "a2-ultragpu-2g",
    "nvidia-h100-80gb": "a3-highgpu-8g",
    "nvidia-h200-141gb": "a3-ultragpu-8g",
}
"""A machine type with one, two, four and eight GPUs."""

STRATEGY, CLIENTS, SIZE = (
    f"cloud.google.com/gke-{label}"
    for label in ("gpu-sharing-strategy", "max-shared-clients-per-gpu", "gpu-partition-size")
)

WAYS: list[tuple[str, dict[str, Any], dict[str, str], dict[str, Any], int]] = [
    (
        "nvidia-l4",
        {"sharing": TURNS},
        {STRATEGY: "time-sharing", CLIENTS: "4"},
        {"gpuSharingConfig": {"gpuSharingStrategy": "TIME_SHARING", "maxSharedClientsPerGpu": 4}},
        4 * 4,
    ),
    (
        "nvidia-l4",
        {"sharing": MPS},
        {STRATEGY: "mps", CLIENTS: "4"},
        {"gpuSharingConfig": {"gpuSharingStrategy": "MPS", "maxSharedClientsPerGpu": 4}},
        4 * 4,
    ),
    *(
        (gpu, {"partition": size}, {SIZE: size}, {"gpuPartitionSize": size}, gpus * count)
        for gpu, gpus, size, count in (
            ("nvidia-tesla-a100", 1, "1g.5gb", 7),
            ("nvidia-tesla-a100", 1, "2g.10gb", 3),
            ("nvidia-tesla-a100", 1, "3g.20gb", 2),
            ("nvidia-tesla-a100", 1, "7g.40gb", 1),
            ("nvidia-a100-80gb", 2, "1g.10gb", 7),
            ("nvidia-a100-80gb", 2, "2g.20gb", 3),
            ("nvidia-a100-80gb", 2, "3g.40gb", 2),
            ("nvidia-a100-80gb", 2, "7g.80gb", 1),
            ("nvidia-h100-80gb", 8, "1g.10gb", 7),
            ("nvidia-h100-80gb", 8, "1g.20gb", 4),
            ("nvidia-h100-80gb", 8, "2g.20gb", 3),
            ("nvidia-h100-80gb", 8, "3g.40gb", 2),
            ("nvidia-h100-80gb", 8, "7g.80gb", 1),
            ("nvidia-h200-141gb", 8, "1g.18gb", 7),
            ("nvidia-h200-141gb", 8, "1g.35gb", 4),
            ("nvidia-h200-141gb", 8, "2g.35gb", 3),
            ("nvidia-h200-141gb", 8, "3g.71gb", 2),
            ("nvidia-h200-141gb", 8, "7g.141gb", 1),
        )
    ),
    # partitions can be shared in turn
    (
        "nvidia-tesla-a100",
        {"partition": "1g.5gb", "sharing": TURNS},
        {SIZE: "1g.5gb", STRATEGY: "time-sharing", CLIENTS: "4"},
        {
            "gpuPartitionSize": "1g.5gb",
            "gpuSharingConfig": {"gpuSharingStrategy": "TIME_SHARING", "maxSharedClientsPerGpu": 4},
        },
        7 * 4,
    ),
]
"""GPU, settings, labels of the nodes, what the pool asks for, and the parts that one node offers."""

ALL = pytest.mark.parametrize(("gpu", "way", "labels", "asked", "parts"), WAYS)


def cluster(gpu: str, way: dict[str, Any]) -> GkeGpuClusterArgs:
    """A cluster with at most three nodes of that GPU."""
    pool = {"machineType": MACHINES[gpu], "minNodes": 0, "maxNodes": 3, **way}
    return cluster_args(gpuPools={"gpus": pool})


def service(gpu: str, way: dict[str, Any], **more: Any) -> InferenceServiceArgs:
    """A service whose model is not sized, on a part of that GPU."""
    return vllm_args({**STANDARD, "accelerator": gpu, "baseModel": GONE, **way, **more})


def test_every_size_of_the_catalogue_is_here() -> None:
    sizes = {(name, size) for name, gpu in CATALOG.accelerators.items() for size in gpu.partitions}
    assert {(gpu, way["partition"]) for gpu, way, *_ in WAYS if "partition" in way} == sizes
    assert {name for name, _ in sizes} == MACHINES.keys() - {"nvidia-l4"}


@ALL
def test_the_pool(gpu: str, way: dict[str, Any], labels: dict[str, str], asked: dict[str, Any], parts: int) -> None:
    node = inputs(record_cluster(cluster(gpu, way)), "NodePool", "guide-gpus")["nodeConfig"]
    machine = CATALOG.machines[MACHINES[gpu]]
    assert node["guestAccelerators"] == [
        {
            "type": gpu,
            "count": machine.accelerator_count,
            "gpuDriverInstallationConfig": {"gpuDriverVersion": "LATEST"},
            **asked,
        }
    ]
    # GKE gives its nodes these labels, and refuses pools that set them
    assert "labels" not in node


def test_a_pool_of_whole_gpus_says_nothing_of_parts() -> None:
    node = inputs(record_cluster(cluster("nvidia-l4", {})), "NodePool", "guide-gpus")["nodeConfig"]
    assert {"gpuSharingConfig", "gpuPartitionSize"} & set(node["guestAccelerators"][0]) == set()


@ALL
def test_the_pod(gpu: str, way: dict[str, Any], labels: dict[str, str], asked: dict[str, Any], parts: int) -> None:
    recording = record_service(service(gpu, way))
    assert pod(recording)["nodeSelector"] == {"cloud.google.com/gke-accelerator": gpu, **labels}
    # one part of a GPU is asked for as one GPU
    assert container(recording)["resources"]["limits"]["nvidia.com/gpu"] == "1"
    # CUDA speaks with the daemon of MPS through the node's shared memory, and with nothing else so
    assert ("hostIPC" in pod(recording)) == (way.get("sharing") == MPS)
    assert pod(recording).get("hostIPC") in (None, True)


@ALL
def test_the_pod_finds_the_pool(
    gpu: str, way: dict[str, Any], labels: dict[str, str], asked: dict[str, Any], parts: int
) -> None:
    pools = cluster(gpu, way).gpu_pools or {}
    wanted = service(gpu, way)
    assert set(pools_for(pools, wanted)) == {"gpus"}
    assert check_placement(wanted, pools) == []
    assert pool_accelerators(pools, wanted) == 3 * parts


@ALL
def test_a_pod_that_counts_on_a_whole_gpu_is_not_given_a_part(
    gpu: str, way: dict[str, Any], labels: dict[str, str], asked: dict[str, Any], parts: int
) -> None:
    (only,) = check_placement(service(gpu, {}), cluster(gpu, way).gpu_pools or {})
    path = "sharing" if "sharing" in way else "partition"
    assert (only.severity, only.code, only.path) == ("error", "placement-shared", path)
    assert only.remedy == "Set sharing and partition as the pool has them, or select another pool."


@pytest.mark.parametrize(
    ("pool", "pod"),
    [
        ({}, {"sharing": TURNS}),
        ({"sharing": TURNS}, {"sharing": MPS}),
        ({"sharing": TURNS}, {"sharing": {**TURNS, "clients": 5}}),
        ({}, {"partition": "1g.5gb"}),
        ({"partition": "2g.10gb"}, {"partition": "1g.5gb"}),
        ({"partition": "1g.5gb"}, {"partition": "1g.5gb", "sharing": TURNS}),
    ],
)
def test_a_pod_finds_no_pool_that_is_shared_otherwise(pool: dict[str, Any], pod: dict[str, Any]) -> None:
    pools = cluster("nvidia-tesla-a100", pool).gpu_pools or {}
    (only,) = check_placement(service("nvidia-tesla-a100", pod), pools)
    assert (only.code, only.path) == ("placement-no-pool", "nodeSelector")


def test_of_a_shared_partition_a_pod_must_know_both() -> None:
    pools = cluster("nvidia-tesla-a100", {"partition": "1g.5gb", "sharing": TURNS}).gpu_pools or {}
    (only,) = check_placement(service("nvidia-tesla-a100", {"partition": "1g.5gb"}), pools)
    assert only.code == "placement-shared"


def pool_findings(gpu: str, way: dict[str, Any]) -> list[Finding]:
    return check_gke_gpu_cluster("guide", cluster(gpu, way), "test-project")


CUT = "nvidia-tesla-a100, nvidia-a100-80gb, nvidia-h100-80gb, nvidia-h200-141gb"


@pytest.mark.parametrize(
    ("gpu", "way", "code", "path", "remedy"),
    [
        (
            "nvidia-l4",
            {"partition": "1g.5gb"},
            "partition-unknown",
            "partition",
            f"Share it by time-sharing or MPS, or choose one of {CUT}.",
        ),
        (
            "nvidia-tesla-a100",
            {"partition": "1g.10gb"},
            "partition-unknown",
            "partition",
            "Sizes: 1g.5gb, 2g.10gb, 3g.20gb, 7g.40gb.",
        ),
        ("nvidia-tesla-a100", {"partition": ""}, "partition-unknown", "partition", None),
        ("nvidia-l4", {"sharing": {**TURNS, "clients": 49}}, "sharing-clients", "sharing.clients", "Set at most 48."),
        ("nvidia-l4", {"sharing": {**MPS, "clients": 49}}, "sharing-clients", "sharing.clients", "Set at most 48."),
    ],
)
def test_refused_of_pool_and_pod_alike(gpu: str, way: dict[str, Any], code: str, path: str, remedy: str | None) -> None:
    (of_pool,) = pool_findings(gpu, way)
    assert (of_pool.severity, of_pool.code, of_pool.path) == ("error", code, f"gpuPools.gpus.{path}")
    (of_pod,) = [
        finding for finding in check_inference_service("llm", service(gpu, way)) if finding.severity == "error"
    ]
    assert (of_pod.code, of_pod.path) == (code, path)
    assert of_pod.remedy == of_pool.remedy
    assert remedy in (None, of_pod.remedy)


@pytest.mark.parametrize("gpu", ["nvidia-l4", "nvidia-tesla-t4"])
@pytest.mark.parametrize("size", sorted({size for gpu in CATALOG.accelerators.values() for size in gpu.partitions}))
def test_no_l4_and_no_t4_is_cut(gpu: str, size: str) -> None:
    (only,) = check_gpu_sharing(None, size, CATALOG.accelerators[gpu], "gpuPools.x")
    assert (only.code, only.path) == ("partition-unknown", "gpuPools.x.partition")
    assert "cannot be cut into partitions (MIG)" in only.message


@pytest.mark.parametrize("strategy", ["time-sharing", "mps"])
@pytest.mark.parametrize("clients", [2, 48])
def test_as_many_clients_as_gke_allows(strategy: str, clients: int) -> None:
    assert pool_findings("nvidia-l4", {"sharing": {"strategy": strategy, "clients": clients}}) == []


@pytest.mark.parametrize("clients", [1, 0, -1, 2.5, True])
def test_one_client_is_no_sharing(clients: Any) -> None:
    assert refusal(GpuSharingArgs, {"strategy": "mps", "clients": clients}) == ["clients"]


def refusal(args: type[ComponentArgs], settings: dict[str, Any]) -> list[str]:
    with pytest.raises(ConfigurationError) as refused:
        args.parse(settings)
    return [finding.path for finding in refused.value.findings]


def test_a_strategy_that_is_none() -> None:
    settings = {"machineType": "g2-standard-4", "minNodes": 0, "maxNodes": 1}
    assert refusal(GpuPoolArgs, {**settings, "sharing": {"strategy": "mig", "clients": 2}}) == ["sharing.strategy"]


@pytest.mark.parametrize(
    ("accelerators", "way", "code", "remedy"),
    [
        (2, {"sharing": TURNS}, "sharing-one-gpu", "Set 1, or do not share the GPUs."),
        (2, {"sharing": MPS}, "sharing-one-gpu", "Set 1, or do not share the GPUs."),
        (2, {"sharing": TURNS, "partition": "1g.5gb"}, "sharing-one-gpu", "Set 1, or do not share the GPUs."),
        (2, {"partition": "3g.20gb"}, "partitions-apart", "Set 1, and a larger partition."),
    ],
)
def test_one_container_has_one_part(accelerators: int, way: dict[str, Any], code: str, remedy: str) -> None:
    wanted = service("nvidia-tesla-a100", way, accelerators=accelerators)
    errors = [finding for finding in check_inference_service("llm", wanted) if finding.severity == "error"]
    assert said(errors) == [("error", code, "accelerators", remedy)]


def test_as_many_whole_gpus_as_one_likes() -> None:
    assert check_shared_request(8, None, None) == []
    assert check_shared_request(1, GpuSharingArgs.parse(MPS), "1g.5gb") == []


@pytest.mark.parametrize("strategy", ["time-sharing", "mps"])
def test_a_part_of_the_memory_is_what_the_model_must_fit(strategy: str) -> None:
    # 13.5 GiB in 16 bits, of half an L4's 22.03 GiB; in 4 bits it is a third
    half = {**STANDARD, "model": BASE, "baseModel": GONE, "sharing": {"strategy": strategy, "clients": 2}}
    (only,) = findings(half)
    assert (only.code, only.path) == ("model-too-large", "accelerators")
    assert "50% of NVIDIA L4" in only.message
    assert only.remedy == ("Share a GPU among fewer, cut it into larger partitions, or choose a larger accelerator.")
    assert findings({**half, "quantization": "awq", "vllm": {"maxModelLength": 4096}}) == []
    assert [finding.code for finding in findings({**half, "quantization": "awq", "sharing.clients": 5})] == [
        "model-too-large"
    ]


def test_the_memory_of_a_partition_is_what_the_model_must_fit() -> None:
    def codes(size: str) -> list[str]:
        settings = {**STANDARD, "accelerator": "nvidia-tesla-a100", "partition": size}
        return [finding.code for finding in findings({**settings, "vllm": {"maxModelLength": 4096}})]

    assert codes("3g.20gb") == []
    assert codes("2g.10gb") == ["model-too-large"]
    assert codes("7g.40gb") == []


def test_shares_by_hand() -> None:
    a100, sharing = CATALOG.accelerators["nvidia-tesla-a100"], GpuSharingArgs.parse(TURNS)
    assert shares(None, None, a100) == 1
    assert shares(sharing, None, a100) == 4
    assert shares(sharing, "3g.20gb", a100) == 8
    assert memory_share(None, None, a100) == 1
    assert memory_share(sharing, None, a100) == 0.25
    assert memory_share(None, "3g.20gb", a100) == pytest.approx(19.62 / 39.5)
    assert memory_share(sharing, "3g.20gb", a100) == pytest.approx(19.62 / 39.5 / 4)


@pytest.mark.parametrize("name", sorted(CATALOG.accelerators))
def test_partitions_are_parts(name: str) -> None:
    gpu = CATALOG.accelerators[name]
    for size, partition in gpu.partitions.items():
        assert partition.count * partition.memory_gib <= gpu.memory_gib
        # MIG's own name of a size says its slices of compute, of which there are 7
        assert partition.count * int(size.partition("g")[0]) <= 7
        assert 0 < memory_share(None, size, gpu) <= 1


def test_who_takes_turns_leaves_memory_to_the_others() -> None:
    small = {**STANDARD, "quantization": "awq", "vllm": {"maxModelLength": 512}}

    def arguments(**more: Any) -> list[str]:
        recording = record_vllm({**small, **more})
        return [flag for flag in container(recording)["args"] if flag.startswith("--gpu-memory-utilization")]

    # vLLM would take 0.9 of all that it sees, which of two containers the second could not
    assert arguments(sharing={"strategy": "time-sharing", "clients": 2}) == ["--gpu-memory-utilization=0.45"]
    assert arguments(sharing={"strategy": "time-sharing", "clients": 3}) == ["--gpu-memory-utilization=0.3"]
    # with MPS it sees no more than its part
    assert arguments(sharing={"strategy": "mps", "clients": 2}) == []
    assert arguments() == []


def test_tgi_too() -> None:
    turns = {"strategy": "time-sharing", "clients": 2}

    def fraction(**more: Any) -> str | None:
        wanted = service("nvidia-l4", {}, server="tgi", **more)
        return environment(record_service(wanted)).get("CUDA_MEMORY_FRACTION")

    assert fraction(sharing=turns) == "0.500"
    assert fraction(sharing={**turns, "strategy": "mps"}) is None
    assert fraction() is None


@given(
    server=some.sampled_from(list(Server)),
    gpu=some.sampled_from([*CATALOG.accelerators, "nvidia-l5"]),
    accelerators=some.integers(1, 16),
    partition=some.sampled_from(
        [None, "", "1g", *(size for gpu in CATALOG.accelerators.values() for size in gpu.partitions)]
    ),
    sharing=some.none()
    | some.builds(dict, strategy=some.sampled_from(["time-sharing", "mps"]), clients=some.integers(2, 100)),
    model=some.sampled_from([*CATALOG.models, "someone/something"]),
    autopilot=some.booleans(),
)
def test_any_combination_is_refused_with_words_or_has_its_labels(
    server: Server,
    gpu: str,
    accelerators: int,
    partition: str | None,
    sharing: dict[str, Any] | None,
    model: str,
    autopilot: bool,
) -> None:
    args = InferenceServiceArgs.parse(
        {
            **VLLM,
            "server": server.value,
            "accelerator": gpu,
            "accelerators": accelerators,
            "partition": partition,
            "sharing": sharing,
            "model": model,
            "baseModel": None,
            "autopilot": autopilot,
        }
    )
    found = check_inference_service("llm", args)
    assert all(finding.message and finding.remedy for finding in found)
    if any(finding.severity == "error" for finding in found):
        return
    assert SERVERS[server.value].accelerator_kind == "gpu"
    assert accelerators == 1 or (partition is None and sharing is None)
    assert sharing_labels(args.sharing, args.partition).items() <= node_selector(args).items()
    pool = GpuPoolArgs(machine_type="any", min_nodes=0, max_nodes=1, sharing=args.sharing, partition=args.partition)
    assert check_gpu_sharing(pool.sharing, pool.partition, CATALOG.accelerators[gpu]) == []
