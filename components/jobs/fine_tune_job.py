"""A Job that fine-tunes chat models with LoRA on one GPU, and goes on where it stopped when its node is taken back."""

from pathlib import Path

import pulumi
import pulumi_kubernetes as kubernetes

from ..args import given
from ..catalog import load_catalog
from ..findings import refuse
from ..inference.derived import SPOT_LABEL
from ..inference.model_pod import TOKEN_KEY
from ..storage.gcs_fuse import AUTOPILOT_ANNOTATIONS, DATA_VOLUME, POD_ANNOTATIONS, bucket_volumes
from ..texts import literal
from ..workloads import workload
from .fine_tune_checks import check_fine_tune_job
from .fine_tune_job_args import FineTuneJobArgs, Save
from .fine_tune_sizing import BATCH_SIZE, MAX_LENGTH, RANK, candidates, disk_gib
from .lasting_job import create_lasting_job

CODE = workload("finetune")

IMAGE = "python:3.12.12-slim-bookworm"
"""Nothing but Python. PyTorch comes with CUDA from the package index, in the versions that `make test-finetune` tests,
so that no second image and no second set of versions has to be kept."""

MOUNT_PATH, SCRATCH_PATH, CODE_PATH = "/bucket", "/scratch", "/app/finetune"

SCRIPT = f"""python -m venv --clear {SCRATCH_PATH}/venv
{SCRATCH_PATH}/venv/bin/pip install --no-cache-dir --disable-pip-version-check --progress-bar=off \
--requirement={CODE_PATH}/requirements.txt --constraint={CODE_PATH}/constraints.txt
exec {SCRATCH_PATH}/venv/bin/python -m finetune "$@"
"""
"""What the container runs. It becomes the fine-tune itself, which so hears that it has to stop."""

REFUSED = 78
"""Exit status of a fine-tune that would fail again however often it is tried."""

RETRIES = 3
"""Failures that are none of the node's: of the network, of a service."""

SPOT_GRACE, GRACE = 25, 120
"""Seconds to save a checkpoint in. Of a Spot VM, no more come true.
Source: cloud.google.com/kubernetes-engine/docs/concepts/spot-vms, 2026-11-21."""

WRITTEN_ANNOTATION = {"gke-gcsfuse/ephemeral-storage-limit": "5Gi"}
"""On Autopilot, room for files on their way to the bucket, of 2 GB at the most."""

HOURS = 24

core = kubernetes.core.v1
batch = kubernetes.batch.v1


