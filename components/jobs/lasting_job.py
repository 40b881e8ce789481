"""A Kubernetes Job that is there to stay: it runs once, and again when its pods' template changes."""

from collections.abc import Sequence
from typing import Protocol

import pulumi
import pulumi_kubernetes as kubernetes

from ..args import Input
from ..findings import Finding
from ..names import check_name
from ..texts import check_text

core = kubernetes.core.v1
batch = kubernetes.batch.v1


LONGEST_NAME = 63 - len("-12345678")
"""A Job has at most 63 characters, of which Pulumi appends some.
Source: kubernetes.io/docs/concepts/workloads/controllers/job, 2026-11-21."""


def check_job_name(name: str) -> list[Finding]:
    """Return why no Job and what belongs to it can be called `name`."""
    return check_name(name, LONGEST_NAME, "cannot name a Job and what belongs to it")


class JobArgs(Protocol):
    """What the arguments of every Job have."""

    bucket: Input[str]
    service_account: Input[str]
    namespace: Input[str] | None
    image: str | None


def check_job_texts(args: JobArgs) -> list[Finding]:
    """Return which texts of a Job no cloud and no Kubernetes takes, by path within `args`."""
    return [
        *check_text("bucket", args.bucket, "bucket"),
        *check_text("object", args.service_account, "serviceAccount"),
        *check_text("namespace", args.namespace, "namespace"),
        *check_text("image", args.image, "image"),
    ]


def create_lasting_job(
    name: str,
    *,
    namespace: pulumi.Output[str],
    template: core.PodTemplateSpecArgs,
    retries: int,
    seconds: int,
    opts: pulumi.ResourceOptions,
    failure_rules: Sequence[batch.PodFailurePolicyRuleArgs] = (),
) -> batch.Job:
    """Register the Job, whose pods have the label `app` with its name.

    `retries` are failures that are none of the node's, `seconds` how long it may take in all. `failure_rules` come
    after the one that counts no node that was taken back.
    """
    disrupted = batch.PodFailurePolicyOnPodConditionsPatternArgs(type="DisruptionTarget", status="True")
    # longer than the Job's own limit, so that the Job says what it failed of
    awaited = f"{seconds + 300}s"
    return batch.Job(
        name,
        metadata=kubernetes.meta.v1.ObjectMetaArgs(namespace=namespace, labels={"app": name}),
        # no ttlSecondsAfterFinished: a Job that goes would be made, and run, again
        spec=batch.JobSpecArgs(
            backoff_limit=retries,
            active_deadline_seconds=seconds,
            pod_failure_policy=batch.PodFailurePolicyArgs(
                rules=[
                    batch.PodFailurePolicyRuleArgs(action="Ignore", on_pod_conditions=[disrupted]),
                    *failure_rules,
                ]
            ),
            template=template,
        ),
        opts=pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create=awaited, update=awaited, delete="15m")),
        ),
    )
