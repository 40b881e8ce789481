"""The service of seeds/001, with its mistakes repaired, and how tests change it."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.findings import Finding
from components.inference.inference_checks import check_inference_service
from components.inference.inference_service import InferenceService
from components.inference.inference_service_args import InferenceServiceArgs
from tests.components.guide import GONE, TOKEN, changed
from tests.recording import Recording, record

BASE = "mistralai/Mistral-7B-Instruct-v0.3"
TUNED = "Prat/Mistral-7B-Instruct-v0.3_summarizer_v1"

LABELS = {
    "ai.gke.io/model": "mistral-7B-instruct-v0.3",
    "ai.gke.io/inference-server": "vllm",
    "examples.ai.gke.io/source": "user-guide",
}

VLLM: dict[str, Any] = {
    "server": "vllm",
    "model": TUNED,
    "baseModel": BASE,
    "accelerator": "nvidia-l4",
    "accelerators": 1,
    "autopilot": True,
    "nodeSelector": {"cloud.google.com/gke-gpu-driver-version": "latest"},
    "podLabels": LABELS,
    "resources": {"cpu": "6", "memory": "24Gi", "ephemeralStorage": "4Gi"},
    "storage": {"kind": "ephemeral-volume", "storageClass": "premium-rwo", "size": "40Gi"},
    "port": 8000,
    "token": TOKEN,
}

DEMONSTRATION: dict[str, Any] = {"server": "vllm-generate"}
"""What makes it the guide's own entrypoint."""

STANDARD: dict[str, Any] = {"autopilot": GONE, "nodeSelector": GONE}
"""What puts it on a cluster with node pools of its own."""

FOLDER: dict[str, Any] = {"storage": {"kind": "bucket", "bucket": "weights", "folder": "models/mistral-7b"}}
"""What makes it serve a folder of a bucket, and download nothing."""

ADAPTERS: dict[str, Any] = {
    "model": BASE,
    "baseModel": GONE,
    "vllm": {
        "adapters": {
            "summarizer": {"folder": "adapters/mistral-7b", "baseModel": BASE, "rank": 16},
            "other": {"repository": "someone/other", "rank": 20},
        },
        "adaptersBucket": "tuned",
    },
}
"""What makes it serve the published model with two adapters."""


def vllm_args(changes: Mapping[str, Any] | None = None) -> InferenceServiceArgs:
    """The service with `changes`, by path."""
    return InferenceServiceArgs.parse(changed(VLLM, changes or {}))


def record_vllm(changes: Mapping[str, Any] | None = None, *, preview: bool = False) -> Recording:
    """What a program with the one service `llm` on the cluster of the provider `there` registers."""

    def program() -> None:
        there = kubernetes.Provider("there", kubeconfig="{}")
        InferenceService("llm", vllm_args(changes), pulumi.ResourceOptions(providers=[there]))

    recording = record(program, preview=preview)
    assert recording.error is None
    return recording


def findings(changes: Mapping[str, Any] | None = None) -> list[Finding]:
    """What is found wrong with the service."""
    return check_inference_service("llm", vllm_args(changes))


def said(found: list[Finding]) -> list[tuple[str, str, str, str]]:
    """What a test compares of findings: severity, code, path and remedy."""
    return [(finding.severity.value, finding.code, finding.path, finding.remedy) for finding in found]
