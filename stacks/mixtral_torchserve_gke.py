"""Mixtral 8x7B with gpt-fast on TorchServe on GKE, in 8 bits on one GPU of 80 GB or split over several."""

from collections.abc import Mapping
from typing import Any

import pulumi

from components.args import Input
from components.cost import hourly_cost
from components.gke.gpu_cluster import GkeGpuCluster
from components.gke.gpu_cluster_args import node_pools
from components.gke.node_pool import initial_nodes
from components.gke.workload_identity_binding import BucketRoleArgs, WorkloadIdentityBinding
from components.inference.inference_service import InferenceService
from components.jobs.model_archive_job import ModelArchiveJob
from components.placement import grown
from components.quota import quotas_of_cluster, quotas_of_service, total
from stacks.mixtral_torchserve_checks import BUCKET, CLUSTER, SERVICE, check
from stacks.mixtral_torchserve_settings import PREPARATION_POOL, Settings
from stacks.recipe import AccountValue, Needs, Recipe
from stacks.serving import create_metrics_adapter, downloads_of, images_of, serving_outputs, weights_bucket

PREPARATION = "mixtral-torchserve-archive"


def needs(settings: Settings) -> Needs:
    """Return what the stack takes to come up, the preparation included, and at its largest."""
    args = settings.service_args()
    cluster = settings.cluster.model_copy(update={"gpu_pools": grown(settings.cluster.gpu_pools or {}, args)})
    cpu_pools = dict(cluster.cpu_pools or {})
    if settings.prepares:
        # its node comes for the preparation, before the stack is up
        pool = cpu_pools[PREPARATION_POOL]
        cpu_pools[PREPARATION_POOL] = pool.model_copy(update={"nodes": max(1, initial_nodes(pool))})
    quotas = quotas_of_cluster(cluster.model_copy(update={"cpu_pools": cpu_pools}))
    return Needs(
        quotas=total([*quotas, *quotas_of_service(cluster.location, args)]),
        cost=hourly_cost(cluster.location, node_pools(cluster).values()),
        models=(args.model,) if settings.prepares else downloads_of(args),
        images=images_of(args),
    )


def deploy(settings: Settings) -> Mapping[str, Any]:
    """Register the cluster, the bucket with checkpoint and archive, and the service."""
    cluster = GkeGpuCluster(CLUSTER, settings.cluster)
    on_cluster = pulumi.ResourceOptions(providers=[cluster.provider])
    create_metrics_adapter(cluster, settings.service)
    before: list[pulumi.Resource] = []
    bucket: Input[str] = ""
    account: Input[str] | None = None
    if settings.from_bucket:
        # a member of the cluster's identity pool, which is there with the cluster
        project = pulumi.Output.all(cluster.project, cluster.cluster_id).apply(lambda known: str(known[0]))
        bucket = weights_bucket(BUCKET, settings.bucket, settings.service, cluster, settings.cluster.location)
        if settings.prepares:
            writer = BucketRoleArgs(bucket=bucket, role="roles/storage.objectUser")
            binding = WorkloadIdentityBinding(PREPARATION, settings.identity_args(project, writer), on_cluster)
            args = settings.preparation_args(bucket, binding.service_account)
            job = ModelArchiveJob(PREPARATION, args, on_cluster)
            # no GPU is waited for meanwhile: the pool grows when the server's pod is there
            bucket = job.bucket
            before.append(job)
        reader = BucketRoleArgs(bucket=bucket, role="roles/storage.objectViewer")
        account = WorkloadIdentityBinding(SERVICE, settings.identity_args(project, reader), on_cluster).service_account
    # the address is reserved in the cluster's project, once that has the APIs
    args = settings.service_args(bucket, account).model_copy(update={"project": cluster.project})
    opts = pulumi.ResourceOptions(providers=[cluster.provider], depends_on=before)
    service = InferenceService(SERVICE, args, opts)
    return {
        **serving_outputs(service, args),
        "hourlyCost": needs(settings).cost,
        "kubeconfig": cluster.kubeconfig,
    }


RECIPE = Recipe(
    name="mixtral-torchserve-gke",
    title="Mixtral 8x7B with gpt-fast on TorchServe on GKE, 8 bit on one A100 80 GB",
    guide="https://github.com/pytorch/serve/tree/v0.12.0/examples/large_models/gpt_fast_mixtral_moe",
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
