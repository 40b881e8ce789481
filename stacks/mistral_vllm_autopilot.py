"""Mistral 7B, fine-tuned to summarize, with vLLM on GKE Autopilot, one L4 for each pod."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pulumi

from components.cost import hourly_cost, hourly_cost_of_pods
from components.findings import Finding, error
from components.gke.cluster_checks import check_gke_gpu_cluster
from components.gke.gpu_cluster import GkeGpuCluster
from components.gke.gpu_cluster_args import node_pools
from components.gke.workload_identity_binding import BucketRoleArgs, WorkloadIdentityBinding
from components.inference.chat_page import ChatPage, check_chat_page
from components.inference.derived import server_of
from components.inference.exposure import Exposure
from components.inference.inference_checks import check_inference_service
from components.inference.inference_service import InferenceService, port_of
from components.jobs.fine_tune_checks import check_fine_tune_job
from components.jobs.fine_tune_job import FineTuneJob
from components.jobs.fine_tune_job_args import Save
from components.placement import check_placement, grown
from components.quota import quotas_of_chat_page, quotas_of_cluster, quotas_of_fine_tune, quotas_of_service, total
from components.storage.checkpoint_bucket import CheckpointBucket
from stacks.mistral_vllm_settings import FineTuneSettings, Settings
from stacks.recipe import AccountValue, Needs, Recipe
from stacks.serving import (
    check_gpu_metrics,
    create_metrics_adapter,
    downloads_of,
    images_of,
    service_findings,
    serving_outputs,
)

CLUSTER = "vllm"
SERVICE = "llm"
CHAT_PAGE = "chat"

BUCKET = "tuned"
FINE_TUNE = "fine-tune"

OF_ANOTHER_NAME = {"token": "huggingFaceToken", "wandbApiKey": "wandbApiKey", "accelerator": "service.accelerator"}
"""Arguments of the fine-tune that the stack's configuration has elsewhere."""

API_URL = "http://made-by-this-stack/v1"
"""Stands for a URL that is known once the service is there, so that the rest can be checked before."""


def check(settings: Settings) -> list[Finding]:
    """Return everything that can be known to be wrong, the parts against each other included."""
    service = settings.service_args()
    placement = [] if settings.cluster.autopilot else check_placement(service, settings.cluster.gpu_pools or {})
    return [
        *(finding.under("cluster") for finding in check_gke_gpu_cluster(CLUSTER, settings.cluster)),
        *service_findings(settings.service, [*check_inference_service(SERVICE, service), *placement]),
        *check_gpu_metrics(settings.cluster, settings.service),
        *_check_fine_tune(settings),
        *_check_chat_page(settings),
        *_check_ranges(settings),
    ]


def _check_fine_tune(settings: Settings) -> list[Finding]:
    tuning = settings.fine_tune
    if tuning is None:
        if settings.wandb_api_key is None:
            return []
        return [error("token-unused", "wandbApiKey", "nothing is trained that could be tracked.", "Set fineTune.")]
    findings = [
        replace(finding, path=OF_ANOTHER_NAME[finding.path])
        if finding.path in OF_ANOTHER_NAME
        else finding.under("fineTune")
        for finding in check_fine_tune_job(FINE_TUNE, settings.fine_tune_args(tuning))
    ]
    if tuning.save is Save.ADAPTER and len(tuning.models) > 1:
        findings.append(
            error(
                "adapter-candidates",
                "fineTune.save",
                "an adapter is served with its base model, and which of the candidates that is, is known too late.",
                "Name one candidate, or set save to merged.",
            )
        )
    return findings


def _check_chat_page(settings: Settings) -> list[Finding]:
    if settings.chat_page is None:
        return []
    findings = [
        finding if finding.path.startswith("sourceRanges") else finding.under("chatPage")
        for finding in check_chat_page(CHAT_PAGE, settings.chat_page_args(settings.chat_page, API_URL))
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
    args, page = settings.service_args(), settings.chat_page
    cluster = settings.cluster.model_copy(update={"gpu_pools": grown(settings.cluster.gpu_pools or {}, args)})
    quotas = [*quotas_of_cluster(cluster), *quotas_of_service(cluster.location, args)]
    if page is not None:
        quotas += quotas_of_chat_page(cluster.location, settings.chat_page_args(page, API_URL))
    if settings.fine_tune is not None:
        quotas += quotas_of_fine_tune(cluster.location, settings.fine_tune_args(settings.fine_tune))
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
    create_metrics_adapter(cluster, settings.service)
    before: list[pulumi.Resource] = []
    args = settings.service_args()
    if settings.fine_tune is not None:
        job = _train(settings, settings.fine_tune, cluster, on_cluster)
        reader = settings.identity_args(cluster.project, BucketRoleArgs(bucket=job.bucket))
        account = WorkloadIdentityBinding(SERVICE, reader, on_cluster).service_account
        args = settings.service_args(job.bucket, account)
        before.append(job)
    # the address is reserved in the cluster's project, once that has the APIs
    args = args.model_copy(update={"project": cluster.project})
    service = InferenceService(SERVICE, args, pulumi.ResourceOptions(providers=[cluster.provider], depends_on=before))
    outputs: dict[str, Any] = serving_outputs(service, args)
    if settings.chat_page is not None:
        url = pulumi.Output.concat(
            "http://", service.service_name, ".", service.namespace, f".svc.cluster.local:{port_of(args)}/v1"
        )
        page_args = settings.chat_page_args(settings.chat_page, url).model_copy(update={"project": cluster.project})
        page = ChatPage(CHAT_PAGE, page_args, on_cluster)
        outputs |= {"chatPageUrl": page.url, "chatPageAccess": page.access}
    return {**outputs, "hourlyCost": needs(settings).cost, "kubeconfig": cluster.kubeconfig}


def _train(
    settings: Settings, tuning: FineTuneSettings, cluster: GkeGpuCluster, on_cluster: pulumi.ResourceOptions
) -> FineTuneJob:
    """Register the bucket, and the training that fills it."""
    bucket = CheckpointBucket(BUCKET, settings.bucket_args(cluster.project)).bucket_name
    writer = settings.identity_args(cluster.project, BucketRoleArgs(bucket=bucket, role="roles/storage.objectUser"))
    account = WorkloadIdentityBinding(FINE_TUNE, writer, on_cluster).service_account
    return FineTuneJob(FINE_TUNE, settings.fine_tune_args(tuning, bucket, account), on_cluster)


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
