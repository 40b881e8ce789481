"""Mistral 7B, fine-tuned to summarize, with vLLM on GKE Autopilot, one L4 for each pod."""

from collections.abc import Mapping
from typing import Any

import pulumi

from components.args import ComponentArgs, Input, given
from components.chat_page import ChatPage, ChatPageArgs, check_chat_page
from components.cost import hourly_cost, hourly_cost_of_pods
from components.exposure import Exposure
from components.findings import Finding, error
from components.gke_checks import check_gke_gpu_cluster
from components.gke_gpu_cluster import GkeGpuCluster
from components.gke_gpu_cluster_args import GkeGpuClusterArgs, node_pools
from components.inference_checks import check_inference_service
from components.inference_service import InferenceService, port_of
from components.inference_service_args import InferenceServiceArgs
from components.model_pod import server_of
from components.node_pool_checks import region_of
from components.placement import check_placement, pool_accelerators
from components.quota import quotas_of_chat_page, quotas_of_cluster, quotas_of_service, total
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

CLUSTER = "vllm"
SERVICE = "llm"
CHAT_PAGE = "chat"

KNOWN_LATER = "http://made-by-this-stack/v1"
"""Stands for a URL that is known once the service is there, so that the rest can be checked before."""


class ChatPageSettings(ComponentArgs):
    """The chat page. Those who reach it need an account, which the first of them gives."""

    exposure: Exposure
    """Who can reach it: `cluster`, through a forwarded port; `internal`; or `public`, for the `sourceRanges`."""
    size: str | None = None
    """Kubernetes quantity of the volume of accounts and conversations, deleted with the page. Default: `5Gi`."""
    storage_class: str | None = None
    """Storage class of the volume. Default: the cluster's."""


class Settings(ComponentArgs):
    """What the configuration of the stack says."""

    cluster: GkeGpuClusterArgs
    """The cluster: Autopilot, or with pools whose GPUs are then shared as they say."""
    service: InferenceServiceArgs
    """The model server. What follows from the cluster and from the settings below is filled in."""
    chat_page: ChatPageSettings | None = None
    """A page to chat with the model. Default: none."""
    hugging_face_token: Input[str] | None = None
    """Hugging Face token, with which the weights are downloaded. A secret."""
    source_ranges: list[str] | None = None
    """CIDR ranges that may reach the load balancers, where there are any."""

    def service_args(self) -> InferenceServiceArgs:
        """Return the arguments of the service with everything filled in."""
        return self.service.model_copy(
            update=given(
                token=self.hugging_face_token,
                autopilot=self.cluster.autopilot,
                autoscaling=scaled(self.service),
                source_ranges=self.source_ranges if self.service.exposure not in (None, Exposure.CLUSTER) else None,
                region=region_of(self.cluster.location),
                subnetwork=self.cluster.subnetwork,
                pool_accelerators=pool_accelerators(self.cluster.gpu_pools or {}, self.service),
            )
        )

    def chat_page_args(self, page: ChatPageSettings, api_url: Input[str] = KNOWN_LATER) -> ChatPageArgs:
        """Return the arguments of the chat page with everything filled in."""
        return ChatPageArgs(
            api_url=api_url,
            namespace=self.service.namespace,
            size=page.size,
            storage_class=page.storage_class,
            exposure=page.exposure,
            source_ranges=self.source_ranges if page.exposure is not Exposure.CLUSTER else None,
            region=region_of(self.cluster.location),
            subnetwork=self.cluster.subnetwork,
        )


def check(settings: Settings) -> list[Finding]:
    """Return everything that can be known to be wrong, the parts against each other included."""
    service = settings.service_args()
    placement = [] if settings.cluster.autopilot else check_placement(service, settings.cluster.gpu_pools or {})
    return [
        *(finding.under("cluster") for finding in check_gke_gpu_cluster(CLUSTER, settings.cluster)),
        *service_findings(settings.service, [*check_inference_service(SERVICE, service), *placement]),
        *check_gpu_metrics(settings.cluster, settings.service),
        *_check_chat_page(settings),
        *_check_ranges(settings),
    ]


def _check_chat_page(settings: Settings) -> list[Finding]:
    if settings.chat_page is None:
        return []
    findings = [
        finding if finding.path.startswith("sourceRanges") else finding.under("chatPage")
        for finding in check_chat_page(CHAT_PAGE, settings.chat_page_args(settings.chat_page))
    ]
    server = server_of(settings.service)
    if not server.generate_path.startswith("/v1/"):
        findings.append(
            error(
                "chat-page-server",
                "chatPage",
                f"the page speaks OpenAI's protocol, and {server.title} does not.",
                "Set service.server to vllm, or remove chatPage.",
            )
        )
    return findings


def _check_ranges(settings: Settings) -> list[Finding]:
    exposures = [settings.service.exposure, settings.chat_page and settings.chat_page.exposure]
    if settings.source_ranges is None or any(exposure not in (None, Exposure.CLUSTER) for exposure in exposures):
        return []
    return [
        error(
            "source-ranges-unused",
            "sourceRanges",
            "nothing has a load balancer that could hold back anyone.",
            "Remove sourceRanges, or set exposure of service or chatPage to internal or public.",
        )
    ]


def needs(settings: Settings) -> Needs:
    """Return what the stack takes to come up, and at its largest."""
    cluster, args, page = settings.cluster, settings.service_args(), settings.chat_page
    quotas = [*quotas_of_cluster(cluster), *quotas_of_service(cluster.location, args)]
    if page is not None:
        quotas += quotas_of_chat_page(cluster.location, settings.chat_page_args(page))
    cost = (
        hourly_cost_of_pods(cluster.location, args)
        if cluster.autopilot
        else hourly_cost(cluster.location, node_pools(cluster).values())
    )
    return Needs(quotas=total(quotas), cost=cost, models=downloads_of(args), images=images_of(args))


def deploy(settings: Settings) -> Mapping[str, Any]:
    """Register the cluster, and on it the service with all that it needs to scale."""
    cluster = GkeGpuCluster(CLUSTER, settings.cluster)
    on_cluster = pulumi.ResourceOptions(providers=[cluster.provider])
    adapter = create_metrics_adapter(cluster, settings.service)
    # the address is reserved in the cluster's project, once that has the APIs
    args = settings.service_args().model_copy(update={"project": cluster.project})
    service = InferenceService(SERVICE, args, pulumi.ResourceOptions(providers=[cluster.provider], depends_on=adapter))
    outputs: dict[str, Any] = serving_outputs(service, args)
    if settings.chat_page is not None:
        url = pulumi.Output.concat(
            "http://", service.service_name, ".", service.namespace, f".svc.cluster.local:{port_of(args)}/v1"
        )
        page_args = settings.chat_page_args(settings.chat_page, url).model_copy(update={"project": cluster.project})
        page = ChatPage(CHAT_PAGE, page_args, on_cluster)
        outputs |= {"chatPageUrl": page.url, "chatPageAccess": page.access}
    return {**outputs, "hourlyCost": needs(settings).cost, "kubeconfig": cluster.kubeconfig}


RECIPE = Recipe(
    name="mistral-vllm-autopilot",
    title="LoRA-tuned Mistral 7B with vLLM on GKE Autopilot, one L4 a pod, autoscaled on its queue",
    guide="https://github.com/Git-PratikVyas/Finetuning-LORA",
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
