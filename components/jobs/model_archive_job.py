"""A Job that downloads, converts and archives a model for TorchServe, into a bucket."""

import pulumi
import pulumi_kubernetes as kubernetes

from ..findings import refuse
from ..inference.model_pod import TOKEN_KEY
from ..storage.checkpoints import MOUNT_PATH
from ..storage.gcs_fuse import DATA_VOLUME, POD_ANNOTATIONS, bucket_volumes
from .conversion_checks import RETRIES
from .gpt_fast import DEFAULT_LENGTH, load_pins, model_store_folder, preparation_files
from .lasting_job import check_job_name, create_lasting_job
from .model_archive_checks import CPUS, check_model_archive_job, disk_gib, memory_gib, seconds_at_most
from .model_archive_job_args import ModelArchiveJobArgs

SCRIPTS_PATH, TOKEN_PATH, SCRATCH_PATH = "/scripts", "/huggingface", "/scratch"

core = kubernetes.core.v1


class ModelArchiveJob(pulumi.ComponentResource):
    """A Job that is there to stay: it runs once, and again when its arguments change.

    Each step is skipped whose product is in the bucket, so that a run that was cut off goes on, and another way to
    serve the same checkpoint takes a minute. It runs on the cluster of the Kubernetes provider that is passed in
    `opts`. Its logs are in Cloud Logging even when its node is gone.
    """

    bucket: pulumi.Output[str]
    """Name of the bucket. Known when all is in it, so that a server which takes it starts after."""
    model_store: pulumi.Output[str]
    """Folder of the archive, `gs://BUCKET/FOLDER`. Known likewise."""
    job_name: pulumi.Output[str]
    """Name of the Job."""

    def __init__(self, name: str, args: ModelArchiveJobArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the Job.

        Raises:
            ConfigurationError: if `args` are wrong; nothing is registered then.
        """
        args = ModelArchiveJobArgs.parse(args)
        refuse([*check_job_name(name), *check_model_archive_job(args)])
        super().__init__("llm-serving:index:ModelArchiveJob", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        namespace = pulumi.Output.from_input(args.namespace if args.namespace is not None else "default")
        secret = None
        if args.token is not None:
            secret = core.Secret(
                f"{name}-token",
                # a name of its own, given to the Job as text: a new token must not start the preparation again
                metadata=kubernetes.meta.v1.ObjectMetaArgs(name=f"{name}-token", namespace=namespace),
                string_data={TOKEN_KEY: pulumi.Output.secret(args.token)},
                opts=child,
            )
        shards, length = args.shards or 1, args.max_sequence_length or DEFAULT_LENGTH
        scripts = core.ConfigMap(
            f"{name}-scripts",
            # Pulumi names it: other scripts or settings make another, and with it another Job
            immutable=True,
            metadata=kubernetes.meta.v1.ObjectMetaArgs(namespace=namespace),
            data=preparation_files(
                args.model, args.quantization, shards, length, args.startup_seconds, scratch=SCRATCH_PATH
            ),
            opts=child,
        )
        job = create_lasting_job(
            name,
            namespace=namespace,
            template=_pod_template(name, args, scripts.metadata.name.apply(str)),
            retries=RETRIES,
            seconds=seconds_at_most(args.model),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[secret] if secret else [],
                # two at a time would write the same files
                delete_before_replace=True,
            ),
        )
        # the ID of a Job is known when the provider has seen it complete
        self.bucket = pulumi.Output.all(args.bucket, job.id).apply(lambda known: str(known[0]))
        folder = model_store_folder(args.model, args.quantization, shards)
        self.model_store = pulumi.Output.concat("gs://", self.bucket, f"/{folder}")
        self.job_name = job.metadata.name.apply(str)
        self.register_outputs({"bucket": self.bucket, "modelStore": self.model_store, "jobName": self.job_name})


def _pod_template(name: str, args: ModelArchiveJobArgs, scripts: pulumi.Output[str]) -> core.PodTemplateSpecArgs:
    disk = f"{disk_gib(args.model)}Gi"
    resources = {
        "cpu": str(CPUS),
        "memory": f"{memory_gib(args.model, args.quantization)}Gi",
        "ephemeral-storage": disk,
    }
    volumes = [
        # each file is read once, so that a cache would only take memory from the conversion
        *bucket_volumes(args.bucket, read_only=False),
        core.VolumeArgs(name="scratch", empty_dir=core.EmptyDirVolumeSourceArgs(size_limit=disk)),
        core.VolumeArgs(name="scripts", config_map=core.ConfigMapVolumeSourceArgs(name=scripts)),
    ]
    mounts = [
        core.VolumeMountArgs(name=DATA_VOLUME, mount_path=MOUNT_PATH),
        core.VolumeMountArgs(name="scratch", mount_path=SCRATCH_PATH),
        core.VolumeMountArgs(name="scripts", mount_path=SCRIPTS_PATH, read_only=True),
    ]
    variables = {"HF_HOME": f"{SCRATCH_PATH}/huggingface", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    if args.token is not None:
        # in a file, which no other process inherits
        secret = core.SecretVolumeSourceArgs(secret_name=f"{name}-token", default_mode=0o400)
        volumes.append(core.VolumeArgs(name="token", secret=secret))
        mounts.append(core.VolumeMountArgs(name="token", mount_path=TOKEN_PATH, read_only=True))
        variables["TOKEN_FILE"] = f"{TOKEN_PATH}/{TOKEN_KEY}"
    return core.PodTemplateSpecArgs(
        metadata=kubernetes.meta.v1.ObjectMetaArgs(
            labels={"app": name},
            annotations={"cluster-autoscaler.kubernetes.io/safe-to-evict": "false", **POD_ANNOTATIONS},
        ),
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
                    name="preparation",
                    image=args.image or load_pins()["images"]["cpu"],
                    command=["python", f"{SCRIPTS_PATH}/prepare.py", f"{SCRIPTS_PATH}/settings.json"],
                    env=[core.EnvVarArgs(name=variable, value=value) for variable, value in variables.items()],
                    resources=core.ResourceRequirementsArgs(requests=resources, limits=resources),
                    # the bucket is mounted as root's, and the image's own user is not root
                    security_context=core.SecurityContextArgs(run_as_user=0, allow_privilege_escalation=False),
                    volume_mounts=mounts,
                )
            ],
            volumes=volumes,
        ),
    )
