"""The model repository: what upstream's script makes of the templates, as Triton's own protobuf reads it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format, text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from components.oci.triton_host import fills_file
from components.triton.args import TritonArgs
from components.triton.engine import engine_of
from tests.workloads.triton_host import FILL_TEMPLATE, MODEL, TEMPLATES

GUIDE: dict[str, Any] = {"maxBatchSize": 1}
STORE = "/models/triton/mistralai/mixtral-8x7b-instruct-v0.1/tp8"


def configs(folder: Path, args: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Each `config.pbtxt` as JSON, its parameters as text by name, without those that stay open."""
    script = folder / "fill_template.py"
    script.write_text(FILL_TEMPLATE)
    read: dict[str, dict[str, Any]] = {}
    for line in fills_file(engine_of(TritonArgs.parse({"model": MODEL, **args}), 8)).splitlines():
        model, values = line.split(" ")
        file = folder / model
        file.write_text(TEMPLATES[model])
        subprocess.run([sys.executable, str(script), "--in_place", str(file), values], check=True)
        parsed = text_format.Parse(file.read_text(), ModelConfig())
        parameters = {name: value.string_value for name, value in parsed.parameters.items()}
        shown: Any = json_format.MessageToDict(parsed, preserving_proto_field_name=True)
        kept = {name: value for name, value in parameters.items() if not value.startswith("${")}
        read[model] = {**shown, "parameters": kept}
    return read


def one(kind: str, count: int = 1) -> list[dict[str, Any]]:
    return [{"kind": kind, "count": count}]


def test_every_edit_of_the_guide(tmp_path: Path) -> None:
    read = configs(tmp_path, GUIDE)
    assert {model: config["max_batch_size"] for model, config in read.items()} == {
        "ensemble": 1,
        "preprocessing": 1,
        "postprocessing": 1,
        "tensorrt_llm": 1,
        "tensorrt_llm_bls": 1,
    }
    for model in ("preprocessing", "postprocessing", "tensorrt_llm", "tensorrt_llm_bls"):
        assert read[model]["instance_group"] == one("KIND_CPU")
    for model in ("tensorrt_llm", "tensorrt_llm_bls"):
        assert read[model]["model_transaction_policy"] == {"decoupled": True}
    batching = read["tensorrt_llm"]["dynamic_batching"]
    assert batching["preferred_batch_size"] == [1]
    assert batching["max_queue_delay_microseconds"] == "100"
    assert read["tensorrt_llm"]["parameters"] == {
        "gpt_model_type": "inflight_fused_batching",
        # the guide copies the engine into the model's folder; upstream points to where it is
        "gpt_model_path": f"{STORE}/engine",
        "batch_scheduler_policy": "max_utilization",
    }
    # the guide's tokenizer is another model's than its engine; here both are of one
    assert read["postprocessing"]["parameters"] == {
        "tokenizer_dir": f"{STORE}/tokenizer",
        "skip_special_tokens": "True",
    }
    # the guide gives it skip_special_tokens, which preprocessing does not read: its own is add_special_tokens
    assert read["preprocessing"]["parameters"] == {"tokenizer_dir": f"{STORE}/tokenizer", "add_special_tokens": "True"}


def test_what_upstream_asks_for_beyond_the_guide(tmp_path: Path) -> None:
    read = configs(tmp_path, GUIDE)
    assert read["tensorrt_llm"]["backend"] == "tensorrtllm"
    assert read["tensorrt_llm"]["input"][0]["data_type"] == "TYPE_FP16"
    for model in ("ensemble", "tensorrt_llm", "tensorrt_llm_bls"):
        assert read[model]["output"][0]["data_type"] == "TYPE_FP32"


def test_our_defaults_batch(tmp_path: Path) -> None:
    read = configs(tmp_path, {})
    assert {config["max_batch_size"] for config in read.values()} == {64}
    assert read["tensorrt_llm"]["dynamic_batching"]["preferred_batch_size"] == [64]
    assert read["tensorrt_llm"]["instance_group"] == one("KIND_CPU")
    for model in ("preprocessing", "postprocessing", "tensorrt_llm_bls"):
        assert read[model]["instance_group"] == one("KIND_CPU", 8)
    guide = configs(tmp_path, GUIDE)
    assert read["tensorrt_llm"]["parameters"] == guide["tensorrt_llm"]["parameters"]


@pytest.mark.parametrize(
    ("args", "model", "path", "value"),
    [
        ({"decoupled": False}, "tensorrt_llm", ("model_transaction_policy",), {}),
        ({"decoupled": False}, "tensorrt_llm_bls", ("model_transaction_policy",), {}),
        ({"inflightBatching": False}, "tensorrt_llm", ("parameters", "gpt_model_type"), "V1"),
        (
            {"batchSchedulerPolicy": "guaranteed_no_evict"},
            "tensorrt_llm",
            ("parameters", "batch_scheduler_policy"),
            "guaranteed_no_evict",
        ),
        (
            {"maxQueueDelayMicroseconds": 5},
            "tensorrt_llm",
            ("dynamic_batching", "max_queue_delay_microseconds"),
            "5",
        ),
        ({"processingInstances": 3}, "preprocessing", ("instance_group",), one("KIND_CPU", 3)),
        ({"tensorParallel": 4}, "tensorrt_llm", ("parameters", "gpt_model_path"), f"{STORE[:-1]}4/engine"),
    ],
)
def test_each_setting_reaches_its_place(
    tmp_path: Path, args: dict[str, Any], model: str, path: tuple[str, ...], value: Any
) -> None:
    found: Any = configs(tmp_path, args)[model]
    for part in path:
        found = found[part]
    assert found == value


def test_no_delay_is_not_the_default_delay(tmp_path: Path) -> None:
    batching = configs(tmp_path, {"maxQueueDelayMicroseconds": 0})["tensorrt_llm"]["dynamic_batching"]
    assert batching.get("max_queue_delay_microseconds", "0") == "0"
