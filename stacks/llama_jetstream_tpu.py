"""Llama 2 7B with JetStream on GKE, two TPU v5e hosts of eight chips, its checkpoint converted beforehand."""

from collections.abc import Mapping
from typing import Any

import pulumi

from components.args import Input
from components.cost import hourly_cost
from components.gke.gpu_cluster import GkeGpuCluster
from components.gke.gpu_cluster_args import node_pools
from components.gke.node_pool import initial_nodes
from components.gke.tpu_node_pool import TpuNodePool, TpuNodePoolArgs
from components.gke.workload_identity_binding import BucketRoleArgs, WorkloadIdentityBinding
from components.inference.inference_service import InferenceService
from components.jobs.conversion_job import ConversionJob
from components.placement import grown
from components.quota import quotas_of_checkpoint_disk, quotas_of_cluster, quotas_of_pool, quotas_of_service, total
from components.storage.checkpoint_disk import CheckpointDisk
from stacks.llama_jetstream_checks import BUCKET, CLUSTER, SERVICE, check
from stacks.llama_jetstream_settings import CONVERTER_POOL, POOL, Settings
from stacks.recipe import AccountValue, Needs, Recipe
from stacks.serving import create_metrics_adapter, downloads_of, images_of, serving_outputs, weights_bucket

CONVERTER = "jetstream-converter"
DISK = "jetstream-pytorch-ckpt"


def needs(settings: Settings) -> Needs:
    """Return what the stack takes to come up, the conversion included, and at its largest."""
    cluster, args, location = settings.cluster, settings.service_args(), settings.cluster.location
    pools, tpu_pool = dict(cluster.cpu_pools or {}), grown({POOL: settings.tpu_pool}, args)[POOL]
    if settings.converts and settings.from_bucket:
        # its node comes for the conversion, before the stack is up
        pool = pools[CONVERTER_POOL]
        pools[CONVERTER_POOL] = pool.model_copy(update={"nodes": max(1, initial_nodes(pool))})
    quotas = [
        *quotas_of_cluster(cluster.model_copy(update={"cpu_pools": pools})),
        *quotas_of_pool(location, tpu_pool),
        *quotas_of_service(location, args),
        *(quotas_of_checkpoint_disk(settings.disk_args()) if settings.from_disk else []),
    ]
    return Needs(
        quotas=total(quotas),
        cost=hourly_cost(location, [*node_pools(cluster).values(), tpu_pool]),
        models=(args.model,) if settings.converts and not settings.conversion.own_weights else downloads_of(args),
        images=images_of(args),
    )


def deploy(settings: Settings) -> Mapping[str, Any]:
    """Register the cluster, the slices, the bucket with its checkpoint, and the service."""
    cluster = GkeGpuCluster(CLUSTER, settings.cluster)
    on_cluster = pulumi.ResourceOptions(providers=[cluster.provider])
    before: list[pulumi.Resource] = []
    storage: Input[str] = ""
    account: Input[str] | None = None
    # a member of the cluster's identity pool, which is there with the cluster; as the network's NAT is
    project = pulumi.Output.all(cluster.project, cluster.cluster_id).apply(lambda known: str(known[0]))
    if settings.from_bucket:
        storage = weights_bucket(BUCKET, settings.bucket, settings.service, cluster, settings.cluster.location)
        if settings.converts:
            writer = BucketRoleArgs(bucket=storage, role="roles/storage.objectUser")
            binding = WorkloadIdentityBinding(CONVERTER, settings.identity_args(project, writer), on_cluster)
            args = settings.conversion_args(storage, binding.service_account)
            conversion = ConversionJob(CONVERTER, args, on_cluster)
            storage = conversion.bucket
            before.append(conversion)
        reader = BucketRoleArgs(bucket=storage, role="roles/storage.objectViewer")
        account = WorkloadIdentityBinding(SERVICE, settings.identity_args(project, reader), on_cluster).service_account
    elif settings.from_disk:
        disk = CheckpointDisk(DISK, settings.disk_args(project), on_cluster)
        storage = disk.claim_name
        before.append(disk)
    tpu_args = TpuNodePoolArgs.model_validate(
        {
            **dict(settings.tpu_pool),
            "cluster_id": cluster.cluster_id,
            "location": settings.cluster.location,
            "service_account": cluster.node_service_account,
            "tags": settings.cluster.tags,
        }
    )
    # no chip is paid for while CPUs convert the checkpoint
    tpus = TpuNodePool(POOL, tpu_args, pulumi.ResourceOptions(depends_on=before))
    # the address is reserved in the cluster's project, once that has the APIs
    args = settings.service_args(storage, account).model_copy(update={"project": cluster.project})
    create_metrics_adapter(cluster, settings.service)
    service = InferenceService(SERVICE, args, pulumi.ResourceOptions(providers=[cluster.provider], depends_on=[tpus]))
    return {
        **serving_outputs(service, args),
        "hourlyCost": needs(settings).cost,
        "kubeconfig": cluster.kubeconfig,
    }


RECIPE = Recipe(
    name="llama-jetstream-tpu",
    title="Llama 2 7B with JetStream on GKE, 2 x 8 TPU v5e chips, checkpoint in a bucket",
    guide="https://github.com/GoogleCloudPlatform/ai-on-gke/tree/main/tutorials-and-examples/inference-servers/"
    "jetstream/pytorch/single-host-inference",
    settings=Settings,
    check=check,
    needs=needs,
    deploy=deploy,
    account_values={
        "gcp:project": AccountValue("pulumi config set gcp:project PROJECT_ID", "rehearsal-project"),
        "llm-serving:huggingFaceToken": AccountValue(
            "pulumi config set --secret huggingFaceToken TOKEN", "rehearsal-token", secret=True
        ),
    },
)
