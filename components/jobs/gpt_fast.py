"""What gpt-fast and TorchServe agree on: places in the bucket, the model's configuration, and what is pinned.

Sources: examples/large_models/gpt_fast_mixtral_moe and docs/configuration.md of github.com/pytorch/serve, v0.12.0;
mixtral-moe of github.com/pytorch-labs/gpt-fast, 2026-11-21.
"""

import functools
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..catalog import load_catalog
from ..storage.checkpoints import MOUNT_PATH
from ..workloads import workload

MODEL_NAME = "gpt_fast_mixtral_moe"
"""What TorchServe calls the model: the last part of the route of its predictions."""

INT8 = "int8"
"""gpt-fast's only quantization of a mixture of experts."""

DEFAULT_LENGTH = 2048
"""Tokens of one request, prompt and answer together."""

WORKLOAD = workload("torchserve")

SCRIPTS = ("prepare.py", "warm_handler.py")
"""Files of the workload that the Job runs."""

RESPONSE_SECONDS = 300
"""After which a worker that does not answer is started again: as in the guide, now without the time to compile."""


@functools.cache
def load_pins() -> Mapping[str, Any]:  # Any: TOML
    """Return what is pinned, as `gpt_fast.toml` has it."""
    return tomllib.loads(Path(__file__).with_name("gpt_fast.toml").read_text(encoding="utf-8"))


def gpt_fast_models() -> list[str]:
    """Return the models that gpt-fast serves, as far as the catalogue knows."""
    return [name for name, model in load_catalog().models.items() if model.gpt_fast]


def checkpoints_folder(model: str) -> str:
    """Return the folder of gpt-fast's checkpoints in the bucket. It knows the shape by the folder's last name."""
    return f"gpt-fast/{model}"


def model_store_folder(model: str, quantization: str | None, shards: int) -> str:
    """Return the folder of the archive: one for each way to serve the model, so that none is changed under a server."""
    return f"torchserve/{model}/{quantization or 'bf16'}-{shards}"


def model_config(
    model: str, quantization: str | None, shards: int, max_sequence_length: int, startup_seconds: int
) -> dict[str, Any]:  # Any: JSON
    """Return the archive's `model_config.yaml`: for one GPU, or with `shards` above 1 for tensor parallelism.

    Workers get `startup_seconds` to load and compile, where TorchServe's own 2 minutes are enough for neither.
    """
    checkpoint = "model_int8.pth" if quantization == INT8 else "model.pth"
    parallel = {"parallelType": "tp", "torchrun": {"nproc-per-node": shards}} if shards > 1 else {}
    return {
        "minWorkers": 1,
        "maxWorkers": 1,
        "maxBatchDelay": 200,
        "responseTimeout": RESPONSE_SECONDS,
        "startupTimeout": startup_seconds,
        # a worker that died loads again, and /ping must not fail meanwhile
        "maxRetryTimeoutInSec": startup_seconds,
        "deviceType": "gpu",
        **parallel,
        "handler": {
            "converted_ckpt_dir": f"{MOUNT_PATH}/{checkpoints_folder(model)}/{checkpoint}",
            "compile": True,
            "fx_graph_cache": True,
            # several processes would each send their tokens
            "stream": shards == 1,
            "max_sequence_length": max_sequence_length,
        },
    }


def preparation_files(
    model: str, quantization: str | None, shards: int, max_sequence_length: int, startup_seconds: int, scratch: str
) -> dict[str, str]:
    """Return the files of the Job that prepares the archive, by name: its scripts and their settings."""
    pins = load_pins()
    source = {
        place: {"url": f"{pins[origin]['root']}/{place}", "sha256": sha256}
        for origin in ("gpt_fast", "torchserve")
        for place, sha256 in pins[origin]["files"].items()
    }
    settings = {
        "name": MODEL_NAME,
        "model": model,
        "quantized": quantization == INT8,
        "scratch": scratch,
        "checkpoints": f"{MOUNT_PATH}/{checkpoints_folder(model)}",
        "model_store": f"{MOUNT_PATH}/{model_store_folder(model, quantization, shards)}",
        "source": source,
        "archived": [place for place in source if "/" not in place],
        "libraries": pins["packages"]["libraries"],
        "tools": pins["packages"]["tools"],
        "config": model_config(model, quantization, shards, max_sequence_length, startup_seconds),
    }
    scripts = {name: (WORKLOAD / name).read_text(encoding="utf-8") for name in SCRIPTS}
    return {**scripts, "settings.json": json.dumps(settings, indent=1)}