class FineTuneJob(pulumi.ComponentResource):
    """A Job that is there to stay: it runs once, and again when its arguments change, but not for new tokens or code.

    It runs on the cluster of the Kubernetes provider that is passed in `opts`. Its logs are in Cloud Logging even when
    its node is gone.
    """

    bucket: pulumi.Output[str]
    """Name of the bucket. Known when the model is in it, so that a server which takes it starts after."""
    folder: pulumi.Output[str]
    """Folder of the bucket with the best model or adapter. Known likewise."""
    job_name: pulumi.Output[str]
    """Name of the Job."""

    def __init__(self, name: str, args: FineTuneJobArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the Job.

        Raises:
            ConfigurationError: if `args` are wrong; nothing is registered then.
        """
        args = FineTuneJobArgs.parse(args)
        refuse(check_fine_tune_job(name, args))
        super().__init__("llm-serving:index:FineTuneJob", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        namespace = pulumi.Output.from_input(args.namespace if args.namespace is not None else "default")

        def metadata(suffix: str) -> kubernetes.meta.v1.ObjectMetaArgs:
            # a name of its own, given to the Job as text: a new token or file must not start the training again
            return kubernetes.meta.v1.ObjectMetaArgs(name=f"{name}-{suffix}", namespace=namespace)

        needed: list[pulumi.Resource] = [
            core.ConfigMap(f"{name}-code", metadata=metadata("code"), data=_files(), opts=child)
        ]
        tokens = given(**{TOKEN_KEY: args.token, "WANDB_API_KEY": args.wandb_api_key})
        if tokens:
            hidden = {key: pulumi.Output.secret(value) for key, value in tokens.items()}
            needed.append(core.Secret(f"{name}-tokens", metadata=metadata("tokens"), string_data=hidden, opts=child))
        job = create_lasting_job(
            name,
            namespace=namespace,
            template=_pod_template(name, args, list(tokens)),
            retries=RETRIES,
            seconds=(args.hours or HOURS) * 3600,
            failure_rules=[_refused()],
            opts=pulumi.ResourceOptions(parent=self, depends_on=needed),
        )
        # the ID of a Job is known when the provider has seen it complete
        self.bucket = pulumi.Output.all(args.bucket, job.id).apply(lambda known: str(known[0]))
        self.folder = job.id.apply(lambda _: f"{_folder(args)}/best")
        self.job_name = job.metadata.name.apply(str)
        self.register_outputs({"bucket": self.bucket, "folder": self.folder, "jobName": self.job_name})


def arguments(args: FineTuneJobArgs) -> list[str]:
    """Return the flags of the fine-tune. Those that the checks count with are always among them."""
    accelerator = load_catalog().accelerators[args.accelerator]
    settings = {
        "output": f"{MOUNT_PATH}/{_folder(args)}",
        "models": ",".join(candidates(args)),
        "rank": args.rank or RANK,
        "batch_size": args.batch_size or BATCH_SIZE,
        "max_length": args.max_length or MAX_LENGTH,
        "dtype": "bfloat16" if accelerator.bfloat16 else "float16",
        "save": (args.save or Save.MERGED).value,
        **given(push_to=args.push_to, private=None if args.private is None else str(args.private).lower()),
        **({"wandb": "true"} if args.wandb_api_key is not None else {}),
        **(args.settings or {}),
    }
    return [literal(f"--{setting.replace('_', '-')}={value}") for setting, value in settings.items()]


def _folder(args: FineTuneJobArgs) -> str:
    return args.folder or "finetune"


def _files() -> dict[str, str]:
    files = sorted(path for path in CODE.iterdir() if path.suffix in (".py", ".txt"))
    return {path.name: path.read_text(encoding="utf-8") for path in files}


def _refused() -> batch.PodFailurePolicyRuleArgs:
    refused = batch.PodFailurePolicyOnExitCodesRequirementArgs(
        container_name="finetune", operator="In", values=[REFUSED]
    )
    return batch.PodFailurePolicyRuleArgs(action="FailJob", on_exit_codes=refused)


def _pod_template(name: str, args: FineTuneJobArgs, tokens: list[str]) -> core.PodTemplateSpecArgs:
    accelerator = load_catalog().accelerators[args.accelerator]
    spot = args.spot is not False
    selector = {**(args.node_selector or {}), accelerator.selector: accelerator.name}
    if spot:
        selector[SPOT_LABEL] = "true"
    annotations = {**AUTOPILOT_ANNOTATIONS, **WRITTEN_ANNOTATION} if args.autopilot else POD_ANNOTATIONS
    return core.PodTemplateSpecArgs(
        metadata=kubernetes.meta.v1.ObjectMetaArgs(labels={"app": name}, annotations=annotations),
        spec=core.PodSpecArgs(
            restart_policy="Never",
            service_account_name=args.service_account,
            automount_service_account_token=False,
            enable_service_links=False,
            termination_grace_period_seconds=SPOT_GRACE if spot else GRACE,
            node_selector=selector,
            # GKE adds it to pods that ask for the resource; other clusters do not
            tolerations=[core.TolerationArgs(key=accelerator.resource, operator="Exists", effect="NoSchedule")],
            security_context=core.PodSecurityContextArgs(
                seccomp_profile=core.SeccompProfileArgs(type="RuntimeDefault")
            ),
            containers=[_container(name, args, tokens)],
            volumes=[
                *bucket_volumes(args.bucket, read_only=False),
                core.VolumeArgs(name="code", config_map=core.ConfigMapVolumeSourceArgs(name=f"{name}-code")),
                _scratch(args),
            ],
        ),
    )


def _container(name: str, args: FineTuneJobArgs, tokens: list[str]) -> core.ContainerArgs:
    chosen = args.resources
    resources = {
        "cpu": chosen.cpu if chosen else "6",
        "memory": chosen.memory if chosen else "24Gi",
        **given(**{"ephemeral-storage": chosen.ephemeral_storage if chosen else None}),
        load_catalog().accelerators[args.accelerator].resource: "1",
    }
    places = {"HF_HOME": "huggingface", "TMPDIR": "", "WANDB_DIR": ""}
    variables = [core.EnvVarArgs(name=key, value=f"{SCRATCH_PATH}/{folder}") for key, folder in places.items()]
    for key in tokens:
        reference = core.SecretKeySelectorArgs(name=f"{name}-tokens", key=key)
        variables.append(core.EnvVarArgs(name=key, value_from=core.EnvVarSourceArgs(secret_key_ref=reference)))
    return core.ContainerArgs(
        name="finetune",
        image=args.image or IMAGE,
        command=["sh", "-ec", SCRIPT, "finetune"],
        args=arguments(args),
        working_dir=str(Path(CODE_PATH).parent),
        env=variables,
        resources=core.ResourceRequirementsArgs(requests=resources, limits=resources),
        security_context=core.SecurityContextArgs(allow_privilege_escalation=False),
        volume_mounts=[
            core.VolumeMountArgs(name=DATA_VOLUME, mount_path=MOUNT_PATH),
            core.VolumeMountArgs(name="code", mount_path=CODE_PATH, read_only=True),
            core.VolumeMountArgs(name="scratch", mount_path=SCRATCH_PATH),
        ],
    )


def _scratch(args: FineTuneJobArgs) -> core.VolumeArgs:
    """Return a disk of the pod's own, since packages and weights are more than the 10 GiB that Autopilot gives."""
    claim = core.PersistentVolumeClaimTemplateArgs(
        spec=core.PersistentVolumeClaimSpecArgs(
            access_modes=["ReadWriteOnce"],
            **given(storage_class_name=args.storage_class),
            resources=core.VolumeResourceRequirementsArgs(requests={"storage": f"{disk_gib(args)}Gi"}),
        )
    )
    return core.VolumeArgs(name="scratch", ephemeral=core.EphemeralVolumeSourceArgs(volume_claim_template=claim))
