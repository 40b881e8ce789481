"""What the stacks grant, and how the pods of the stacks and of every model server are closed, from their plans."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from tests.components.guide import GONE, record_service
from tests.components.inference.test_autoscaling import SERVICES
from tests.recording import Recording, Registered
from tests.stacks.stack_file import DEV, JETSTREAM, MISTRAL, MIXTRAL, ROOT, TORCHSERVE, TRITON, run

FINE_TUNED: dict[str, Any] = {
    "fineTune": {"models": ["mistralai/Mistral-7B-Instruct-v0.3"]},
    "chatPage": {"exposure": "cluster"},
}
SCALED = {"service.autoscaling": {"minReplicas": 1, "maxReplicas": 2, "queueSize": 5}}
OPEN = {"service.torchserve.tokenAuthorization": False}
PLANS: tuple[tuple[str, dict[str, Any]], ...] = (
    (MIXTRAL, {}),
    (MIXTRAL, SCALED),
    (MISTRAL, {}),
    (MISTRAL, FINE_TUNED),
    (TORCHSERVE, {}),
    (TORCHSERVE, {**SCALED, **OPEN, "cluster.gpuPools.a100.maxNodes": 2}),
    (JETSTREAM, {}),
    (JETSTREAM, {**SCALED, "service.replicas": GONE}),
    (JETSTREAM, {"workloadIdentity.googleServiceAccount": False}),
    (JETSTREAM, {"service.storage": {"kind": "claim"}}),
    (TRITON, {}),
    (TRITON, {"host.engineStore": {"kind": "bucket"}}),
    (DEV, {}),
)
"""The stacks with the options by which they grant something else, or make other pods."""

PAGE = ROOT / "docs/least-privilege.md"
NAMED_LIKE_GRANTS = re.compile(r"iam|binding|role|polic|group|grant|access", re.IGNORECASE)
NO_GRANTS = {
    "kubernetes:policy/v1:PodDisruptionBudget",
    "kubernetes:networking.k8s.io/v1:NetworkPolicy",
    # what it grants are the children of the component
    "llm-serving:index:WorkloadIdentityBinding",
    # counted where a binding refers to it, or a policy
    "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole",
    "oci:Identity/dynamicGroup:DynamicGroup",
    # firewalls of virtual machines, and of their number
    "oci:Core/networkSecurityGroup:NetworkSecurityGroup",
    "oci:Core/networkSecurityGroupSecurityRule:NetworkSecurityGroupSecurityRule",
    "gcp:compute/instanceGroupManager:InstanceGroupManager",
}


class Grant(NamedTuple):
    """One row of the page's table of grants, without its reason."""

    stack: str
    who: str
    role: str
    on: str


@dataclass(frozen=True)
class Pod:
    """The pods of one resource."""

    of: str
    kind: str
    spec: Mapping[str, Any]

    def security(self, container: Mapping[str, Any], key: str) -> Any:
        """What a container is told, itself or through its pod."""
        return container["securityContext"].get(key, self.spec["securityContext"].get(key))


class Container(NamedTuple):
    """One row of the page's table of images, without level and reason."""

    image: str
    kind: str
    user: str
    root: str
    capabilities: str


@cache
def plans() -> tuple[tuple[str, Recording], ...]:
    made = tuple((stack, run(stack, changes)) for stack, changes in PLANS)
    assert [recording.error for _, recording in made] == [None] * len(PLANS)
    return made


def grants() -> set[Grant]:
    return {
        Grant(stack, *grant)
        for stack, recording in plans()
        for resource in recording.resources
        for grant in _granted(recording, resource)
    }


