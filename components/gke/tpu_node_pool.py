"""A node pool of TPU slices on a GKE cluster: machine type and topology in, everything else derived."""

import pulumi

from ..args import Input
from ..catalog import load_catalog
from ..findings import refuse
from .node_pool import TpuPoolArgs, create_node_pool
from .node_pool_checks import check_tpu_pool, tpu_zones
from .tpu import slice_of


class TpuNodePoolArgs(TpuPoolArgs):
    """Arguments of TpuNodePool."""

    cluster_id: Input[str]
    """ID of the cluster, `projects/P/locations/L/clusters/C`."""
    location: str
    """Region or zone of the cluster."""
    service_account: Input[str]
    """E-mail address of the nodes' service account."""
    tags: list[str] | None = None
    """Network tags of the nodes. Default: none."""


class TpuNodePool(pulumi.ComponentResource):
    """TPU slices of one topology, in a pool whose name is the component's."""

    name: pulumi.Output[str]
    """Name of the node pool. Known when its nodes are ready."""
    accelerator: pulumi.Output[str]
    """TPU by GKE's name, for example `tpu-v5-lite-podslice`."""
    topology: pulumi.Output[str]
    """Topology of a slice."""
    chips_per_node: pulumi.Output[int]
    """Chips of one node, all of which one pod takes."""
    nodes_per_slice: pulumi.Output[int]
    """Nodes of one slice."""

    def __init__(self, name: str, args: TpuNodePoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the pool.

        Raises:
            ConfigurationError: if `args` are wrong; nothing is registered then.
        """
        args = TpuNodePoolArgs.parse(args)
        refuse(check_tpu_pool(name, args, args.location))
        super().__init__("llm-serving:index:TpuNodePool", name, {}, opts)
        machine, found = load_catalog().machines[args.machine_type], slice_of(args.machine_type, args.topology)
        pool = create_node_pool(
            f"{name}-pool",
            args,
            pool_name=name,
            zones=tpu_zones(args, args.location),
            cluster_id=args.cluster_id,
            service_account=args.service_account,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.name = pool.name
        self.accelerator = pulumi.Output.from_input(machine.accelerator or "")
        self.topology = pulumi.Output.from_input(args.topology)
        self.chips_per_node = pulumi.Output.from_input(found.chips_per_host)
        self.nodes_per_slice = pulumi.Output.from_input(found.hosts)
        self.register_outputs(
            {
                "name": self.name,
                "accelerator": self.accelerator,
                "topology": self.topology,
                "chipsPerNode": self.chips_per_node,
                "nodesPerSlice": self.nodes_per_slice,
            }
        )
