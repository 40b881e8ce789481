"""What each service and each cluster costs does not rise with their number, counted in lines of code that run."""

import threading
from collections import Counter
from pathlib import Path

import pytest

from bench.growth_program import main
from tests.line_counts import lines_run, that_rise
from tests.recording import record
from tests.simulator.without_engine import CloudsWithoutEngine


def lines_of(folder: Path, clusters: int, services: int) -> Counter[str]:
    """Of an `up` of so many clusters with so many services on each."""

    def up() -> None:
        with CloudsWithoutEngine(folder) as clouds:
            recorded = record(
                lambda: main(clusters, services), config={"gcp:project": "test-project"}, clouds=clouds
            )  # fmt: skip
        assert recorded.error is None
        assert len(recorded.of("InferenceService")) == clusters * services

    return lines_run(up, "components", "simulator")


@pytest.fixture(scope="module", autouse=True)
def _all_is_loaded(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What is read and kept once counts for no size."""
    lines_of(tmp_path_factory.mktemp("first"), 1, 1)


@pytest.mark.parametrize("sizes", [((1, 10), (1, 20), (1, 40)), ((2, 1), (4, 1), (8, 1))], ids=["services", "clusters"])
def test_nothing_takes_more_for_each_of_many(sizes: tuple[tuple[int, int], ...], tmp_path: Path) -> None:
    few, twice, four_times = (lines_of(tmp_path / str(number), *size) for number, size in enumerate(sizes))
    for function in ("components/inference/inference_service.py InferenceService.__init__", "simulator/cloud.py _row"):
        assert four_times[function] > twice[function] > few[function] > 0
    assert that_rise(few, twice, four_times) == {}


def _quadratic(count: int) -> int:
    return sum(one == other for one in range(count) for other in range(count))


def _linear(count: int) -> int:
    return sum(one == count for one in range(count))


def test_a_loop_within_a_loop_is_told_in_other_threads_too() -> None:
    def work(count: int) -> None:
        _linear(count)
        thread = threading.Thread(target=_quadratic, args=[count])
        thread.start()
        thread.join()

    (found,) = that_rise(*(lines_run(lambda: work(count), "tests") for count in (10, 20, 40)))  # noqa: B023 (run at once)
    assert "_quadratic" in found
