"""The Job that fine-tunes: what it registers, and what of it is known when."""

import ast
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest

from components.findings import ConfigurationError
from components.jobs.fine_tune_checks import OWN_SETTINGS
from components.jobs.fine_tune_job import CODE, REFUSED, SCRIPT, FineTuneJob
from tests.components.guide import GONE, TOKEN, changed, inputs
from tests.recording import Recording, record

JOB = "batch/v1:Job"
KEY = "0123456789abcdef"

FINE_TUNE: dict[str, Any] = {
    "bucket": "weights",
    "serviceAccount": "trainer",
    "accelerator": "nvidia-l4",
    "token": TOKEN,
}


def record_fine_tune(*, preview: bool = False, **changes: Any) -> Recording:
    def program() -> None:
        there = kubernetes.Provider("there", kubeconfig="{}")
        args: Any = changed(FINE_TUNE, changes)
        FineTuneJob("tune", args, pulumi.ResourceOptions(providers=[there]))

    return record(program, preview=preview)


@pytest.fixture(scope="module")
def guide() -> Recording:
    recording = record_fine_tune()
    assert recording.error is None
    return recording


def pod(recording: Recording) -> dict[str, Any]:
    return inputs(recording, JOB, "tune")["spec"]["template"]


def container(recording: Recording) -> dict[str, Any]:
    (only,) = pod(recording)["spec"]["containers"]
    return only


def test_the_job(guide: Recording) -> None:
    # exactly so: no ttlSecondsAfterFinished, which would take the logs away and start the next `up` training again, and
    # no name, so that a changed one can begin before the old one is gone
    resources = {"cpu": "6", "memory": "24Gi", "nvidia.com/gpu": "1"}
    assert inputs(guide, JOB, "tune") == {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"namespace": "default", "labels": {"app": "tune"}},
        "spec": {
            "backoffLimit": 3,
            "activeDeadlineSeconds": 86400,
            "podFailurePolicy": {
                "rules": [
                    {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                    {
                        "action": "FailJob",
                        "onExitCodes": {"containerName": "finetune", "operator": "In", "values": [78]},
                    },
                ]
            },
            "template": {
                "metadata": {
                    "labels": {"app": "tune"},
                    "annotations": {
                        "gke-gcsfuse/volumes": "true",
                        "gke-gcsfuse/cpu-limit": "0",
                        "gke-gcsfuse/memory-limit": "0",
                        "gke-gcsfuse/ephemeral-storage-limit": "0",
                    },
                },
                "spec": {
                    "restartPolicy": "Never",
                    "serviceAccountName": "trainer",
                    "automountServiceAccountToken": False,
                    "enableServiceLinks": False,
                    "terminationGracePeriodSeconds": 25,
                    "nodeSelector": {
                        "cloud.google.com/gke-accelerator": "nvidia-l4",
                        "cloud.google.com/gke-spot": "true",
                    },
                    "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
                    "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
                    "containers": [
                        {
                            "name": "finetune",
                            "image": "python:3.12.12-slim-bookworm",
                            "command": ["sh", "-ec", SCRIPT, "finetune"],
                            "args": [
                                "--output=/bucket/finetune",
                                "--models=mistralai/Mistral-7B-Instruct-v0.3,meta-llama/Llama-3.2-3B-Instruct",
                                "--rank=16",
                                "--batch-size=2",
                                "--max-length=1024",
                                "--dtype=bfloat16",
                                "--save=merged",
                            ],
                            "workingDir": "/app",
                            "env": [
                                {"name": "HF_HOME", "value": "/scratch/huggingface"},
                                {"name": "TMPDIR", "value": "/scratch/"},
                                {"name": "WANDB_DIR", "value": "/scratch/"},
                                {
                                    "name": "HF_TOKEN",
                                    "valueFrom": {"secretKeyRef": {"name": "tune-tokens", "key": "HF_TOKEN"}},
                                },
                            ],
                            "resources": {"requests": resources, "limits": resources},
                            "securityContext": {"allowPrivilegeEscalation": False},
                            "volumeMounts": [
                                {"name": "data", "mountPath": "/bucket"},
                                {"name": "code", "mountPath": "/app/finetune", "readOnly": True},
                                {"name": "scratch", "mountPath": "/scratch"},
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
                                    "bucketName": "weights",
                                    "mountOptions": "implicit-dirs",
                                    "skipCSIBucketAccessCheck": "true",
                                },
                            },
                        },
                        {"name": "code", "configMap": {"name": "tune-code"}},
                        {
                            "name": "scratch",
                            "ephemeral": {
                                "volumeClaimTemplate": {
                                    "spec": {
                                        "accessModes": ["ReadWriteOnce"],
                                        "resources": {"requests": {"storage": "47Gi"}},
                                    }
                                }
                            },
                        },
                    ],
                },
            },
        },
    }


