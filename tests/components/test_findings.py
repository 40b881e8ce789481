"""What findings say, and what is done about them."""

from collections.abc import Callable

import pulumi
import pytest

from components.findings import ConfigurationError, Finding, error, join, refuse, warning
from tests.recording import Recording, record

WRONG = error("a-code", "some.path", "This is wrong.", "Do that.")
ODD = warning("b-code", "", "This is odd.", "Look at it.")


def program(*findings: Finding) -> Callable[[], None]:
    def run() -> None:
        refuse(findings)
        pulumi.ComponentResource("test:index:Reached", "reached")

    return run


def reached(recording: Recording) -> bool:
    return bool(recording.of("Reached"))


def test_text() -> None:
    assert str(WRONG) == "error[a-code] some.path: This is wrong. Do that."


def test_join() -> None:
    assert join("", "a", "", "b.c") == "a.b.c"


def test_under() -> None:
    assert WRONG.under("cluster") == error("a-code", "cluster.some.path", "This is wrong.", "Do that.")
    assert WRONG.under("").path == "some.path"
    # a key of the stack's configuration itself stands nowhere else
    assert error("c", "gcp:project", "m", "r").under("cluster").path == "gcp:project"


def test_warnings_are_told_and_do_not_stop() -> None:
    recording = record(program(ODD))
    assert reached(recording)
    assert recording.messages == [str(ODD)]


def test_errors_stop_and_are_all_told() -> None:
    other = error("other", "x", "M.", "R.")
    recording = record(program(WRONG, ODD, other))
    assert not reached(recording)
    assert recording.messages == [str(ODD)]
    assert isinstance(recording.error, ConfigurationError)
    assert recording.error.findings == (WRONG, other)
    assert str(recording.error).splitlines() == [
        "The configuration is refused, and nothing was changed:",
        f"  {WRONG}",
        f"  {other}",
    ]


def test_pulumi_shows_it_without_a_traceback() -> None:
    # what the language host does with every RunError
    assert issubclass(ConfigurationError, pulumi.RunError)


def test_nothing_found() -> None:
    assert reached(record(program()))
    with pytest.raises(ConfigurationError):
        refuse(iter([WRONG]))
