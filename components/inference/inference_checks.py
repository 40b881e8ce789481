"""What can be known to be wrong with an InferenceService before it is asked for."""

import re

from ..args import given
from ..catalog import load_catalog
from ..findings import Finding, error, warning
from ..gke.autopilot_checks import check_autopilot
from ..gke.tpu_checks import check_jetstream
from ..names import check_name
from ..quantities import quantity
from ..texts import check_map, check_text
from .accelerator_checks import check_accelerators, units_of
from .autoscaling import check_autoscaling
from .derived import known_model, most_replicas, server_of, serving_of
from .exposure import Exposure, check_exposure, exposure_of
from .inference_service_args import InferenceServiceArgs
from .storage_checks import REPOSITORY, check_storage
from .torchserve_checks import check_torchserve
from .vllm_checks import check_vllm

LONGEST_NAME = 63 - len("-autoscaler")
"""Characters that the child with the longest name leaves."""
LONGEST_EXPOSED_NAME = 63 - len("-address-1234567")
"""Likewise with a load balancer, to whose address's name Pulumi appends some."""


def check_inference_service(name: str, args: InferenceServiceArgs) -> list[Finding]:
    """Return everything that can be known to be wrong with a service called `name`, by path within `args`."""
    return [
        *_check_name(name, args),
        *_check_service_account(args),
        *_check_model(args),
        *check_accelerators(args),
        *_check_replicas(args),
        *_check_exposure(args),
        *check_storage(args),
        *check_jetstream(args),
        *check_vllm(args),
        *check_torchserve(args),
        *check_autopilot(args),
        *_check_environment(args),
        *_check_quantities(args),
        *_check_texts(args),
    ]


def _check_name(name: str, args: InferenceServiceArgs) -> list[Finding]:
    longest = LONGEST_NAME if exposure_of(args) is Exposure.CLUSTER else LONGEST_EXPOSED_NAME
    return check_name(name, longest, "cannot name a Service and a Deployment")


