"""What can be known to be wrong with the storage of an InferenceService before it is asked for."""

import re

from ..findings import Finding, error
from ..quantities import quantity
from ..texts import check_text, fits, load_texts
from .derived import READ_ONLY, known_model, most_replicas, server_of
from .inference_service_args import AccessMode, InferenceServiceArgs, StorageArgs, StorageKind

OWN = {
    StorageKind.HOST_PATH: ("host_path", "hostPath", "path"),
    StorageKind.BUCKET: ("bucket", "bucket", "bucket"),
    StorageKind.CLAIM: ("claim", "claim", "claim"),
}
"""What one kind needs and no other has: field, setting, and what it is."""

DOWNLOADED = "empty-dir, host-path or ephemeral-volume"
"""Kinds that a server can download to, as messages name them."""

FOLDER = r"[A-Za-z0-9_][A-Za-z0-9_.=-]*(/[A-Za-z0-9_][A-Za-z0-9_.=-]*)*"
"""A path that means the same in a bucket, on a command line and in a URL."""

REPOSITORY = r"[A-Za-z0-9][A-Za-z0-9_.-]*/[A-Za-z0-9][A-Za-z0-9_.-]*"
"""A repository on Hugging Face."""


def check_storage(args: InferenceServiceArgs) -> list[Finding]:
    """Return what is wrong with the storage of a service, by path within `args`."""
    return [*_check_server(args), *_check_settings(args.storage), *_check_size(args), *_check_access_mode(args)]


def _check_server(args: InferenceServiceArgs) -> list[Finding]:
    server, kind, folder = server_of(args), args.storage.kind, args.storage.folder
    read_only = kind in READ_ONLY
    if read_only and not server.needs_checkpoint and not server.reads_folder:
        message = f"{server.title} downloads the weights, and pods only read storage of kind {kind.value}."
        return [error("storage-kind", "storage.kind", message, f"Set kind to {DOWNLOADED}, and a size.")]
    if server.needs_checkpoint and not read_only:
        message = f"{server.title} serves a converted checkpoint, and nothing fills storage of kind {kind.value}."
        return [error("storage-kind", "storage.kind", message, "Set kind to bucket or claim.")]
    if not (read_only and server.reads_folder):
        if folder is None:
            return []
        message = f"{server.title} reads no folder of storage of kind {kind.value}."
        return [error("storage-folder", "storage.folder", message, "Remove folder.")]
    if folder is None:
        message = f"{server.title} must be told which folder holds the model."
        return [error("storage-folder", "storage.folder", message, f"Set it, or set kind to {DOWNLOADED}.")]
    if not re.fullmatch(FOLDER, folder):
        message = f"'{folder}' is not a folder of a bucket."
        return [error("storage-folder", "storage.folder", message, "Write it as models/mistral, without slash first.")]
    return []


def _check_settings(storage: StorageArgs) -> list[Finding]:
    findings: list[Finding] = []
    for kind, (field, setting, noun) in OWN.items():
        wanted, given = storage.kind is kind, getattr(storage, field) is not None
        if wanted != given:
            findings.append(
                error(
                    f"storage-{kind.value}",
                    f"storage.{setting}",
                    f"storage of kind {storage.kind.value} {'needs a' if wanted else 'has no'} {noun}.",
                    ("Set an absolute path." if kind is StorageKind.HOST_PATH else f"Set the name of a {noun}.")
                    if wanted
                    else f"Remove {setting}, or set kind to {kind.value}.",
                )
            )
    if not fits("host-path", storage.host_path):
        findings.append(
            error(
                "storage-host-path",
                "storage.hostPath",
                "this is not an absolute path.",
                "Begin it with a slash, and leave out '..'.",
            )
        )
    for setting, kind, name in (("bucket", "bucket", storage.bucket), ("claim", "object", storage.claim)):
        if not fits(kind, name):
            findings.append(
                error(
                    f"storage-{setting}",
                    f"storage.{setting}",
                    f"'{name}' is not the name of a {setting}.",
                    f"{load_texts()[kind].remedy}; at most {load_texts()[kind].most} characters.",
                )
            )
    findings += check_text("object", storage.storage_class, "storage.storageClass")
    if storage.storage_class is not None and storage.kind is not StorageKind.EPHEMERAL_VOLUME:
        findings.append(
            error(
                "storage-class-unused",
                "storage.storageClass",
                f"storage of kind {storage.kind.value} has no storage class.",
                "Remove storageClass, or set kind to ephemeral-volume.",
            )
        )
    return findings


def _check_size(args: InferenceServiceArgs) -> list[Finding]:
    storage, model = args.storage, known_model(args)
    if storage.kind in READ_ONLY:
        if storage.size is None:
            return []
        return [
            error(
                "storage-size-unused",
                "storage.size",
                f"storage of kind {storage.kind.value} was made elsewhere, with its size.",
                "Remove size.",
            )
        ]
    if storage.size is None:
        return [
            error(
                "storage-size-missing",
                "storage.size",
                f"storage of kind {storage.kind.value} needs a size.",
                "Set one that holds the weights, for example 150Gi.",
            )
        ]
    try:
        size = quantity(storage.size)
    except ValueError as invalid:
        return [error("quantity-invalid", "storage.size", f"{invalid}.", "Set one, for example 150Gi.")]
    if model is not None and size < model.weight_bytes:
        return [
            error(
                "storage-too-small",
                "storage.size",
                f"{storage.size} does not hold the weights of '{args.model}', {model.weight_bytes / 1024**3:.0f} GiB.",
                "Set a larger size.",
            )
        ]
    return []


def _check_access_mode(args: InferenceServiceArgs) -> list[Finding]:
    storage, most = args.storage, most_replicas(args)
    if storage.bucket_claim is not None and storage.kind is not StorageKind.CLAIM:
        return [
            error(
                "storage-bucket-claim",
                "storage.bucketClaim",
                f"storage of kind {storage.kind.value} is no claim.",
                "Remove bucketClaim, or set kind to claim.",
            )
        ]
    if storage.access_mode is not None and storage.kind is not StorageKind.CLAIM:
        return [
            error(
                "storage-access-mode",
                "storage.accessMode",
                f"storage of kind {storage.kind.value} has no access mode.",
                "Remove accessMode, or set kind to claim.",
            )
        ]
    if storage.access_mode is AccessMode.READ_WRITE_ONCE and most > 1:
        return [
            error(
                "storage-one-node",
                "storage.accessMode",
                f"a ReadWriteOnce claim is mounted by one node, and there are up to {most} pods, each on its own.",
                "Use a claim of access mode ReadOnlyMany, or set replicas to 1.",
            )
        ]
    return []
