"""What the stacks that serve a model share: names of outputs, and of settings."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from components.findings import Finding, error
from components.inference_service import InferenceService
from components.inference_service_args import InferenceServiceArgs
from components.model_pod import server_of


def serving_outputs(service: InferenceService, args: InferenceServiceArgs) -> dict[str, Any]:
    """Return the outputs that scripts and other stacks rely on. `Any`: strings, None and Outputs of them."""
    return {
        "endpoint": service.endpoint,
        "loadBalancerIp": service.load_balancer_ip,
        "healthUrl": service.health_url,
        "metricsUrl": service.metrics_url,
        "access": service.access,
        "tryIt": service.try_it,
        "model": args.model,
        "server": f"{args.server.value} ({args.image or server_of(args).image})",
        "accelerators": f"{args.accelerators} x {args.accelerator}" if args.accelerators else "none",
    }


OWN_SETTINGS = {"token": "huggingFaceToken", "sourceRanges": "sourceRanges"}
"""Arguments of the service that every stack takes from a setting of their own, since they belong to the account."""


def service_findings(settings: InferenceServiceArgs, findings: Iterable[Finding]) -> list[Finding]:
    """Return `findings` of the service under the names that its settings have in a stack's configuration.

    `settings` is what the configuration itself says; a token in it would stand there for all to read.
    """
    found = [_renamed(finding) for finding in findings]
    if settings.token is not None:
        found.append(
            error(
                "secret-in-plain",
                "service.token",
                "this value is a secret, and stands in the stack file for all to read.",
                "Revoke it, and run `pulumi config set --secret huggingFaceToken TOKEN` with a new one.",
            )
        )
    return found


def _renamed(finding: Finding) -> Finding:
    name, bracket, rest = finding.path.partition("[")
    if name in OWN_SETTINGS:
        return replace(finding, path=f"{OWN_SETTINGS[name]}{bracket}{rest}")
    return finding.under("service")
