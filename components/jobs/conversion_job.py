"""A Job that converts a model's published weights into a JetStream checkpoint in a bucket, once."""

import pulumi
import pulumi_kubernetes as kubernetes

from ..args import Input
from ..findings import refuse
from ..storage.checkpoints import MOUNT_PATH, base_folder, checkpoint_folder, jetstream_names
from ..storage.gcs_fuse import DATA_VOLUME, POD_ANNOTATIONS, bucket_volumes
from .conversion_checks import CPUS, RETRIES, check_conversion_job, disk_gib, memory_gib, seconds_at_most
from .conversion_job_args import ConversionJobArgs
from .lasting_job import check_job_name, create_lasting_job

IMAGE = "us-docker.pkg.dev/cloud-tpu-images/inference/inference-checkpoint:v0.2.3"
"""The guide's converter. It takes values as `-m=VALUE` only, which newer ones do not take.
Source: github.com/GoogleCloudPlatform/ai-on-gke, checkpoints/checkpoint_converter.sh, commit 0fd14fd9."""

SCRIPT = "/usr/bin/checkpoint_converter.sh"

VERSION = "jetstream-v0.2.3"
"""Release of jetstream-pytorch that the converter checks out: that of the server."""

TOKEN_FOLDER, TOKEN_FILE = "/huggingface", "HUGGINGFACE_TOKEN"
"""Where the script looks for the token."""

core = kubernetes.core.v1


class ConversionJob(pulumi.ComponentResource):
    """A Job that is there to stay: it runs once, and again when its arguments change.

    It runs on the cluster of the Kubernetes provider that is passed in `opts`. Its logs are in Cloud Logging even when
    its node is gone.
    """

    bucket: pulumi.Output[str]
    """Name of the bucket. Known when the checkpoint is in it, so that a server which takes it starts after."""
    checkpoint: pulumi.Output[str]
    """Folder of the checkpoint, `gs://BUCKET/FOLDER`. Known likewise."""
    job_name: pulumi.Output[str]
    """Name of the Job."""

    def __init__(self, name: str, args: ConversionJobArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the Job.

        Raises:
            ConfigurationError: if `args` are wrong; nothing is registered then.
        """
        args = ConversionJobArgs.parse(args)
        refuse([*check_job_name(name), *check_conversion_job(args)])
        super().__init__("llm-serving:index:ConversionJob", name, {}, opts)
        namespace = pulumi.Output.from_input(args.namespace if args.namespace is not None else "default")
        secret = None
        if args.token is not None and not args.own_weights:
            secret = core.Secret(
                f"{name}-token",
                # a name of its own, given to the Job as text: a new token must not start the conversion again
                metadata=kubernetes.meta.v1.ObjectMetaArgs(name=f"{name}-token", namespace=namespace),
                string_data={TOKEN_FILE: pulumi.Output.secret(args.token)},
                opts=pulumi.ResourceOptions(parent=self),
            )
        job = create_lasting_job(
            name,
            namespace=namespace,
            template=_pod_template(name, args),
            retries=RETRIES,
            seconds=seconds_at_most(args.model),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[secret] if secret else []),
        )
        # the ID of a Job is known when the provider has seen it complete
        self.bucket = pulumi.Output.all(args.bucket, job.id).apply(lambda known: str(known[0]))
        folder = checkpoint_folder(args.model, quantized=args.quantized is True)
        self.checkpoint = pulumi.Output.concat("gs://", self.bucket, f"/{folder}")
        self.job_name = job.metadata.name.apply(str)
        self.register_outputs({"bucket": self.bucket, "checkpoint": self.checkpoint, "jobName": self.job_name})


def arguments(args: ConversionJobArgs) -> list[Input[str]]:
    """Return the arguments of the converter's script."""
    names, quantized = jetstream_names(args.model), args.quantized is True
    bucket = pulumi.Output.from_input(args.bucket)
    source: list[Input[str]] = [f"-m={args.model}", "-h=True"]
    if args.own_weights:
        # the script puts the value of -m in the place of `gs://BUCKET`, and reads from there
        source = [
            f"-m={MOUNT_PATH}",
            pulumi.Output.concat("-i=gs://", bucket, f"/{base_folder(args.model)}/"),
            "-h=False",
        ]
    return [
        "-s=jetstream-pytorch",
        *source,
        pulumi.Output.concat("-o=gs://", bucket, f"/{checkpoint_folder(args.model, quantized=quantized)}/"),
        f"-n={names.model_name}",
        f"-q={quantized}",
        # without it the script passes an empty type on, which the conversion refuses
        *(["-t=int8_per_channel"] if quantized else []),
        f"-v={VERSION}",
    ]


def _pod_template(name: str, args: ConversionJobArgs) -> core.PodTemplateSpecArgs:
    own = args.own_weights is True
    annotations = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false", **(POD_ANNOTATIONS if own else {})}
    resources = {
        "cpu": str(CPUS),
        "memory": f"{memory_gib(args.model)}Gi",
        "ephemeral-storage": f"{disk_gib(args.model, own_weights=own)}Gi",
    }
    volumes, mounts = _volumes(name, args)
    return core.PodTemplateSpecArgs(
        metadata=kubernetes.meta.v1.ObjectMetaArgs(labels={"app": name}, annotations=annotations),
        spec=core.PodSpecArgs(
            restart_policy="Never",
            service_account_name=args.service_account,
            automount_service_account_token=False,
            enable_service_links=False,
            node_selector={"node.kubernetes.io/instance-type": args.machine_type},
            security_context=core.PodSecurityContextArgs(
                seccomp_profile=core.SeccompProfileArgs(type="RuntimeDefault")
            ),
            containers=[
                core.ContainerArgs(
                    name="converter",
                    image=args.image or IMAGE,
                    # stop at the first failure: the script alone goes on, uploads what there is, and ends with success
                    command=["bash", "-e", SCRIPT],
                    args=arguments(args),
                    # the script installs JAX for TPUs, of which there are none here
                    env=[core.EnvVarArgs(name="JAX_PLATFORMS", value="cpu")],
                    resources=core.ResourceRequirementsArgs(requests=resources, limits=resources),
                    security_context=core.SecurityContextArgs(allow_privilege_escalation=False),
                    volume_mounts=mounts,
                )
            ],
            volumes=volumes,
        ),
    )


def _volumes(name: str, args: ConversionJobArgs) -> tuple[list[core.VolumeArgs], list[core.VolumeMountArgs]]:
    if args.own_weights:
        # each file is read once, so that a cache would only take memory from the conversion
        return bucket_volumes(args.bucket, read_only=False), [
            core.VolumeMountArgs(name=DATA_VOLUME, mount_path=MOUNT_PATH, read_only=True)
        ]
    secret = core.SecretVolumeSourceArgs(secret_name=f"{name}-token", default_mode=0o400)
    return [core.VolumeArgs(name="token", secret=secret)], [
        core.VolumeMountArgs(name="token", mount_path=TOKEN_FOLDER, read_only=True)
    ]
