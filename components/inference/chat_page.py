"""A page to chat with a model in a browser: Open WebUI, pointed at an OpenAI-compatible server.

Sources: docs.openwebui.com/getting-started/env-configuration, and the Dockerfile of github.com/open-webui/open-webui,
tag v0.6.43, 2026-11-21.
"""

import re

import pulumi
import pulumi_kubernetes as kubernetes

from ..args import ComponentArgs, Input, given
from ..findings import Finding, error, refuse
from ..names import check_name
from ..quantities import quantity
from ..texts import check_text, literal
from .exposure import (
    FORWARDED_PORT,
    Exposure,
    check_exposure,
    close_other_ports,
    create_service,
    exposure_of,
    port_forward,
    reserve_address,
)

IMAGE = "ghcr.io/open-webui/open-webui:v0.6.43"

PORT = 8080

DATA_PATH = "/app/backend/data"
"""Where it keeps accounts and conversations."""

CPU, MEMORY = "1", "2Gi"
"""What it takes for a handful of users: a choice, not measured."""

DEFAULT_SIZE = "5Gi"

LONGEST_NAME = 52
"""Characters that Kubernetes leaves a StatefulSet of the 63 of its pods' labels."""
LONGEST_EXPOSED_NAME = 63 - len("-address-1234567")
"""Those that Compute Engine leaves with a load balancer, to whose address's name Pulumi appends some."""

core = kubernetes.core.v1
meta = kubernetes.meta.v1


class ChatPageArgs(ComponentArgs):
    """Arguments of ChatPage."""

    api_url: Input[str]
    """Base URL of the OpenAI-compatible API, which ends in `/v1`, as pods of the cluster reach it."""
    namespace: Input[str] | None = None
    """Namespace, which must exist. Default: `default`."""
    image: str | None = None
    """Container image. Default: the pinned Open WebUI."""
    size: str | None = None
    """Kubernetes quantity of the volume of accounts and conversations, deleted with the component. Default: `5Gi`."""
    storage_class: str | None = None
    """Storage class of the volume. Default: the cluster's."""
    secret_key: Input[str] | None = None
    """Key that signs the sessions, a secret. Default: a new one at each start, so that users log in again."""
    exposure: Exposure | None = None
    """Who can reach it. Default: `cluster`."""
    source_ranges: list[str] | None = None
    """CIDR ranges that may reach the load balancer. Required for `public`."""
    network_policy: bool | None = None
    """Close all ports of the pods but those of the Service, on clusters that enforce NetworkPolicies. They add up: set
    false where your own say who may reach the pods, which this one would let everybody do. Default: true."""
    region: str | None = None
    """Google Cloud region in which the load balancer's address is reserved. Required for `internal` and `public`."""
    project: Input[str] | None = None
    """Google Cloud project of the address. Default: that of the gcp provider."""
    subnetwork: Input[str] | None = None
    """Subnetwork of an internal load balancer's address. Default: `default`."""


