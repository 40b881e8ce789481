"""What can be known to be wrong with the stack `llama-jetstream-tpu` before a resource is registered."""

from dataclasses import replace

from components.findings import Finding, error
from components.gke.cluster_checks import check_gke_gpu_cluster
from components.gke.gpu_cluster_args import Addons
from components.gke.node_pool_checks import check_tpu_pool, tpu_zones
from components.gke.workload_identity_binding import BucketRoleArgs, check_workload_identity_binding
from components.inference.inference_checks import check_inference_service
from components.jobs.conversion_checks import check_checkpoint_disk, check_conversion_job
from components.placement import check_placement
from components.storage.checkpoint_bucket import check_checkpoint_bucket
from stacks.llama_jetstream_settings import CONVERTER_POOL, KNOWN_LATER, POOL, Settings
from stacks.serving import service_findings

CLUSTER = "jetstream-maxtext"
SERVICE = "jetstream-pytorch-server"
BUCKET = "jetstream-checkpoints"


def check(settings: Settings) -> list[Finding]:
    """Return everything that can be known to be wrong, the parts against each other included."""
    service, location = settings.service_args(), settings.cluster.location
    findings = [
        *(finding.under("cluster") for finding in check_gke_gpu_cluster(CLUSTER, settings.cluster)),
        *(finding.under("tpuPool") for finding in check_tpu_pool(POOL, settings.tpu_pool, location)),
    ]
    about_service = check_inference_service(SERVICE, service)
    if any(finding.path in ("tpuPool.machineType", "tpuPool.topology") for finding in findings):
        # what follows from the pool is wrong with it
        about_service = [each for each in about_service if each.path not in ("accelerator", "accelerators", "topology")]
    else:
        placement = check_placement(service, {POOL: settings.tpu_pool})
        if any(each.code == "placement-multi-host" for each in placement):
            about_service = [each for each in about_service if each.path != "accelerators"]
        about_service += placement
    findings += service_findings(settings.service, about_service)
    if settings.from_bucket:
        findings += _check_bucket(settings)
        identity = settings.identity_args(KNOWN_LATER, BucketRoleArgs(bucket=KNOWN_LATER))
        findings += [
            finding.under("workloadIdentity") for finding in check_workload_identity_binding(SERVICE, identity)
        ]
        if settings.converts:
            findings += _check_conversion(settings)
    if settings.from_disk:
        findings += _check_disk(settings)
    elif settings.disk is not None:
        message = "the checkpoint is on no disk that the stack makes."
        findings.append(error("disk-unused", "disk", message, "Remove it, or set service.storage.kind to claim."))
    return findings


def _check_conversion(settings: Settings) -> list[Finding]:
    pool = f"cluster.cpuPools.{CONVERTER_POOL}"
    if CONVERTER_POOL not in (settings.cluster.cpu_pools or {}):
        message = "the conversion runs on nodes of this pool, which is not there."
        return [error("conversion-pool", pool, message, "Set its machineType, minNodes 0 and maxNodes 1.")]
    places = {
        "machineType": f"{pool}.machineType",
        "diskSizeGb": f"{pool}.diskSizeGb",
        "quantized": "service.jetstream.quantizeWeights",
        "token": "huggingFaceToken",
    }
    return [
        replace(finding, path=places[finding.path]) if finding.path in places else finding.under("conversion")
        for finding in check_conversion_job(settings.conversion_args())
        if finding.path != "model"  # said by the service's own check
    ]


def _check_disk(settings: Settings) -> list[Finding]:
    findings = [
        finding.under("disk")
        for finding in check_checkpoint_disk(settings.disk_args())
        if finding.path not in ("model", "zone")  # said by the checks of the service and of the slices
    ]
    zones = tpu_zones(settings.tpu_pool, settings.cluster.location)
    if len(zones) > 1:
        message = f"the disk is in {zones[0]}, and no pod mounts it in {', '.join(zones[1:])}."
        findings.append(
            error("disk-zone", "tpuPool.zones", message, "Name one zone, or keep the checkpoint in a bucket.")
        )
    if settings.converts and settings.hugging_face_token is None:
        findings.append(
            error(
                "token-missing",
                "huggingFaceToken",
                f"the machine that fills the disk downloads '{settings.service.model}' with a Hugging Face token.",
                "Accept its terms on Hugging Face, then run `pulumi config set --secret huggingFaceToken TOKEN`.",
            )
        )
    flags = settings.service.jetstream
    for path, set_ in (
        ("conversion.ownWeights", settings.conversion.own_weights),
        ("service.jetstream.quantizeWeights", flags is not None and flags.quantize_weights),
    ):
        if set_:
            findings.append(
                error(
                    "disk-conversion",
                    path,
                    "a disk is filled with the weights of Hugging Face in 16 bits.",
                    "Remove it, or set service.storage.kind to bucket.",
                )
            )
    if (settings.cluster.addons or Addons()).persistent_disk_csi is False:
        findings.append(
            error(
                "addon-missing",
                "cluster.addons.persistentDiskCsi",
                "pods mount the disk through the persistent disk driver, and it is switched off.",
                "Remove it, or set it to true.",
            )
        )
    return findings


def _check_bucket(settings: Settings) -> list[Finding]:
    findings: list[Finding] = []
    if (settings.bucket is None) == (settings.service.storage.bucket is None):
        which = "none is named" if settings.bucket is None else "two are named"
        findings.append(
            error(
                "bucket-ambiguous",
                "bucket",
                f"the checkpoint is in one bucket, and {which}.",
                "Set bucket.location for a bucket that the stack makes, or service.storage.bucket for one of yours.",
            )
        )
    if settings.bucket is not None:
        findings += [
            finding.under("bucket")
            for finding in check_checkpoint_bucket(BUCKET, settings.bucket, settings.cluster.location)
        ]
    if settings.service.service_account is not None:
        findings.append(
            error(
                "service-account-owned",
                "service.serviceAccount",
                "the stack makes the account that may read the bucket.",
                "Remove it; workloadIdentity has the settings of the stack's own.",
            )
        )
    if (settings.cluster.addons or Addons()).gcs_fuse_csi is False:
        findings.append(
            error(
                "addon-missing",
                "cluster.addons.gcsFuseCsi",
                "pods mount the bucket through the Cloud Storage FUSE driver, and it is switched off.",
                "Remove it, or set it to true.",
            )
        )
    return findings
