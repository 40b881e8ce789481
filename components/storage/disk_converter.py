"""The machine that fills the disk of a checkpoint: made once for each disk, and deleted by Google Cloud.

Source: cloud.google.com/compute/docs/instance-groups/limit-vm-runtime-in-migs, 2026-11-21.
"""

from __future__ import annotations  # or the SDK would be loaded for them, of whichever cloud the stack is

import re
import shlex
from typing import Any

import pulumi
import pulumi_gcp as gcp

from ..jobs.conversion_checks import converter_seconds
from ..jobs.conversion_job import VERSION
from ..names import account_id, bounded
from ..workloads import workload
from .checkpoint_disk_args import CheckpointDiskArgs
from .checkpoints import checkpoint_folder, jetstream_names

SCRIPT = workload("jetstream") / "convert-to-disk.sh"

MACHINE_TYPE, BOOT_DISK_GB, IMAGE = "n2-standard-32", 128, "ubuntu-os-cloud/ubuntu-2204-lts"
"""The guide's converter, with the image's family in place of one image."""


def create_converter(
    name: str, args: CheckpointDiskArgs, disk: gcp.compute.Disk, child: pulumi.ResourceOptions
) -> gcp.compute.InstanceGroupManager:
    """Register the machine that fills `disk`, as the one member of a group, and what it needs.

    Google Cloud deletes it at the end of its time. The group stays, empty and free of charge, so that a refresh misses
    nothing. Names begin with `name`; `child` are the options of each resource.
    """
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
        opts=_with(child, depends_on=[api]),
    )
    version = gcp.secretmanager.SecretVersion(
        f"{name}-token",
        secret=secret.id,
        secret_data=pulumi.Output.secret(args.token),
        # a token that is no longer the one is not kept
        opts=_with(child, delete_before_replace=True),
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
    template = gcp.compute.InstanceTemplate(
        f"{name}-converter",
        project=args.project,
        machine_type=MACHINE_TYPE,
        disks=[
            gcp.compute.InstanceTemplateDiskArgs(
                boot=True, auto_delete=True, source_image=IMAGE, disk_size_gb=BOOT_DISK_GB, disk_type="pd-balanced"
            ),
            gcp.compute.InstanceTemplateDiskArgs(
                source=disk.name, device_name="checkpoint", mode="READ_WRITE", auto_delete=False
            ),
        ],
        # no access config, so no public address
        network_interfaces=[
            gcp.compute.InstanceTemplateNetworkInterfaceArgs(
                subnetwork=args.subnetwork if args.subnetwork is not None else "default"
            )
        ],
        service_account=gcp.compute.InstanceTemplateServiceAccountArgs(
            email=account.email, scopes=["https://www.googleapis.com/auth/cloud-platform"]
        ),
        shielded_instance_config=gcp.compute.InstanceTemplateShieldedInstanceConfigArgs(
            enable_secure_boot=True, enable_vtpm=True, enable_integrity_monitoring=True
        ),
        scheduling=gcp.compute.InstanceTemplateSchedulingArgs(
            automatic_restart=False,
            instance_termination_action="DELETE",
            max_run_duration=gcp.compute.InstanceTemplateSchedulingMaxRunDurationArgs(
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
        opts=child,
    )
    return gcp.compute.InstanceGroupManager(
        f"{name}-converter",
        project=args.project,
        zone=args.zone,
        # another disk is another group, which starts a machine of its own; no other change starts one
        base_instance_name=disk.name,
        versions=[gcp.compute.InstanceGroupManagerVersionArgs(instance_template=template.self_link)],
        target_size=1,
        # the machine has the disk before anything else asks for it
        wait_for_instances=True,
        # nor is one started for the one that has gone
        instance_lifecycle_policy=gcp.compute.InstanceGroupManagerInstanceLifecyclePolicyArgs(
            default_action_on_failure="DO_NOTHING"
        ),
        opts=_with(child, depends_on=[grant, version], ignore_changes=["targetSize"]),
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


def _with(options: pulumi.ResourceOptions, **more: Any) -> pulumi.ResourceOptions:  # Any: options of any kind
    return pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(**more))
