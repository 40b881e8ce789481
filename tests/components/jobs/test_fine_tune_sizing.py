"""What a fine-tune is estimated to take."""

import pytest

from components.catalog import load_catalog
from components.jobs.fine_tune_sizing import MODELS, disk_gib, trained_weights, training_gib
from tests.components.jobs.test_fine_tune_checks import args

MISTRAL, LLAMA = MODELS


def test_weights_that_lora_adds() -> None:
    models = load_catalog().models
    # published for rank 16 on all linear maps; by hand, with feed-forward layers of 14336 and of 8192
    assert trained_weights(models[MISTRAL], 16) == 16 * 32 * (2 * 8192 + 2 * 5120 + 3 * 18432)
    assert trained_weights(models[LLAMA], 16) == 16 * 28 * (2 * 6144 + 2 * 4096 + 3 * 11264)


def test_estimates() -> None:
    # weights 13.50 GiB, LoRA 0.63, inputs of layers 0.50, one layer 0.34, logits 0.63
    assert training_gib(load_catalog().models[MISTRAL], 16, 2, 1024) == pytest.approx(15.6, abs=0.05)
    # packages, 13.5 and 6.0, and the larger one merged
    assert disk_gib(args()) == 47
    assert disk_gib(args(models=[LLAMA])) == 26
    assert disk_gib(args(models=["me/open"])) == 94
