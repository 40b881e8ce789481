"""The network load balancer of OciGpuHost: health check, listeners, and the hosts behind it."""

from collections.abc import Sequence

import pulumi
import pulumi_oci as oci

from ..args import given
from ..servers import ModelServer
from .gpu_host_args import BalancerExposure, OciGpuHostArgs
from .network import Network, cidr_of, exposure_of, let_in


def ports_of(server: ModelServer) -> dict[str, int]:
    """Return the ports of the server by name, the one that answers requests first."""
    return {"http": server.port, **server.further_ports}


def create_balancer(
    name: str,
    args: OciGpuHostArgs,
    server: ModelServer,
    network: Network,
    group: oci.core.NetworkSecurityGroup,
    hosts: Sequence[oci.core.Instance],
    opts: pulumi.ResourceOptions,
) -> pulumi.Output[str]:
    """Register the load balancer before `hosts`, of which it sends requests to those that are ready.

    Returns the address where clients reach it.
    """
    public = exposure_of(args) is BalancerExposure.PUBLIC
    for port_name, port in ports_of(server).items():
        # gRPC and metrics are for the inside, even of a balancer that is public
        ranges = args.source_ranges or [] if public and port_name == "http" else []
        for index, source in enumerate([cidr_of(args), *ranges]):
            let_in(f"{name}-balancer-{port_name}-{index}", group, source, port, opts)
    reserved = _public_address(name, args, opts) if public else None
    balancer = oci.networkloadbalancer.NetworkLoadBalancer(
        f"{name}-balancer",
        compartment_id=args.compartment_id,
        display_name=name,
        subnet_id=network.balancer_subnet_id,
        is_private=not public,
        is_preserve_source_destination=False,
        network_security_group_ids=[group.id],
        **given(
            reserved_ips=[oci.networkloadbalancer.NetworkLoadBalancerReservedIpArgs(id=reserved.id)]
            if reserved
            else None,
            freeform_tags=args.tags,
        ),
        opts=opts,
    )
    last = _listen(name, server, balancer, hosts, opts)
    address = (
        reserved.ip_address if reserved else balancer.ip_addresses.apply(lambda addresses: str(addresses[0].ip_address))
    )
    # who uses it waits until something listens there
    return pulumi.Output.all(address, last.urn).apply(lambda known: str(known[0]))


def _public_address(name: str, args: OciGpuHostArgs, opts: pulumi.ResourceOptions) -> oci.core.PublicIp:
    return oci.core.PublicIp(
        f"{name}-address",
        compartment_id=args.compartment_id,
        lifetime="RESERVED",
        display_name=name,
        **given(freeform_tags=args.tags),
        # the load balancer sets it, and Pulumi must not take it away again
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(ignore_changes=["privateIpId"])),
    )


def _listen(
    name: str,
    server: ModelServer,
    balancer: oci.networkloadbalancer.NetworkLoadBalancer,
    hosts: Sequence[oci.core.Instance],
    opts: pulumi.ResourceOptions,
) -> pulumi.Resource:
    """Register listeners and what is behind them. Returns the last of it."""
    # one after the other: a change while another is under way fails with "Invalid State Transition of NLB lifeCycle
    # state from Updating to Updating". Source: github.com/oracle/terraform-provider-oci/issues/1456
    previous: pulumi.Resource = balancer

    def after_previous() -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[previous]))

    # what needs no host first, while the hosts start
    sets: dict[str, oci.networkloadbalancer.BackendSet] = {}
    for port_name, port in ports_of(server).items():
        sets[port_name] = previous = oci.networkloadbalancer.BackendSet(
            f"{name}-{port_name}",
            network_load_balancer_id=balancer.id,
            name=port_name,
            policy="FIVE_TUPLE",
            # so that the hosts see the balancer's address, and can be closed to all others
            is_preserve_source=False,
            health_checker=oci.networkloadbalancer.BackendSetHealthCheckerArgs(
                protocol="HTTP",
                port=server.port,
                url_path=server.health_path,
                return_code=200,
                interval_in_millis=10_000,
                timeout_in_millis=3_000,
                retries=3,
            ),
            opts=after_previous(),
        )
        previous = oci.networkloadbalancer.Listener(
            f"{name}-{port_name}-listener",
            network_load_balancer_id=balancer.id,
            name=port_name,
            default_backend_set_name=sets[port_name].name,
            port=port,
            protocol="TCP",
            opts=after_previous(),
        )
    for port_name, port in ports_of(server).items():
        for number, host in enumerate(hosts, start=1):
            previous = oci.networkloadbalancer.Backend(
                f"{name}-{port_name}-{number}",
                network_load_balancer_id=balancer.id,
                backend_set_name=sets[port_name].name,
                name=f"host-{number}",
                target_id=host.id,
                port=port,
                # the name is taken until the old one is gone
                opts=pulumi.ResourceOptions.merge(after_previous(), pulumi.ResourceOptions(delete_before_replace=True)),
            )
    return previous
