"""The user data of the hosts of OciGpuHost: what the set-up must know of the host that it runs on."""

from typing import Any

import pulumi
import pulumi_oci as oci

from ..args import Input
from ..catalog import Shape
from ..findings import ConfigurationError, Finding
from .engine_store import DEVICE
from .gpu_host_args import OciGpuHostArgs
from .network import balancer_ranges
from .placement import operating_system_of
from .triton_host import HostFacts, triton_user_data

LONGEST_OCID = "ocid1.vaultsecret.oc1.ap-melbourne-1." + "a" * 60
"""Stands for an OCID that is known once the resource is there."""


def user_data(
    args: OciGpuHostArgs, shape: Shape, secret_id: Input[str] | None, bucket: oci.objectstorage.Bucket | None
) -> pulumi.Output[str]:
    """Return the user data of every host."""
    known = pulumi.Output.all(secret_id, bucket.namespace if bucket else None, bucket.name if bucket else None)

    def rendered(parts: list[Any]) -> str:  # Any: `Output.all` mixes types
        secret, namespace, name = parts
        return triton_user_data(args.triton, _facts(args, shape, secret, (namespace, name) if bucket else None))

    return known.apply(rendered)


def check_user_data(args: OciGpuHostArgs, shape: Shape) -> list[Finding]:
    """Return what is wrong with the user data, which is rendered for it with an OCID as long as they get."""
    try:
        triton_user_data(args.triton, _facts(args, shape, LONGEST_OCID, None))
    except ConfigurationError as refused:
        return [finding.under("triton") for finding in refused.findings]
    return []


def _facts(args: OciGpuHostArgs, shape: Shape, secret_id: str | None, bucket: tuple[str, str] | None) -> HostFacts:
    return HostFacts(
        operating_system=operating_system_of(args).value,
        accelerator_count=shape.accelerator_count,
        allowed_ranges=tuple(balancer_ranges(args)),
        token_secret_id=secret_id,
        engine_device=None if bucket else DEVICE,
        engine_bucket=bucket,
        nvme=args.nvme is True,
    )
