"""Rights of pods: which grants are made to whom, and that no other member loses one."""

from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest

from components.findings import ConfigurationError, Finding
from components.gke.workload_identity_binding import (
    WorkloadIdentityBinding,
    WorkloadIdentityBindingArgs,
    check_workload_identity_binding,
)
from tests.components.guide import changed, inputs
from tests.recording import Recording, record

BINDING: dict[str, Any] = {"project": "test-project", "bucketRoles": {"weights": {"bucket": "a-bucket"}}}

PRINCIPAL = (
    "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/"
    "test-project.svc.id.goog/subject/ns/default/sa/jetstream"
)
EMAIL = "jetstream-test@test-project.iam.gserviceaccount.com"


def record_binding(*, name: str = "jetstream", preview: bool = False, **changes: Any) -> Recording:
    def program() -> None:
        there = kubernetes.Provider("there", kubeconfig="{}")
        args: Any = changed(BINDING, changes)
        WorkloadIdentityBinding(name, args, pulumi.ResourceOptions(providers=[there]))

    return record(program, preview=preview)


def types(recording: Recording) -> list[str]:
    return sorted(r.type for r in recording.resources if r.parent == "jetstream")


def test_the_default_is_the_principal_itself_and_the_role_that_is_enough() -> None:
    recording = record_binding()
    assert types(recording) == ["gcp:storage/bucketIAMMember:BucketIAMMember", "kubernetes:core/v1:ServiceAccount"]
    assert inputs(recording, "BucketIAMMember", "jetstream-weights") == {
        "bucket": "a-bucket",
        "role": "roles/storage.objectViewer",
        "member": PRINCIPAL,
    }
    # no annotation, which would send its pods to a Google service account
    assert inputs(recording, "ServiceAccount", "jetstream-service-account") == {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "jetstream", "namespace": "default"},
    }
    assert recording["ServiceAccount", "jetstream-service-account"].provider() == "there"
    assert recording["WorkloadIdentityBinding", "jetstream"].outputs == {
        "serviceAccount": "jetstream",
        "namespace": "default",
        "member": PRINCIPAL,
    }


def test_a_google_service_account_of_its_own() -> None:
    recording = record_binding(googleServiceAccount=True, namespace="models", serviceAccountName="reader")
    assert types(recording) == [
        "gcp:serviceaccount/account:Account",
        "gcp:serviceaccount/iAMMember:IAMMember",
        "gcp:storage/bucketIAMMember:BucketIAMMember",
        "kubernetes:core/v1:ServiceAccount",
    ]
    assert inputs(recording, "Account", "jetstream-account") == {
        "accountId": "jetstream-test",
        "displayName": "Pods of reader",
        "project": "test-project",
    }
    assert inputs(recording, "serviceaccount/iAMMember:IAMMember", "jetstream-user") == {
        "serviceAccountId": f"projects/test-project/serviceAccounts/{EMAIL}",
        "role": "roles/iam.workloadIdentityUser",
        "member": "serviceAccount:test-project.svc.id.goog[models/reader]",
    }
    assert inputs(recording, "BucketIAMMember", "jetstream-weights")["member"] == f"serviceAccount:{EMAIL}"
    assert inputs(recording, "ServiceAccount", "jetstream-service-account")["metadata"] == {
        "name": "reader",
        "namespace": "models",
        "annotations": {"iam.gke.io/gcp-service-account": EMAIL},
    }
    assert recording["WorkloadIdentityBinding", "jetstream"].outputs == {
        "serviceAccount": "reader",
        "namespace": "models",
        "member": f"serviceAccount:{EMAIL}",
        "email": EMAIL,
    }


