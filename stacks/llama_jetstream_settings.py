"""What the configuration of the stack `llama-jetstream-tpu` says, and what follows from it."""

from pydantic import Field

from components.args import ComponentArgs, Input, given
from components.catalog import load_catalog
from components.gke.gpu_cluster_args import GkeGpuClusterArgs
from components.gke.node_pool import TpuPoolArgs
from components.gke.node_pool_checks import region_of, tpu_zones
from components.gke.workload_identity_binding import BucketRoleArgs, WorkloadIdentityBindingArgs
from components.inference.derived import READ_ONLY, server_of
from components.inference.inference_service_args import InferenceServiceArgs, StorageArgs, StorageKind
from components.jobs.conversion_job_args import ConversionJobArgs
from components.placement import pool_accelerators
from components.storage.checkpoint_bucket import CheckpointBucketArgs
from components.storage.checkpoint_disk_args import CheckpointDiskArgs
from stacks.serving import scaled

POOL = "tpu"
CONVERTER_POOL = "converter"

DOWNLOADED = StorageArgs(kind=StorageKind.EMPTY_DIR, size="40Gi")
"""Storage of a server that downloads the weights itself, where the settings name one that it cannot fill."""

KNOWN_LATER = "made-by-this-stack"
"""Stands for names that are known once the resources are there, so that the rest can be checked before."""


class ConversionSettings(ComponentArgs):
    """Conversion of the published weights into a checkpoint that JetStream loads."""

    convert: bool | None = None
    """Convert before the server starts. False: the checkpoint is in the bucket, or on the stack's disk, already.
    Default: true."""
    own_weights: bool | None = None
    """Convert weights that are in the bucket's folder `llama-2-7b/base` and the like, instead of downloading them.
    Default: false."""


class DiskSettings(ComponentArgs):
    """The disk that the stack makes where `service.storage` is a claim and names none."""

    size_gb: int | None = Field(default=None, ge=10)
    """Size of the disk in GB. Default: half as much again as the weights."""


class WorkloadIdentitySettings(ComponentArgs):
    """Rights of the pods on Google Cloud."""

    google_service_account: bool | None = None
    """Bind through Google service accounts, as the guide does, and not directly. Default: true."""
    project_roles: list[str] | None = None
    """Roles on the whole project, as the guide's `roles/storage.objectUser` and
    `roles/storage.insightsCollectorService`. Default: none, since those on the bucket are enough."""


class Settings(ComponentArgs):
    """What the configuration of the stack says."""

    cluster: GkeGpuClusterArgs
    """The cluster, its CPU pool, and among its further ones `converter`, on which the conversion runs."""
    tpu_pool: TpuPoolArgs
    """The TPU slices."""
    service: InferenceServiceArgs
    """The model server. What follows from the cluster, the slices and the bucket is filled in."""
    bucket: CheckpointBucketArgs | None = None
    """The bucket of the checkpoint. Default: none, where `service.storage` names one of yours."""
    disk: DiskSettings | None = None
    """The disk of the checkpoint, where it is on one. Default: as large as the model needs."""
    conversion: ConversionSettings = ConversionSettings()
    """Default: from the weights on Hugging Face."""
    workload_identity: WorkloadIdentitySettings = WorkloadIdentitySettings()
    """Default: the least roles, through Google service accounts."""
    hugging_face_token: Input[str] | None = None
    """Hugging Face token whose owner has accepted the model's terms. A secret."""
    source_ranges: list[str] | None = None
    """CIDR ranges that may reach a load balancer, where the service has one."""

    @property
    def from_bucket(self) -> bool:
        """Whether the server loads a checkpoint from a bucket."""
        return server_of(self.service).needs_checkpoint and self.service.storage.kind is StorageKind.BUCKET

    @property
    def from_disk(self) -> bool:
        """Whether the server loads a checkpoint from a disk that the stack makes."""
        storage = self.service.storage
        return server_of(self.service).needs_checkpoint and storage.kind is StorageKind.CLAIM and storage.claim is None

    @property
    def converts(self) -> bool:
        """Whether the stack converts the checkpoint."""
        return (self.from_bucket or self.from_disk) and self.conversion.convert is not False

    def service_args(
        self, storage_name: Input[str] = KNOWN_LATER, service_account: Input[str] | None = None
    ) -> InferenceServiceArgs:
        """Return the arguments of the service with everything filled in.

        `storage_name` is that of the bucket, or of the disk's claim, where the settings name none.
        """
        service, machine = self.service, load_catalog().machines.get(self.tpu_pool.machine_type)
        slice_ = given(
            accelerator=service.accelerator or (machine.accelerator if machine else None),
            accelerators=service.accelerators or (machine and machine.accelerator_count) or None,
            topology=service.topology or self.tpu_pool.topology,
        )
        service = service.model_copy(update=slice_)
        if server_of(service).needs_checkpoint:
            storage = service.storage
            if self.from_bucket and storage.bucket is None:
                storage = storage.model_copy(update={"bucket": storage_name})
            if self.from_disk:
                storage = storage.model_copy(update={"claim": storage_name})
            engine = given(storage=storage, service_account=service_account)
        else:
            # one setting, `server`, changes the engine: what only JetStream reads is left aside
            storage = DOWNLOADED if service.storage.kind in READ_ONLY else service.storage
            engine = {"storage": storage, "jetstream": None, **given(token=self.hugging_face_token)}
        return service.model_copy(
            update=given(
                autoscaling=scaled(self.service),
                source_ranges=self.source_ranges,
                region=region_of(self.cluster.location),
                subnetwork=self.cluster.subnetwork,
                pool_accelerators=pool_accelerators({POOL: self.tpu_pool}, service) if machine else None,
            )
            | engine
        )

    def conversion_args(
        self, bucket: Input[str] = KNOWN_LATER, service_account: Input[str] = KNOWN_LATER
    ) -> ConversionJobArgs:
        """Return the arguments of the conversion with everything filled in."""
        flags, pool = self.service.jetstream, (self.cluster.cpu_pools or {})[CONVERTER_POOL]
        return ConversionJobArgs(
            model=self.service.model,
            bucket=bucket,
            service_account=service_account,
            machine_type=pool.machine_type,
            disk_size_gb=pool.disk_size_gb,
            token=self.hugging_face_token,
            own_weights=self.conversion.own_weights,
            quantized=flags.quantize_weights if flags else None,
            namespace=self.service.namespace,
        )

    def disk_args(self, project: Input[str] | None = None) -> CheckpointDiskArgs:
        """Return the arguments of the disk with everything filled in."""
        return CheckpointDiskArgs(
            model=self.service.model,
            zone=next(iter(tpu_zones(self.tpu_pool, self.cluster.location)), self.cluster.location),
            token=KNOWN_LATER if self.hugging_face_token is None else self.hugging_face_token,
            project=project,
            subnetwork=self.cluster.subnetwork,
            namespace=self.service.namespace,
            size_gb=self.disk.size_gb if self.disk else None,
            convert=self.conversion.convert,
        )

    def identity_args(self, project: Input[str], role: BucketRoleArgs) -> WorkloadIdentityBindingArgs:
        """Return the arguments of the binding of pods that have `role` on the bucket."""
        return WorkloadIdentityBindingArgs(
            project=project,
            namespace=self.service.namespace,
            google_service_account=self.workload_identity.google_service_account is not False,
            bucket_roles={"bucket": role},
            project_roles=self.workload_identity.project_roles,
        )