class ChatPage(pulumi.ComponentResource):
    """A chat page with accounts. The first who signs up administers it, and lets others in.

    It runs on the cluster of the Kubernetes provider that is passed in `opts`.
    """

    url: pulumi.Output[str]
    """URL of the page. On this machine, while `access` forwards its port, where it is cluster-internal."""
    access: pulumi.Output[str]
    """`public`, `internal`, or `port-forward:` and the command that forwards a port."""

    def __init__(self, name: str, args: ChatPageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Register the page.

        Raises:
            ConfigurationError: if `args` are wrong; nothing is registered then.
        """
        args = ChatPageArgs.parse(args)
        refuse(check_chat_page(name, args))
        super().__init__("llm-serving:index:ChatPage", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        namespace = pulumi.Output.from_input(args.namespace if args.namespace is not None else "default")
        labels = {"app": name}
        close_other_ports(f"{name}-ports", args, namespace=namespace, selector=labels, ports=[PORT], opts=child)
        address = reserve_address(name, args, child)
        service = create_service(
            f"{name}-service",
            args,
            namespace=namespace,
            labels=labels,
            selector=labels,
            ports={"http": 80},
            address=address,
            # it is ready when a pod is, which takes as long as a disk and a node
            opts=pulumi.ResourceOptions(parent=self, custom_timeouts=pulumi.CustomTimeouts(create="20m")),
        )
        self._stateful_set(name, args, namespace, labels, f"{name}-service")
        if address is not None:
            self.url = pulumi.Output.concat("http://", address.address)
            self.access = pulumi.Output.from_input(exposure_of(args).value)
        else:
            self.url = pulumi.Output.from_input(f"http://localhost:{FORWARDED_PORT}")
            self.access = port_forward(namespace, service.metadata.name.apply(str), 80)
        self.register_outputs({"url": self.url, "access": self.access})

    def _stateful_set(
        self, name: str, args: ChatPageArgs, namespace: pulumi.Output[str], labels: dict[str, str], service_name: str
    ) -> None:
        kubernetes.apps.v1.StatefulSet(
            name,
            metadata=meta.ObjectMetaArgs(name=name, namespace=namespace, labels=labels),
            spec=kubernetes.apps.v1.StatefulSetSpecArgs(
                # its database is one file
                replicas=1,
                service_name=service_name,
                selector=meta.LabelSelectorArgs(match_labels=labels),
                persistent_volume_claim_retention_policy=kubernetes.apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicyArgs(
                    when_deleted="Delete", when_scaled="Retain"
                ),
                volume_claim_templates=[
                    core.PersistentVolumeClaimArgs(
                        metadata=meta.ObjectMetaArgs(name="data"),
                        spec=core.PersistentVolumeClaimSpecArgs(
                            access_modes=["ReadWriteOnce"],
                            **given(storage_class_name=args.storage_class),
                            resources=core.VolumeResourceRequirementsArgs(
                                requests={"storage": args.size or DEFAULT_SIZE}
                            ),
                        ),
                    )
                ],
                template=core.PodTemplateSpecArgs(
                    metadata=meta.ObjectMetaArgs(labels=labels),
                    spec=core.PodSpecArgs(
                        automount_service_account_token=False,
                        enable_service_links=False,
                        security_context=core.PodSecurityContextArgs(
                            seccomp_profile=core.SeccompProfileArgs(type="RuntimeDefault")
                        ),
                        containers=[self._container(name, args, namespace)],
                    ),
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self, custom_timeouts=pulumi.CustomTimeouts(create="20m")),
        )

    def _container(self, name: str, args: ChatPageArgs, namespace: pulumi.Output[str]) -> core.ContainerArgs:
        plain = {
            # the server asks for no key, and the page for one
            "OPENAI_API_KEY": "none",
            "ENABLE_OLLAMA_API": "false",
            "ANONYMIZED_TELEMETRY": "false",
            "DO_NOT_TRACK": "true",
            "SCARF_NO_ANALYTICS": "true",
        }
        variables = [
            core.EnvVarArgs(name="OPENAI_API_BASE_URL", value=pulumi.Output.from_input(args.api_url).apply(literal)),
            *(core.EnvVarArgs(name=variable, value=value) for variable, value in plain.items()),
        ]
        if args.secret_key is not None:
            secret = core.Secret(
                f"{name}-secret-key",
                immutable=True,
                metadata=meta.ObjectMetaArgs(namespace=namespace),
                string_data={"key": pulumi.Output.secret(args.secret_key)},
                opts=pulumi.ResourceOptions(parent=self),
            )
            reference = core.SecretKeySelectorArgs(name=secret.metadata.name.apply(str), key="key")
            variables.append(
                core.EnvVarArgs(name="WEBUI_SECRET_KEY", value_from=core.EnvVarSourceArgs(secret_key_ref=reference))
            )
        resources = {"cpu": CPU, "memory": MEMORY}
        probe = core.HTTPGetActionArgs(path="/health", port="http")
        return core.ContainerArgs(
            name=name,
            image=args.image or IMAGE,
            env=variables,
            ports=[core.ContainerPortArgs(name="http", container_port=PORT)],
            resources=core.ResourceRequirementsArgs(requests=resources, limits=resources),
            startup_probe=core.ProbeArgs(http_get=probe, period_seconds=10, timeout_seconds=5, failure_threshold=60),
            readiness_probe=core.ProbeArgs(http_get=probe, period_seconds=10, timeout_seconds=5),
            security_context=core.SecurityContextArgs(
                allow_privilege_escalation=False, capabilities=core.CapabilitiesArgs(drop=["ALL"])
            ),
            volume_mounts=[core.VolumeMountArgs(name="data", mount_path=DATA_PATH)],
        )


def check_chat_page(name: str, args: ChatPageArgs) -> list[Finding]:
    """Return everything that can be known to be wrong with a page called `name`, by path within `args`."""
    longest = LONGEST_NAME if exposure_of(args) is Exposure.CLUSTER else LONGEST_EXPOSED_NAME
    findings = check_name(name, longest, "cannot name a Service and a StatefulSet")
    if isinstance(args.api_url, str) and not re.fullmatch(r"https?://[^/\s]+(/\S*)?/v1", args.api_url):
        findings.append(
            error(
                "api-url-invalid",
                "apiUrl",
                f"'{args.api_url}' is not the base URL of an OpenAI-compatible API.",
                "Write it as http://NAME-service.NAMESPACE.svc.cluster.local/v1.",
            )
        )
    try:
        if quantity(args.size or DEFAULT_SIZE) == 0:
            findings.append(error("quantity-invalid", "size", f"'{args.size}' is nothing.", "Set more than 0."))
    except ValueError as invalid:
        findings.append(error("quantity-invalid", "size", f"{invalid}.", "Set one, for example 5Gi."))
    return [
        *findings,
        *check_text("namespace", args.namespace, "namespace"),
        *check_text("image", args.image, "image"),
        *check_text("object", args.storage_class, "storageClass"),
        *check_exposure(args, "whoever comes first administers the page"),
    ]
