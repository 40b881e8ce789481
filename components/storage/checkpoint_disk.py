"""A persistent disk with a converted checkpoint, which many pods read at once: the bucket's alternative."""

import pulumi
import pulumi_gcp as gcp
import pulumi_kubernetes as kubernetes

from ..args import given
from ..findings import refuse
from ..jobs.conversion_checks import check_checkpoint_disk, converter_seconds, disk_gb
from ..names import check_name
from .checkpoint_disk_args import CheckpointDiskArgs
from .checkpoints import MOUNT_PATH, checkpoint_folder, jetstream_names
from .disk_converter import create_converter

DRIVER = "pd.csi.storage.gke.io"
ZONE_LABEL = "topology.gke.io/zone"
"""Label of nodes by which that driver knows their zone."""

ATTACH_SECONDS = 30 * 60
"""From the end of the converter until the disk is on a node, with tries ever further apart. Not measured."""

LONGEST_NAME = 63 - len("-converter-1234567")
"""Characters that Compute Engine leaves of the name of the machine's template."""

core = kubernetes.core.v1
batch = kubernetes.batch.v1


class CheckpointDisk(pulumi.ComponentResource):
    """A disk, a machine that fills it and goes, and the claim by which pods mount it read-only.

    Google Cloud deletes the machine at the end of the time that the conversion may take, whether it succeeded or not,
    since only then can pods have the disk. Nothing has to stop it, and it has no right on Compute Engine.
    """

    claim_name: pulumi.Output[str]
    """Name of the claim. Known when a pod has seen the checkpoint through it, so that a server starts after."""
    disk_name: pulumi.Output[str]
    """Name of the disk."""

    def __init__(self, name: str, args: CheckpointDiskArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the disk. The Kubernetes provider is the one of `opts`.

        Raises:
            ConfigurationError: if `args` are wrong; nothing is registered then.
        """
        args = CheckpointDiskArgs.parse(args)
        refuse(
            [
                *check_name(name, LONGEST_NAME, "cannot begin the names of a disk and of the machine that fills it"),
                *check_checkpoint_disk(args),
            ]
        )
        super().__init__("llm-serving:index:CheckpointDisk", name, {}, opts)
        disk = gcp.compute.Disk(
            f"{name}-disk",
            project=args.project,
            zone=args.zone,
            type="pd-balanced",
            size=disk_gb(args),
            labels={"checkpoint": jetstream_names(args.model).folder},
            # another checkpoint is another disk, since pods may still read this one
            opts=pulumi.ResourceOptions(parent=self, replace_on_changes=["labels"]),
        )
        child = pulumi.ResourceOptions(parent=self)
        converter = [] if args.convert is False else [create_converter(name, args, disk, child)]
        claim = self._claim(name, args, disk)
        seen = self._check(name, args, claim, converter)
        self.claim_name = pulumi.Output.all(claim.metadata.name, seen.id).apply(lambda known: str(known[0]))
        self.disk_name = disk.name
        self.register_outputs({"claimName": self.claim_name, "diskName": self.disk_name})

    def _claim(self, name: str, args: CheckpointDiskArgs, disk: gcp.compute.Disk) -> core.PersistentVolumeClaim:
        child = pulumi.ResourceOptions(parent=self)
        storage = kubernetes.storage.v1.StorageClass(
            f"{name}-class",
            provisioner=DRIVER,
            reclaim_policy="Retain",
            volume_binding_mode="WaitForFirstConsumer",
            parameters={"type": "pd-balanced"},
            opts=child,
        )
        # a class of its own, so that no other claim takes the volume
        class_name, size = storage.metadata.name.apply(str), f"{disk_gb(args)}Gi"
        volume = core.PersistentVolume(
            f"{name}-volume",
            spec=core.PersistentVolumeSpecArgs(
                access_modes=["ReadOnlyMany"],
                capacity={"storage": size},
                storage_class_name=class_name,
                persistent_volume_reclaim_policy="Retain",
                csi=core.CSIPersistentVolumeSourceArgs(
                    # its ID has the driver's form, projects/P/zones/Z/disks/D
                    driver=DRIVER,
                    volume_handle=disk.id,
                    fs_type="ext4",
                    read_only=True,
                ),
                node_affinity=core.VolumeNodeAffinityArgs(
                    required=core.NodeSelectorArgs(
                        node_selector_terms=[
                            core.NodeSelectorTermArgs(
                                match_expressions=[
                                    core.NodeSelectorRequirementArgs(key=ZONE_LABEL, operator="In", values=[args.zone])
                                ]
                            )
                        ]
                    )
                ),
            ),
            opts=child,
        )
        return core.PersistentVolumeClaim(
            f"{name}-claim",
            metadata=kubernetes.meta.v1.ObjectMetaArgs(**given(namespace=args.namespace)),
            spec=core.PersistentVolumeClaimSpecArgs(
                access_modes=["ReadOnlyMany"],
                storage_class_name=class_name,
                volume_name=volume.metadata.name.apply(str),
                resources=core.VolumeResourceRequirementsArgs(requests={"storage": size}),
            ),
            opts=child,
        )

    def _check(
        self,
        name: str,
        args: CheckpointDiskArgs,
        claim: core.PersistentVolumeClaim,
        converter: list[gcp.compute.InstanceGroupManager],
    ) -> batch.Job:
        """Register the Job whose pod gets the disk when the converter is gone, and looks for the checkpoint."""
        limit = converter_seconds(args.model) + ATTACH_SECONDS
        marker = f"{MOUNT_PATH}/{checkpoint_folder(args.model, quantized=False)}/converted"
        resources = {"cpu": "100m", "memory": "64Mi"}
        return batch.Job(
            f"{name}-check",
            metadata=kubernetes.meta.v1.ObjectMetaArgs(**given(namespace=args.namespace)),
            spec=batch.JobSpecArgs(
                backoff_limit=0,
                active_deadline_seconds=limit,
                template=core.PodTemplateSpecArgs(
                    metadata=kubernetes.meta.v1.ObjectMetaArgs(labels={"app": f"{name}-check"}),
                    spec=core.PodSpecArgs(
                        restart_policy="Never",
                        automount_service_account_token=False,
                        security_context=core.PodSecurityContextArgs(
                            run_as_non_root=True,
                            run_as_user=65534,
                            seccomp_profile=core.SeccompProfileArgs(type="RuntimeDefault"),
                        ),
                        containers=[
                            core.ContainerArgs(
                                name="check",
                                image="busybox:1.37",
                                command=["cat", marker],
                                resources=core.ResourceRequirementsArgs(requests=resources, limits=resources),
                                security_context=core.SecurityContextArgs(
                                    allow_privilege_escalation=False,
                                    read_only_root_filesystem=True,
                                    capabilities=core.CapabilitiesArgs(drop=["ALL"]),
                                ),
                                volume_mounts=[
                                    core.VolumeMountArgs(name="data", mount_path=MOUNT_PATH, read_only=True)
                                ],
                            )
                        ],
                        volumes=[
                            core.VolumeArgs(
                                name="data",
                                persistent_volume_claim=core.PersistentVolumeClaimVolumeSourceArgs(
                                    claim_name=claim.metadata.name.apply(str), read_only=True
                                ),
                            )
                        ],
                    ),
                ),
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                # the pod must not get the disk before the converter has it
                depends_on=converter,
                custom_timeouts=pulumi.CustomTimeouts(create=f"{limit + 300}s", update=f"{limit + 300}s", delete="15m"),
            ),
        )