def test_the_guides_two_roles_on_the_project() -> None:
    roles = ["roles/storage.objectUser", "roles/storage.insightsCollectorService"]
    recording = record_binding(googleServiceAccount=True, projectRoles=[*roles, roles[0]])
    grants = recording.of("projects/iAMMember:IAMMember")
    # naming one twice grants it once
    assert {grant.name: grant.inputs for grant in grants} == {
        f"jetstream-{role.rpartition('/')[2]}": {
            "project": "test-project",
            "role": role,
            "member": f"serviceAccount:{EMAIL}",
        }
        for role in roles
    }


@pytest.mark.parametrize("google", [True, False])
def test_no_grant_takes_a_right_from_another_member(google: bool) -> None:
    recording = record_binding(googleServiceAccount=google, projectRoles=["roles/storage.objectUser"])
    assert recording.error is None
    # IAMBinding and IAMPolicy are the whole list of a role's members, and drop the others
    assert not [r.type for r in recording.resources if "IAMBinding" in r.type or "IAMPolicy" in r.type]


def test_pods_start_when_all_is_granted() -> None:
    def program() -> None:
        there = kubernetes.Provider("there", kubeconfig="{}")
        args: Any = {**BINDING, "googleServiceAccount": True}
        binding = WorkloadIdentityBinding("jetstream", args, pulumi.ResourceOptions(providers=[there]))
        kubernetes.core.v1.ConfigMap("pod", data={"account": binding.service_account})

    recording = record(program)
    assert recording.error is None
    assert {
        "jetstream-user",
        "jetstream-weights",
        "jetstream-service-account",
    } <= recording["ConfigMap", "pod"].depends_on()


def test_roles_by_bucket() -> None:
    recording = record_binding(
        bucketRoles={
            "read": {"bucket": "a-bucket"},
            "write": {"bucket": "another", "role": "roles/storage.objectUser"},
        }
    )
    assert {
        grant.name: (grant.inputs["bucket"], grant.inputs["role"]) for grant in recording.of("BucketIAMMember")
    } == {
        "jetstream-read": ("a-bucket", "roles/storage.objectViewer"),
        "jetstream-write": ("another", "roles/storage.objectUser"),
    }


def test_a_preview_registers_the_same() -> None:
    known, preview = record_binding(), record_binding(preview=True)
    assert preview.error is None
    assert {(r.type, r.name) for r in preview.resources} == {(r.type, r.name) for r in known.resources}


def found(name: str = "jetstream", **changes: Any) -> list[Finding]:
    return check_workload_identity_binding(name, WorkloadIdentityBindingArgs.parse(changed(BINDING, changes)))


def test_the_guide_is_right() -> None:
    assert found() == []
    assert found(projectRoles=["roles/storage.objectUser", "projects/p/roles/mine"]) == []


@pytest.mark.parametrize(
    ("changes", "path", "code"),
    [
        ({"projectRoles": ["storage.objectUser"]}, "projectRoles[0]", "role-invalid"),
        ({"bucketRoles.weights.role": "viewer"}, "bucketRoles.weights.role", "role-invalid"),
        ({"projectRoles": ["roles/storage.objectUser", "roles/owner"]}, "projectRoles[1]", "role-too-broad"),
        ({"bucketRoles.weights.role": "roles/editor"}, "bucketRoles.weights.role", "role-too-broad"),
        ({"serviceAccountName": "Reader"}, "serviceAccountName", "service-account-name-invalid"),
        ({"name": "jet_stream"}, "name", "service-account-name-invalid"),
        # what the guide binds: every pod of the namespace would have the rights
        ({"serviceAccountName": "default"}, "serviceAccountName", "service-account-default"),
    ],
)
def test_what_is_wrong(changes: dict[str, Any], path: str, code: str) -> None:
    (finding,) = found(**changes)
    assert (finding.severity, finding.path, finding.code) == ("error", path, code)


def test_nothing_of_a_refused_binding_is_registered() -> None:
    recording = record_binding(projectRoles=["roles/owner"])
    assert isinstance(recording.error, ConfigurationError)
    assert {r.type for r in recording.resources} == {"pulumi:pulumi:Stack", "pulumi:providers:kubernetes"}
