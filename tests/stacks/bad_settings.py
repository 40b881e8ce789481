"""Settings that must be refused: every one is a change of a stack file that is right without it."""

from typing import Any

from tests.components.guide import GONE
from tests.stacks.stack_file import DEV, JETSTREAM, MIXTRAL

POOL = "cluster.gpuPools.mixtral-moe-gpu-pool"
BOTH = (MIXTRAL, DEV)
MIXTRAL_ONLY = (MIXTRAL,)
DEV_ONLY = (DEV,)
JETSTREAM_ONLY = (JETSTREAM,)
CONVERTER = "cluster.cpuPools.converter"
CLAIM = {"kind": "claim", "claim": "checkpoints"}
DISK = {"service.storage.kind": "claim"}
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
    (BOTH, {"recipe": "mixtral"}, "recipe-unknown", "recipe", "mixtral-tgi-gke-l4, llama-jetstream-tpu, dev"),
    (BOTH, {"recipe": GONE}, "recipe-unknown", "recipe", "mixtral-tgi-gke-l4, llama-jetstream-tpu, dev"),
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
    (
        BOTH,
        {"service.server": "vllm"},
        "wrong-value",
        "service.server",
        "'tgi', 'llama-cpp', 'jetstream' or 'vllm-tpu'",
    ),
    (BOTH, {"service.resources.cpu": 40}, "wrong-value", "service.resources.cpu", "string"),
    (BOTH, {"service.resources": GONE}, "missing-setting", "service.resources", "Set it"),
    (BOTH, {"service.serviceLabels": {"a": True}}, "wrong-value", "service.serviceLabels.a", "string"),
    (BOTH, {"service.port": 99999}, "wrong-value", "service.port", "65535"),
    (BOTH, {"service.port": False}, "wrong-value", "service.port", "number"),
    # slices of TPUs
    (JETSTREAM_ONLY, {"tpuPool.topology": "4x4"}, "topology-impossible", "tpuPool.topology", "ct5lp-hightpu-4t"),
    (JETSTREAM_ONLY, {"tpuPool.machineType": "n2-standard-4"}, "machine-without-tpu", "tpuPool.machineType", "8t"),
    # as many chips, on two hosts
    (
        JETSTREAM_ONLY,
        {"tpuPool.machineType": "ct5lp-hightpu-4t"},
        "placement-multi-host",
        "service.topology",
        "on one node",
    ),
    (JETSTREAM_ONLY, {"tpuPool.nodes": 1}, "pool-bounds", "tpuPool.nodes", "minNodes <= nodes <= maxNodes"),
    (
        JETSTREAM_ONLY,
        {"cluster.location": "us-west4-c"},
        "zone-without-accelerator",
        "tpuPool.zones[0]",
        "us-west4-a, us-west4-b",
    ),
    (JETSTREAM_ONLY, {"service.accelerators": 4}, "topology-accelerators", "service.accelerators", "Set 8"),
    (JETSTREAM_ONLY, {"service.replicas": 3}, "replicas-exceed-pool", "service.replicas", "at most 2"),
    (JETSTREAM_ONLY, {"service.server": "tgi"}, "accelerator-kind", "service.accelerator", "nvidia-l4"),
    (JETSTREAM_ONLY, {"service.resources.cpu": "223"}, "placement-resources", "service.resources.cpu", "Set less"),
    # the model and its cache on TPUs
    (
        JETSTREAM_ONLY,
        {"service.jetstream.batchSize": 120},
        "cache-too-large",
        "service.jetstream.batchSize",
        "at most 97",
    ),
    (JETSTREAM_ONLY, {"service.jetstream": GONE}, "jetstream-missing", "service.jetstream", "batchSize"),
    (JETSTREAM_ONLY, {"service.jetstream.batchSise": 8}, "unknown-setting", "service.jetstream.batchSise", "batchSize"),
    (JETSTREAM_ONLY, {"service.model": "o/m"}, "jetstream-model-unknown", "service.model", "Llama-2-7b-hf"),
    (
        JETSTREAM_ONLY,
        {"service.jetstream.quantizeWeights": True},
        "conversion-quantized",
        "service.jetstream.quantizeWeights",
        "ownWeights",
    ),
    (
        MIXTRAL_ONLY,
        {"service.jetstream": {"batchSize": 8, "maxCacheLength": 8}},
        "jetstream-unused",
        "service.j",
        "Rem",
    ),
    (MIXTRAL_ONLY, {"service.topology": "2x4"}, "topology-unused", "service.topology", "Remove"),
    # the checkpoint
    (JETSTREAM_ONLY, {"huggingFaceToken": GONE}, "token-missing", "huggingFaceToken", "ownWeights"),
    (JETSTREAM_ONLY, {"bucket.bucketName": "Weights"}, "bucket-name-invalid", "bucket.bucketName", "lower-case"),
    (JETSTREAM_ONLY, {"bucket": GONE}, "bucket-ambiguous", "bucket", "bucket.location"),
    (JETSTREAM_ONLY, {"service.storage.bucket": "my-weights"}, "bucket-ambiguous", "bucket", "bucket.location"),
    (
        JETSTREAM_ONLY,
        {"service.storage.bucket": "gs://weights", "bucket": GONE},
        "storage-bucket",
        "service.storage.bucket",
        "lower-case",
    ),
    (
        JETSTREAM_ONLY,
        {"service.storage": {**CLAIM, "claim": "A b"}},
        "storage-claim",
        "service.storage.claim",
        "letter",
    ),
    (JETSTREAM_ONLY, {**DISK, "huggingFaceToken": GONE}, "token-missing", "huggingFaceToken", "--secret"),
    (JETSTREAM_ONLY, {**DISK, "conversion.ownWeights": True}, "disk-conversion", "conversion.ownWeights", "bucket"),
    (
        JETSTREAM_ONLY,
        {**DISK, "cluster.addons.persistentDiskCsi": False},
        "addon-missing",
        "cluster.addons.persistentDiskCsi",
        "true",
    ),
    (
        JETSTREAM_ONLY,
        {"service.storage": {**CLAIM, "accessMode": "ReadWriteOnce"}},
        "storage-one-node",
        "service.storage.accessMode",
        "ReadOnlyMany",
    ),
    (
        JETSTREAM_ONLY,
        {"service.storage": {"kind": "empty-dir", "size": "40Gi"}},
        "storage-kind",
        "service.storage",
        "bu",
    ),
    (
        MIXTRAL_ONLY,
        {"service.storage": {"kind": "bucket", "bucket": "my-weights"}},
        "storage-kind",
        "service.st",
        "emp",
    ),
    (JETSTREAM_ONLY, {"service.storage.size": "40Gi"}, "storage-size-unused", "service.storage.size", "Remove"),
    (DEV_ONLY, {"service.storage.size": GONE}, "storage-size-missing", "service.storage.size", "Set"),
    (JETSTREAM_ONLY, {"cluster.addons.gcsFuseCsi": False}, "addon-missing", "cluster.addons.gcsFuseCsi", "true"),
    (JETSTREAM_ONLY, {"cluster.cpuPools": GONE}, "conversion-pool", CONVERTER, "machineType"),
    (
        JETSTREAM_ONLY,
        {f"{CONVERTER}.machineType": "n2-standard-8"},
        "conversion-memory",
        f"{CONVERTER}.machineType",
        "standard-16",
    ),
    (JETSTREAM_ONLY, {f"{CONVERTER}.diskSizeGb": 100}, "conversion-disk", f"{CONVERTER}.diskSizeGb", "at least"),
    # rights
    (
        JETSTREAM_ONLY,
        {"workloadIdentity.projectRoles": ["storage.objectUser"]},
        "role-invalid",
        "workloadIdentity.projectRoles[0]",
        "roles/",
    ),
    (JETSTREAM_ONLY, {"service.serviceAccount": "x"}, "service-account-owned", "service.serviceAccount", "Remove"),
    (JETSTREAM_ONLY, {"service.port": 9000}, "port-taken", "service.port", "another"),
]
