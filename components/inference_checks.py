"""What can be known to be wrong with an InferenceService before it is asked for."""

import ipaddress
import re

from components.accelerator_checks import check_accelerators, units_of
from components.catalog import load_catalog
from components.findings import Finding, error, warning
from components.inference_service_args import Exposure, InferenceServiceArgs
from components.model_pod import most_replicas, server_of, serving_of
from components.quantities import quantity
from components.storage_checks import check_storage
from components.tpu_checks import check_jetstream

SUFFIX = len("-autoscaler")
"""The longest that is appended to the service's name for a child that has a fixed name."""


def check_inference_service(name: str, args: InferenceServiceArgs) -> list[Finding]:
    """Return everything that can be known to be wrong with a service called `name`, by path within `args`."""
    return [
        *_check_name(name),
        *_check_service_account(args),
        *_check_model(args),
        *check_accelerators(args),
        *_check_replicas(args),
        *_check_exposure(args),
        *check_storage(args),
        *check_jetstream(args),
        *_check_environment(args),
        *_check_quantities(args),
    ]


def _check_name(name: str) -> list[Finding]:
    longest = 63 - SUFFIX
    if re.fullmatch(rf"[a-z]([-a-z0-9]{{0,{longest - 2}}}[a-z0-9])?", name):
        return []
    return [
        error(
            "name-invalid",
            "name",
            f"'{name}' cannot name a Service and a Deployment.",
            f"Use at most {longest} lower-case letters, digits and hyphens, beginning with a letter.",
        )
    ]


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
    model = load_catalog().models.get(args.model)
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", args.model):
        findings.append(
            error(
                "model-invalid",
                "model",
                "this is not the name of a Hugging Face repository.",
                "Set OWNER/NAME, for example mistralai/Mixtral-8x7B-Instruct-v0.1.",
            )
        )
    elif model is None and not server.needs_checkpoint:
        findings.append(
            warning(
                "model-unknown",
                "model",
                f"the catalogue does not know '{args.model}'; neither its size nor whether it is gated is checked.",
                "Make sure that it fits, and set a token if it needs one.",
            )
        )
    elif model is not None and model.gated and args.token is None and server.token_variables:
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
        findings.append(
            warning(
                "autoscaling-adapter",
                "autoscaling",
                "the autoscaler reads its metric through the Custom Metrics Stackdriver Adapter, which is not installed"
                " by this component.",
                "Install it on the cluster, or pods stay at minReplicas.",
            )
        )
    return findings


def _check_exposure(args: InferenceServiceArgs) -> list[Finding]:
    exposure, ranges = args.exposure or Exposure.CLUSTER, args.source_ranges
    findings: list[Finding] = []
    for port, number in server_of(args).further_ports.items():
        if number == args.port:
            findings.append(
                error("port-taken", "port", f"the Service has port {number} for {port}.", "Set another port.")
            )
    if exposure is Exposure.PUBLIC and not ranges:
        findings.append(
            error(
                "source-ranges-missing",
                "sourceRanges",
                "a public load balancer without source ranges answers the whole internet, and the server asks for no"
                " password.",
                "Set the ranges that may reach it: `pulumi config set --path 'sourceRanges[0]' 198.51.100.7/32`; or set"
                " service.exposure to internal or cluster.",
            )
        )
    if exposure is Exposure.CLUSTER and ranges:
        findings.append(
            error(
                "source-ranges-unused",
                "sourceRanges",
                "a cluster-internal service has no load balancer to hold back anyone.",
                "Remove sourceRanges, or set exposure to internal or public.",
            )
        )
    if exposure is not Exposure.CLUSTER and not args.region:
        findings.append(
            error("region-missing", "region", "the load balancer's address is reserved in a region.", "Set region.")
        )
    for index, text in enumerate(ranges or []):
        where = f"sourceRanges[{index}]"
        try:
            network = ipaddress.ip_network(text)
        except ValueError:
            findings.append(
                error("source-range-invalid", where, f"'{text}' is not a CIDR range.", "Write it as 198.51.100.0/24.")
            )
            continue
        if exposure is Exposure.PUBLIC and network.prefixlen == 0:
            findings.append(
                warning(
                    "source-range-open", where, f"'{text}' is the whole internet.", "Name the networks of your users."
                )
            )
    return findings


def _check_environment(args: InferenceServiceArgs) -> list[Finding]:
    server = server_of(args)
    own = server.environment(serving_of(args))
    findings: list[Finding] = []
    for variable in args.environment or {}:
        where = f"environment.{variable}"
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
