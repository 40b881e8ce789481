"""The Job that converts a checkpoint: what it registers, and what of it is known when."""

from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest

from components.findings import ConfigurationError
from components.jobs.conversion_job import ConversionJob
from tests.components.guide import GONE, TOKEN, changed, inputs
from tests.recording import Recording, record

JOB = "batch/v1:Job"
LLAMA = "meta-llama/Llama-2-7b-hf"

CONVERSION: dict[str, Any] = {
    "model": LLAMA,
    "bucket": "weights",
    "serviceAccount": "converter",
    "machineType": "n2-standard-16",
    "diskSizeGb": 200,
    "token": TOKEN,
}


def record_conversion(*, preview: bool = False, **changes: Any) -> Recording:
    def program() -> None:
        there = kubernetes.Provider("there", kubeconfig="{}")
        args: Any = changed(CONVERSION, changes)
        ConversionJob("convert", args, pulumi.ResourceOptions(providers=[there]))

    return record(program, preview=preview)


@pytest.fixture(scope="module")
def guide() -> Recording:
    recording = record_conversion()
    assert recording.error is None
    return recording


def container(recording: Recording) -> dict[str, Any]:
    (only,) = inputs(recording, JOB, "convert")["spec"]["template"]["spec"]["containers"]
    return only


def test_the_job(guide: Recording) -> None:
    # exactly so: no ttlSecondsAfterFinished, which would take the logs away and start the next `up` converting again,
    # no chips, and no name, so that a changed one can begin before the old one is gone
    resources = {"cpu": "4", "memory": "46Gi", "ephemeral-storage": "54Gi"}
    assert inputs(guide, JOB, "convert") == {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"namespace": "default", "labels": {"app": "convert"}},
        "spec": {
            "backoffLimit": 2,
            "activeDeadlineSeconds": 9352,
            "podFailurePolicy": {
                "rules": [
                    {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                ]
            },
            "template": {
                "metadata": {
                    "labels": {"app": "convert"},
                    "annotations": {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"},
                },
                "spec": {
                    "restartPolicy": "Never",
                    "serviceAccountName": "converter",
                    "automountServiceAccountToken": False,
                    "enableServiceLinks": False,
                    "nodeSelector": {"node.kubernetes.io/instance-type": "n2-standard-16"},
                    "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
                    "containers": [
                        {
                            "name": "converter",
                            "image": "us-docker.pkg.dev/cloud-tpu-images/inference/inference-checkpoint:v0.2.3",
                            "command": ["bash", "-e", "/usr/bin/checkpoint_converter.sh"],
                            "args": [
                                "-s=jetstream-pytorch",
                                "-m=meta-llama/Llama-2-7b-hf",
                                "-h=True",
                                "-o=gs://weights/pytorch/llama-2-7b/final/bf16/",
                                "-n=llama-2",
                                "-q=False",
                                "-v=jetstream-v0.2.3",
                            ],
                            "env": [{"name": "JAX_PLATFORMS", "value": "cpu"}],
                            "resources": {"requests": resources, "limits": resources},
                            "securityContext": {"allowPrivilegeEscalation": False},
                            "volumeMounts": [{"name": "token", "mountPath": "/huggingface", "readOnly": True}],
                        }
                    ],
                    "volumes": [{"name": "token", "secret": {"secretName": "convert-token", "defaultMode": 0o400}}],
                },
            },
        },
    }


def test_the_token_is_a_secret_in_the_file_that_the_script_reads(guide: Recording) -> None:
    secret = guide["Secret", "convert-token"]
    assert secret.secret("stringData", "HUGGINGFACE_TOKEN") == TOKEN
    assert secret.inputs["metadata"] == {"name": "convert-token", "namespace": "default"}
    assert TOKEN not in str(guide[JOB, "convert"].inputs)


def test_a_new_token_does_not_start_the_conversion_again(guide: Recording) -> None:
    renewed = record_conversion(token="hf_another")
    assert inputs(renewed, JOB, "convert") == inputs(guide, JOB, "convert")
    # nor does it through the engine, which replaces what takes a property of what is replaced
    of_properties = guide[JOB, "convert"].request.propertyDependencies
    assert not [urn for taken in of_properties.values() for urn in taken.urns]
    # though the Secret is there first
    assert "convert-token" in guide[JOB, "convert"].depends_on()


def test_parents_provider_and_timeouts(guide: Recording) -> None:
    for kind, name in ((JOB, "convert"), ("Secret", "convert-token")):
        assert (guide[kind, name].parent, guide[kind, name].provider()) == ("convert", "there")
    timeouts = guide[JOB, "convert"].request.customTimeouts
    # longer than the Job's own limit: 15 minutes for a node, and three times 40 GB at 25 MB/s and 20 minutes
    assert (timeouts.create, timeouts.update, timeouts.delete) == ("9652s", "9652s", "15m")
    assert {resource.type for resource in guide.resources} == {
        "pulumi:pulumi:Stack",
        "pulumi:providers:kubernetes",
        "llm-serving:index:ConversionJob",
        "kubernetes:core/v1:Secret",
        "kubernetes:batch/v1:Job",
    }


def test_outputs_are_known_when_the_job_is_done(guide: Recording) -> None:
    assert guide["ConversionJob", "convert"].outputs == {
        "bucket": "weights",
        "checkpoint": "gs://weights/pytorch/llama-2-7b/final/bf16",
        "jobName": "convert-12345678",
    }
    preview = record_conversion(preview=True)
    outputs = preview["ConversionJob", "convert"].outputs or {}
    # the name of the bucket is known all along, and still a server that takes it has to wait
    assert outputs["bucket"] == outputs["checkpoint"] == pulumi.runtime.rpc.UNKNOWN


def test_a_server_that_takes_the_bucket_starts_after() -> None:
    def program() -> None:
        there = kubernetes.Provider("there", kubeconfig="{}")
        args: Any = CONVERSION
        job = ConversionJob("convert", args, pulumi.ResourceOptions(providers=[there]))
        kubernetes.core.v1.ConfigMap("server", data={"bucket": job.bucket})

    recording = record(program)
    assert recording.error is None
    assert "convert" in recording["ConfigMap", "server"].depends_on()


@pytest.mark.parametrize(
    ("model", "name", "folder", "memory", "disk"),
    [
        ("meta-llama/Meta-Llama-3-8B", "llama-3", "llama-3-8b", "53Gi", "61Gi"),
        ("google/gemma-2b-pytorch", "gemma", "gemma-2b", "23Gi", "31Gi"),
    ],
)
def test_the_guides_other_models(model: str, name: str, folder: str, memory: str, disk: str) -> None:
    found = container(record_conversion(model=model))
    assert {f"-m={model}", f"-n={name}", f"-o=gs://weights/pytorch/{folder}/final/bf16/"} <= set(found["args"])
    assert (found["resources"]["limits"]["memory"], found["resources"]["limits"]["ephemeral-storage"]) == (memory, disk)


def test_weights_of_your_own_are_read_from_the_bucket() -> None:
    recording = record_conversion(ownWeights=True, token=GONE)
    found, spec = container(recording), inputs(recording, JOB, "convert")["spec"]["template"]
    assert found["args"] == [
        "-s=jetstream-pytorch",
        "-m=/models",
        "-i=gs://weights/llama-2-7b/base/",
        "-h=False",
        "-o=gs://weights/pytorch/llama-2-7b/final/bf16/",
        "-n=llama-2",
        "-q=False",
        "-v=jetstream-v0.2.3",
    ]
    assert found["volumeMounts"] == [{"name": "data", "mountPath": "/models", "readOnly": True}]
    assert found["resources"]["limits"]["ephemeral-storage"] == "29Gi"
    (volume,) = spec["spec"]["volumes"]
    assert volume["csi"]["volumeAttributes"]["bucketName"] == "weights"
    assert spec["metadata"]["annotations"]["gke-gcsfuse/volumes"] == "true"
    assert not recording.of("Secret")


def test_quantized() -> None:
    found = container(record_conversion(model="google/gemma-2b-pytorch", quantized=True))
    assert {
        "-q=True",
        "-t=int8_per_channel",
        "-o=gs://weights/pytorch/gemma-2b/final/int8/",
    } <= set(found["args"])


def test_other_namespace_and_image() -> None:
    recording = record_conversion(namespace="models", image="example.com/converter:1")
    assert container(recording)["image"] == "example.com/converter:1"
    for kind, name in ((JOB, "convert"), ("Secret", "convert-token")):
        assert recording[kind, name].inputs["metadata"]["namespace"] == "models"


def test_a_refused_conversion_registers_nothing() -> None:
    recording = record_conversion(model="google/gemma-2b")
    assert isinstance(recording.error, ConfigurationError)
    assert {resource.type for resource in recording.resources} == {
        "pulumi:pulumi:Stack",
        "pulumi:providers:kubernetes",
    }
