"""A persistent disk with a converted checkpoint, which many pods read at once: the bucket's alternative."""

import re
import shlex
from pathlib import Path

import pulumi
import pulumi_gcp as gcp
import pulumi_kubernetes as kubernetes

from components.args import given
from components.checkpoint_disk_args import CheckpointDiskArgs
from components.checkpoints import MOUNT_PATH, checkpoint_folder, jetstream_names
from components.conversion_checks import check_checkpoint_disk, converter_seconds, disk_gb
from components.conversion_job import VERSION
from components.findings import refuse
from components.names import account_id, bounded

SCRIPT = Path(__file__).parents[1] / "workloads" / "jetstream" / "convert-to-disk.sh"

MACHINE_TYPE, BOOT_DISK_GB, IMAGE = "n2-standard-32", 128, "ubuntu-os-cloud/ubuntu-2204-lts"
"""The guide's converter, with the image's family in place of one image."""

DRIVER = "pd.csi.storage.gke.io"
ZONE_LABEL = "topology.gke.io/zone"
"""Label of nodes by which that driver knows their zone."""

ATTACH_SECONDS = 30 * 60
"""From the end of the converter until the disk is on a node, with tries ever further apart. Not measured."""

core = kubernetes.core.v1
batch = kubernetes.batch.v1


class CheckpointDisk(pulumi.ComponentResource):
    """A disk, a machine that fills it and goes, and the claim by which pods mount it read-only.

    The machine is deleted by Google Cloud at the end of the time that the conversion may take, whether it succeeded or
    not, since only then can pods have the disk. Nothing has to stop it, and it has no right on Compute Engine.
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
        refuse(check_checkpoint_disk(args))
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
        converter = [self._converter(name, args, disk)] if args.convert is not False else []
        claim = self._claim(name, args, disk)
        seen = self._check(name, args, claim, converter)
        self.claim_name = pulumi.Output.all(claim.metadata.name, seen.id).apply(lambda known: str(known[0]))
        self.disk_name = disk.name
        self.register_outputs({"claimName": self.claim_name, "diskName": self.disk_name})

    def _converter(self, name: str, args: CheckpointDiskArgs, disk: gcp.compute.Disk) -> gcp.compute.Instance:
        child = pulumi.ResourceOptions(parent=self)
        api = gcp.projects.Service(
            f"{name}-secretmanager",
            project=args.project,
            service="secretmanager.googleapis.com",
            disable_on_destroy=False,
            opts=child,
        )
        account = gcp.serviceaccount.Account(
            f"{name}-converter",
            account_id=account_id(f"{name}-{pulumi.get_stack()}-converter"),
            display_name=f"Converter of {name}",
            project=args.project,
            opts=child,
        )
        secret = gcp.secretmanager.Secret(
            f"{name}-token",
            project=args.project,
            secret_id=bounded(re.sub(r"[^A-Za-z0-9_-]", "-", f"{name}-{pulumi.get_stack()}-token"), 255),
            replication=gcp.secretmanager.SecretReplicationArgs(auto=gcp.secretmanager.SecretReplicationAutoArgs()),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[api]),
        )
        version = gcp.secretmanager.SecretVersion(
            f"{name}-token",
            secret=secret.id,
            secret_data=pulumi.Output.secret(args.token),
            # a token that is no longer the one is not kept
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        # the one right that it has
        grant = gcp.secretmanager.SecretIamMember(
            f"{name}-token",
            project=args.project,
            secret_id=secret.secret_id,
            role="roles/secretmanager.secretAccessor",
            member=account.member,
            opts=child,
        )
        return gcp.compute.Instance(
            f"{name}-converter",
            project=args.project,
            zone=args.zone,
            machine_type=MACHINE_TYPE,
            boot_disk=gcp.compute.InstanceBootDiskArgs(
                auto_delete=True,
                initialize_params=gcp.compute.InstanceBootDiskInitializeParamsArgs(
                    image=IMAGE, size=BOOT_DISK_GB, type="pd-balanced"
                ),
            ),
            attached_disks=[
                gcp.compute.InstanceAttachedDiskArgs(source=disk.self_link, device_name="checkpoint", mode="READ_WRITE")
            ],
            # no access config, so no public address
            network_interfaces=[
                gcp.compute.InstanceNetworkInterfaceArgs(
                    subnetwork=args.subnetwork if args.subnetwork is not None else "default"
                )
            ],
            service_account=gcp.compute.InstanceServiceAccountArgs(
                email=account.email, scopes=["https://www.googleapis.com/auth/cloud-platform"]
            ),
            shielded_instance_config=gcp.compute.InstanceShieldedInstanceConfigArgs(
                enable_secure_boot=True, enable_vtpm=True, enable_integrity_monitoring=True
            ),
            scheduling=gcp.compute.InstanceSchedulingArgs(
                automatic_restart=False,
                instance_termination_action="DELETE",
                max_run_duration=gcp.compute.InstanceSchedulingMaxRunDurationArgs(
                    seconds=converter_seconds(args.model)
                ),
            ),
            metadata={
                # the latest, so that a new token changes nothing here
                "startup-script": secret.id.apply(lambda known: startup_script(args.model, f"{known}/versions/latest")),
                # what the script says goes to Cloud Logging, with no right of the machine
                "serial-port-logging-enable": "true",
                "block-project-ssh-keys": "true",
            },
            # changed in place, it would not run again
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[grant, version], replace_on_changes=["metadata", "attachedDisks"]
            ),
        )

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
        converter: list[gcp.compute.Instance],
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


def startup_script(model: str, secret_version: str) -> str:
    """Return the script that fills the disk, with what it reads set above. The token itself is not in it."""
    names = jetstream_names(model)
    settings = {
        "MODEL": model,
        "MODEL_NAME": names.model_name,
        "TOKENIZER": "original/tokenizer.model" if names.model_name == "llama-3" else "tokenizer.model",
        "FOLDER": checkpoint_folder(model, quantized=False),
        "VERSION": VERSION,
        "SECRET": secret_version,
    }
    lines = [f"export {key}={shlex.quote(value)}" for key, value in settings.items()]
    first, rest = SCRIPT.read_text(encoding="utf-8").split("\n", 1)
    return "\n".join([first, *lines, rest])
