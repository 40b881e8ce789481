"""What is found wrong with a conversion, at which setting, and what it is estimated to take."""

from typing import Any

import pytest

from components.findings import Finding
from components.gke.nodes import ephemeral_gib
from components.jobs.conversion_checks import check_conversion_job, disk_gib, memory_gib, seconds_at_most
from components.jobs.conversion_job_args import ConversionJobArgs
from tests.components.guide import GONE, changed
from tests.components.jobs.test_conversion_job import CONVERSION, LLAMA


def found(**changes: Any) -> list[Finding]:
    return check_conversion_job(ConversionJobArgs.parse(changed(CONVERSION, changes)))


def test_the_guides_are_right() -> None:
    assert found() == []
    for model in ("meta-llama/Meta-Llama-3-8B", "google/gemma-2b-pytorch"):
        assert found(model=model) == []
    assert found(model="google/gemma-2b-pytorch", quantized=True) == []
    # a machine of the guide's converter, with its disk
    assert found(machineType="n2-standard-32", diskSizeGb=128) == []
    assert found(ownWeights=True, token=GONE, quantized=True, diskSizeGb=GONE) == []


@pytest.mark.parametrize(
    ("changes", "path", "code", "said"),
    [
        ({"model": "google/gemma-2b"}, "model", "conversion-model", "It takes meta-llama/Llama-2-7b-hf, "),
        ({"model": "nobody/nothing"}, "model", "conversion-model", "nobody/nothing"),
        ({"token": GONE}, "token", "token-missing", "or set ownWeights"),
        ({"quantized": True}, "quantized", "conversion-quantized", "ownWeights"),
        ({"machineType": "ct5lp-hightpu-8t"}, "machineType", "conversion-accelerator", "n2-standard-16"),
        ({"machineType": "g2-standard-48"}, "machineType", "conversion-accelerator", "n2-standard-16"),
        ({"machineType": "n2-standard-8"}, "machineType", "conversion-memory", "takes 4 CPUs and 46 GiB"),
        ({"machineType": "n2-standard-8"}, "machineType", "conversion-memory", "-standard-16."),
        ({"machineType": "e2-standard-2", "model": "google/gemma-2b-pytorch"}, "machineType", "conversion-memory", "4"),
        ({"diskSizeGb": 100}, "diskSizeGb", "conversion-disk", "Set at least 130"),
        # GKE's own size is the same
        ({"diskSizeGb": GONE}, "diskSizeGb", "conversion-disk", "leaves 44 GiB"),
    ],
)
def test_what_is_wrong(changes: dict[str, Any], path: str, code: str, said: str) -> None:
    (finding,) = found(**changes)
    assert (finding.severity, finding.path, finding.code) == ("error", path, code)
    assert said in str(finding)


def test_the_disk_it_names_is_enough() -> None:
    assert found(diskSizeGb=130) == []


def test_an_unknown_machine_is_a_warning() -> None:
    (finding,) = found(machineType="c4-standard-16")
    assert (finding.severity, finding.path, finding.code) == ("warning", "machineType", "machine-unknown")


def test_estimates() -> None:
    # by hand, 13 476 839 424 bytes are 12.55 GiB: three times, and 8; three times, and 16; once, and 16
    assert memory_gib(LLAMA) == 46
    assert disk_gib(LLAMA, own_weights=False) == 54
    assert disk_gib(LLAMA, own_weights=True) == 29
    # 900 for a node; each time 1200 and three times the bytes at 25 MB/s, which is 1617
    assert seconds_at_most(LLAMA) == 900 + 3 * 1200 + 4852


@pytest.mark.parametrize(("gb", "gib"), [(100, 43.8), (10, 3.5), (1000, 748.25)])
def test_ephemeral_storage(gb: int, gib: float) -> None:
    # the example of GKE's documentation, of which 47060071478 bytes are left
    assert ephemeral_gib(gb) == pytest.approx(gib, abs=0.05)
