"""The Job that prepares an archive for TorchServe: what it registers, and what of it is known when."""

import json
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest

from components.findings import ConfigurationError
from components.jobs.gpt_fast import WORKLOAD
from components.jobs.model_archive_job import ModelArchiveJob
from tests.components.guide import GONE, TOKEN, changed, inputs
from tests.recording import Recording, record

JOB = "batch/v1:Job"
MIXTRAL = "mistralai/Mixtral-8x7B-v0.1"

PREPARATION: dict[str, Any] = {
    "model": MIXTRAL,
    "bucket": "archives",
    "serviceAccount": "writer",
    "machineType": "n2-standard-16",
    "diskSizeGb": 350,
    "quantization": "int8",
    "startupSeconds": 4337,
    "token": TOKEN,
}


def record_preparation(*, preview: bool = False, **changes: Any) -> Recording:
    def program() -> None:
        there = kubernetes.Provider("there", kubeconfig="{}")
        args: Any = changed(PREPARATION, changes)
        ModelArchiveJob("archive", args, pulumi.ResourceOptions(providers=[there]))

    return record(program, preview=preview)


@pytest.fixture(scope="module")
def guide() -> Recording:
    recording = record_preparation()
    assert recording.error is None
    return recording


def settings(recording: Recording) -> dict[str, Any]:
    return json.loads(inputs(recording, "core/v1:ConfigMap", "archive-scripts")["data"]["settings.json"])


def test_the_job(guide: Recording) -> None:
    # exactly so: no GPU, no token in the environment, and no ttlSecondsAfterFinished, which would take the logs away
    # and start the next `up` preparing again
    resources = {"cpu": "8", "memory": "52Gi", "ephemeral-storage": "190Gi"}
    assert inputs(guide, JOB, "archive") == {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"namespace": "default", "labels": {"app": "archive"}},
        "spec": {
            "backoffLimit": 2,
            "activeDeadlineSeconds": 26577,
            "podFailurePolicy": {
                "rules": [
                    {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                ]
            },
            "template": {
                "metadata": {
                    "labels": {"app": "archive"},
                    "annotations": {
                        "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
                        "gke-gcsfuse/volumes": "true",
                        "gke-gcsfuse/cpu-limit": "0",
                        "gke-gcsfuse/memory-limit": "0",
                        "gke-gcsfuse/ephemeral-storage-limit": "0",
                    },
                },
                "spec": {
                    "restartPolicy": "Never",
                    "serviceAccountName": "writer",
                    "automountServiceAccountToken": False,
                    "enableServiceLinks": False,
                    "nodeSelector": {"node.kubernetes.io/instance-type": "n2-standard-16"},
                    "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
                    "containers": [
                        {
                            "name": "preparation",
                            "image": "docker.io/pytorch/torchserve:0.12.0-cpu",
                            "command": ["python", "/scripts/prepare.py", "/scripts/settings.json"],
                            "env": [
                                {"name": "HF_HOME", "value": "/scratch/huggingface"},
                                {"name": "HF_HUB_DISABLE_PROGRESS_BARS", "value": "1"},
                                {"name": "TOKEN_FILE", "value": "/huggingface/HF_TOKEN"},
                            ],
                            "resources": {"requests": resources, "limits": resources},
                            "securityContext": {"runAsUser": 0, "allowPrivilegeEscalation": False},
                            "volumeMounts": [
                                {"name": "data", "mountPath": "/models"},
                                {"name": "scratch", "mountPath": "/scratch"},
                                {"name": "scripts", "mountPath": "/scripts", "readOnly": True},
                                {"name": "token", "mountPath": "/huggingface", "readOnly": True},
                            ],
                        }
                    ],
                    "volumes": [
                        {
                            "name": "data",
                            "csi": {
                                "driver": "gcsfuse.csi.storage.gke.io",
                                "readOnly": False,
                                "volumeAttributes": {
                                    "bucketName": "archives",
                                    "mountOptions": "implicit-dirs",
                                    "skipCSIBucketAccessCheck": "true",
                                },
                            },
                        },
                        {"name": "scratch", "emptyDir": {"sizeLimit": "190Gi"}},
                        {"name": "scripts", "configMap": {"name": "archive-scripts-12345678"}},
                        {"name": "token", "secret": {"secretName": "archive-token", "defaultMode": 256}},
                    ],
                },
            },
        },
    }


