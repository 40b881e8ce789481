"""The cluster and the service of seeds/000, with its mistakes repaired, and how tests change them."""

import copy
from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.gke.gpu_cluster import GkeGpuCluster
from components.gke.gpu_cluster_args import GkeGpuClusterArgs
from components.inference.inference_service import InferenceService
from components.inference.inference_service_args import InferenceServiceArgs
from tests.recording import Recording, record

MODEL = "mistralai/Mixtral-8x7B-Instruct-v0.1"
TOKEN = "hf_0123456789"

CLUSTER: dict[str, Any] = {
    "location": "us-central1",
    "nodeLocations": ["us-central1-a", "us-central1-c"],
    "tags": ["web", "sftp"],
    "labels": {"env": "production", "team": "mixtral8x7"},
    "cpuPool": {"machineType": "n2d-standard-8", "nodes": 4, "minNodes": 3, "maxNodes": 6},
    "gpuPools": {
        "l4": {
            "machineType": "g2-standard-48",
            "acceleratorType": "nvidia-l4",
            "acceleratorCount": 4,
            "localSsds": 4,
            "zones": ["us-central1-a"],
            "nodes": 1,
            "minNodes": 1,
            "maxNodes": 2,
            "labels": {"accelerator": "nvidia-gpu"},
        }
    },
}

SERVICE: dict[str, Any] = {
    "server": "tgi",
    "model": MODEL,
    "quantization": "bitsandbytes-nf4",
    "accelerator": "nvidia-l4",
    "accelerators": 4,
    "shards": 4,
    "nodeSelector": {"accelerator": "nvidia-gpu"},
    "resources": {"cpu": "40", "memory": "160Gi"},
    "sharedMemory": "8Gi",
    "storage": {"kind": "host-path", "hostPath": "/mnt/stateful_partition/kube-ephemeral-ssd/x", "size": "150Gi"},
    "exposure": "public",
    "sourceRanges": ["198.51.100.0/24"],
    "serviceLabels": {"LLM_deployment": "true", "model_LoadBalancer": "true", "Ingress_Point": "true"},
    "region": "us-central1",
    "token": TOKEN,
}

CPU_SERVICE: dict[str, Any] = {
    "server": "llama-cpp",
    "model": "Qwen/Qwen2.5-0.5B-Instruct-GGUF",
    "modelFile": "qwen2.5-0.5b-instruct-q4_k_m.gguf",
    "resources": {"cpu": "2", "memory": "2Gi"},
    "storage": {"kind": "empty-dir", "size": "2Gi"},
}

GONE = object()
"""Value of a change that takes a setting away."""


def changed(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return `settings` with each value of `changes` at its path, whose parts a dot separates."""
    result = copy.deepcopy(dict(settings))
    for path, value in changes.items():
        place = result
        *parents, last = path.split(".")
        for parent in parents:
            place = place.setdefault(parent, {})
        if value is GONE:
            del place[last]
        else:
            # a later path may lead into it
            place[last] = copy.deepcopy(value) if isinstance(value, dict) else value
    return result


def cluster_args(**changes: Any) -> GkeGpuClusterArgs:
    """The guide's cluster with `changes`, a double underscore for each dot of a path."""
    return GkeGpuClusterArgs.parse(changed(CLUSTER, _paths(changes)))


def service_args(base: Mapping[str, Any] = SERVICE, **changes: Any) -> InferenceServiceArgs:
    """The guide's service with `changes`, likewise."""
    return InferenceServiceArgs.parse(changed(base, _paths(changes)))


def _paths(changes: Mapping[str, Any]) -> dict[str, Any]:
    return {path.replace("__", "."): value for path, value in changes.items()}


def record_cluster(args: Any = None, *, preview: bool = False, **changes: Any) -> Recording:
    """What a program with the one cluster `guide` registers."""
    wanted = args if args is not None else cluster_args(**changes)
    return record(lambda: GkeGpuCluster("guide", wanted), config={"gcp:project": "test-project"}, preview=preview)


def record_service(args: Any = None, *, preview: bool = False, **changes: Any) -> Recording:
    """What a program with the one service `llm` on the cluster of the provider `there` registers."""
    wanted = args if args is not None else service_args(**changes)

    def program() -> None:
        there = kubernetes.Provider("there", kubeconfig="{}")
        InferenceService("llm", wanted, pulumi.ResourceOptions(providers=[there]))

    return record(program, preview=preview)


def record_cpu_service(**changes: Any) -> Recording:
    """What a program with the one service `llm` on CPUs registers."""
    return record_service(service_args(CPU_SERVICE, **changes))


def inputs(recording: Recording, kind: str, name: str) -> dict[str, Any]:
    """The inputs of one resource of a program that was not refused."""
    assert recording.error is None
    return recording[kind, name].inputs


def deployment(recording: Recording) -> dict[str, Any]:
    return inputs(recording, "Deployment", "llm")["spec"]


def pod(recording: Recording) -> dict[str, Any]:
    return deployment(recording)["template"]["spec"]


def container(recording: Recording) -> dict[str, Any]:
    (only,) = pod(recording)["containers"]
    return only


def environment(recording: Recording) -> dict[str, Any]:
    return {
        variable["name"]: variable.get("value", variable.get("valueFrom")) for variable in container(recording)["env"]
    }


def volumes(recording: Recording) -> dict[str, Any]:
    return {
        volume["name"]: {key: volume[key] for key in volume if key != "name"} for volume in pod(recording)["volumes"]
    }
