"""How results are put in words."""

import pytest

from cli.result import Output
from cli.words import duration_text, output_lines, summary_text


def test_a_summary_counts_a_replacement_once() -> None:
    changes = {"same": 3, "replace": 1, "create-replacement": 1, "delete-replaced": 1, "create": 2}
    assert summary_text("up", changes) == "2 created, 1 replaced, 3 unchanged"
    assert summary_text("preview", changes) == "2 to create, 1 to replace, 3 unchanged"
    assert summary_text("up", {}) == "nothing to do"


def test_an_operation_without_a_wording_keeps_its_name() -> None:
    assert summary_text("up", {"discard": 1, "same": 1}) == "1 unchanged, 1 discard"


def test_outputs_are_aligned_with_the_endpoint_first_and_secrets_hidden() -> None:
    outputs = {
        "access": Output("public", secret=False),
        "endpoint": Output("http://192.0.2.1", secret=False),
        "kubeconfig": Output("hush", secret=True),
        "loadBalancerIp": Output(None, secret=False),
        "cost": Output({"usd": 1}, secret=False),
    }
    assert output_lines(outputs) == [
        "endpoint        http://192.0.2.1",
        "loadBalancerIp  none",
        "access          public",
        "kubeconfig      [secret]",
        'cost            {"usd": 1}',
    ]


@pytest.mark.parametrize(("seconds", "text"), [(0.04, "0.0 s"), (9.94, "9.9 s"), (61, "61 s"), (150, "2 min")])
def test_durations(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