def test_the_scripts_and_what_is_pinned(guide: Recording) -> None:
    scripts = inputs(guide, "core/v1:ConfigMap", "archive-scripts")
    assert scripts["immutable"] is True
    assert "name" not in scripts["metadata"]
    assert set(scripts["data"]) == {"prepare.py", "warm_handler.py", "settings.json"}
    for name in ("prepare.py", "warm_handler.py"):
        assert scripts["data"][name] == (WORKLOAD / name).read_text()
    told = settings(guide)
    gpt_fast = "https://raw.githubusercontent.com/pytorch-labs/gpt-fast/32971d3129541c5bfb4f715abc33d1c5f408d204"
    assert told["source"]["scripts/convert_hf_checkpoint.py"]["url"] == (
        f"{gpt_fast}/mixtral-moe/scripts/convert_hf_checkpoint.py"
    )
    assert all(len(pin["sha256"]) == 64 for pin in told["source"].values())
    # the guide's extra files, and the handler that the archive's own handler is made of
    assert told["archived"] == ["generate.py", "model.py", "quantize.py", "tp.py", "handler.py"]
    assert all("==" in package for package in told["libraries"] + told["tools"])
    assert told["checkpoints"] == f"/models/gpt-fast/{MIXTRAL}"
    assert told["model_store"] == f"/models/torchserve/{MIXTRAL}/int8-1"


def test_one_gpu(guide: Recording) -> None:
    # absolute paths, no profiling, and time to load and compile
    assert settings(guide)["config"] == {
        "minWorkers": 1,
        "maxWorkers": 1,
        "maxBatchDelay": 200,
        "responseTimeout": 300,
        "startupTimeout": 4337,
        "maxRetryTimeoutInSec": 4337,
        "deviceType": "gpu",
        "handler": {
            "converted_ckpt_dir": f"/models/gpt-fast/{MIXTRAL}/model_int8.pth",
            "compile": True,
            "fx_graph_cache": True,
            "stream": True,
            "max_sequence_length": 2048,
        },
    }


@pytest.mark.parametrize("gpus", [2, 4, 8])
def test_tensor_parallelism_over_as_many_gpus_as_there_are(gpus: int) -> None:
    told = settings(record_preparation(shards=gpus, quantization=GONE, maxSequenceLength=4096))
    config = told["config"]
    assert (config["parallelType"], config["torchrun"]) == ("tp", {"nproc-per-node": gpus})
    assert config["handler"] == {
        "converted_ckpt_dir": f"/models/gpt-fast/{MIXTRAL}/model.pth",
        "compile": True,
        "fx_graph_cache": True,
        "stream": False,
        "max_sequence_length": 4096,
    }
    assert told["quantized"] is False
    assert told["model_store"].endswith(f"/bf16-{gpus}")


def test_the_token_is_a_secret_and_starts_nothing_again(guide: Recording) -> None:
    secret = guide["core/v1:Secret", "archive-token"]
    assert secret.secret("stringData", "HF_TOKEN") == TOKEN
    assert TOKEN not in str(inputs(guide, "core/v1:ConfigMap", "archive-scripts"))
    other = record_preparation(token="hf_other")
    assert inputs(other, JOB, "archive") == inputs(guide, JOB, "archive")
    assert "archive-token" in guide[JOB, "archive"].depends_on()


def test_two_never_write_at_a_time(guide: Recording) -> None:
    assert guide[JOB, "archive"].request.deleteBeforeReplace is True


def test_what_is_known_when(guide: Recording) -> None:
    outputs = guide["ModelArchiveJob", "archive"].outputs
    assert outputs is not None
    assert outputs["modelStore"] == f"gs://archives/torchserve/{MIXTRAL}/int8-1"
    assert outputs["jobName"] == "archive-12345678"
    planned = record_preparation(preview=True)["ModelArchiveJob", "archive"].outputs
    assert planned is not None
    assert planned["bucket"] != "archives"  # not before the Job is done


def test_memory_follows_from_what_is_done() -> None:
    (only,) = inputs(record_preparation(quantization=GONE), JOB, "archive")["spec"]["template"]["spec"]["containers"]
    assert only["resources"]["limits"]["memory"] == "37Gi"


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"model": "mistralai/Mixtral-8x7B-Instruct-v0.1"}, "gpt-fast-model", "model"),
        ({"token": GONE}, "token-missing", "token"),
        ({"quantization": "int4"}, "quantization-unknown", "quantization"),
        ({"machineType": "a2-ultragpu-1g"}, "conversion-accelerator", "machineType"),
        ({"machineType": "n2-standard-8"}, "conversion-memory", "machineType"),
        ({"diskSizeGb": GONE}, "conversion-disk", "diskSizeGb"),
        ({"shards": 0}, "wrong-value", "shards"),
    ],
)
def test_refused(changes: dict[str, Any], code: str, path: str) -> None:
    recording = record_preparation(**changes)
    assert isinstance(recording.error, ConfigurationError)
    assert [(finding.code, finding.path) for finding in recording.error.findings] == [(code, path)]
    assert recording.of(JOB) == []
