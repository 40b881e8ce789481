"""The picture: a bar for all that takes time, under its component, and the longest chain marked."""

import xml.etree.ElementTree as ET

from cli.graph.text import width_of
from cli.timeline.svg import MARGIN, SIZE, WIDTH, svg
from cli.timeline.timeline import timeline_of

SPACE = "{http://www.w3.org/2000/svg}"
LONG = "u::web-<pods>-" + "long-" * 20
STATE: list[dict[str, object]] = [
    {"urn": "u::stack", "type": "pulumi:pulumi:Stack"},
    {"urn": "u::web", "type": "a:b:Site", "parent": "u::stack"},
    {"urn": "u::web-inner", "type": "a:b:Part", "parent": "u::web"},
    {"urn": "u::web-space", "type": "k:n/v1:Space", "custom": True, "parent": "u::web"},
    {
        "urn": LONG,
        "type": "k:n/v1:Pods",
        "custom": True,
        "parent": "u::web-inner",
        "dependencies": ["u::web-space"],
    },
    {"urn": "u::alone", "type": "k:n/v1:Alone", "custom": True, "parent": "u::stack"},
    {"urn": "u::free", "type": "k:n/v1:Free", "custom": True, "parent": "u::stack"},
]
SECONDS = {"u::web-space": 60.0, LONG: 540.0, "u::alone": 30.0}


def drawn() -> ET.Element:
    return ET.fromstring(svg(timeline_of(STATE, SECONDS), "web"))


def test_bars_are_as_long_as_their_time() -> None:
    bars = [each for each in drawn().iter(f"{SPACE}rect") if "bar" in each.attrib["class"]]
    widths = [float(each.attrib["width"]) for each in bars]
    assert len(bars) == 3
    scale = sum(widths) / 630
    assert sorted(round(each / scale) for each in widths) == [30, 60, 540]
    critical = [each for each in bars if "critical" in each.attrib["class"]]
    assert [round(float(each.attrib["width"]) / scale) for each in critical] == [60, 540]


def test_parts_are_under_the_outermost_component_without_its_name() -> None:
    texts = [(each.attrib.get("class"), each.text or "") for each in drawn().iter(f"{SPACE}text")]
    rows = [text for style, text in texts if style in ("title", "critical-name", None)]
    assert rows[2:6] == ["alone k:Alone", "k:Alone", "web a:Site", "space k:Space"]
    assert rows[6].startswith("<pods>-long-")
    assert rows[6].endswith("…")
    assert len(rows) == 7
    assert not any("free" in text for _, text in texts)


def test_nothing_runs_over_the_edge_or_into_the_bars() -> None:
    picture = drawn()
    left = min(float(each.attrib["x"]) for each in picture.iter(f"{SPACE}rect") if "bar" in each.attrib["class"])
    for text in picture.iter(f"{SPACE}text"):
        start, style = float(text.attrib["x"]), text.attrib.get("class")
        end = start + width_of(text.text or "", SIZE, bold=style != "rest")
        assert end <= WIDTH
        if start == 2 * MARGIN:
            assert end <= left


def test_it_is_told_in_words_and_asks_for_nothing_from_elsewhere() -> None:
    text = svg(timeline_of(STATE, SECONDS), "web")
    assert "The first token can come 10:00" in text
    assert "prefers-color-scheme: dark" in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert svg(timeline_of([], {}), "web").endswith("</svg>\n")
