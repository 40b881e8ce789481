"""Rights on Google Cloud for the pods of one Kubernetes service account, without a key."""

import pulumi
import pulumi_gcp as gcp
import pulumi_kubernetes as kubernetes

from ..args import ComponentArgs, Input, given
from ..findings import Finding, error, refuse
from ..names import account_id
from ..texts import check_text, fits

WORKLOAD_IDENTITY_USER = "roles/iam.workloadIdentityUser"
"""What lets a Kubernetes service account act as a Google one.
Source: cloud.google.com/kubernetes-engine/docs/how-to/workload-identity, 2026-11-21."""


class BucketRoleArgs(ComponentArgs):
    """A role on one bucket."""

    bucket: Input[str]
    """Name of the bucket."""
    role: str | None = None
    """Role. Default: `roles/storage.objectViewer`, which reads objects."""


class WorkloadIdentityBindingArgs(ComponentArgs):
    """Arguments of WorkloadIdentityBinding."""

    project: Input[str]
    """Google Cloud project ID of the cluster."""
    namespace: Input[str] | None = None
    """Namespace of the Kubernetes service account, which must exist. Default: `default`."""
    service_account_name: str | None = None
    """Name of the Kubernetes service account, which is made. Default: the component's name."""
    google_service_account: bool | None = None
    """Bind through a Google service account of its own, for what does not accept a principal of the pool. Default:
    false, which grants the roles to the Kubernetes service account directly."""
    bucket_roles: dict[str, BucketRoleArgs] | None = None
    """Roles on buckets, by a name for each: the least that is enough for weights. Default: none."""
    project_roles: list[str] | None = None
    """Roles on the whole project. Default: none."""


class WorkloadIdentityBinding(pulumi.ComponentResource):
    """A Kubernetes service account whose pods may do on Google Cloud what its roles allow.

    Every grant adds one member to a role, and leaves its other members alone.
    """

    service_account: pulumi.Output[str]
    """Name of the Kubernetes service account. Known once all is granted, so that pods that use it can start to work."""
    namespace: pulumi.Output[str]
    """Its namespace."""
    member: pulumi.Output[str]
    """The member that has the roles: `principal://...`, or `serviceAccount:...` with a Google service account."""
    email: pulumi.Output[str | None]
    """E-mail address of the Google service account. None without one."""

    def __init__(
        self, name: str, args: WorkloadIdentityBindingArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Register the binding. The Kubernetes provider is the one of `opts`.

        Raises:
            ConfigurationError: if `args` are wrong; nothing is registered then.
        """
        args = WorkloadIdentityBindingArgs.parse(args)
        refuse(check_workload_identity_binding(name, args))
        super().__init__("llm-serving:index:WorkloadIdentityBinding", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        project = pulumi.Output.from_input(args.project)
        self.namespace = pulumi.Output.from_input(args.namespace if args.namespace is not None else "default")
        account_name = args.service_account_name or name
        pool = pulumi.Output.concat(project, ".svc.id.goog")

        grants: list[pulumi.Resource] = []
        if args.google_service_account:
            google = gcp.serviceaccount.Account(
                f"{name}-account",
                # two stacks of a project may well give their binding the same name
                account_id=account_id(f"{name}-{pulumi.get_stack()}"),
                display_name=f"Pods of {account_name}",
                project=args.project,
                opts=child,
            )
            self.member, self.email = google.member, google.email.apply(lambda email: email)
            grants.append(
                gcp.serviceaccount.IAMMember(
                    f"{name}-user",
                    service_account_id=google.name,
                    role=WORKLOAD_IDENTITY_USER,
                    member=pulumi.Output.concat("serviceAccount:", pool, "[", self.namespace, f"/{account_name}]"),
                    opts=child,
                )
            )
        else:
            number = gcp.organizations.get_project_output(
                project_id=project, opts=pulumi.InvokeOutputOptions(parent=self)
            ).number
            self.member = pulumi.Output.concat(
                "principal://iam.googleapis.com/projects/",
                number,
                "/locations/global/workloadIdentityPools/",
                pool,
                "/subject/ns/",
                self.namespace,
                f"/sa/{account_name}",
            )
            self.email = pulumi.Output.from_input(None)
        grants += self._grants(name, args, child)
        account = kubernetes.core.v1.ServiceAccount(
            f"{name}-service-account",
            metadata=kubernetes.meta.v1.ObjectMetaArgs(
                name=account_name,
                namespace=self.namespace,
                **given(
                    annotations={"iam.gke.io/gcp-service-account": self.email} if args.google_service_account else None
                ),
            ),
            opts=child,
        )
        granted = pulumi.Output.all(*(grant.urn for grant in grants))
        self.service_account = pulumi.Output.all(account.metadata.name, granted).apply(lambda known: str(known[0]))
        self.register_outputs(
            {
                "serviceAccount": self.service_account,
                "namespace": self.namespace,
                "member": self.member,
                "email": self.email,
            }
        )

    def _grants(
        self, name: str, args: WorkloadIdentityBindingArgs, opts: pulumi.ResourceOptions
    ) -> list[pulumi.Resource]:
        on_buckets = [
            gcp.storage.BucketIAMMember(
                f"{name}-{key}",
                bucket=grant.bucket,
                role=grant.role or "roles/storage.objectViewer",
                member=self.member,
                opts=opts,
            )
            for key, grant in (args.bucket_roles or {}).items()
        ]
        on_project = [
            gcp.projects.IAMMember(
                f"{name}-{role.rpartition('/')[2]}", project=args.project, role=role, member=self.member, opts=opts
            )
            for role in dict.fromkeys(args.project_roles or [])
        ]
        return [*on_buckets, *on_project]


def check_workload_identity_binding(name: str, args: WorkloadIdentityBindingArgs) -> list[Finding]:
    """Return everything that can be known to be wrong with a binding, by path within `args`."""
    roles = {
        **{f"bucketRoles.{key}.role": grant.role for key, grant in (args.bucket_roles or {}).items() if grant.role},
        **{f"projectRoles[{index}]": role for index, role in enumerate(args.project_roles or [])},
    }
    findings = [
        error("role-invalid", path, f"'{role}' is not the name of a role.", "Write it as roles/storage.objectViewer.")
        for path, role in roles.items()
        if not fits("google-role", role)
    ]
    findings += [
        error("role-too-broad", path, f"pods need less than '{role}'.", "Name the roles that they need, on the bucket.")
        for path, role in roles.items()
        if role in ("roles/owner", "roles/editor")
    ]
    findings += check_text("namespace", args.namespace, "namespace")
    findings += check_text("google-project", args.project, "project")
    account_name, path = (
        args.service_account_name or name,
        "serviceAccountName" if args.service_account_name else "name",
    )
    if not fits("object", account_name):
        findings.append(
            error(
                "service-account-name-invalid",
                path,
                f"'{account_name}' cannot be the name of a Kubernetes service account.",
                "Use at most 253 lower-case letters, digits, hyphens and dots, a letter or digit first and last.",
            )
        )
    if account_name == "default":
        findings.append(
            error(
                "service-account-default",
                path,
                "every namespace has a service account 'default' already, with which all its other pods run.",
                "Give it a name of its own, so that other pods have no right on the weights.",
            )
        )
    return findings
