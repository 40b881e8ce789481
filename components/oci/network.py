"""The network of OciGpuHost: VCN, gateways, routes and subnets, or those that exist, and what may pass between them."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

import pulumi
import pulumi_oci as oci

from ..args import Input, given
from .gpu_host_args import BalancerExposure, OciGpuHostArgs, OciNetworkArgs, SshAccess, SshArgs

DEFAULT_CIDR = "10.0.0.0/16"
ANYWHERE = "0.0.0.0/0"
SSH_PORT = 22
TCP, ICMP = "6", "1"
"""Protocol numbers, as OCI takes them."""


@dataclass(frozen=True)
class Network:
    """Where hosts and load balancer are."""

    vcn_id: Input[str]
    host_subnet_id: Input[str]
    balancer_subnet_id: Input[str]


def cidr_of(args: OciGpuHostArgs) -> str:
    """Return the range of the VCN."""
    return (args.network or OciNetworkArgs()).cidr or DEFAULT_CIDR


def subnet_ranges(args: OciGpuHostArgs) -> tuple[str, str]:
    """Return the ranges of the subnets that are made, for the hosts and for the load balancer.

    Of the half of each, the first part is for one without public addresses and the second for one with: a subnet stays
    as it was made, and one that takes its place cannot have its range.
    """
    hosts, balancer = (list(half.subnets(1)) for half in ipaddress.ip_network(cidr_of(args)).subnets(1))
    hosts_public, balancer_public = ssh_of(args) is SshAccess.PUBLIC, exposure_of(args) is BalancerExposure.PUBLIC
    return str(hosts[hosts_public]), str(balancer[balancer_public])


def balancer_ranges(args: OciGpuHostArgs) -> list[str]:
    """Return the ranges that the load balancer's addresses are of; of a subnet that exists, those of its VCN."""
    if args.network and args.network.vcn_id:
        return [cidr_of(args)]
    # the whole half, so that no host is replaced when the balancer becomes public
    _, balancer = ipaddress.ip_network(cidr_of(args)).subnets(1)
    return [str(balancer)]


def exposure_of(args: OciGpuHostArgs) -> BalancerExposure:
    """Return who can reach the load balancer."""
    return args.exposure or BalancerExposure.INTERNAL


def ssh_of(args: OciGpuHostArgs) -> SshAccess:
    """Return how people reach the hosts."""
    return (args.ssh or SshArgs()).access or SshAccess.BASTION


def ssh_ranges(args: OciGpuHostArgs) -> list[str]:
    """Return the ranges from which people may."""
    return (args.ssh or SshArgs()).source_ranges or args.source_ranges or []


def create_network(name: str, args: OciGpuHostArgs, opts: pulumi.ResourceOptions) -> Network:
    """Register the network whose resources begin with `name`, unless `args` name one that exists."""
    existing = args.network
    if existing and existing.vcn_id and existing.host_subnet_id and existing.balancer_subnet_id:
        return Network(existing.vcn_id, existing.host_subnet_id, existing.balancer_subnet_id)
    common = given(compartment_id=args.compartment_id, freeform_tags=args.tags)
    vcn = oci.core.Vcn(f"{name}-vcn", cidr_blocks=[cidr_of(args)], display_name=name, opts=opts, **common)
    oci.core.DefaultSecurityList(
        f"{name}-no-security-list",
        manage_default_resource_id=vcn.default_security_list_id,
        # Oracle's own lets anyone in on port 22. What may enter is said by the security groups alone; what may leave is
        # added to them, and the bastion, which can have no group, reaches the hosts
        ingress_security_rules=[],
        egress_security_rules=[
            oci.core.DefaultSecurityListEgressSecurityRuleArgs(destination=cidr_of(args), protocol="all")
        ],
        opts=opts,
        **common,
    )
    hosts_public, balancer_public = ssh_of(args) is SshAccess.PUBLIC, exposure_of(args) is BalancerExposure.PUBLIC
    private = None if hosts_public else _private_routes(name, vcn, args, opts)
    public = _public_routes(name, vcn, args, opts) if hosts_public or balancer_public else None
    for_hosts, for_balancer = subnet_ranges(args)

    def subnet(role: str, cidr: str, routes: oci.core.RouteTable | None, *, public_addresses: bool) -> oci.core.Subnet:
        return oci.core.Subnet(
            f"{name}-{role}-subnet",
            vcn_id=vcn.id,
            cidr_block=cidr,
            display_name=f"{name}-{role}",
            prohibit_public_ip_on_vnic=not public_addresses,
            # a load balancer that is internal needs no route: those of a VCN to itself are always there
            **given(route_table_id=routes.id if routes else None),
            # two subnets cannot have one range, not even while one replaces the other
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(delete_before_replace=True)),
            **common,
        )

    # a subnet keeps what it was made as, and one that is still in use cannot go: the other kind is another subnet
    hosts_role = "public-hosts" if hosts_public else "hosts"
    balancer_role = "public-balancer" if balancer_public else "balancer"
    hosts = subnet(hosts_role, for_hosts, public if hosts_public else private, public_addresses=hosts_public)
    balancer = subnet(
        balancer_role, for_balancer, public if balancer_public else None, public_addresses=balancer_public
    )
    return Network(vcn.id, hosts.id, balancer.id)


