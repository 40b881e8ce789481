"""The Mixtral stack on GKE with Triton in TGI's place, on eight A100 as on the host that built its engine."""

from pathlib import Path
from typing import Any

import yaml

from cli.rehearsal import Rehearsal
from cli.result import Outcome

STACK = "mixtral-tgi-gke-l4"
POOL = "mixtral-moe-gpu-pool"
TRITON = {
    "server": "triton",
    "model": "mistralai/Mixtral-8x7B-Instruct-v0.1",
    "accelerator": "nvidia-tesla-a100",
    "accelerators": 8,
    "resources": {"cpu": "80", "memory": "600Gi"},
    "sharedMemory": "2Gi",
    "storage": {"kind": "bucket", "bucket": "mixtral-engines"},
    "exposure": "public",
}


def test_triton_serves_the_engine_of_a_bucket(project: Path) -> None:
    file = project / f"Pulumi.{STACK}.yaml"
    settings: dict[str, Any] = yaml.safe_load(file.read_text())
    config = settings["config"]
    pool = config["llm-serving:cluster"]["gpuPools"][POOL]
    pool |= {"machineType": "a2-highgpu-8g", "acceleratorType": "nvidia-tesla-a100", "acceleratorCount": 8}
    del pool["localSsds"]
    config["llm-serving:service"] = TRITON
    file.write_text(yaml.safe_dump(settings))

    rehearsal = Rehearsal(STACK, folder=project)
    up = rehearsal.up()
    assert up.outcome is Outcome.SUCCEEDED, up.diagnostics
    assert not up.diagnostics
    outputs = {name: output.value for name, output in up.outputs.items()}
    assert outputs["endpoint"].endswith("/v2/models/ensemble/generate")
    assert outputs["metricsUrl"].endswith(":8002/metrics")
    assert outputs["server"] == "triton (nvcr.io/nvidia/tritonserver:25.04-trtllm-python-py3)"
    # what it would download lies in the bucket
    assert "mixtral8x7b-token" not in {each.name for each in up.resources}
    assert set(rehearsal.up().changes) == {"same"}
    assert rehearsal.destroy().outcome is Outcome.SUCCEEDED
