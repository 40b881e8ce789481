"""What Autopilot would not run of a service's pods."""

from typing import Any

import pytest

from components.catalog import load_catalog
from components.gke.autopilot_checks import autopilot_machines
from components.gke.nodes import allocatable
from components.inference.inference_checks import check_inference_service
from tests.components.guide import CPU_SERVICE, GONE, service_args
from tests.components.inference.vllm_guide import ADAPTERS, FOLDER, findings, said, vllm_args

CPUS = {"accelerators": GONE, "accelerator": GONE, "server": "llama-cpp", "modelFile": "a.gguf", "token": GONE}
CLASS = {"computeClass": "Accelerator"}
KEEP = "Keep the weights in storage of kind ephemeral-volume or bucket, or set computeClass to Accelerator."


def empty_dir(size: str, aside: str, **more: Any) -> dict[str, Any]:
    """Weights on the node, and what the pod sets aside there."""
    return {"storage": {"kind": "empty-dir", "size": size}, "resources.ephemeralStorage": aside, **more}


def test_the_repaired_guide_is_right() -> None:
    assert findings() == []


@pytest.mark.parametrize(
    ("changes", "code", "path", "remedy"),
    [
        (
            {"nodeSelector": {"accelerator": "nvidia-gpu"}},
            "autopilot-node-selector",
            "nodeSelector.accelerator",
            "Remove it.",
        ),
        (
            {"nodeSelector": {"example.org/gpu": "l4"}},
            "autopilot-node-selector",
            "nodeSelector.example.org/gpu",
            "Remove it.",
        ),
        *(
            (
                {"computeClass": name},
                "compute-class",
                "computeClass",
                "Remove it, or set Accelerator.",
            )
            for name in ("autopilot", "autopilot-spot", "Balanced", "Performance", "Scale-Out")
        ),
        ({"computeClass": "gke-fast"}, "compute-class", "computeClass", "Remove it."),
        ({"computeClass": "Autopilot-GPU"}, "compute-class", "computeClass", "Remove it."),
        (
            {"sharing": {"strategy": "mps", "clients": 2}, "vllm": {"maxModelLength": 1024}, "baseModel": GONE},
            "autopilot-mps",
            "sharing.strategy",
            "Set time-sharing, or a partition.",
        ),
        ({"accelerators": 3, "baseModel": GONE}, "placement-accelerators", "accelerators", "Set one of 1, 2, 4, 8."),
        ({"accelerators": 16}, "placement-accelerators", "accelerators", "Set one of 1, 2, 4, 8."),
        ({"resources.cpu": "32"}, "placement-resources", "resources.cpu", "Set less."),
        ({"resources.memory": "128Gi"}, "placement-resources", "resources.memory", "Set less."),
        (
            {"storage": {"kind": "host-path", "hostPath": "/mnt/weights", "size": "40Gi"}},
            "autopilot-host-path",
            "storage.kind",
            "Set kind to ephemeral-volume or bucket.",
        ),
        # as the guide has it, where 14.5 GB of weights do not fit
        ({"resources.ephemeralStorage": "11Gi"}, "autopilot-ephemeral-storage", "resources.ephemeralStorage", KEEP),
        (empty_dir("20Gi", "4Gi"), "autopilot-ephemeral-storage", "storage.size", KEEP),
        (
            empty_dir("20Gi", "10Gi", **CLASS),
            "autopilot-empty-dir",
            "resources.ephemeralStorage",
            "Set as much, or keep the weights in storage of kind ephemeral-volume or bucket.",
        ),
    ],
)
def test_refused(changes: dict[str, Any], code: str, path: str, remedy: str) -> None:
    found = findings(changes)
    assert ("error", code, path, remedy) in said(found)
    assert {finding.path for finding in found if finding.severity == "error"} == {path}


@pytest.mark.parametrize(
    "changes",
    [
        {"nodeSelector": {"topology.kubernetes.io/zone": "us-central1-a"}},
        {"nodeSelector": {"iam.gke.io/gke-metadata-server-enabled": "true"}},
        CLASS,
        {"sharing": {"strategy": "time-sharing", "clients": 2}, "quantization": "awq", "vllm": {"maxModelLength": 512}},
        {"resources.cpu": "31", "resources.memory": "100Gi"},
        {"resources.ephemeralStorage": "10Gi"},
        {"resources.ephemeralStorage": "100Gi", **CLASS},
        empty_dir("20Gi", "20Gi", **CLASS),
        {"accelerators": 2},
        FOLDER,
        ADAPTERS,
    ],
)
def test_what_it_runs(changes: dict[str, Any]) -> None:
    assert findings(changes) == []


