"""What is found wrong with a fine-tune, and at which setting."""

from typing import Any

import pytest

from components.findings import Finding
from components.jobs.fine_tune_checks import check_fine_tune_job
from components.jobs.fine_tune_job_args import FineTuneJobArgs
from components.jobs.fine_tune_sizing import MODELS
from tests.components.guide import GONE, TOKEN, changed
from tests.components.jobs.test_fine_tune_job import FINE_TUNE, KEY

MISTRAL, LLAMA = MODELS


def args(**changes: Any) -> FineTuneJobArgs:
    return FineTuneJobArgs.parse(changed(FINE_TUNE, changes))


def found(**changes: Any) -> list[Finding]:
    return check_fine_tune_job("tune", args(**changes))


def test_the_guides_is_right() -> None:
    assert found() == []
    assert found(pushTo="me/mine", private=False, wandbApiKey=KEY, settings={"wandb_project": "samsum"}) == []
    # the smaller one on the guide's smallest GPU
    assert found(models=[LLAMA], accelerator="nvidia-tesla-t4", batchSize=1) == []
    assert found(resources={"cpu": "3500m", "memory": "12Gi"}, folder="models/tuned", rank=64, save="adapter") == []


@pytest.mark.parametrize(
    ("changes", "path", "code", "said"),
    [
        ({"models": []}, "models", "models-missing", "Name one"),
        ({"models": ["mistral"]}, "models[0]", "model-invalid", "OWNER/NAME"),
        ({"models": [MISTRAL, "mistralai/Mixtral-8x7B-v0.1"]}, "models[1]", "fine-tune-model", "no dense model"),
        ({"models": ["Qwen/Qwen2.5-0.5B-Instruct-GGUF"]}, "models[0]", "fine-tune-model", "safetensors"),
        ({"models": [LLAMA], "token": GONE}, "token", "token-missing", "gated"),
        ({"models": ["me/open"], "token": GONE, "pushTo": "me/mine"}, "token", "token-missing", "may write"),
        ({"accelerator": "nvidia-l40"}, "accelerator", "accelerator-unknown", "nvidia-l4, "),
        ({"accelerator": "tpu-v5-lite-podslice"}, "accelerator", "accelerator-unknown", "no GPU"),
        ({"models": [MISTRAL], "accelerator": "nvidia-tesla-t4"}, "accelerator", "fine-tune-memory", "NVIDIA L4"),
        ({"models": [MISTRAL], "batchSize": 8}, "batchSize", "fine-tune-memory", "smaller batchSize"),
        ({"models": [MISTRAL], "maxLength": 40000}, "maxLength", "fine-tune-length", "32768 tokens"),
        ({"models": ["google/gemma-2b"], "rank": 257}, "rank", "fine-tune-rank", "at most 256"),
        ({"folder": "/finetune"}, "folder", "fine-tune-folder", "'/finetune'"),
        ({"folder": "tuned/"}, "folder", "fine-tune-folder", "slash"),
        ({"folder": "../other"}, "folder", "fine-tune-folder", "'../other'"),
        ({"private": True}, "private", "push-unused", "pushTo"),
        ({"pushTo": "mine"}, "pushTo", "push-invalid", "OWNER/NAME"),
        ({"settings": {"rank": "8"}}, "settings.rank", "fine-tune-setting", "follows from rank"),
        ({"settings": {"batch_size": "8"}}, "settings.batch_size", "fine-tune-setting", "batchSize"),
        ({"settings": {"hf_token": TOKEN}}, "settings.hf_token", "settings-secret", "wandbApiKey"),
        ({"settings": {"wandb_project": "p"}}, "wandbApiKey", "wandb-key-missing", "wandbApiKey KEY"),
        ({"resources": {"cpu": "six", "memory": "24Gi"}}, "resources.cpu", "quantity-invalid", "'six'"),
        ({"resources": {"cpu": "6", "memory": "0"}}, "resources.memory", "quantity-invalid", "'0' is nothing"),
        ({"diskSizeGb": 46}, "diskSizeGb", "fine-tune-disk", "Set at least 47"),
    ],
)
def test_what_is_wrong(changes: dict[str, Any], path: str, code: str, said: str) -> None:
    errors = [finding for finding in found(**changes) if finding.severity == "error"]
    assert (path, code) in [(finding.path, finding.code) for finding in errors]
    (finding,) = [each for each in errors if (each.path, each.code) == (path, code)]
    assert said in str(finding)
    assert TOKEN not in str(finding)


def test_both_models_are_told_of_when_neither_is_allowed() -> None:
    assert [finding.code for finding in found(token=GONE)] == ["token-missing", "token-missing"]


@pytest.mark.parametrize("rank", [0, 513])
def test_ranks_have_bounds(rank: int) -> None:
    with pytest.raises(Exception, match="rank"):
        args(rank=rank)


def test_what_is_only_told() -> None:
    (unknown,) = found(models=["me/open"])
    assert (unknown.severity, unknown.path, unknown.code) == ("warning", "models[0]", "model-unknown")
    (served,) = found(rank=20, save="adapter")
    assert (served.severity, served.path, served.code) == ("warning", "rank", "fine-tune-rank-served")
    assert "rank 32" in str(served)
    assert found(rank=20) == []


@pytest.mark.parametrize("name", ["Tune", "t" * 57, "1-tune", ""])
def test_names(name: str) -> None:
    (finding,) = check_fine_tune_job(name, args())
    assert (finding.path, finding.code) == ("name", "name-invalid")
