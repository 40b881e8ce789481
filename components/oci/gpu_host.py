"""GPU hosts on Oracle Cloud that serve a model with Triton, behind a network load balancer."""

import json
import shlex

import pulumi
import pulumi_oci as oci

from ..args import Input, given
from ..catalog import Shape, load_catalog
from ..findings import refuse
from ..servers import SERVERS, Serving
from .balancer import create_balancer, ports_of
from .bastion import create_bastion, ssh_command
from .checks import check_oci_gpu_host
from .engine_store import attach_volume, create_bucket, create_volume, kind_of
from .gpu_host_args import BOOT_VOLUME_GB, EngineStoreKind, OciGpuHostArgs, SshAccess, SshArgs
from .network import (
    SSH_PORT,
    create_group,
    create_network,
    exposure_of,
    let_between,
    let_in,
    ssh_of,
    ssh_ranges,
)
from .placement import availability_domain, image_id, is_pinned, tell_capacity, tenancy_of
from .rights import create_rights, create_token_secret
from .triton_host import LOG
from .user_data import user_data

SERVER = SERVERS["triton"]


class OciGpuHost(pulumi.ComponentResource):
    """Hosts that set themselves up: driver and container runtime, weights, engine, model repository, server.

    Closed unless said otherwise: private addresses, a load balancer that the VCN alone reaches, shells through OCI
    Bastion, and rights to read one secret.
    """

    endpoint: pulumi.Output[str]
    """URL of the server's generate route."""
    health_url: pulumi.Output[str]
    """URL that answers 200 once the model is loaded."""
    metrics_url: pulumi.Output[str]
    """URL of the Prometheus metrics, inside the VCN. Of one host at a time, if there are several."""
    access: pulumi.Output[str]
    """`public` or `internal`."""
    try_it: pulumi.Output[str]
    """A curl line that sends one request."""
    load_balancer_ip: pulumi.Output[str]
    """Address of the load balancer: reserved, if it is public."""
    private_address: pulumi.Output[str]
    """Address of the first host in the VCN."""
    public_address: pulumi.Output[str | None]
    """Its address on the internet. None unless SSH is public."""
    private_addresses: pulumi.Output[list[str]]
    """Addresses of all hosts in the VCN."""
    ssh_command: pulumi.Output[str | None]
    """Opens a shell on the first host: through a session of the bastion, which it makes. None without SSH."""
    setup_log: pulumi.Output[str]
    """Where, on a host, the log of the set-up is."""

    def __init__(
        self,
        name: str,
        args: OciGpuHostArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Register hosts, network and load balancer.

        Raises:
            ConfigurationError: if `args` are wrong; nothing is registered then.
        """
        args = OciGpuHostArgs.parse(args)
        refuse(check_oci_gpu_host(name, args))
        super().__init__("llm-serving:index:OciGpuHost", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        shape = load_catalog().shapes[args.shape]
        tenancy = tenancy_of(args) or ""
        domain = availability_domain(name, args, tenancy, child)

        network = create_network(name, args, child)
        host_group = create_group(name, "hosts-group", network, args, child)
        balancer_group = create_group(name, "balancer-group", network, args, child)
        rules = let_between(name, balancer_group, host_group, ports_of(SERVER).values(), child)

        secret_id = args.token_secret_id
        if secret_id is None and args.token is not None:
            secret_id = create_token_secret(name, args, args.token, child).id
        bucket = create_bucket(name, args, child) if kind_of(args) is EngineStoreKind.BUCKET else None
        numbers = range(1, (args.hosts or 1) + 1)
        # a host that boots before it may reach anything fails its first steps
        after_network = pulumi.ResourceOptions(
            parent=self, depends_on=rules, hooks=pulumi.ResourceHookBinding(on_error=[tell_capacity(name, args)])
        )
        image = image_id(args, child)
        data = user_data(args, shape, secret_id, bucket)
        hosts = [
            self._host(
                name, args, shape, number, domain, image, network.host_subnet_id, host_group, data, after_network
            )
            for number in numbers
        ]
        if bucket is None:
            for number, host in zip(numbers, hosts, strict=True):
                attach_volume(name, number, shape, host, create_volume(name, args, number, domain, child).id, child)
        if args.grant_rights is not False:
            create_rights(
                name,
                args,
                tenancy,
                hosts,
                secret_id,
                bucket,
                child,
                agent_attaches=bucket is None and shape.bare_metal,
            )
        balancer = create_balancer(name, args, SERVER, network, balancer_group, hosts, child)
        bastion = self._shell_access(name, args, network.host_subnet_id, host_group, child)

        self.load_balancer_ip = balancer
        self.private_address = hosts[0].private_ip
        self.public_address = hosts[0].public_ip.apply(lambda address: address or None)
        self.private_addresses = pulumi.Output.all(*(host.private_ip for host in hosts))
        self.ssh_command = ssh_command(args, hosts[0], bastion)
        self.setup_log = pulumi.Output.from_input(LOG)
        self.access = pulumi.Output.from_input(exposure_of(args).value)
        self._urls(args, shape)
        self.register_outputs(
            {
                "endpoint": self.endpoint,
                "healthUrl": self.health_url,
                "metricsUrl": self.metrics_url,
                "access": self.access,
                "tryIt": self.try_it,
                "loadBalancerIp": self.load_balancer_ip,
                "privateAddress": self.private_address,
                "publicAddress": self.public_address,
                "privateAddresses": self.private_addresses,
                "sshCommand": self.ssh_command,
                "setupLog": self.setup_log,
            }
        )

    def _host(
        self,
        name: str,
        args: OciGpuHostArgs,
        shape: Shape,
        number: int,
        domain: pulumi.Output[str],
        image: pulumi.Output[str],
        subnet_id: Input[str],
        group: oci.core.NetworkSecurityGroup,
        data: pulumi.Output[str],
        opts: pulumi.ResourceOptions,
    ) -> oci.core.Instance:
        ssh = args.ssh or SshArgs()
        bastion, public = ssh_of(args) is SshAccess.BASTION, ssh_of(args) is SshAccess.PUBLIC
        attaches = shape.bare_metal and kind_of(args) is EngineStoreKind.BLOCK_VOLUME
        return oci.core.Instance(
            f"{name}-{number}",
            compartment_id=args.compartment_id,
            availability_domain=domain,
            shape=shape.name,
            display_name=f"{name}-{number}",
            source_details=oci.core.InstanceSourceDetailsArgs(
                source_type="image",
                source_id=image,
                boot_volume_size_in_gbs=str(args.boot_volume_gb or BOOT_VOLUME_GB),
                **given(kms_key_id=args.key_id),
            ),
            create_vnic_details=oci.core.InstanceCreateVnicDetailsArgs(
                subnet_id=subnet_id, nsg_ids=[group.id], assign_public_ip="true" if public else "false"
            ),
            metadata=given(user_data=data, ssh_authorized_keys=ssh.public_key),
            # version 1 of the metadata service answers whatever a process is made to ask for it
            instance_options=oci.core.InstanceInstanceOptionsArgs(are_legacy_imds_endpoints_disabled=True),
            agent_config=oci.core.InstanceAgentConfigArgs(
                plugins_configs=[
                    oci.core.InstanceAgentConfigPluginsConfigArgs(
                        name=plugin, desired_state="ENABLED" if wanted else "DISABLED"
                    )
                    for plugin, wanted in (
                        ("Bastion", bastion),
                        ("Block Volume Management", attaches),
                        # runs what whoever may write to the compartment sends it
                        ("Compute Instance Run Command", False),
                    )
                ]
            ),
            preserve_boot_volume=False,
            **given(
                fault_domain=args.fault_domain,
                capacity_reservation_id=args.capacity_reservation_id,
                # bare metal has no hypervisor that could encrypt the way to its boot volume
                is_pv_encryption_in_transit_enabled=None if shape.bare_metal else True,
                platform_config=oci.core.InstancePlatformConfigArgs(type=shape.platform) if shape.platform else None,
                freeform_tags=args.tags,
            ),
            opts=pulumi.ResourceOptions.merge(
                opts,
                pulumi.ResourceOptions(
                    # the newest image is that of the day on which the host was launched
                    ignore_changes=None if is_pinned(args) else ["sourceDetails.sourceId"],
                    # Oracle refuses to change user data and keys of an instance that is there, and to make another
                    # machine of one of bare metal
                    replace_on_changes=["metadata", "shape", "platformConfig", "sourceDetails.sourceId"],
                    # two of them at a time would need twice the capacity
                    delete_before_replace=True,
                    # bare metal takes its time to boot
                    custom_timeouts=pulumi.CustomTimeouts(create="60m", update="60m", delete="60m"),
                ),
            ),
        )

    def _shell_access(
        self,
        name: str,
        args: OciGpuHostArgs,
        subnet_id: Input[str],
        group: oci.core.NetworkSecurityGroup,
        opts: pulumi.ResourceOptions,
    ) -> oci.bastion.Bastion | None:
        if ssh_of(args) is SshAccess.PUBLIC:
            for index, source in enumerate(ssh_ranges(args)):
                let_in(f"{name}-hosts-ssh-{index}", group, source, SSH_PORT, opts)
        if ssh_of(args) is not SshAccess.BASTION:
            return None
        bastion = create_bastion(name, args, subnet_id, opts)
        source = pulumi.Output.concat(bastion.private_endpoint_ip_address, "/32")
        let_in(f"{name}-hosts-from-bastion", group, source, SSH_PORT, opts)
        return bastion

    def _urls(self, args: OciGpuHostArgs, shape: Shape) -> None:
        ports = ports_of(SERVER)
        base = pulumi.Output.concat("http://", self.load_balancer_ip, f":{ports['http']}")
        self.endpoint = pulumi.Output.concat(base, SERVER.generate_path)
        self.health_url = pulumi.Output.concat(base, SERVER.health_path)
        metrics = f":{ports[SERVER.metrics_port]}{SERVER.metrics_path or ''}"
        self.metrics_url = pulumi.Output.concat("http://", self.load_balancer_ip, metrics)
        serving = Serving(
            model=args.triton.model,
            model_file=None,
            quantization=None,
            shards=args.triton.tensor_parallel or shape.accelerator_count,
        )
        body = json.dumps(SERVER.request(serving, "What is a mixture of experts?"))
        self.try_it = pulumi.Output.concat(
            "curl ", self.endpoint, f" -H 'Content-Type: application/json' -d {shlex.quote(body)}"
        )