def _private_routes(
    name: str, vcn: oci.core.Vcn, args: OciGpuHostArgs, opts: pulumi.ResourceOptions
) -> oci.core.RouteTable:
    common = given(compartment_id=args.compartment_id, vcn_id=vcn.id, freeform_tags=args.tags)
    nat = oci.core.NatGateway(f"{name}-nat", display_name=name, opts=opts, **common)
    # Oracle's own services, of which the agent, the Vault and the package mirrors are some, are reached without NAT
    services = oci.core.get_services_output(
        filters=[
            oci.core.GetServicesFilterArgs(
                name="name", values=["All .* Services In Oracle Services Network"], regex=True
            )
        ],
        opts=pulumi.InvokeOutputOptions(parent=opts.parent),
    ).services
    gateway = oci.core.ServiceGateway(
        f"{name}-services",
        display_name=name,
        services=[oci.core.ServiceGatewayServiceArgs(service_id=services[0].id)],
        opts=opts,
        **common,
    )
    return oci.core.RouteTable(
        f"{name}-private",
        display_name=f"{name}-private",
        route_rules=[
            oci.core.RouteTableRouteRuleArgs(
                destination=ANYWHERE, destination_type="CIDR_BLOCK", network_entity_id=nat.id
            ),
            oci.core.RouteTableRouteRuleArgs(
                destination=services[0].cidr_block,
                destination_type="SERVICE_CIDR_BLOCK",
                network_entity_id=gateway.id,
            ),
        ],
        opts=opts,
        **common,
    )


def _public_routes(
    name: str, vcn: oci.core.Vcn, args: OciGpuHostArgs, opts: pulumi.ResourceOptions
) -> oci.core.RouteTable:
    common = given(compartment_id=args.compartment_id, vcn_id=vcn.id, freeform_tags=args.tags)
    internet = oci.core.InternetGateway(f"{name}-internet", display_name=name, opts=opts, **common)
    return oci.core.RouteTable(
        f"{name}-public",
        display_name=f"{name}-public",
        route_rules=[
            oci.core.RouteTableRouteRuleArgs(
                destination=ANYWHERE, destination_type="CIDR_BLOCK", network_entity_id=internet.id
            )
        ],
        opts=opts,
        **common,
    )


def create_group(
    name: str, role: str, network: Network, args: OciGpuHostArgs, opts: pulumi.ResourceOptions
) -> oci.core.NetworkSecurityGroup:
    """Register a security group, which lets nothing pass until it has rules."""
    return oci.core.NetworkSecurityGroup(
        f"{name}-{role}",
        compartment_id=args.compartment_id,
        vcn_id=network.vcn_id,
        display_name=f"{name}-{role}",
        opts=opts,
        **given(freeform_tags=args.tags),
    )


def let_between(
    name: str,
    balancer: oci.core.NetworkSecurityGroup,
    hosts: oci.core.NetworkSecurityGroup,
    ports: Iterable[int],
    opts: pulumi.ResourceOptions,
) -> list[pulumi.Resource]:
    """Let the load balancer reach `ports` of the hosts, and the hosts everything that they download from."""
    rules: list[pulumi.Resource] = []
    for port in ports:
        to_hosts = oci.core.NetworkSecurityGroupSecurityRule(
            f"{name}-balancer-to-hosts-{port}",
            network_security_group_id=balancer.id,
            direction="EGRESS",
            protocol=TCP,
            destination=hosts.id,
            destination_type="NETWORK_SECURITY_GROUP",
            tcp_options=_port(port),
            opts=opts,
        )
        from_balancer = oci.core.NetworkSecurityGroupSecurityRule(
            f"{name}-hosts-from-balancer-{port}",
            network_security_group_id=hosts.id,
            direction="INGRESS",
            protocol=TCP,
            source=balancer.id,
            source_type="NETWORK_SECURITY_GROUP",
            tcp_options=_port(port),
            opts=opts,
        )
        rules += [to_hosts, from_balancer]
    out = oci.core.NetworkSecurityGroupSecurityRule(
        f"{name}-hosts-out",
        network_security_group_id=hosts.id,
        direction="EGRESS",
        protocol="all",
        destination=ANYWHERE,
        destination_type="CIDR_BLOCK",
        opts=opts,
    )
    path_mtu = oci.core.NetworkSecurityGroupSecurityRule(
        f"{name}-hosts-path-mtu",
        network_security_group_id=hosts.id,
        direction="INGRESS",
        protocol=ICMP,
        source=ANYWHERE,
        source_type="CIDR_BLOCK",
        # "fragmentation needed": without it, downloads from networks with smaller packets hang
        icmp_options=oci.core.NetworkSecurityGroupSecurityRuleIcmpOptionsArgs(type=3, code=4),
        opts=opts,
    )
    return [*rules, out, path_mtu]


def let_in(
    resource_name: str,
    group: oci.core.NetworkSecurityGroup,
    source: Input[str],
    port: int,
    opts: pulumi.ResourceOptions,
) -> None:
    """Let the range `source` reach `port` of what is in `group`."""
    oci.core.NetworkSecurityGroupSecurityRule(
        resource_name,
        network_security_group_id=group.id,
        direction="INGRESS",
        protocol=TCP,
        source=source,
        source_type="CIDR_BLOCK",
        tcp_options=_port(port),
        opts=opts,
    )


def _port(port: int) -> oci.core.NetworkSecurityGroupSecurityRuleTcpOptionsArgs:
    return oci.core.NetworkSecurityGroupSecurityRuleTcpOptionsArgs(
        destination_port_range=oci.core.NetworkSecurityGroupSecurityRuleTcpOptionsDestinationPortRangeArgs(
            min=port, max=port
        )
    )
