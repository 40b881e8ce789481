"""OCI Bastion in front of OciGpuHost, and the command that opens a shell through it."""

import re

import pulumi
import pulumi_oci as oci

from ..args import Input, given
from .gpu_host_args import OciGpuHostArgs, OperatingSystem, SshAccess
from .network import ssh_of, ssh_ranges
from .placement import operating_system_of, region_of

SESSION_SECONDS = 10800
"""The longest that Oracle allows."""

USERS = {OperatingSystem.ORACLE_LINUX: "opc", OperatingSystem.UBUNTU: "ubuntu"}
"""Who may log in to Oracle's images."""


def create_bastion(
    name: str, args: OciGpuHostArgs, subnet_id: Input[str], opts: pulumi.ResourceOptions
) -> oci.bastion.Bastion:
    """Register the bastion. Its sessions are for people to make: they end after three hours."""
    return oci.bastion.Bastion(
        f"{name}-bastion",
        bastion_type="STANDARD",
        compartment_id=args.compartment_id,
        # letters and digits alone
        name=re.sub(r"[^A-Za-z0-9]", "", f"{name}{pulumi.get_stack()}"),
        target_subnet_id=subnet_id,
        client_cidr_block_allow_lists=ssh_ranges(args),
        max_session_ttl_in_seconds=SESSION_SECONDS,
        opts=opts,
        **given(freeform_tags=args.tags),
    )


def ssh_command(
    args: OciGpuHostArgs, host: oci.core.Instance, bastion: oci.bastion.Bastion | None
) -> pulumi.Output[str | None]:
    """Return the command that opens a shell on `host`; None if nobody may."""
    user = USERS[operating_system_of(args)]
    if bastion is not None:
        known = pulumi.Output.all(bastion.id, host.id, host.private_ip)
        return known.apply(lambda parts: through_bastion(parts[0], parts[1], parts[2], user, region_of(args) or ""))
    if ssh_of(args) is SshAccess.PUBLIC:
        return pulumi.Output.concat(f"ssh {user}@", host.public_ip).apply(lambda command: command)
    return pulumi.Output.from_input(None)


def through_bastion(bastion: str, instance: str, address: str, user: str, region: str) -> str:
    """Return the command that makes a managed session, with the key pair `~/.ssh/id_rsa`, and opens a shell through it.

    Source: docs.oracle.com, "Managing Sessions in Bastion", 2026-11-21.
    """
    return (
        f"session=$(oci bastion session create-managed-ssh --region {region} --bastion-id {bastion}"
        f" --target-resource-id {instance} --target-private-ip {address} --target-os-username {user}"
        " --key-type PUB --ssh-public-key-file ~/.ssh/id_rsa.pub --wait-for-state SUCCEEDED --wait-for-state FAILED"
        " --query 'data.resources[0].identifier' --raw-output) && ssh -i ~/.ssh/id_rsa -o"
        f' ProxyCommand="ssh -i ~/.ssh/id_rsa -W %h:%p -p 22 $session@host.bastion.{region}.oci.oraclecloud.com"'
        f" {user}@{address}"
    )
