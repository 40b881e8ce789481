import pytest

from cli.endpoint_bench.bound import hardware
from cli.endpoint_bench.report import LoadReport
from cli.errors import RefusedError
from components.decoding import step_bound
from tests.cli.endpoint_bench.made_up import BUSY, answer, load_report

MODEL = "mistralai/Mixtral-8x7B-Instruct-v0.1"


def measured(together: int) -> LoadReport:
    """Answers of 100 tokens and more to prompts of 5."""
    answers = load_report(answer(1, 5, tokens=100), answer(1, 9, tokens=200), BUSY)
    return answers.model_copy(update={"most_under_way": together})


def test_the_bound_is_that_of_sizing() -> None:
    bound = hardware(MODEL, "4 x nvidia-l4", "fp8", 1).bound(measured(8))
    alone, eight = (
        step_bound(MODEL, "fp8", "nvidia-l4", 4, batch=batch, cached_tokens=5 + 50).seconds for batch in (1, 8)
    )
    assert bound.time_per_output_token_seconds == alone
    assert bound.tokens_per_second == 8 / eight
    assert (bound.model, bound.accelerators, bound.quantization, bound.replicas) == (MODEL, "4 x nvidia-l4", "fp8", 1)


def test_replicas_share_the_requests() -> None:
    bound = hardware(MODEL, "4 x nvidia-l4", None, 2).bound(measured(7))
    four = step_bound(MODEL, None, "nvidia-l4", 4, batch=4, cached_tokens=55).seconds
    assert bound.tokens_per_second == 2 * 4 / four


@pytest.mark.parametrize(
    ("model", "accelerators", "quantization", "told"),
    [
        (MODEL, "nvidia-l4", None, "'nvidia-l4' must be a number and an accelerator"),
        (MODEL, "0 x nvidia-l4", None, "must be a number and an accelerator"),
        (MODEL, "2 x abacus", None, "Accelerators: .*nvidia-l4"),
        ("me/mine", "2 x nvidia-l4", None, "does not know the model 'me/mine'"),
        (MODEL, "2 x nvidia-l4", "int1", "does not know the quantization 'int1'"),
    ],
)
def test_what_the_catalogue_does_not_know(model: str, accelerators: str, quantization: str | None, told: str) -> None:
    with pytest.raises(RefusedError, match=told):
        hardware(model, accelerators, quantization, 1)
