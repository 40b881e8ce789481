"""The disk of a checkpoint: what fills it, what reads it, and when."""

from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest

from components.findings import ConfigurationError, Finding
from components.jobs.conversion_checks import check_checkpoint_disk, converter_seconds
from components.storage.checkpoint_disk import CheckpointDisk
from components.storage.checkpoint_disk_args import CheckpointDiskArgs
from components.storage.disk_converter import startup_script
from tests.components.guide import GONE, TOKEN, changed, inputs
from tests.recording import Recording, record

DISK: dict[str, Any] = {"model": "meta-llama/Llama-2-7b-hf", "zone": "us-west4-a", "token": TOKEN}
TEMPLATE = "compute/instanceTemplate:InstanceTemplate"
GROUP = "compute/instanceGroupManager:InstanceGroupManager"
EMAIL = "jetstream-test-converter@test-project.iam.gserviceaccount.com"


def record_disk(*, preview: bool = False, **changes: Any) -> Recording:
    def program() -> None:
        there = kubernetes.Provider("there", kubeconfig="{}")
        args: Any = changed(DISK, changes)
        CheckpointDisk("jetstream", args, pulumi.ResourceOptions(providers=[there]))

    return record(program, preview=preview)


@pytest.fixture(scope="module")
def guide() -> Recording:
    recording = record_disk()
    assert recording.error is None
    return recording


def test_the_disk(guide: Recording) -> None:
    assert inputs(guide, "compute/disk:Disk", "jetstream-disk") == {
        "zone": "us-west4-a",
        "type": "pd-balanced",
        "size": 19,
        "labels": {"checkpoint": "llama-2-7b"},
    }
    assert list(guide["compute/disk:Disk", "jetstream-disk"].request.replaceOnChanges) == ["labels"]
    assert inputs(record_disk(sizeGb=100), "compute/disk:Disk", "jetstream-disk")["size"] == 100


def test_the_converter(guide: Recording) -> None:
    machine = dict(inputs(guide, TEMPLATE, "jetstream-converter"))
    metadata = machine.pop("metadata")
    # exactly so: no access config, which would be a public address
    assert machine == {
        "machineType": "n2-standard-32",
        "disks": [
            {
                "boot": True,
                "autoDelete": True,
                "sourceImage": "ubuntu-os-cloud/ubuntu-2204-lts",
                "diskSizeGb": 128,
                "diskType": "pd-balanced",
            },
            # it stays when the machine goes; a template takes its name, not its link
            {"source": "jetstream-disk-1234567", "deviceName": "checkpoint", "mode": "READ_WRITE", "autoDelete": False},
        ],
        "networkInterfaces": [{"subnetwork": "default"}],
        "serviceAccount": {"email": EMAIL, "scopes": ["https://www.googleapis.com/auth/cloud-platform"]},
        "shieldedInstanceConfig": {"enableSecureBoot": True, "enableVtpm": True, "enableIntegrityMonitoring": True},
        # it goes by itself
        "scheduling": {
            "automaticRestart": False,
            "instanceTerminationAction": "DELETE",
            "maxRunDuration": {"seconds": 2880},
        },
    }
    assert metadata == {
        "startup-script": startup_script(DISK["model"], "jetstream-token-id/versions/latest"),
        "serial-port-logging-enable": "true",
        "block-project-ssh-keys": "true",
    }
    assert TOKEN not in str(metadata)


def test_the_converter_is_made_once_for_each_disk(guide: Recording) -> None:
    assert inputs(guide, GROUP, "jetstream-converter") == {
        "zone": "us-west4-a",
        # cannot be changed: another disk is another group
        "baseInstanceName": "jetstream-disk-1234567",
        "versions": [{"instanceTemplate": "jetstream-converter-link"}],
        "targetSize": 1,
        "waitForInstances": True,
        # a machine that has gone is not made again
        "instanceLifecyclePolicy": {"defaultActionOnFailure": "DO_NOTHING"},
    }
    # Google Cloud sets it to 0 when the machine goes
    assert list(guide[GROUP, "jetstream-converter"].request.ignoreChanges) == ["targetSize"]


def test_its_one_right_is_to_read_the_token(guide: Recording) -> None:
    assert [grant.name for grant in guide.resources if "IamMember" in grant.type or "IAMMember" in grant.type] == [
        "jetstream-token"
    ]
    assert inputs(guide, "SecretIamMember", "jetstream-token") == {
        "secretId": "jetstream-test-token",
        "role": "roles/secretmanager.secretAccessor",
        "member": f"serviceAccount:{EMAIL}",
    }
    assert guide["SecretVersion", "jetstream-token"].secret("secretData") == TOKEN
    # with which it starts
    assert {"jetstream-token", "jetstream-disk"} <= guide[GROUP, "jetstream-converter"].depends_on()
    assert inputs(guide, "projects/service:Service", "jetstream-secretmanager")["disableOnDestroy"] is False


def test_a_new_token_changes_nothing_of_the_converter(guide: Recording) -> None:
    renewed = record_disk(token="hf_another")
    assert inputs(renewed, TEMPLATE, "jetstream-converter") == inputs(guide, TEMPLATE, "jetstream-converter")


