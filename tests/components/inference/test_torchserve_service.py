"""InferenceService with TorchServe: an archive from a bucket, keys, metrics, and a cache of what is compiled."""

import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ts.arg_parser import ArgParser
from ts.model_server import load_properties

from components.inference import torchserve_checks
from components.inference.inference_checks import check_inference_service
from components.servers import SERVERS
from components.sizing import fit
from tests.components.guide import (
    GONE,
    container,
    deployment,
    environment,
    inputs,
    pod,
    record_service,
    service_args,
    volumes,
)
from tests.recording import Recording

MIXTRAL = "mistralai/Mixtral-8x7B-v0.1"
TORCHSERVE: dict[str, Any] = {
    "server": "torchserve",
    "model": MIXTRAL,
    "quantization": "int8",
    "accelerator": "nvidia-a100-80gb",
    "accelerators": 1,
    "resources": {"cpu": "10", "memory": "80Gi"},
    "sharedMemory": "8Gi",
    "storage": {"kind": "bucket", "bucket": "archives"},
    "serviceAccount": "reader",
    "port": 8080,
}
OPEN = {"torchserve__tokenAuthorization": False}


def recorded(**changes: Any) -> Recording:
    recording = record_service(service_args(TORCHSERVE, **changes))
    assert recording.error is None
    return recording


def found(**changes: Any) -> list[tuple[str, str, str]]:
    findings = check_inference_service("llm", service_args(TORCHSERVE, **changes))
    return [(finding.severity.value, finding.code, finding.path) for finding in findings]


@pytest.fixture(scope="module")
def recording() -> Recording:
    return recorded()


def config(recording: Recording) -> dict[str, str]:
    """The server's configuration, read as TorchServe's own start reads it."""
    (text,) = inputs(recording, "core/v1:ConfigMap", "llm-files")["data"].values()
    (path := Path("config.properties")).write_text(text)
    return load_properties(str(path))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_server_understands_its_command_line(recording: Recording) -> None:
    only = container(recording)
    assert only["image"] == "docker.io/pytorch/torchserve:0.12.0-gpu"
    # the image's own command switches the keys off
    assert only["command"] == ["torchserve"]
    flags = vars(ArgParser.ts_parser().parse_args(only["args"]))
    assert {name: value for name, value in flags.items() if value} == {
        "start": True,
        "foreground": True,
        "no_config_snapshots": True,
        "ts_config": "/etc/llm-serving/config.properties",
        "model_store": f"/models/torchserve/{MIXTRAL}/int8-1",
        "models": ["gpt_fast_mixtral_moe=gpt_fast_mixtral_moe"],
    }


def test_the_configuration(recording: Recording) -> None:
    assert config(recording) == {
        "inference_address": "http://0.0.0.0:8080",
        "management_address": "http://127.0.0.1:8081",
        "metrics_address": "http://0.0.0.0:8082",
        "grpc_inference_address": "127.0.0.1",
        "grpc_management_address": "127.0.0.1",
        "metrics_mode": "prometheus",
        "disable_token_authorization": "false",
        "token_expiration_min": "525600",
        "enable_model_api": "false",
        "enable_envvars_config": "false",
        "allowed_urls": "file:///models/.*",
    }
    assert config(recorded(**OPEN))["disable_token_authorization"] == "true"
    assert config(recorded(torchserve__keyDays=1))["token_expiration_min"] == "1440"


def test_the_files_come_as_a_config_map_that_restarts_the_pods(recording: Recording) -> None:
    files = inputs(recording, "core/v1:ConfigMap", "llm-files")
    assert files["immutable"] is True
    assert "name" not in files["metadata"]
    assert volumes(recording)["files"] == {"configMap": {"name": "llm-files-12345678"}}
    assert {"name": "files", "mountPath": "/etc/llm-serving", "readOnly": True} in container(recording)["volumeMounts"]


