"""What is made of the measurements."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

import bench.__main__ as program
from bench import checks, compare, diffs, growth, requests, shares
from bench.errors import BenchError
from bench.measure import Usage
from bench.rehearsed import Run

MEMORY = next(each for each in compare.MEASURES if each.name == "memory")


def run_with(memory: float) -> Run:
    usage = Usage(
        seconds=1.0,
        processor_seconds=1.0,
        own_processor_seconds=1.0,
        memory_mib=memory,
        tree_memory_mib=memory,
        printed="",
    )
    return Run(usage, seconds=1.0, created=1)


def compared(*pairs: tuple[float, float]) -> compare.Comparison:
    return compare.summarize("up", MEMORY, [(run_with(floor), run_with(rehearsed)) for floor, rehearsed in pairs])


SHAPE = growth.SHAPES[0]
LINEAR = {size: [100.0 + size] for size in SHAPE.sizes}


def runs(values: Mapping[int, Sequence[float]]) -> growth.Runs:
    return {size: [run_with(each) for each in of] for size, of in values.items()}


def grown(rehearsed: Mapping[int, Sequence[float]], floor: Mapping[int, Sequence[float]] = LINEAR) -> growth.Growth:
    return growth.summarize(SHAPE, "up", MEMORY, runs(floor), runs(rehearsed))


def test_ratio_is_the_median_of_pairs_and_not_of_sides() -> None:
    # the machine was twice as slow in the last pair: that is no difference between the two sides
    result = compared((100, 110), (100, 120), (300, 330))
    assert result.ratio == pytest.approx(1.1)
    assert (result.lowest, result.highest) == (pytest.approx(1.1), pytest.approx(1.2))


@pytest.mark.parametrize(("rehearsed", "kept"), [(125, True), (126, False)])
def test_bound(rehearsed: float, kept: bool) -> None:
    assert compared((100, rehearsed)).kept is kept


def test_linear_growth_is_kept_whatever_it_starts_from() -> None:
    result = grown({size: [100 + 2 * size] for size in SHAPE.sizes})
    assert (result.early, result.late) == (pytest.approx(2), pytest.approx(2))
    assert result.kept


def test_growth_far_from_the_floor_is_missed_even_where_it_is_linear() -> None:
    assert grown({size: [125 + size] for size in SHAPE.sizes}).kept
    assert not grown({size: [155 + size] for size in SHAPE.sizes}).kept


def test_growth_may_rise_as_that_of_the_floor_where_hundreds_of_resources_are() -> None:
    def kept(shape: growth.Shape, more: float = 0.0) -> bool:
        rising = {size: [100.0 + size**2] for size in shape.sizes}
        rehearsed = {size: [100 + 1.2 * size**2 + (size == shape.sizes[-1]) * more] for size in shape.sizes}
        return growth.summarize(shape, "up", MEMORY, runs(rising), runs(rehearsed if more else rising)).kept

    assert kept(growth.SHAPES[-1])
    assert not kept(growth.SHAPES[-1], more=2000)
    assert not kept(SHAPE)


def test_growth_within_the_margin_is_noise() -> None:
    assert grown({1: [100], 5: [104], 10: [109], 20: [121]}).kept


def test_quadratic_growth_is_missed() -> None:
    assert not grown({size: [100 + size**2 / 40] for size in SHAPE.sizes}).kept


def test_noise_of_the_run_widens_the_bound() -> None:
    quiet = {1: [100], 5: [104], 10: [109], 20: [124]}
    assert not grown(quiet).kept
    # the least of the rounds is the same; their median lies 5 above it
    assert grown({size: [least, least + 5, least + 9] for size, [least] in quiet.items()}).kept


def test_one_disturbed_round_decides_nothing() -> None:
    linear = [100.0, 100.0, 100.0]
    assert grown({1: linear, 5: linear, 10: [109, 109, 109], 20: [119, 119, 400]}).kept


def shared(components: float) -> shares.Shares:
    own = {"components": 0.1, "standard library": 60.0}
    return shares.Shares(100, 100.0, own, {"components": 100 * components}, {"components/args.py parse": 0.05})


@pytest.mark.parametrize(("share", "code"), [(0.1, 0), (0.11, 1)])
def test_components_that_take_a_tenth_are_a_missed_bound(
    share: float,
    code: int,
    measured: list[compare.Comparison],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(program, "measure_shares", lambda *_: shared(share))
    assert program.main() == code
    captured = capsys.readouterr()
    document = json.loads(captured.out)["share"]
    assert (document["kept"], document["share"]) == (code == 0, pytest.approx(share))
    assert captured.err.count("missed") == code


def checked(*seconds: float) -> checks.Checks:
    return checks.summarize([{"stacks": 6, "imports": 3.0, "seconds": each} for each in seconds])


@pytest.mark.parametrize(("seconds", "kept"), [((0.5,), True), ((0.51,), False), ((0.1, 0.2, 9.0), True)])
def test_a_check_may_take_half_a_second(seconds: tuple[float, ...], kept: bool) -> None:
    assert checked(*seconds).kept is kept


def test_a_slow_check_is_a_missed_bound(
    measured: list[compare.Comparison], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "measure_checks", lambda *_: checked(0.7))
    assert program.main() == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["check"]["kept"], document["check"]["seconds"]) == (False, 0.7)


def test_all_stacks_are_checked(capsys: pytest.CaptureFixture[str]) -> None:
    checks.main()
    printed = json.loads(capsys.readouterr().out)
    assert printed["stacks"] == len(list(Path(checks.__file__).parents[1].glob("Pulumi.*.yaml")))
    assert printed["seconds"] > 0


def differed(seconds: float = 10, last: float = 1000) -> diffs.Diffs:
    return diffs.summarize(6, [(2, 2), (4, seconds), (4, 100)], {6: 1000.0, 20: 900.0, 50: last})


@pytest.mark.parametrize(
    ("seconds", "last", "kept"), [(24, 1250, True), (24.1, 1000, False), (10, 1251, False), (10, 500, True)]
)
def test_a_diff_is_bounded_in_time_and_in_memory(seconds: float, last: float, kept: bool) -> None:
    result = differed(seconds, last)
    assert result.ratio == pytest.approx(seconds / 4), "the median of the pairs"
    assert result.memory_ratio == pytest.approx(last / 1000)
    assert result.kept is kept


def test_a_diff_that_takes_too_much_is_a_missed_bound(
    measured: list[compare.Comparison], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "measure_diffs", lambda *_: differed(last=2000))
    assert program.main() == 1
    captured = capsys.readouterr()
    document = json.loads(captured.out)["diff"]
    assert (document["kept"], document["memory_ratio"], document["memory_bound"]) == (False, 2.0, 1.25)
    assert captured.err.count("missed") == 1


def asked(*ratios: float) -> requests.Requests:
    return requests.compare_rounds([(0.001 * number, 0.001 * number * ratio) for number, ratio in enumerate(ratios, 1)])


@pytest.mark.parametrize(("ratios", "kept"), [((2.5,), True), ((2.6,), False), ((1, 2, 9), True), ((1, 3, 9), False)])
def test_a_request_may_take_so_many_times_what_a_bare_one_does(ratios: tuple[float, ...], kept: bool) -> None:
    result = asked(*ratios)
    assert result.kept is kept
    assert (result.lowest, result.highest) == (pytest.approx(min(ratios)), pytest.approx(max(ratios)))


def test_a_request_that_takes_too_much_is_a_missed_bound(
    measured: list[compare.Comparison], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "measure_requests", lambda *_: asked(3))
    assert program.main() == 1
    captured = capsys.readouterr()
    document = json.loads(captured.out)["request"]
    assert (document["kept"], document["bound"]) == (False, 2.5)
    assert (document["bare"], document["measured"], document["ratio"]) == pytest.approx((1, 3, 3))
    assert captured.err.count("missed") == 1


def test_both_clients_are_measured(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name, value in {"ROUNDS": 1, "REQUESTS": 2, "CONCURRENCY": 2}.items():
        monkeypatch.setattr(requests, name, value)
    requests.main()
    ((bare, measured),) = json.loads(capsys.readouterr().out)
    assert bare > 0
    assert measured > 0


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[compare.Comparison]:
    comparisons: list[compare.Comparison] = []
    monkeypatch.setattr(program, "find_pulumi", lambda _: Path("pulumi"))
    monkeypatch.setattr(program, "compare", lambda *_: comparisons)
    monkeypatch.setattr(program, "growth", lambda *_: [grown(LINEAR)])
    monkeypatch.setattr(program, "measure_shares", lambda *_: shared(0.01))
    monkeypatch.setattr(program, "measure_checks", lambda *_: checked(0.1))
    monkeypatch.setattr(program, "measure_diffs", lambda *_: differed())
    monkeypatch.setattr(program, "measure_requests", lambda *_: asked(2))
    monkeypatch.setattr("sys.argv", ["bench", "--json"])
    return comparisons


@pytest.mark.parametrize(("rehearsed", "code"), [(110, 0), (160, 1)])
def test_exit_code_and_json_tell_whether_bounds_are_kept(
    rehearsed: float, code: int, measured: list[compare.Comparison], capsys: pytest.CaptureFixture[str]
) -> None:
    measured.append(compared((100, rehearsed)))
    assert program.main() == code
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert document["kept"] is (code == 0)
    assert document["comparisons"][0]["ratio"] == pytest.approx(rehearsed / 100)
    assert ("missed" in captured.err) is (code == 1)


def test_what_cannot_be_measured_is_told(
    measured: list[compare.Comparison], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> list[compare.Comparison]:
        raise BenchError("no /proc here")

    monkeypatch.setattr(program, "compare", fail)
    assert program.main() == 2
    assert "error: no /proc here" in capsys.readouterr().err
