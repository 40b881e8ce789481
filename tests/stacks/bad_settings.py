"""Settings that must be refused: every one is a change of a stack file that is right without it."""

from typing import Any

from tests.components.guide import GONE
from tests.stacks.stack_file import DEV, MIXTRAL

POOL = "cluster.gpuPools.mixtral-moe-gpu-pool"
BOTH = (MIXTRAL, DEV)
MIXTRAL_ONLY = (MIXTRAL,)
DEV_ONLY = (DEV,)
EMPTY_POOL = {"machineType": "g2-standard-48", "minNodes": 0, "maxNodes": 1}

# recipes, change, code, setting, what the remedy says
CASES: list[tuple[tuple[str, ...], dict[str, Any], str, str, str]] = [
    # places
    (
        MIXTRAL_ONLY,
        {"cluster.nodeLocations": ["us-central1"]},
        "zone-is-region",
        "cluster.nodeLocations[0]",
        "us-central1-a",
    ),
    (MIXTRAL_ONLY, {f"{POOL}.zones": ["us-central1"]}, "zone-is-region", f"{POOL}.zones[0]", "us-central1-a"),
    (MIXTRAL_ONLY, {f"{POOL}.zones": ["us-west4-a"]}, "zone-outside-region", f"{POOL}.zones[0]", "zone of us-central1"),
    (
        MIXTRAL_ONLY,
        {f"{POOL}.zones": ["us-central1-f"]},
        "zone-without-accelerator",
        f"{POOL}.zones[0]",
        "us-central1-a",
    ),
    (MIXTRAL_ONLY, {f"{POOL}.zones": ["us-central1-z"]}, "zone-unknown", f"{POOL}.zones[0]", "us-central1-f"),
    (MIXTRAL_ONLY, {"cluster.location": "Iowa"}, "location-invalid", "cluster.location", "us-central1"),
    # machines
    (
        MIXTRAL_ONLY,
        {f"{POOL}.acceleratorCount": 8},
        "machine-accelerator-count",
        f"{POOL}.acceleratorCount",
        "g2-standard-96",
    ),
    (
        MIXTRAL_ONLY,
        {f"{POOL}.acceleratorType": "nvidia-tesla-t4"},
        "machine-accelerator",
        f"{POOL}.acceleratorType",
        "nvidia-l4",
    ),
    (
        MIXTRAL_ONLY,
        {f"{POOL}.machineType": "n2d-standard-8"},
        "machine-without-gpu",
        f"{POOL}.machineType",
        "g2-standard-48",
    ),
    (MIXTRAL_ONLY, {f"{POOL}.localSsds": 5}, "machine-local-ssds", f"{POOL}.localSsds", "0, 4"),
    (MIXTRAL_ONLY, {f"{POOL}.localSsds": GONE}, "placement-local-ssd", "service.storage.hostPath", "localSsds"),
    # sizes of pools
    (MIXTRAL_ONLY, {f"{POOL}.nodes": 3}, "pool-bounds", f"{POOL}.nodes", "minNodes <= nodes <= maxNodes"),
    (MIXTRAL_ONLY, {"cluster.cpuPool.minNodes": 5}, "pool-bounds", "cluster.cpuPool.nodes", "minNodes <= nodes"),
    (MIXTRAL_ONLY, {"cluster.cpuPool.nodes": 5}, "pool-nodes-per-zone", "cluster.cpuPool.nodes", "Set 4 or 6"),
    (MIXTRAL_ONLY, {f"{POOL}.maxNodes": 0}, "wrong-value", f"{POOL}.maxNodes", ""),
    # the model on its GPUs
    (MIXTRAL_ONLY, {"service.shards": 2}, "shards-not-accelerators", "service.shards", "Set shards to 4"),
    (
        MIXTRAL_ONLY,
        {"service.accelerators": 1, "service.shards": GONE},
        "model-too-large",
        "service.accelerators",
        "at least 2",
    ),
    (MIXTRAL_ONLY, {"service.quantization": GONE}, "model-too-large", "service.accelerators", "at least 8"),
    (
        MIXTRAL_ONLY,
        {"service.quantization": "int4"},
        "quantization-unknown",
        "service.quantization",
        "bitsandbytes-nf4",
    ),
    (DEV_ONLY, {"service.quantization": "int4"}, "quantization-unknown", "service.quantization", "Remove"),
    (
        MIXTRAL_ONLY,
        {"service.accelerators": GONE, "service.shards": GONE},
        "accelerators-missing",
        "service.accelerators",
        "Set",
    ),
    (DEV_ONLY, {"service.accelerator": "nvidia-l4"}, "accelerators-missing", "service.accelerator", "Remove"),
    (DEV_ONLY, {"service.modelFile": GONE}, "model-file-missing", "service.modelFile", "GGUF"),
    (BOTH, {"service.model": "mixtral"}, "model-invalid", "service.model", "OWNER/NAME"),
    # replicas
    (MIXTRAL_ONLY, {"service.replicas": 3}, "replicas-exceed-pool", "service.replicas", "at most 2"),
    (
        MIXTRAL_ONLY,
        {"service.autoscaling": {"minReplicas": 1, "maxReplicas": 3}},
        "replicas-exceed-pool",
        "service.autoscaling.maxReplicas",
        "at most 2",
    ),
    (
        BOTH,
        {"service.autoscaling": {"minReplicas": 2, "maxReplicas": 1}},
        "replicas-bounds",
        "service.autoscaling.minReplicas",
        "minReplicas <= maxReplicas",
    ),
    (
        BOTH,
        {"service.autoscaling": {"minReplicas": 1, "maxReplicas": 1}, "service.replicas": 1},
        "replicas-owned",
        "service.replicas",
        "Remove",
    ),
    # who may reach it
    (MIXTRAL_ONLY, {"sourceRanges": GONE}, "source-ranges-missing", "sourceRanges", "pulumi config set --path"),
    (MIXTRAL_ONLY, {"sourceRanges": ["my office"]}, "source-range-invalid", "sourceRanges[0]", "198.51.100.0/24"),
    (MIXTRAL_ONLY, {"service.exposure": "cluster"}, "source-ranges-unused", "sourceRanges", "Remove"),
    # nodes for the pods
    (
        MIXTRAL_ONLY,
        {"service.nodeSelector": {"a": "b"}},
        "placement-no-pool",
        "service.nodeSelector",
        "mixtral-moe-gpu-pool",
    ),
    (MIXTRAL_ONLY, {"service.resources.cpu": "48"}, "placement-resources", "service.resources.cpu", "Set less"),
    (
        MIXTRAL_ONLY,
        {"service.resources.memory": "192Gi"},
        "placement-resources",
        "service.resources.memory",
        "Set less",
    ),
    (BOTH, {"service.resources.memory": "lots"}, "quantity-invalid", "service.resources.memory", "Set"),
    (BOTH, {"service.sharedMemory": "1Ti"}, "shared-memory-too-large", "service.sharedMemory", "smaller"),
    # storage
    (BOTH, {"service.storage.size": "10Mi"}, "storage-too-small", "service.storage.size", "larger"),
    (MIXTRAL_ONLY, {"service.storage.size": "4Ti"}, "placement-local-ssd", "service.storage.hostPath", "localSsds"),
    (
        MIXTRAL_ONLY,
        {"service.storage.hostPath": GONE},
        "storage-host-path",
        "service.storage.hostPath",
        "absolute path",
    ),
    (DEV_ONLY, {"service.storage.hostPath": "/x"}, "storage-host-path", "service.storage.hostPath", "host-path"),
    # secrets
    (MIXTRAL_ONLY, {"huggingFaceToken": GONE}, "token-missing", "huggingFaceToken", "pulumi config set --secret"),
    (
        BOTH,
        {"service.token": "hf_1"},
        "secret-in-plain",
        "service.token",
        "pulumi config set --secret huggingFaceToken",
    ),
    (
        BOTH,
        {"service.environment": {"HF_TOKEN": "hf_1"}},
        "environment-secret",
        "service.environment.HF_TOKEN",
        "--secret",
    ),
    # names
    (
        BOTH,
        {"service.environment": {"MODEL_ID": "x", "LLAMA_CACHE": "x"}},
        "environment-owned",
        "service.environment.",
        "Remove",
    ),
    (
        MIXTRAL_ONLY,
        {f"cluster.gpuPools.{'x' * 41}": EMPTY_POOL},
        "pool-name-invalid",
        "cluster.gpuPools.x",
        "at most 40",
    ),
    (MIXTRAL_ONLY, {"gcp:project": GONE}, "project-missing", "gcp:project", "pulumi config set gcp:project"),
    (BOTH, {"recipe": "mixtral"}, "recipe-unknown", "recipe", "mixtral-tgi-gke-l4, dev"),
    (BOTH, {"recipe": GONE}, "recipe-unknown", "recipe", "mixtral-tgi-gke-l4, dev"),
    # unknown settings
    (BOTH, {"servise": {"a": 1}}, "unknown-setting", "servise", "Did you mean 'service'?"),
    (BOTH, {"qqq": "x"}, "unknown-setting", "qqq", "Known here: "),
    (BOTH, {"service.modell": "x"}, "unknown-setting", "service.modell", "Did you mean 'model'?"),
    (BOTH, {"service.storage.sise": "x"}, "unknown-setting", "service.storage.sise", "Did you mean 'size'?"),
    (MIXTRAL_ONLY, {"cluster.cpuPool.diskSize": 5}, "unknown-setting", "cluster.cpuPool.diskSize", "'diskSizeGb'?"),
    (MIXTRAL_ONLY, {f"{POOL}.localSsd": 4}, "unknown-setting", f"{POOL}.localSsd", "Did you mean 'localSsds'?"),
    # types
    (MIXTRAL_ONLY, {f"{POOL}.nodes": True}, "wrong-value", f"{POOL}.nodes", "number"),
    (MIXTRAL_ONLY, {f"{POOL}.nodes": "one"}, "wrong-value", f"{POOL}.nodes", "integer"),
    (MIXTRAL_ONLY, {f"{POOL}.nodes": 1.5}, "wrong-value", f"{POOL}.nodes", "integer"),
    (MIXTRAL_ONLY, {f"{POOL}.zones": "us-central1-a"}, "wrong-value", f"{POOL}.zones", "list"),
    (MIXTRAL_ONLY, {f"{POOL}.labels": ["a"]}, "wrong-value", f"{POOL}.labels", "dictionary"),
    (MIXTRAL_ONLY, {f"{POOL}.spot": "perhaps"}, "wrong-value", f"{POOL}.spot", "boolean"),
    (MIXTRAL_ONLY, {POOL: None}, "wrong-value", POOL, "dictionary"),
    (MIXTRAL_ONLY, {"cluster.gpuPools": []}, "wrong-value", "cluster.gpuPools", "dictionary"),
    (MIXTRAL_ONLY, {"cluster.location": None}, "wrong-value", "cluster.location", "string"),
    (MIXTRAL_ONLY, {"cluster.network": 5}, "wrong-value", "cluster.network", "string"),
    (
        MIXTRAL_ONLY,
        {"cluster.releaseChannel": "fast"},
        "wrong-value",
        "cluster.releaseChannel",
        "'rapid', 'regular' or",
    ),
    (MIXTRAL_ONLY, {"cluster": "us-central1"}, "wrong-value", "cluster", "dictionary"),
    (MIXTRAL_ONLY, {"cluster": GONE}, "missing-setting", "cluster", "Set it"),
    (MIXTRAL_ONLY, {"sourceRanges": "198.51.100.0/24"}, "wrong-value", "sourceRanges", "list"),
    (MIXTRAL_ONLY, {"sourceRanges": [5]}, "wrong-value", "sourceRanges.0", "string"),
    (BOTH, {"service": []}, "missing-setting", "service", "Set it"),
    (BOTH, {"service": ["x"]}, "wrong-value", "service", "dictionary"),
    (BOTH, {"service.server": "vllm"}, "wrong-value", "service.server", "'tgi' or 'llama-cpp'"),
    (BOTH, {"service.resources.cpu": 40}, "wrong-value", "service.resources.cpu", "string"),
    (BOTH, {"service.resources": GONE}, "missing-setting", "service.resources", "Set it"),
    (BOTH, {"service.serviceLabels": {"a": True}}, "wrong-value", "service.serviceLabels.a", "string"),
    (BOTH, {"service.port": 99999}, "wrong-value", "service.port", "65535"),
    (BOTH, {"service.port": False}, "wrong-value", "service.port", "number"),
]