def test_what_is_compiled_is_kept(recording: Recording) -> None:
    assert environment(recording) == {
        "TORCHINDUCTOR_CACHE_DIR": "/cache/inductor",
        "TRITON_CACHE_DIR": "/cache/triton",
        "TORCHINDUCTOR_FX_GRAPH_CACHE": "1",
        "READY_FILE": "/tmp/model-ready",
    }
    assert {"name": "cache", "mountPath": "/cache"} in container(recording)["volumeMounts"]
    assert volumes(recording)["cache"] == {"persistentVolumeClaim": {"claimName": "llm-compile-cache"}}
    claim = inputs(recording, "PersistentVolumeClaim", "llm-compile-cache")
    assert claim["spec"] == {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}}
    # its class binds it when there is a pod, which comes later
    assert claim["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}
    assert "llm-compile-cache" in recording["Deployment", "llm"].depends_on()
    # the image's user is not root
    assert pod(recording)["securityContext"] == {
        "seccompProfile": {"type": "RuntimeDefault"},
        "runAsUser": 1000,
        "runAsNonRoot": True,
        "fsGroup": 1000,
    }
    # its keys, logs and temporary files are in folders of the image
    assert "readOnlyRootFilesystem" not in container(recording)["securityContext"]


def test_several_pods_cannot_share_a_disk() -> None:
    several = recorded(**OPEN, replicas=2, torchserve__compileCacheSize="5Gi")
    assert several.of("PersistentVolumeClaim") == []
    assert volumes(several)["cache"] == {"emptyDir": {"sizeLimit": "5Gi"}}


def test_probes_know_the_key_and_wait_for_the_compiler(recording: Recording) -> None:
    only = container(recording)
    is_loaded = {"command": ["test", "-f", "/tmp/model-ready"]}
    assert only["startupProbe"] == {
        "exec": is_loaded,
        "periodSeconds": 10,
        "timeoutSeconds": 5,
        # 93.4 GB at the slowest, and 10 minutes for all else
        "failureThreshold": 434,
    }
    assert only["readinessProbe"]["exec"] == is_loaded
    # /ping asks for the key, too
    assert "httpGet" not in only["livenessProbe"]
    program = only["livenessProbe"]["exec"]["command"]
    assert program[:2] == ["python", "-c"]
    compile(program[2], "probe", "exec")
    assert container(recorded(**OPEN))["livenessProbe"]["httpGet"] == {"path": "/ping", "port": "http"}


def test_management_is_reached_from_nowhere(recording: Recording) -> None:
    ports = inputs(recording, "core/v1:Service", "llm-service")["spec"]["ports"]
    assert [(port["name"], port["port"], port["targetPort"]) for port in ports] == [
        ("http", 8080, "http"),
        ("metrics", 8082, "metrics"),
    ]
    assert container(recording)["ports"] == [
        {"name": "http", "containerPort": 8080},
        {"name": "metrics", "containerPort": 8082},
    ]


def test_try_it_bears_the_key_as_printed(recording: Recording, tmp_path: Path) -> None:
    outputs = recording["InferenceService", "llm"].outputs
    assert outputs is not None
    # with a kubectl that runs the command where the key file lies, and a curl that says what it was given
    (tmp_path / "key_file.json").write_text('{"inference": {"key": "s3cret"}}')
    for name, line in {
        "kubectl": f'while [ "$1" != -- ]; do shift; done; shift; shift; exec {sys.executable} "$@"',
        "curl": 'printf "%s\\n" "$@"',
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    line = outputs["tryIt"].replace("/home/model-server", str(tmp_path))
    said = subprocess.run(
        ["sh", "-c", line], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, capture_output=True, text=True, check=True
    )
    assert said.stdout.splitlines() == [
        "http://localhost:8080/predictions/gpt_fast_mixtral_moe",
        "-H",
        "Authorization: Bearer s3cret",
        "-H",
        "Content-Type: application/json",
        "-d",
        '{"prompt": "What is a mixture of experts?", "max_new_tokens": 64}',
    ]
    assert "deployment/llm --container llm" in outputs["tryIt"]
    opened = recorded(**OPEN)["InferenceService", "llm"].outputs
    assert opened is not None
    assert "Authorization" not in opened["tryIt"]
    assert shlex.split(opened["tryIt"])[0] == "curl"


def test_it_scales_on_a_gauge_made_of_the_counter() -> None:
    recording = recorded(
        **OPEN, autoscaling={"minReplicas": 1, "maxReplicas": 3, "queueSize": 2, "adapter": True}, poolAccelerators=3
    )
    monitoring = inputs(recording, "PodMonitoring", "llm-metrics")["spec"]
    assert monitoring["endpoints"] == [{"port": "metrics", "path": "/metrics", "interval": "15s"}]
    rules = inputs(recording, "Rules", "llm-rules")
    assert rules["apiVersion"] == "monitoring.googleapis.com/v1"
    # in the pods' namespace, of this service's pods only, summed over the model's labels
    assert rules["metadata"]["namespace"] == "default"
    waiting = 'rate(ts_queue_latency_microseconds{pod=~"llm-[a-z0-9]+-[a-z0-9]+"}[1m])'
    assert rules["spec"] == {
        "groups": [
            {
                "name": "llm",
                "interval": "15s",
                "rules": [
                    {
                        "record": "llm_serving_torchserve_waiting",
                        "expr": f"sum by (namespace, pod) ({waiting}) / 1000000",
                    }
                ],
            }
        ]
    }
    (metric,) = inputs(recording, "HorizontalPodAutoscaler", "llm-autoscaler")["spec"]["metrics"]
    assert metric["pods"]["metric"]["name"] == "prometheus.googleapis.com|llm_serving_torchserve_waiting|gauge"
    assert metric["pods"]["target"] == {"type": "AverageValue", "averageValue": "2"}
    assert "replicas" not in deployment(recording)


def test_what_fits() -> None:
    assert found() == []
    # in 16 bits, 87 GiB
    assert found(quantization=GONE) == [("error", "model-too-large", "accelerators")]
    assert found(quantization=GONE, accelerators=2) == []
    assert found(accelerator="nvidia-l4", accelerators=4) == []
    assert found(accelerator="nvidia-l4", accelerators=2) == [("error", "model-too-large", "accelerators")]
    assert found(accelerator="nvidia-l4", accelerators=3) == [("error", "shards-not-heads", "accelerators")]
    # where a server that copies heads would go on
    assert found(accelerators=16) == [("error", "tensor-parallel-heads", "accelerators")]
    assert found(shards=2) == [("error", "shards-not-accelerators", "shards")]


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"model": "mistralai/Mixtral-8x7B-Instruct-v0.1"}, "gpt-fast-model", "model"),
        ({"baseModel": MIXTRAL}, "gpt-fast-model", "baseModel"),
        ({"torchserve__maxSequenceLength": 40000}, "sequence-too-long", "torchserve.maxSequenceLength"),
        (
            {"accelerator": "nvidia-l4", "accelerators": 4, "model": MIXTRAL, "replicas": 2},
            "keys-differ",
            "torchserve.tokenAuthorization",
        ),
        ({**OPEN, "torchserve__keyDays": 3}, "keys-unused", "torchserve.keyDays"),
        ({"arguments": ["--disable-token-auth"]}, "torchserve-flag", "arguments[0]"),
        ({"arguments": ["--log-config=x", "--enable-model-api"]}, "torchserve-flag", "arguments[1]"),
        ({"environment": {"TS_CONFIG_FILE": "/etc/other"}}, "torchserve-flag", "environment.TS_CONFIG_FILE"),
        ({"torchserve__compileCacheSize": "ten"}, "quantity-invalid", "torchserve.compileCacheSize"),
        ({"torchserve__compileCacheSize": "0Gi"}, "quantity-invalid", "torchserve.compileCacheSize"),
        ({"quantization": "int4"}, "quantization-unknown", "quantization"),
        ({"storage": {"kind": "empty-dir", "size": "100Gi"}}, "storage-kind", "storage.kind"),
    ],
)
def test_refused(changes: dict[str, Any], code: str, path: str) -> None:
    assert found(**changes) == [("error", code, path)]


def test_the_cache_of_the_longest_request_fits_beside_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(torchserve__maxSequenceLength=32768) == []
    # where the weights leave room for less than the model was made for
    room = fit(MIXTRAL, "int8", "nvidia-a100-80gb", 1)
    monkeypatch.setattr(torchserve_checks, "fit", lambda *_: replace(room, kv_tokens=4096))
    assert found(torchserve__maxSequenceLength=4096) == []
    assert found(torchserve__maxSequenceLength=4097) == [("error", "sequence-too-long", "torchserve.maxSequenceLength")]


def test_other_servers_have_none_of_it() -> None:
    assert [name for name, server in SERVERS.items() if server.cache_path or server.ready_file] == ["torchserve"]
    other = check_inference_service(
        "llm", service_args(TORCHSERVE, server="triton", quantization=GONE, torchserve={}, accelerators=2)
    )
    assert [(finding.code, finding.path) for finding in other] == [("torchserve-unused", "torchserve")]
