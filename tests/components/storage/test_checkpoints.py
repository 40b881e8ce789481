"""One place says where a checkpoint lies."""

import pytest

from components.storage.checkpoints import (
    base_folder,
    checkpoint_folder,
    checkpoint_path,
    jetstream_models,
    jetstream_names,
    tokenizer_path,
)
from tests.components.jobs.test_conversion_job import container, record_conversion


@pytest.mark.parametrize(
    ("model", "quantized", "folder", "base"),
    [
        ("meta-llama/Llama-2-7b-hf", False, "pytorch/llama-2-7b/final/bf16", "llama-2-7b/base"),
        ("meta-llama/Llama-2-7b-hf", True, "pytorch/llama-2-7b/final/int8", "llama-2-7b/base"),
        ("meta-llama/Meta-Llama-3-8B", False, "pytorch/llama-3-8b/final/bf16", "llama-3-8b/base"),
        ("google/gemma-2b-pytorch", False, "pytorch/gemma-2b/final/bf16", "gemma-2b/base"),
    ],
)
def test_the_folders_of_the_guide(model: str, quantized: bool, folder: str, base: str) -> None:
    assert checkpoint_folder(model, quantized=quantized) == folder
    assert base_folder(model) == base
    assert checkpoint_path(model, quantized=quantized) == f"/models/{folder}/model.safetensors"
    assert tokenizer_path(model, quantized=quantized) == f"/models/{folder}/tokenizer.model"


@pytest.mark.parametrize("model", jetstream_models())
def test_the_conversion_writes_where_the_server_reads(model: str) -> None:
    job = container(record_conversion(model=model))
    (written,) = [argument for argument in job["args"] if argument.startswith("-o=")]
    folder = written.removeprefix("-o=gs://weights/").removesuffix("/")
    assert checkpoint_path(model, quantized=False) == f"/models/{folder}/model.safetensors"


@pytest.mark.parametrize("model", ["mistralai/Mixtral-8x7B-Instruct-v0.1", "google/gemma-2b", "nobody/nothing"])
def test_other_models_have_none(model: str) -> None:
    with pytest.raises(ValueError, match=f"does not serve '{model}'; it serves meta-llama/Llama-2-7b-hf, "):
        jetstream_names(model)
