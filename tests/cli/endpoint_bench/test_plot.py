import re
from xml.etree import ElementTree

import pytest

from cli.endpoint_bench.bound import hardware
from cli.endpoint_bench.plot import HEIGHT, TOP, plot, ticks
from cli.endpoint_bench.report import Report
from tests.cli.endpoint_bench.made_up import BUSY, answer, load_report, report

SVG = "{http://www.w3.org/2000/svg}"
LOAD = load_report(answer(0.1, 1.1, tokens=3), answer(0.2, 1.2, tokens=3), answer(0.4, 1.4, tokens=3), BUSY)


def drawn(*given: Report) -> ElementTree.Element:
    return ElementTree.fromstring(plot(*given))


def curves(picture: ElementTree.Element) -> list[str]:
    """Return the paths of the curves, without those of the legend."""
    paths = [each for each in picture.iter(f"{SVG}path") if "curve" in each.attrib["class"]]
    return [each.attrib["d"] for each in paths if "V" in each.attrib["d"]]


def texts(picture: ElementTree.Element) -> list[str]:
    return [each.text or "" for each in picture.iter(f"{SVG}text")]


def test_a_curve_rises_at_each_value_and_ends_at_the_share_of_answers() -> None:
    picture = drawn(report(LOAD))
    first, per_token, latency = curves(picture)
    steps = [(float(x), float(y)) for x, y in re.findall(r"H([\d.]+)V([\d.]+)", first)]
    assert [y for _, y in steps] == [pytest.approx(TOP + HEIGHT * (1 - share), abs=0.1) for share in (0.25, 0.5, 0.75)]
    (one, _), (two, _), (four, _) = steps
    assert four - two == pytest.approx(2 * (two - one), abs=0.3)
    assert len(re.findall("V", per_token)) == len(re.findall("V", latency)) == 3
    assert "1 at a time, 4 out, 1 of 4 failed" in texts(picture)
    assert picture.findtext(f"{SVG}desc") == "Share of all requests, by time. 1 at a time, 4 out: 1 of 4 failed"


def test_what_nothing_tells_is_not_drawn() -> None:
    picture = drawn(report(load_report(answer(3, tokens=9))))
    assert len(curves(picture)) == 1
    assert "Latency, s" in texts(picture)
    assert "Time to first token, s" not in texts(picture)


def test_nothing_but_failures() -> None:
    assert curves(drawn(report(load_report(BUSY)))) == []


def test_an_earlier_report_is_drawn_beside_it() -> None:
    other = load_report(answer(1, 2, tokens=3), concurrency=9)
    picture = drawn(report(LOAD), report(LOAD, other, began="2026-11-20T10:00:00+00:00"))
    assert len(curves(picture)) == 6
    assert "1 at a time, 4 out, 2026-11-20 10:00 UTC, 1 of 4 failed" in texts(picture)
    assert not [text for text in texts(picture) if "9 at a time" in text]


def test_the_bound_is_a_line() -> None:
    bound = hardware("mistralai/Mixtral-8x7B-Instruct-v0.1", "4 x nvidia-l4", None, 1).bound(LOAD)
    picture = drawn(report(LOAD.model_copy(update={"bound": bound})))
    assert texts(picture).count("least possible") == 1
    assert "least possible" not in texts(drawn(report(LOAD)))


def test_it_is_escaped_and_takes_nothing_from_elsewhere() -> None:
    text = plot(report(LOAD, stack=None, url="http://<&>"))
    assert "tgi at http://&lt;&amp;&gt;" in text
    # but for the name of the language itself
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "").replace("http://&lt;", "")
    assert "@import" not in text
    assert "url(" not in text


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (1.3, [0, 0.5, 1]),
        (0.0105, [0, 0.002, 0.004, 0.006, 0.008, 0.01]),
        (420, [0, 100, 200, 300, 400]),
        (9.9, [0, 2, 4, 6, 8]),
    ],
)
def test_ticks(most: float, expected: list[float]) -> None:
    assert ticks(most) == expected