def test_the_code_is_all_that_the_fine_tune_needs(guide: Recording) -> None:
    config = guide["ConfigMap", "tune-code"]
    assert config.inputs["metadata"] == {"name": "tune-code", "namespace": "default"}
    files = {path.name: path.read_text() for path in CODE.iterdir() if path.is_file()}
    assert config.inputs["data"] == files
    assert {"__main__.py", "settings.py", "train.py", "requirements.txt", "constraints.txt"} <= files.keys()
    # the most that a ConfigMap takes
    assert sum(map(len, files.values())) < 1024**2


def test_the_script_installs_what_is_pinned_and_becomes_the_fine_tune() -> None:
    assert SCRIPT.splitlines() == [
        "python -m venv --clear /scratch/venv",
        "/scratch/venv/bin/pip install --no-cache-dir --disable-pip-version-check --progress-bar=off"
        " --requirement=/app/finetune/requirements.txt --constraint=/app/finetune/constraints.txt",
        'exec /scratch/venv/bin/python -m finetune "$@"',
    ]
    for file in ("requirements.txt", "constraints.txt"):
        pins = [line for line in (CODE / file).read_text().splitlines() if not line.startswith("#")]
        assert all(pin.count("==") == 1 for pin in pins)


def test_flags_are_settings_of_the_fine_tune() -> None:
    """Not imported, since the settings need packages that only the fine-tune has."""
    tree = ast.parse((CODE / "settings.py").read_text())
    (model,) = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Settings"]
    known = {ast.unparse(node.target) for node in model.body if isinstance(node, ast.AnnAssign)}
    recording = record_fine_tune(pushTo="me/mine", private=False, wandbApiKey=KEY)
    given = [flag.partition("=")[0].removeprefix("--").replace("-", "_") for flag in container(recording)["args"]]
    assert set(given) <= known
    assert OWN_SETTINGS.keys() <= known
    # what it exits with when another try cannot help
    assert f"REFUSED = {REFUSED}\n" in (CODE / "__main__.py").read_text()


def test_tokens_are_secrets_and_in_nothing_else() -> None:
    recording = record_fine_tune(wandbApiKey=KEY)
    secret = recording["Secret", "tune-tokens"]
    assert secret.secret("stringData", "HF_TOKEN") == TOKEN
    assert secret.secret("stringData", "WANDB_API_KEY") == KEY
    assert secret.inputs["metadata"] == {"name": "tune-tokens", "namespace": "default"}
    for other in (recording[JOB, "tune"], recording["ConfigMap", "tune-code"]):
        assert TOKEN not in str(other.inputs)
        assert KEY not in str(other.inputs)
    assert "--wandb=true" in container(recording)["args"]
    reference = {"secretKeyRef": {"name": "tune-tokens", "key": "WANDB_API_KEY"}}
    assert container(recording)["env"][-1] == {"name": "WANDB_API_KEY", "valueFrom": reference}


def test_without_tokens_there_is_no_secret() -> None:
    recording = record_fine_tune(token=GONE, models=["me/open"])
    assert recording.error is None
    assert not recording.of("Secret")
    assert {variable["name"] for variable in container(recording)["env"]} == {"HF_HOME", "TMPDIR", "WANDB_DIR"}


def test_it_runs_again_for_changed_arguments_alone(guide: Recording) -> None:
    assert inputs(record_fine_tune(token="hf_another"), JOB, "tune") == inputs(guide, JOB, "tune")
    for changes in ({"rank": 8}, {"models": ["me/open"]}, {"settings": {"epochs": "2"}}, {"folder": "other"}):
        assert pod(record_fine_tune(**changes)) != pod(guide)
    # nor does it through the engine, which replaces what takes a property of what is replaced
    of_properties = guide[JOB, "tune"].request.propertyDependencies
    assert not [urn for taken in of_properties.values() for urn in taken.urns]
    # though the others are there first
    assert {"tune-tokens", "tune-code"} <= guide[JOB, "tune"].depends_on()


