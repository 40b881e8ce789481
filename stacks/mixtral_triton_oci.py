"""Mixtral 8x7B Instruct with Triton and TensorRT-LLM on Oracle Cloud, one BM.GPU4.8, behind a network load balancer."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from components.args import ComponentArgs, Input, given
from components.catalog import load_catalog
from components.cost import hourly_cost_of_hosts
from components.findings import Finding, error
from components.oci.checks import check_oci_gpu_host
from components.oci.gpu_host import OciGpuHost
from components.oci.gpu_host_args import OciGpuHostArgs, OciHostArgs
from components.quota import quotas_of_hosts, total
from components.triton.args import TritonArgs
from components.triton.engine import image_of
from stacks.recipe import AccountValue, Needs, Recipe

HOST = "mixtral-triton"

OWN_SETTINGS = {"token": "huggingFaceToken", "compartmentId": "compartmentId", "sourceRanges": "sourceRanges"}
"""Arguments of the component that have a setting of their own, since they belong to the account."""


class Settings(ComponentArgs):
    """What the configuration of the stack says."""

    host: OciHostArgs
    """The hosts, their network and their access."""
    service: TritonArgs
    """What they serve."""
    compartment_id: str | None = None
    """OCID of the compartment. Required."""
    hugging_face_token: Input[str] | None = None
    """Hugging Face token whose owner has accepted the model's terms. A secret."""
    source_ranges: list[str] | None = None
    """CIDR ranges that may reach the bastion, and the load balancer if that is public."""

    def host_args(self) -> OciGpuHostArgs:
        """Return the arguments of the component with everything filled in."""
        return OciGpuHostArgs.model_validate(
            {
                **dict(self.host),
                "triton": self.service,
                "compartment_id": self.compartment_id or "",
                **given(token=self.hugging_face_token, source_ranges=self.source_ranges),
            }
        )


def check(settings: Settings) -> list[Finding]:
    """Return everything that can be known to be wrong."""
    findings = [_renamed(finding) for finding in check_oci_gpu_host(HOST, settings.host_args())]
    if not settings.compartment_id:
        findings.append(
            error(
                "compartment-missing",
                "compartmentId",
                "no compartment is set in which the hosts are made.",
                "Run `pulumi config set compartmentId COMPARTMENT_OCID`.",
            )
        )
    return findings


def _renamed(finding: Finding) -> Finding:
    name, bracket, rest = finding.path.partition("[")
    if name in OWN_SETTINGS:
        return replace(finding, path=f"{OWN_SETTINGS[name]}{bracket}{rest}")
    if name.partition(".")[0] == "triton":
        return replace(finding, path=finding.path.replace("triton", "service", 1))
    return finding.under("host")


def needs(settings: Settings) -> Needs:
    """Return what the stack takes."""
    args = settings.host_args()
    return Needs(
        quotas=total(quotas_of_hosts(args)),
        cost=hourly_cost_of_hosts(args.shape, args.hosts or 1),
        models=(args.triton.model,),
        images=(image_of(args.triton).image,),
    )


def deploy(settings: Settings) -> Mapping[str, Any]:
    """Register the hosts."""
    args = settings.host_args()
    shape, hosts = load_catalog().shapes[args.shape], args.hosts or 1
    host = OciGpuHost(HOST, args)
    return {
        "endpoint": host.endpoint,
        "loadBalancerIp": host.load_balancer_ip,
        "healthUrl": host.health_url,
        "metricsUrl": host.metrics_url,
        "access": host.access,
        "tryIt": host.try_it,
        "model": args.triton.model,
        "server": f"triton ({image_of(args.triton).image})",
        "accelerators": f"{hosts * shape.accelerator_count} x {shape.accelerator}",
        "hourlyCost": needs(settings).cost,
        "sshCommand": host.ssh_command,
        "setupLog": host.setup_log,
    }


RECIPE = Recipe(
    name="mixtral-triton-oci",
    title="Mixtral 8x7B Instruct with Triton and TensorRT-LLM on Oracle Cloud, BM.GPU4.8 with 8 x A100",
    guide="https://github.com/oracle-devrel/technology-engineering/tree/main/cloud-infrastructure/ai-infra-gpu/"
    "ai-infrastructure/triton-mixtral",
    settings=Settings,
    check=check,
    needs=needs,
    deploy=deploy,
    account_values={
        "oci:tenancyOcid": AccountValue(
            "pulumi config set oci:tenancyOcid TENANCY_OCID", "ocid1.tenancy.oc1..rehearsal"
        ),
        "llm-serving:compartmentId": AccountValue(
            "pulumi config set compartmentId COMPARTMENT_OCID", "ocid1.compartment.oc1..rehearsal"
        ),
        "llm-serving:huggingFaceToken": AccountValue(
            "pulumi config set --secret huggingFaceToken TOKEN", "rehearsal-token", secret=True
        ),
        "llm-serving:sourceRanges": AccountValue(
            "pulumi config set --path 'sourceRanges[0]' 198.51.100.7/32", ["198.51.100.0/24"]
        ),
    },
)
