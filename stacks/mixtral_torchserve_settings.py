"""What the configuration of the stack `mixtral-torchserve-gke` says, and what follows from it."""

from components.args import ComponentArgs, Input, given
from components.gke.gpu_cluster_args import GkeGpuClusterArgs
from components.gke.node_pool_checks import region_of
from components.gke.workload_identity_binding import BucketRoleArgs, WorkloadIdentityBindingArgs
from components.inference.derived import READ_ONLY, server_of, serving_of, startup_seconds
from components.inference.inference_service_args import InferenceServiceArgs, Server, StorageArgs, StorageKind
from components.jobs.model_archive_job_args import ModelArchiveJobArgs
from components.placement import pool_accelerators
from components.storage.checkpoint_bucket import CheckpointBucketArgs
from stacks.serving import scaled

PREPARATION_POOL = "converter"

DOWNLOADED = StorageArgs(kind=StorageKind.EPHEMERAL_VOLUME, size="150Gi")
"""Storage of a server that downloads the weights itself, where the settings name one that it cannot fill."""

KNOWN_LATER = "made-by-this-stack"
"""Stands for names that are known once the resources are there, so that the rest can be checked before."""


class PreparationSettings(ComponentArgs):
    """Preparation of checkpoint and archive."""

    prepare: bool | None = None
    """Prepare before the server starts. False: both are in the bucket already. Default: true."""


class Settings(ComponentArgs):
    """What the configuration of the stack says."""

    cluster: GkeGpuClusterArgs
    """The cluster, its GPU pool, and among its further CPU pools `converter`, on which the preparation runs."""
    service: InferenceServiceArgs
    """The model server. What follows from the cluster and the bucket is filled in."""
    bucket: CheckpointBucketArgs | None = None
    """The bucket of checkpoint and archive. Default: none, where `service.storage` names one of yours."""
    preparation: PreparationSettings = PreparationSettings()
    """Default: from the weights on Hugging Face."""
    hugging_face_token: Input[str] | None = None
    """Hugging Face token whose owner has accepted the model's terms. A secret."""
    source_ranges: list[str] | None = None
    """CIDR ranges that may reach a load balancer, where the service has one."""

    @property
    def from_archive(self) -> bool:
        """Whether the server loads an archive, as TorchServe does and its successor does not."""
        return self.service.server is Server.TORCHSERVE

    @property
    def from_bucket(self) -> bool:
        """Whether the archive is in a bucket."""
        return self.from_archive and self.service.storage.kind is StorageKind.BUCKET

    @property
    def prepares(self) -> bool:
        """Whether the stack prepares it."""
        return self.from_bucket and self.preparation.prepare is not False

    def service_args(
        self, bucket: Input[str] = KNOWN_LATER, service_account: Input[str] | None = None
    ) -> InferenceServiceArgs:
        """Return the arguments of the service with everything filled in; `bucket` where the settings name none."""
        service = self.service
        if self.from_archive:
            storage = service.storage
            if self.from_bucket and storage.bucket is None:
                storage = storage.model_copy(update={"bucket": bucket})
            engine = given(storage=storage, service_account=service_account)
        else:
            # one setting, `server`, changes the engine: what only TorchServe reads is left aside
            kept = service.quantization if service.quantization in server_of(service).quantizations else None
            storage = DOWNLOADED if service.storage.kind in READ_ONLY else service.storage
            engine = {"storage": storage, "torchserve": None, "quantization": kept}
            engine |= given(token=self.hugging_face_token if server_of(service).token_variables else None)
        return service.model_copy(
            update=given(
                autoscaling=scaled(service),
                source_ranges=self.source_ranges,
                region=region_of(self.cluster.location),
                subnetwork=self.cluster.subnetwork,
                pool_accelerators=pool_accelerators(self.cluster.gpu_pools or {}, service),
            )
            | engine
        )

    def preparation_args(
        self, bucket: Input[str] = KNOWN_LATER, service_account: Input[str] = KNOWN_LATER
    ) -> ModelArchiveJobArgs:
        """Return the arguments of the preparation with everything filled in."""
        service, pool = self.service, (self.cluster.cpu_pools or {})[PREPARATION_POOL]
        return ModelArchiveJobArgs(
            model=service.model,
            bucket=bucket,
            service_account=service_account,
            machine_type=pool.machine_type,
            startup_seconds=startup_seconds(service),
            quantization=service.quantization,
            shards=serving_of(service).shards or 1,
            max_sequence_length=service.torchserve.max_sequence_length if service.torchserve else None,
            disk_size_gb=pool.disk_size_gb,
            token=self.hugging_face_token,
            namespace=service.namespace,
        )

    def identity_args(self, project: Input[str], role: BucketRoleArgs) -> WorkloadIdentityBindingArgs:
        """Return the arguments of the binding of pods that have `role` on the bucket."""
        return WorkloadIdentityBindingArgs(
            project=project, namespace=self.service.namespace, bucket_roles={"bucket": role}
        )
