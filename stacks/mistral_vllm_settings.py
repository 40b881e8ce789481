"""What the configuration of the stack `mistral-vllm-autopilot` says, and what follows from it."""

from pydantic import Field

from components.args import ComponentArgs, Input, given
from components.catalog import load_catalog
from components.gke.gpu_cluster_args import GkeGpuClusterArgs
from components.gke.node_pool_checks import region_of
from components.gke.workload_identity_binding import BucketRoleArgs, WorkloadIdentityBindingArgs
from components.inference.chat_page import ChatPageArgs
from components.inference.exposure import Exposure
from components.inference.inference_service_args import (
    AdapterArgs,
    InferenceServiceArgs,
    StorageArgs,
    StorageKind,
    VllmArgs,
)
from components.jobs.fine_tune_job_args import FineTuneJobArgs, Save
from components.jobs.fine_tune_sizing import RANK
from components.placement import pool_accelerators
from components.storage.checkpoint_bucket import CheckpointBucketArgs
from stacks.serving import scaled

KNOWN_LATER = "made-by-this-stack"
"""Stands for names that are known once the resources are there, so that the rest can be checked before."""

FOLDER = "finetune"
"""Folder of the bucket that the training writes to."""

ADAPTER_NAME = "tuned"
"""Name under which vLLM serves the adapter that the stack trained."""


class ChatPageSettings(ComponentArgs):
    """The chat page. Those who reach it need an account, which the first of them gives."""

    exposure: Exposure
    """Who can reach it: `cluster`, through a forwarded port; `internal`; or `public`, for the `sourceRanges`."""
    size: str | None = None
    """Kubernetes quantity of the volume of accounts and conversations, deleted with the page. Default: `5Gi`."""
    storage_class: str | None = None
    """Storage class of the volume. Default: the cluster's."""


class FineTuneSettings(ComponentArgs):
    """The fine-tune of candidates, the best of which is then served from the stack's bucket."""

    models: list[str] = Field(min_length=1)
    """Candidates, as repositories on Hugging Face. Each is trained, and the one with the best ROUGE-L served."""
    save: Save | None = None
    """Whether the whole model or its adapter is kept and served. An adapter is served with its base model, so of
    one candidate. Default: `merged`."""
    rank: int | None = Field(default=None, ge=1, le=512)
    """Rank of the LoRA matrices. Default: 16."""
    batch_size: int | None = Field(default=None, ge=1)
    """Examples on the GPU at a time. Default: 2."""
    max_length: int | None = Field(default=None, ge=16)
    """Tokens of prompt and answer together. Default: 1024."""
    push_to: str | None = None
    """Repository on Hugging Face that takes the best model. Default: none, nothing is pushed."""
    private: bool | None = None
    """Whether that repository is private. Default: true."""
    settings: dict[str, str] | None = None
    """Further settings of the fine-tune, by their names in `workloads/finetune/settings.py`, for example `epochs` or
    `dataset`. Default: none."""
    spot: bool | None = None
    """Run on Spot VMs: the training goes on from its last checkpoint when its node is taken back. Default: true."""
    hours: int | None = Field(default=None, ge=1, le=500)
    """Hours after which it counts as stuck, waiting for a node included. Default: 24."""


class Settings(ComponentArgs):
    """What the configuration of the stack says."""

    cluster: GkeGpuClusterArgs
    """The cluster: Autopilot, or with pools whose GPUs are then shared as they say."""
    service: InferenceServiceArgs
    """The model server. What follows from the cluster and from the settings below is filled in."""
    fine_tune: FineTuneSettings | None = None
    """Train before the server starts, and serve the result in place of what `service` names. Default: nothing."""
    chat_page: ChatPageSettings | None = None
    """A page to chat with the model. Default: none."""
    hugging_face_token: Input[str] | None = None
    """Hugging Face token, with which weights are downloaded, and pushed. A secret."""
    wandb_api_key: Input[str] | None = None
    """Weights & Biases API key, with which the training is tracked. A secret. Default: it is not tracked."""
    source_ranges: list[str] | None = None
    """CIDR ranges that may reach the load balancers, where there are any."""

    def service_args(
        self,
        bucket: Input[str] = KNOWN_LATER,
        service_account: Input[str] | None = KNOWN_LATER,
    ) -> InferenceServiceArgs:
        """Return the arguments of the service with everything filled in.

        `bucket` and `service_account` are those of what the stack trains, if it does.
        """
        tuned = self._tuned(self.fine_tune, bucket, service_account) if self.fine_tune else {}
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
            | tuned
        )

    def _tuned(
        self, tuning: FineTuneSettings, bucket: Input[str], service_account: Input[str] | None
    ) -> dict[str, object]:
        folder = f"{FOLDER}/best"
        if tuning.save is Save.ADAPTER:
            model = tuning.models[0]
            adapter = AdapterArgs(folder=folder, base_model=model, rank=tuning.rank or RANK)
            update = {"adapters": {ADAPTER_NAME: adapter}, "adapters_bucket": bucket}
            vllm = (self.service.vllm or VllmArgs()).model_copy(update=update)
            return {"model": model, "base_model": None, "vllm": vllm, "service_account": service_account}
        storage = StorageArgs(kind=StorageKind.BUCKET, bucket=bucket, folder=folder)
        return {"base_model": self._largest(tuning), "storage": storage, "service_account": service_account}

    def _largest(self, tuning: FineTuneSettings) -> str:
        """Return the candidate that needs the most memory, since which one is served is known when all are trained."""
        models = load_catalog().models
        return max(tuning.models, key=lambda name: models[name].weight_bytes if name in models else 0)

    def fine_tune_args(
        self, tuning: FineTuneSettings, bucket: Input[str] = KNOWN_LATER, service_account: Input[str] = KNOWN_LATER
    ) -> FineTuneJobArgs:
        """Return the arguments of the fine-tune with everything filled in."""
        return FineTuneJobArgs(
            **dict(tuning),
            bucket=bucket,
            folder=FOLDER,
            service_account=service_account,
            accelerator=self.service.accelerator or "",
            token=self.hugging_face_token,
            wandb_api_key=self.wandb_api_key,
            autopilot=self.cluster.autopilot,
            node_selector=self.service.node_selector,
            storage_class=self.service.storage.storage_class,
            namespace=self.service.namespace,
        )

    def bucket_args(self, project: Input[str] | None = None) -> CheckpointBucketArgs:
        """Return the arguments of the bucket that takes what is trained."""
        return CheckpointBucketArgs(location=region_of(self.cluster.location), project=project)

    def identity_args(self, project: Input[str], role: BucketRoleArgs) -> WorkloadIdentityBindingArgs:
        """Return the arguments of the binding of pods that have `role` on the bucket."""
        return WorkloadIdentityBindingArgs(
            project=project, namespace=self.service.namespace, bucket_roles={"bucket": role}
        )

    def chat_page_args(self, page: ChatPageSettings, api_url: Input[str]) -> ChatPageArgs:
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