def _check_service_account(args: InferenceServiceArgs) -> list[Finding]:
    account = args.service_account
    if not isinstance(account, str) or re.fullmatch(r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?", account):
        return []
    return [
        error(
            "service-account-invalid",
            "serviceAccount",
            f"'{account}' is not the name of a Kubernetes service account.",
            "Use lower-case letters, digits and hyphens; a Google one is bound to such an account.",
        )
    ]


def _check_model(args: InferenceServiceArgs) -> list[Finding]:
    server = server_of(args)
    findings: list[Finding] = []
    model = known_model(args)
    if args.base_model is not None and model is None:
        findings.append(
            error(
                "base-model-unknown",
                "baseModel",
                f"the catalogue does not know '{args.base_model}'.",
                f"Known ones: {', '.join(load_catalog().models)}.",
            )
        )
    if not re.fullmatch(REPOSITORY, args.model):
        findings.append(
            error(
                "model-invalid",
                "model",
                "this is not the name of a Hugging Face repository.",
                "Set OWNER/NAME, for example mistralai/Mixtral-8x7B-Instruct-v0.1.",
            )
        )
    elif model is None and args.base_model is None and not server.needs_checkpoint:
        findings.append(
            warning(
                "model-unknown",
                "model",
                f"the catalogue does not know '{args.model}'; neither its size nor whether it is gated is checked.",
                "Make sure that it fits, and set a token if it needs one.",
            )
        )
    elif _is_gated(args) and args.token is None and server.token_variables and args.storage.folder is None:
        findings.append(
            error(
                "token-missing",
                "token",
                f"'{args.model}' is gated: without a Hugging Face token its download is refused.",
                "Accept its terms on Hugging Face, then run `pulumi config set --secret huggingFaceToken TOKEN`.",
            )
        )
    if args.token is not None and not server.token_variables:
        findings.append(
            error("token-unused", "token", f"{server.title} downloads nothing and reads no token.", "Remove token.")
        )
    if server.needs_file and not args.model_file:
        findings.append(
            error(
                "model-file-missing",
                "modelFile",
                f"{server.title} serves one file.",
                "Name a GGUF file of the repository.",
            )
        )
    if not server.needs_file and args.model_file:
        findings.append(
            error("model-file-unused", "modelFile", f"{server.title} serves a whole repository.", "Remove modelFile.")
        )
    if args.quantization is not None and args.quantization not in server.quantizations:
        known = ", ".join(sorted(server.quantizations))
        findings.append(
            error(
                "quantization-unknown",
                "quantization",
                f"{server.title} has no quantization '{args.quantization}'.",
                f"Known ones: {known}." if known else "Remove quantization.",
            )
        )
    return findings


def _is_gated(args: InferenceServiceArgs) -> bool:
    model = load_catalog().models.get(args.model)
    return model is not None and model.gated


def _check_replicas(args: InferenceServiceArgs) -> list[Finding]:
    findings: list[Finding] = []
    scaling = args.autoscaling
    if scaling and args.replicas is not None:
        findings.append(
            error(
                "replicas-owned", "replicas", "autoscaling owns the number of pods.", "Remove replicas or autoscaling."
            )
        )
    if scaling and scaling.min_replicas > scaling.max_replicas:
        findings.append(
            error(
                "replicas-bounds",
                "autoscaling.minReplicas",
                f"{scaling.min_replicas} is above maxReplicas {scaling.max_replicas}.",
                "Set minReplicas <= maxReplicas.",
            )
        )
    most = most_replicas(args)
    if args.pool_accelerators and args.accelerators and most * args.accelerators > args.pool_accelerators:
        findings.append(
            error(
                "replicas-exceed-pool",
                "autoscaling.maxReplicas" if scaling else "replicas",
                f"{most} pods of {args.accelerators} {units_of(server_of(args))} need {most * args.accelerators}, and"
                f" the pool has {args.pool_accelerators} at its largest.",
                f"Set at most {args.pool_accelerators // args.accelerators}, or a larger maxNodes of the pool.",
            )
        )
    if scaling:
        findings += check_autoscaling(args, scaling)
    return findings


def _check_exposure(args: InferenceServiceArgs) -> list[Finding]:
    taken = [
        error("port-taken", "port", f"the Service has port {number} for {port}.", "Set another port.")
        for port, number in server_of(args).further_ports.items()
        if number == args.port
    ]
    asks = server_of(args).key_command(serving_of(args)) is not None
    guard = "the server's key can be read on its way" if asks else "the server asks for no password"
    return [*taken, *check_exposure(args, guard)]


def _check_texts(args: InferenceServiceArgs) -> list[Finding]:
    return [
        *check_text("namespace", args.namespace, "namespace"),
        *check_text("image", args.image, "image"),
        *check_text("bucket", args.vllm and args.vllm.adapters_bucket, "vllm.adaptersBucket"),
        *check_text("google-resource", args.subnetwork, "subnetwork"),
        *check_text("label-value", args.compute_class, "computeClass"),
        *check_map("label", args.service_labels, "serviceLabels"),
        *check_map("label", args.pod_labels, "podLabels"),
        *check_map("label", args.node_selector, "nodeSelector"),
    ]


def _check_environment(args: InferenceServiceArgs) -> list[Finding]:
    server = server_of(args)
    own = server.environment(serving_of(args))
    findings: list[Finding] = []
    for variable in args.environment or {}:
        where = f"environment.{variable}"
        findings += check_text("environment", variable, where)
        # whole words: MAX_TOTAL_TOKENS and TOKENIZERS_PARALLELISM are no secrets
        if re.search(r"(^|_)(TOKEN|SECRET|PASSWORD|API_KEY)(_|$)", variable, re.IGNORECASE):
            findings.append(
                error(
                    "environment-secret",
                    where,
                    "a secret in a plain variable can be read by whoever can read the Deployment.",
                    "Remove it; the Hugging Face token is set by `pulumi config set --secret huggingFaceToken TOKEN`.",
                )
            )
        elif variable in own:
            findings.append(
                error(
                    "environment-owned",
                    where,
                    f"{server.title}'s profile sets it.",
                    "Remove it; use the setting for it.",
                )
            )
    return findings


def _check_quantities(args: InferenceServiceArgs) -> list[Finding]:
    values = {
        "resources.cpu": args.resources.cpu,
        "resources.memory": args.resources.memory,
        "sharedMemory": args.shared_memory or "1Gi",
        **given(**{"resources.ephemeralStorage": args.resources.ephemeral_storage}),
    }
    numbers: dict[str, float] = {}
    findings: list[Finding] = []
    for path, text in values.items():
        try:
            numbers[path] = quantity(text)
        except ValueError as invalid:
            findings.append(error("quantity-invalid", path, f"{invalid}.", "Set one."))
        else:
            if numbers[path] == 0:  # of shared memory, Kubernetes takes it for no limit
                findings.append(error("quantity-invalid", path, f"'{text}' is nothing.", "Set more than 0."))
    if not findings and numbers["sharedMemory"] >= numbers["resources.memory"]:
        findings.append(
            error(
                "shared-memory-too-large",
                "sharedMemory",
                "shared memory counts against the pod's memory, and would take all of it.",
                "Set it smaller than resources.memory.",
            )
        )
    return findings