def _granted(recording: Recording, resource: Registered) -> Iterator[tuple[str, str, str]]:
    """Who has which role on what by a resource, for the types that grant anything."""
    inputs = resource.inputs
    match resource.type:
        case "gcp:projects/iAMMember:IAMMember":
            yield _member(recording, inputs["member"]), inputs["role"], "project"
        case "gcp:storage/bucketIAMMember:BucketIAMMember":
            yield _member(recording, inputs["member"]), inputs["role"], "the stack's bucket"
        case "gcp:serviceaccount/iAMMember:IAMMember":
            on = _member(recording, f"serviceAccount:{inputs['serviceAccountId'].rpartition('/')[2]}")
            yield _member(recording, inputs["member"]), inputs["role"], on
        case "gcp:secretmanager/secretIamMember:SecretIamMember":
            yield _member(recording, inputs["member"]), inputs["role"], "the token's secret"
        case "oci:Identity/policy:Policy":
            for statement in inputs["statements"]:
                parts = re.fullmatch(r"Allow dynamic-group id (\S+)-id to (\w+ [\w-]+) (in .+)", statement)
                assert parts, statement
                place = re.sub(r"id ocid1\.\S+", "ID", parts[3])
                yield parts[1], parts[2], re.sub(r"'[^']+'", "ID", place)
        case str(kind) if kind.startswith("kubernetes:rbac") and kind.endswith("Binding"):
            (subject,) = inputs["subjects"]
            on = f"namespace {inputs['metadata']['namespace']}" if kind.endswith(":RoleBinding") else "cluster"
            yield subject["name"], _role(recording, inputs["roleRef"]["name"]), on
        case kind:
            assert kind in NO_GRANTS or not NAMED_LIKE_GRANTS.search(kind.partition("/")[2]), f"{kind} grants what?"


def _member(recording: Recording, member: str) -> str:
    """The Kubernetes service account of a member, or the name of the resource that is its Google one."""
    if of_cluster := re.search(r"/sa/([^/]+)$|\[[^/]+/([^]]+)\]$", member):
        return of_cluster[1] or of_cluster[2]
    account = member.removeprefix("serviceAccount:").partition("@")[0]
    (name,) = [each.name for each in recording.of(":Account") if each.inputs["accountId"] == account]
    return name


def _role(recording: Recording, name: str) -> str:
    """The name of a role that Kubernetes has, or the one rule of a role that the stack makes."""
    own = [each for each in recording.of(":ClusterRole") if name.startswith(f"{each.name}-")]
    if not own:
        return name
    (rule,) = own[0].inputs["rules"]
    groups = "".join(f" of {group}" for group in rule["apiGroups"] if group)
    return f"{', '.join(rule['verbs'])}: {', '.join(rule['resources'])}{groups}"


def pods() -> list[Pod]:
    """Every different pod of the plans, and one of each model server."""
    recordings = [*plans(), *((server, record_service(args)) for server, args in SERVICES.items())]
    found = {
        json.dumps(spec, sort_keys=True): Pod(f"{origin}/{resource.name}", resource.type.rpartition(":")[2], spec)
        for origin, recording in recordings
        for resource in recording.resources
        if resource.type.startswith("kubernetes:")
        and (spec := resource.inputs.get("spec", {}).get("template", {}).get("spec"))
    }
    return list(found.values())


def containers() -> set[Container]:
    return {_container(pod, each) for pod in pods() for each in pod.spec["containers"]}


def image_of(container: Mapping[str, Any]) -> str:
    """The image without its tag, which changes more often than what it allows."""
    return container["image"].rpartition(":")[0]


def _container(pod: Pod, container: Mapping[str, Any]) -> Container:
    user = pod.security(container, "runAsUser")
    capabilities = container["securityContext"].get("capabilities", {})
    kept = capabilities.get("add", []) if "ALL" in capabilities.get("drop", []) else ["default"]
    return Container(
        image_of(container),
        pod.kind,
        str(user) if user and pod.security(container, "runAsNonRoot") else "root",
        "read-only" if container["securityContext"].get("readOnlyRootFilesystem") else "writable",
        ", ".join(kept) or "none",
    )


def section(title: str) -> str:
    """The text of one section of the page."""
    (text,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    return text


def rows(title: str) -> list[list[str]]:
    """The cells of the table of a section, without backticks."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip().replace("`", "") for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def levels() -> dict[tuple[str, str], str]:
    """What the page says of Pod Security, by image and kind of workload."""
    return {(cells[0], cells[1]): cells[5] for cells in rows("Pods")}
