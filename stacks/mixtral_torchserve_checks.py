"""What can be known to be wrong with the stack `mixtral-torchserve-gke` before a resource is registered."""

from dataclasses import replace

from components.findings import Finding, error
from components.gke.cluster_checks import check_gke_gpu_cluster
from components.gke.gpu_cluster_args import Addons
from components.inference.inference_checks import check_inference_service
from components.inference.volumes import cache_claim
from components.jobs.model_archive_checks import check_model_archive_job
from components.placement import check_placement
from components.storage.checkpoint_bucket import check_checkpoint_bucket
from stacks.mixtral_torchserve_settings import PREPARATION_POOL, Settings
from stacks.serving import check_gpu_metrics, service_findings

CLUSTER = "mixtral-torchserve"
SERVICE = "mixtral-torchserve-server"
BUCKET = "mixtral-torchserve-store"


def check(settings: Settings) -> list[Finding]:
    """Return everything that can be known to be wrong, the parts against each other included."""
    service, pools = settings.service_args(), settings.cluster.gpu_pools or {}
    findings = [
        *(finding.under("cluster") for finding in check_gke_gpu_cluster(CLUSTER, settings.cluster)),
        *service_findings(
            settings.service, [*check_inference_service(SERVICE, service), *check_placement(service, pools)]
        ),
        *check_gpu_metrics(settings.cluster, settings.service),
    ]
    addons = settings.cluster.addons or Addons()
    if settings.from_bucket:
        findings += _check_bucket(settings)
        if addons.gcs_fuse_csi is False:
            findings.append(_missing("gcsFuseCsi", "pods mount the bucket through the Cloud Storage FUSE driver"))
    if addons.persistent_disk_csi is False and cache_claim(SERVICE, service):
        findings.append(_missing("persistentDiskCsi", "what is compiled is kept on a persistent disk"))
    if settings.prepares:
        findings += _check_preparation(settings)
    return findings


def _missing(addon: str, why: str) -> Finding:
    message = f"{why}, and its driver is switched off."
    return error("addon-missing", f"cluster.addons.{addon}", message, "Remove it, or set it to true.")


def _check_bucket(settings: Settings) -> list[Finding]:
    findings: list[Finding] = []
    if (settings.bucket is None) == (settings.service.storage.bucket is None):
        which = "none is named" if settings.bucket is None else "two are named"
        findings.append(
            error(
                "bucket-ambiguous",
                "bucket",
                f"the archive is in one bucket, and {which}.",
                "Set bucket.location for a bucket that the stack makes, or service.storage.bucket for one of yours.",
            )
        )
    if settings.bucket is not None:
        found = check_checkpoint_bucket(BUCKET, settings.bucket, settings.cluster.location)
        findings += [finding.under("bucket") for finding in found]
    if settings.service.service_account is not None:
        findings.append(
            error(
                "service-account-owned",
                "service.serviceAccount",
                "the stack makes the account that may read the bucket.",
                "Remove it.",
            )
        )
    return findings


def _check_preparation(settings: Settings) -> list[Finding]:
    pool = f"cluster.cpuPools.{PREPARATION_POOL}"
    if PREPARATION_POOL not in (settings.cluster.cpu_pools or {}):
        message = "the preparation runs on nodes of this pool, which is not there."
        return [error("conversion-pool", pool, message, "Set its machineType, minNodes 0 and maxNodes 1.")]
    places = {
        "machineType": f"{pool}.machineType",
        "diskSizeGb": f"{pool}.diskSizeGb",
        "token": "huggingFaceToken",
    }
    return [
        replace(finding, path=places[finding.path])
        for finding in check_model_archive_job(settings.preparation_args())
        if finding.path in places  # the others are said by the service's own check
    ]