@pytest.mark.parametrize(
    ("changes", "code", "path", "remedy"),
    [
        ({"computeClass": "ours"}, "compute-class-unknown", "computeClass", "Make sure that it is there."),
        (
            {"accelerator": "nvidia-tesla-t4", "quantization": "awq", "vllm": {"dtype": "half", "maxModelLength": 512}},
            "machine-unknown",
            "accelerator",
            "Check that Autopilot offers it.",
        ),
    ],
)
def test_warned(changes: dict[str, Any], code: str, path: str, remedy: str) -> None:
    assert said(findings(changes)) == [("warning", code, path, remedy)]


def test_the_class_of_gpus_is_for_pods_with_gpus() -> None:
    def found(name: str) -> list[tuple[str, str, str, str]]:
        return said(check_inference_service("llm", service_args(CPU_SERVICE, autopilot=True, computeClass=name)))

    assert ("error", "compute-class", "computeClass", "Remove it, or set accelerators.") in found("Accelerator")
    assert not [finding for finding in found("Performance") if finding[2] == "computeClass"]


def test_a_container_that_asks_for_no_ephemeral_storage_has_one_gib() -> None:
    tiny = {"autopilot": True, "resources": {"cpu": "2", "memory": "2Gi"}}

    def found(size: str) -> list[str]:
        args = service_args(CPU_SERVICE, **tiny, storage={"kind": "empty-dir", "size": size})
        return [finding.code for finding in check_inference_service("llm", args)]

    assert found("1Gi") == []
    assert found("1025Mi") == ["autopilot-empty-dir"]


def test_the_bound_is_what_the_largest_machine_leaves() -> None:
    cpus, gib = allocatable(load_catalog().machines["g2-standard-32"])

    def codes(cpu: float, memory: float, **changes: Any) -> list[str]:
        resources = {"resources.cpu": f"{cpu:.3f}", "resources.memory": f"{memory:.3f}Gi"}
        return [finding.path for finding in findings({**resources, **changes})]

    assert codes(cpus - 0.001, gib - 0.001) == []
    assert codes(cpus + 0.001, gib - 0.001) == ["resources.cpu"]
    assert codes(cpus - 0.001, gib + 0.001) == ["resources.memory"]
    # the container that mounts a bucket takes one CPU and 2 GiB of it
    assert codes(cpus - 1.001, gib - 2.001, **FOLDER) == []
    assert codes(cpus - 0.999, gib - 1.999, **FOLDER) == ["resources.cpu", "resources.memory"]


def test_nothing_of_it_is_said_of_other_clusters() -> None:
    standard = {"autopilot": GONE, "nodeSelector": {"accelerator": "nvidia-gpu"}, "resources.ephemeralStorage": "50Gi"}
    assert findings({**standard, "computeClass": "Balanced", "accelerators": 16, "baseModel": GONE}) == [
        finding for finding in findings({"autopilot": GONE, "baseModel": GONE}) if finding.severity == "warning"
    ]


def test_quantities_that_are_none_are_said_elsewhere() -> None:
    for path in ("resources.cpu", "resources.memory", "resources.ephemeralStorage"):
        assert [(finding.code, finding.path) for finding in findings({path: "x"})] == [("quantity-invalid", path)]
    broken = {"storage": {"kind": "empty-dir", "size": "x"}}
    assert [(finding.code, finding.path) for finding in findings(broken)] == [("quantity-invalid", "storage.size")]


def test_machines_that_hold_a_pod() -> None:
    def names(changes: dict[str, Any]) -> set[str]:
        return {machine.name for machine in autopilot_machines(vllm_args(changes))}

    larger = {"g2-standard-12", "g2-standard-16", "g2-standard-32"}
    # 6 CPUs and 24 GiB: more than a g2-standard-4 has
    assert names({}) == {"g2-standard-8", *larger}
    # with those of the bucket's container, 7 CPUs and 26 GiB
    assert names(FOLDER) == {"g2-standard-8", *larger}
    assert names({"resources.cpu": "7.5", **FOLDER}) == larger
    assert names({"resources.cpu": "x"}) == set()
    assert names({"accelerators": 16}) == set()
