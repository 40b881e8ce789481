"""Mixtral 8x7B Instruct with Text Generation Inference on GKE, four L4 GPUs, behind a load balancer."""

from collections.abc import Mapping
from typing import Any

import pulumi

from components.args import ComponentArgs, Input, given
from components.cost import hourly_cost
from components.findings import Finding
from components.gke_checks import check_gke_gpu_cluster
from components.gke_gpu_cluster import GkeGpuCluster
from components.gke_gpu_cluster_args import GkeGpuClusterArgs
from components.inference_checks import check_inference_service
from components.inference_service import InferenceService
from components.inference_service_args import InferenceServiceArgs
from components.node_pool_checks import region_of
from components.placement import check_placement, pool_accelerators
from stacks.recipe import AccountValue, Recipe
from stacks.serving import service_findings, serving_outputs

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
                token=self.hugging_face_token,
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
    ]


def deploy(settings: Settings) -> Mapping[str, Any]:
    """Register the cluster and the service on it."""
    cluster = GkeGpuCluster(CLUSTER, settings.cluster)
    pools = [settings.cluster.cpu_pool, *(settings.cluster.gpu_pools or {}).values()]
    # the address is reserved in the cluster's project, once that has the APIs
    args = settings.service_args().model_copy(update={"project": cluster.project})
    service = InferenceService(SERVICE, args, pulumi.ResourceOptions(providers=[cluster.provider]))
    return {
        **serving_outputs(service, settings.service),
        "hourlyCost": hourly_cost(settings.cluster.location, pools),
        "kubeconfig": cluster.kubeconfig,
    }


RECIPE = Recipe(
    name="mixtral-tgi-gke-l4",
    title="Mixtral 8x7B Instruct with TGI on GKE, 4 x L4, public load balancer",
    guide="https://github.com/GoogleCloudPlatform/ai-on-gke/tree/main/tutorials-and-examples/genAI-LLM/"
    "deploying-mixtral-8x7b-instruct-L4-gpus",
    settings=Settings,
    check=check,
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
