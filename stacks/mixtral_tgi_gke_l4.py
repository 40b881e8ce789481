"""Mixtral 8x7B Instruct with Text Generation Inference on GKE, four L4 GPUs, behind a load balancer."""

from collections.abc import Mapping
from typing import Any

import pulumi

from components.args import ComponentArgs, Input, given
from components.cost import hourly_cost
from components.findings import Finding
from components.gke.cluster_checks import check_gke_gpu_cluster
from components.gke.gpu_cluster import GkeGpuCluster
from components.gke.gpu_cluster_args import GkeGpuClusterArgs, node_pools
from components.gke.node_pool_checks import region_of
from components.inference.derived import server_of
from components.inference.inference_checks import check_inference_service
from components.inference.inference_service import InferenceService
from components.inference.inference_service_args import InferenceServiceArgs
from components.placement import check_placement, grown, pool_accelerators
from components.quota import quotas_of_cluster, quotas_of_service, total
from stacks.recipe import AccountValue, Needs, Recipe
from stacks.serving import (
    check_gpu_metrics,
    create_metrics_adapter,
    downloads_of,
    images_of,
    scaled,
    service_findings,
    serving_outputs,
)

CLUSTER = "mixtral8x7-cluster-gke"
SERVICE = "mixtral8x7b"


class Settings(ComponentArgs):
    """What the configuration of the stack says."""

    cluster: GkeGpuClusterArgs
    """The cluster and its node pools."""
    service: InferenceServiceArgs
    """The model server. What follows from the cluster and from the settings below is filled in."""
    hugging_face_token: Input[str] | None = None
    """Hugging Face token whose owner has accepted the model's terms. A secret."""
    source_ranges: list[str] | None = None
    """CIDR ranges that may reach the load balancer."""

    def service_args(self) -> InferenceServiceArgs:
        """Return the arguments of the service with everything filled in."""
        return self.service.model_copy(
            update=given(
                # one that serves what lies in storage downloads nothing
                token=self.hugging_face_token if server_of(self.service).token_variables else None,
                autoscaling=scaled(self.service),
                source_ranges=self.source_ranges,
                region=region_of(self.cluster.location),
                subnetwork=self.cluster.subnetwork,
                pool_accelerators=pool_accelerators(self.cluster.gpu_pools or {}, self.service),
            )
        )


def check(settings: Settings) -> list[Finding]:
    """Return everything that can be known to be wrong, the parts against each other included."""
    service = settings.service_args()
    return [
        *(finding.under("cluster") for finding in check_gke_gpu_cluster(CLUSTER, settings.cluster)),
        *service_findings(
            settings.service,
            [*check_inference_service(SERVICE, service), *check_placement(service, settings.cluster.gpu_pools or {})],
        ),
        *check_gpu_metrics(settings.cluster, settings.service),
    ]


def needs(settings: Settings) -> Needs:
    """Return what the stack takes to come up, and at its largest."""
    args = settings.service_args()
    cluster = settings.cluster.model_copy(update={"gpu_pools": grown(settings.cluster.gpu_pools or {}, args)})
    return Needs(
        quotas=total([*quotas_of_cluster(cluster), *quotas_of_service(cluster.location, args)]),
        cost=hourly_cost(cluster.location, node_pools(cluster).values()),
        models=downloads_of(args),
        images=images_of(args),
    )


def deploy(settings: Settings) -> Mapping[str, Any]:
    """Register the cluster and the service on it."""
    cluster = GkeGpuCluster(CLUSTER, settings.cluster)
    # the address is reserved in the cluster's project, once that has the APIs
    args = settings.service_args().model_copy(update={"project": cluster.project})
    create_metrics_adapter(cluster, settings.service)
    service = InferenceService(SERVICE, args, pulumi.ResourceOptions(providers=[cluster.provider]))
    return {
        **serving_outputs(service, settings.service),
        "hourlyCost": needs(settings).cost,
        "kubeconfig": cluster.kubeconfig,
    }


RECIPE = Recipe(
    name="mixtral-tgi-gke-l4",
    title="Mixtral 8x7B Instruct with TGI on GKE, 4 x L4, public load balancer",
    guide="https://github.com/GoogleCloudPlatform/ai-on-gke/tree/main/tutorials-and-examples/genAI-LLM/"
    "deploying-mixtral-8x7b-instruct-L4-gpus",
    settings=Settings,
    check=check,
    needs=needs,
    deploy=deploy,
    account_values={
        "gcp:project": AccountValue("pulumi config set gcp:project PROJECT_ID", "rehearsal-project"),
        "llm-serving:huggingFaceToken": AccountValue(
            "pulumi config set --secret huggingFaceToken TOKEN", "rehearsal-token", secret=True
        ),
        "llm-serving:sourceRanges": AccountValue(
            "pulumi config set --path 'sourceRanges[0]' 198.51.100.7/32", ["198.51.100.0/24"]
        ),
    },
)
