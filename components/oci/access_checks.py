"""What can be known to be wrong with who may reach an OciGpuHost."""

import ipaddress
import re
from collections.abc import Iterator

from ..findings import Finding, error, warning
from .gpu_host_args import BalancerExposure, OciGpuHostArgs, OciNetworkArgs, SshAccess, SshArgs
from .network import cidr_of, exposure_of, ssh_of, ssh_ranges

SET_RANGES = "`pulumi config set --path 'sourceRanges[0]' 198.51.100.7/32`"
PUBLIC_KEY = r"(ssh-rsa|ssh-ed25519|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]+=*( [^\n]*)?"


def check_access(args: OciGpuHostArgs) -> list[Finding]:
    """Return what is wrong with network, ranges and SSH, by path within `args`."""
    return [*_check_network(args), *_check_ranges(args), *_check_ssh(args)]


def _check_network(args: OciGpuHostArgs) -> Iterator[Finding]:
    network = args.network or OciNetworkArgs()
    try:
        cidr = ipaddress.IPv4Network(cidr_of(args))
    except ValueError:
        message = f"'{cidr_of(args)}' is not a CIDR range of IPv4."
        yield error("cidr-invalid", "network.cidr", message, "Write it as 10.0.0.0/16.")
    else:
        if not 16 <= cidr.prefixlen <= 28:
            message = f"a VCN has between /16 and /30, and {cidr} is to hold two subnets."
            yield error("cidr-size", "network.cidr", message, "Set a range between /16 and /28.")
    if network.vcn_id is not None and network.cidr is None:
        message = "what is inside a VCN that exists is not known here."
        yield error("cidr-missing", "network.cidr", message, "Set its range.")
    ids = {
        "vcnId": network.vcn_id,
        "hostSubnetId": network.host_subnet_id,
        "balancerSubnetId": network.balancer_subnet_id,
    }
    if any(each is not None for each in ids.values()):
        for name, value in ids.items():
            if not value:
                message = "a network that exists is named by its VCN and both subnets."
                yield error("network-incomplete", f"network.{name}", message, "Set it, or remove all three.")


def _check_ranges(args: OciGpuHostArgs) -> Iterator[Finding]:
    public = exposure_of(args) is BalancerExposure.PUBLIC
    if public and not args.source_ranges:
        yield error(
            "source-ranges-missing",
            "sourceRanges",
            "a public load balancer without source ranges answers the whole internet, and the server asks for no"
            " password.",
            f"Set the ranges that may reach it: {SET_RANGES}; or set host.exposure to internal.",
        )
    own = (args.ssh or SshArgs()).source_ranges
    if not public and args.source_ranges and (ssh_of(args) is SshAccess.NONE or own):
        message = "nothing that they would hold back is reached from the internet."
        yield error("source-ranges-unused", "sourceRanges", message, "Remove sourceRanges, or set exposure to public.")
    for path, ranges in (("sourceRanges", args.source_ranges), ("ssh.sourceRanges", own)):
        for index, text in enumerate(ranges or []):
            where = f"{path}[{index}]"
            try:
                network = ipaddress.IPv4Network(text)
            except ValueError:
                message = f"'{text}' is not a CIDR range of IPv4."
                yield error("source-range-invalid", where, message, "Write it as 198.51.100.0/24.")
                continue
            if network.prefixlen == 0:
                message = f"'{text}' is the whole internet."
                yield warning("source-range-open", where, message, "Name the networks of your users.")


def _check_ssh(args: OciGpuHostArgs) -> Iterator[Finding]:
    ssh, access = args.ssh or SshArgs(), ssh_of(args)
    public = exposure_of(args) is BalancerExposure.PUBLIC
    if access is not SshAccess.NONE and not ssh_ranges(args) and not public:
        what = "a bastion" if access is SshAccess.BASTION else "an open port 22"
        message = f"{what} without source ranges lets nobody in."
        yield error(
            "source-ranges-missing",
            "sourceRanges",
            message,
            f"Set the ranges that may use it: {SET_RANGES}; or set host.ssh.access to none.",
        )
    if access is SshAccess.NONE:
        for name, value in (("sourceRanges", ssh.source_ranges), ("publicKey", ssh.public_key)):
            if value:
                yield error("ssh-unused", f"ssh.{name}", "nobody reaches the hosts by SSH.", "Remove it.")
    if access is SshAccess.PUBLIC and not ssh.public_key:
        message = "hosts that ask for a key need to know one."
        yield error("ssh-key-missing", "ssh.publicKey", message, "Set the content of your id_rsa.pub or the like.")
    if ssh.public_key and not re.fullmatch(PUBLIC_KEY, ssh.public_key.strip()):
        message = "this is not one public SSH key."
        yield error("ssh-key-invalid", "ssh.publicKey", message, "Set the content of your id_rsa.pub or the like.")
