"""Every component in the forms that make other children: what a user's program may hold when the library changes."""

from typing import Any

import pulumi

from components import (
    BucketVolumeClaim,
    ChatPage,
    CheckpointBucket,
    CheckpointDisk,
    ConversionJob,
    CustomMetricsAdapter,
    FineTuneJob,
    GkeGpuCluster,
    InferenceService,
    ModelArchiveJob,
    OciGpuHost,
    TpuNodePool,
    WorkloadIdentityBinding,
)

TOKEN = pulumi.Output.secret("hf_0123456789")
RANGES = ["198.51.100.0/24"]
COMPARTMENT = "ocid1.compartment.oc1..example"

pools: dict[str, Any] = {
    "location": "us-central1",
    "nodeLocations": ["us-central1-a"],
    "cpuPool": {"machineType": "n2d-standard-8", "minNodes": 1, "maxNodes": 3},
    "cpuPools": {
        "convert": {"machineType": "n2-standard-16", "minNodes": 0, "maxNodes": 1, "diskSizeGb": 200},
        "archive": {"machineType": "n2-standard-32", "minNodes": 0, "maxNodes": 1, "diskSizeGb": 600},
    },
    "gpuPools": {"l4": {"machineType": "g2-standard-48", "minNodes": 1, "maxNodes": 2, "localSsds": 4}},
    "nodeRoles": ["roles/artifactregistry.reader"],
}
cluster = GkeGpuCluster("standard", pools)
on_cluster = pulumi.ResourceOptions(providers=[cluster.provider])

tpu: dict[str, Any] = {"machineType": "ct5lp-hightpu-4t", "topology": "2x4", "nodes": 2, "minNodes": 0, "maxNodes": 2}
TpuNodePool(
    "tpu",
    {
        **tpu,
        "clusterId": cluster.cluster_id,
        "location": "us-central1",
        "serviceAccount": cluster.node_service_account,
    },
)

identity = WorkloadIdentityBinding(
    "writer",
    {
        "project": cluster.project,
        "bucketRoles": {"weights": {"bucket": "example-weights", "role": "roles/storage.objectUser"}},
        "projectRoles": ["roles/logging.logWriter"],
    },
    on_cluster,
)
WorkloadIdentityBinding(
    "google",
    {"project": cluster.project, "googleServiceAccount": True, "bucketRoles": {"weights": {"bucket": "example"}}},
    on_cluster,
)
bucket = CheckpointBucket(
    "weights",
    {
        "location": "us-central1",
        "readers": {"team": "group:team@example.com"},
        "writers": {"converter": identity.member},
    },
)
BucketVolumeClaim("shared", {"bucket": bucket.bucket_name}, on_cluster)
CheckpointDisk("disk", {"model": "meta-llama/Llama-2-7b-hf", "zone": "us-central1-a", "token": TOKEN}, on_cluster)

job: dict[str, Any] = {"bucket": bucket.bucket_name, "serviceAccount": identity.service_account, "token": TOKEN}
ConversionJob(
    "convert",
    {**job, "model": "meta-llama/Llama-2-7b-hf", "machineType": "n2-standard-16", "diskSizeGb": 200},
    on_cluster,
)
ModelArchiveJob(
    "archive",
    {
        **job,
        "model": "mistralai/Mixtral-8x7B-v0.1",
        "machineType": "n2-standard-32",
        "diskSizeGb": 600,
        "startupSeconds": 600,
    },
    on_cluster,
)
FineTuneJob("tune", {**job, "accelerator": "nvidia-l4", "spot": False, "wandbApiKey": TOKEN}, on_cluster)
CustomMetricsAdapter("metrics", {"project": cluster.project, "gpuMemory": True}, on_cluster)

InferenceService(
    "public",
    {
        "server": "tgi",
        "model": "mistralai/Mistral-7B-Instruct-v0.3",
        "accelerator": "nvidia-l4",
        "accelerators": 1,
        "resources": {"cpu": "8", "memory": "32Gi"},
        "storage": {"kind": "ephemeral-volume", "size": "40Gi"},
        "exposure": "public",
        "sourceRanges": RANGES,
        "region": "us-central1",
        "token": TOKEN,
    },
    on_cluster,
)
InferenceService(
    "scaled",
    {
        "server": "vllm",
        "model": "mistralai/Mistral-7B-Instruct-v0.3",
        "accelerator": "nvidia-l4",
        "accelerators": 1,
        "poolAccelerators": 8,
        "resources": {"cpu": "8", "memory": "32Gi"},
        "storage": {"kind": "empty-dir", "size": "40Gi"},
        "autoscaling": {"minReplicas": 1, "maxReplicas": 2, "queueSize": 5, "batchSize": 100, "adapter": True},
        "token": TOKEN,
    },
    on_cluster,
)
ChatPage(
    "chat",
    {
        "apiUrl": "http://scaled.default.svc.cluster.local:8000/v1",
        "secretKey": TOKEN,
        "exposure": "public",
        "sourceRanges": RANGES,
        "region": "us-central1",
    },
    on_cluster,
)

host: dict[str, Any] = {
    "shape": "BM.GPU4.8",
    "triton": {"model": "mistralai/Mixtral-8x7B-Instruct-v0.1"},
    "compartmentId": COMPARTMENT,
    "token": TOKEN,
    "sourceRanges": RANGES,
}
OciGpuHost("closed", host)
OciGpuHost(
    "open",
    {
        **host,
        "exposure": "public",
        "ssh": {"access": "public", "publicKey": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 someone@example.com"},
        "engineStore": {"kind": "bucket"},
    },
)