def test_parents_provider_and_timeouts(guide: Recording) -> None:
    for kind, name in ((JOB, "tune"), ("Secret", "tune-tokens"), ("ConfigMap", "tune-code")):
        assert (guide[kind, name].parent, guide[kind, name].provider()) == ("tune", "there")
    timeouts = guide[JOB, "tune"].request.customTimeouts
    assert (timeouts.create, timeouts.update, timeouts.delete) == ("86700s", "86700s", "15m")
    assert {resource.type for resource in guide.resources} == {
        "pulumi:pulumi:Stack",
        "pulumi:providers:kubernetes",
        "llm-serving:index:FineTuneJob",
        "kubernetes:core/v1:ConfigMap",
        "kubernetes:core/v1:Secret",
        "kubernetes:batch/v1:Job",
    }


def test_outputs_are_known_when_the_job_is_done(guide: Recording) -> None:
    assert guide["FineTuneJob", "tune"].outputs == {
        "bucket": "weights",
        "folder": "finetune/best",
        "jobName": "tune-12345678",
    }
    outputs = record_fine_tune(preview=True)["FineTuneJob", "tune"].outputs or {}
    # known all along, and still a server that takes them has to wait
    assert outputs["bucket"] == outputs["folder"] == pulumi.runtime.rpc.UNKNOWN


def test_the_folder_of_the_best_is_the_one_that_the_fine_tune_writes() -> None:
    assert 'settings.output / "best"' in (CODE / "publish.py").read_text()


def test_autopilot() -> None:
    driver = {"cloud.google.com/gke-gpu-driver-version": "latest"}
    recording = record_fine_tune(autopilot=True, nodeSelector=driver)
    assert pod(recording)["metadata"]["annotations"] == {
        "gke-gcsfuse/volumes": "true",
        "gke-gcsfuse/cpu-limit": "1",
        "gke-gcsfuse/memory-limit": "2Gi",
        "gke-gcsfuse/ephemeral-storage-limit": "5Gi",
    }
    assert pod(recording)["spec"]["nodeSelector"] == {
        "cloud.google.com/gke-accelerator": "nvidia-l4",
        "cloud.google.com/gke-spot": "true",
        "cloud.google.com/gke-gpu-driver-version": "latest",
    }


def test_on_demand() -> None:
    spec = pod(record_fine_tune(spot=False))["spec"]
    assert spec["nodeSelector"] == {"cloud.google.com/gke-accelerator": "nvidia-l4"}
    assert spec["terminationGracePeriodSeconds"] == 120


def test_all_else_that_can_be_set() -> None:
    recording = record_fine_tune(
        models=["meta-llama/Llama-3.2-3B-Instruct"],
        accelerator="nvidia-tesla-t4",
        folder="models/samsum",
        rank=8,
        batchSize=1,
        maxLength=512,
        save="adapter",
        pushTo="me/mine",
        private=False,
        settings={"epochs": "2", "messages_column": "messages"},
        resources={"cpu": "3", "memory": "12Gi", "ephemeralStorage": "2Gi"},
        diskSizeGb=60,
        storageClass="premium-rwo",
        namespace="models",
        image="example.com/python:1",
        hours=6,
    )
    found = container(recording)
    assert found["args"] == [
        "--output=/bucket/models/samsum",
        "--models=meta-llama/Llama-3.2-3B-Instruct",
        "--rank=8",
        "--batch-size=1",
        "--max-length=512",
        "--dtype=float16",
        "--save=adapter",
        "--push-to=me/mine",
        "--private=false",
        "--epochs=2",
        "--messages-column=messages",
    ]
    assert found["image"] == "example.com/python:1"
    assert found["resources"]["limits"] == {
        "cpu": "3",
        "memory": "12Gi",
        "ephemeral-storage": "2Gi",
        "nvidia.com/gpu": "1",
    }
    claim = pod(recording)["spec"]["volumes"][-1]["ephemeral"]["volumeClaimTemplate"]["spec"]
    assert claim == {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "premium-rwo",
        "resources": {"requests": {"storage": "60Gi"}},
    }
    assert inputs(recording, JOB, "tune")["spec"]["activeDeadlineSeconds"] == 6 * 3600
    assert (recording["FineTuneJob", "tune"].outputs or {})["folder"] == "models/samsum/best"
    for kind, name in ((JOB, "tune"), ("Secret", "tune-tokens"), ("ConfigMap", "tune-code")):
        assert recording[kind, name].inputs["metadata"]["namespace"] == "models"


def test_a_refused_fine_tune_registers_nothing() -> None:
    recording = record_fine_tune(token=GONE)
    assert isinstance(recording.error, ConfigurationError)
    assert {resource.type for resource in recording.resources} == {
        "pulumi:pulumi:Stack",
        "pulumi:providers:kubernetes",
    }
