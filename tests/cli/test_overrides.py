"""What `--config` puts over a stack file, without the engine."""

from typing import Any

import pytest

from cli.errors import RefusedError
from cli.overrides import overridden

CONFIG: dict[str, Any] = {"p:service": {"shards": 4, "labels": {"a": "b"}}, "p:ranges": ["x"]}


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("service.shards", "2", {"p:service": {"shards": 2, "labels": {"a": "b"}}}),
        ("p:service.shards", "2", {"p:service": {"shards": 2, "labels": {"a": "b"}}}),
        ("gcp:project", "mine", {"gcp:project": "mine"}),
        # what stands alone is text, as with `pulumi config set`
        ("port", "80", {"p:port": "80"}),
        ("flag", "true", {"p:flag": "true"}),
        ("service.spot", "true", {"p:service": {"shards": 4, "labels": {"a": "b"}, "spot": True}}),
        ("service.zip", "007", {"p:service": {"shards": 4, "labels": {"a": "b"}, "zip": "007"}}),
        ("service.size", "-1", {"p:service": {"shards": 4, "labels": {"a": "b"}, "size": -1}}),
        ('service.labels["a.b/c"]', "d", {"p:service": {"shards": 4, "labels": {"a": "b", "a.b/c": "d"}}}),
        ("pools.new.zones[0]", "z", {"p:pools": {"new": {"zones": ["z"]}}}),
        ("ranges[0]", "y", {"p:ranges": ["y"]}),
        ("ranges[1]", "y", {"p:ranges": ["x", "y"]}),
        ("service.x", "a=b", {"p:service": {"shards": 4, "labels": {"a": "b"}, "x": "a=b"}}),
    ],
)
def test_where_a_value_goes(path: str, value: str, expected: dict[str, Any]) -> None:
    assert overridden(CONFIG, path, value, "p") == {**CONFIG, **expected}
    # and nothing that was read is changed
    assert CONFIG == {"p:service": {"shards": 4, "labels": {"a": "b"}}, "p:ranges": ["x"]}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "no path"),
        ("[0]", "no path"),
        ("service.", "no path"),
        ("service..x", "no path"),
        ("service[x]", "no path"),
        ("ranges[2]", "no place of a list"),
        ("service[0]", "no place of a list"),
        ("ranges.x", "no map"),
        ("service.shards.x", "no map"),
    ],
)
def test_what_is_no_place(path: str, message: str) -> None:
    with pytest.raises(RefusedError, match=message):
        overridden(CONFIG, path, "1", "p")