def test_class_volume_and_claim(guide: Recording) -> None:
    storage = inputs(guide, "StorageClass", "jetstream-class")
    assert {key: storage[key] for key in ("provisioner", "reclaimPolicy", "volumeBindingMode", "parameters")} == {
        "provisioner": "pd.csi.storage.gke.io",
        "reclaimPolicy": "Retain",
        "volumeBindingMode": "WaitForFirstConsumer",
        "parameters": {"type": "pd-balanced"},
    }
    zone = {"key": "topology.gke.io/zone", "operator": "In", "values": ["us-west4-a"]}
    assert inputs(guide, "PersistentVolume", "jetstream-volume")["spec"] == {
        "accessModes": ["ReadOnlyMany"],
        "capacity": {"storage": "19Gi"},
        "storageClassName": "jetstream-class-12345678",
        "persistentVolumeReclaimPolicy": "Retain",
        "csi": {
            "driver": "pd.csi.storage.gke.io",
            "volumeHandle": "jetstream-disk-id",
            "fsType": "ext4",
            "readOnly": True,
        },
        "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [zone]}]}},
    }
    assert inputs(guide, "PersistentVolumeClaim", "jetstream-claim")["spec"] == {
        "accessModes": ["ReadOnlyMany"],
        "storageClassName": "jetstream-class-12345678",
        "volumeName": "jetstream-volume-12345678",
        "resources": {"requests": {"storage": "19Gi"}},
    }


def test_a_pod_sees_the_checkpoint_before_a_server_starts(guide: Recording) -> None:
    spec = inputs(guide, "batch/v1:Job", "jetstream-check")["spec"]
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    assert container["command"] == ["cat", "/models/pytorch/llama-2-7b/final/bf16/converted"]
    assert pod["volumes"] == [
        {"name": "data", "persistentVolumeClaim": {"claimName": "jetstream-claim-12345678", "readOnly": True}}
    ]
    assert container["volumeMounts"] == [{"name": "data", "mountPath": "/models", "readOnly": True}]
    assert (spec["backoffLimit"], spec["activeDeadlineSeconds"]) == (0, 2880 + 1800)
    job = guide["batch/v1:Job", "jetstream-check"]
    # the converter has the disk first
    assert "jetstream-converter" in job.depends_on()
    assert job.request.customTimeouts.create == f"{2880 + 1800 + 300}s"
    assert guide["CheckpointDisk", "jetstream"].outputs == {
        "claimName": "jetstream-claim-12345678",
        "diskName": "jetstream-disk-1234567",
    }
    preview = record_disk(preview=True)["CheckpointDisk", "jetstream"].outputs or {}
    assert preview["claimName"] == pulumi.runtime.rpc.UNKNOWN


def test_without_the_converter_the_rest_stays_as_it_is(guide: Recording) -> None:
    later = record_disk(convert=False)
    assert later.error is None
    left = {r.name: r.inputs for r in later.resources if r.parent == "jetstream"}
    assert set(left) == {f"jetstream-{part}" for part in ("disk", "class", "volume", "claim", "check")}
    before = {r.name: r.inputs for r in guide.resources}
    assert left == {name: before[name] for name in left}


def test_parents_and_provider(guide: Recording) -> None:
    children = [r for r in guide.resources if r.name.startswith("jetstream-")]
    assert {child.parent for child in children} == {"jetstream"}
    assert {child.provider() for child in children if child.type.startswith("kubernetes:")} == {"there"}


def found(**changes: Any) -> list[Finding]:
    return check_checkpoint_disk(CheckpointDiskArgs.parse(changed(DISK, changes)))


@pytest.mark.parametrize(
    ("changes", "path", "code", "said"),
    [
        ({"model": "google/gemma-2b"}, "model", "conversion-model", "meta-llama/Llama-2-7b-hf"),
        ({"sizeGb": 13}, "sizeGb", "disk-size", "Set at least 15"),
        ({"zone": "us-west4"}, "zone", "zone-is-region", "us-west4-a"),
        ({"zone": "us-west4-z"}, "zone", "zone-unknown", "us-west4-a"),
        ({"zone": "somewhere"}, "zone", "zone-invalid", "us-west4-a"),
    ],
)
def test_what_is_wrong(changes: dict[str, Any], path: str, code: str, said: str) -> None:
    (finding,) = found(**changes)
    assert (finding.severity, finding.path, finding.code) == ("error", path, code)
    assert said in str(finding)


def test_what_is_right() -> None:
    assert found() == []
    assert found(sizeGb=15) == []
    # by hand: 2 x 13.5 GB at 25 MB/s are 1078 s; 600 to begin and 1200 to convert, in whole minutes
    assert converter_seconds(DISK["model"]) == 2880


def test_a_refused_disk_registers_nothing() -> None:
    for changes in ({"zone": "us-west4"}, {"token": GONE}):
        recording = record_disk(**changes)
        assert isinstance(recording.error, ConfigurationError)
        assert {r.type for r in recording.resources} == {"pulumi:pulumi:Stack", "pulumi:providers:kubernetes"}
