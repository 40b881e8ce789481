"""All that GkeGpuCluster registers for the guide's cluster, and how each setting changes it."""

import pulumi
import pytest
import yaml

from components.findings import ConfigurationError
from components.gke.gpu_cluster import GkeGpuCluster, kubeconfig
from tests.components.guide import CLUSTER, changed, cluster_args, record_cluster
from tests.recording import Recording, record

EMAIL = "guide-test-nodes@test-project.iam.gserviceaccount.com"
APIS = ("cloudresourcemanager", "compute", "container", "iam", "logging", "monitoring")


@pytest.fixture(scope="module")
def guide() -> Recording:
    recording = record_cluster()
    assert recording.error is None
    return recording


def test_the_cluster(guide: Recording) -> None:
    assert guide["container/cluster:Cluster", "guide"].inputs == {
        "location": "us-central1",
        "nodeLocations": ["us-central1-a", "us-central1-c"],
        "resourceLabels": {"env": "production", "team": "mixtral8x7"},
        "releaseChannel": {"channel": "REGULAR"},
        "network": "default",
        "subnetwork": "default",
        "networkingMode": "VPC_NATIVE",
        "ipAllocationPolicy": {},
        "datapathProvider": "ADVANCED_DATAPATH",
        "privateClusterConfig": {"enablePrivateNodes": True, "enablePrivateEndpoint": False},
        "addonsConfig": {
            "horizontalPodAutoscaling": {"disabled": False},
            "httpLoadBalancing": {"disabled": False},
            "gcePersistentDiskCsiDriverConfig": {"enabled": True},
            "gcsFuseCsiDriverConfig": {"enabled": True},
        },
        "enableShieldedNodes": True,
        "workloadIdentityConfig": {"workloadPool": "test-project.svc.id.goog"},
        "loggingConfig": {"enableComponents": ["SYSTEM_COMPONENTS", "WORKLOADS"]},
        "monitoringConfig": {"enableComponents": ["SYSTEM_COMPONENTS"], "managedPrometheus": {"enabled": True}},
        "maintenancePolicy": {
            "recurringWindow": {
                "startTime": "2026-01-03T03:00:00Z",
                "endTime": "2026-01-03T09:00:00Z",
                "recurrence": "FREQ=WEEKLY;BYDAY=SA,SU",
            }
        },
        "deletionProtection": False,
        "removeDefaultNodePool": True,
        "initialNodeCount": 1,
        "nodeConfig": {
            "serviceAccount": EMAIL,
            "diskSizeGb": 30,
            "shieldedInstanceConfig": {"enableSecureBoot": True, "enableIntegrityMonitoring": True},
        },
    }


def test_the_nodes_have_an_account_of_their_own_with_one_role(guide: Recording) -> None:
    assert guide["Account", "guide-nodes"].inputs == {
        "accountId": "guide-test-nodes",
        "displayName": "Nodes of guide",
    }
    (grant,) = guide.of("IAMMember")
    assert grant.inputs == {
        "project": "test-project",
        "role": "roles/container.defaultNodeServiceAccount",
        "member": f"serviceAccount:{EMAIL}",
    }


def test_the_apis_stay_enabled_when_the_stack_goes(guide: Recording) -> None:
    assert {api.name: api.inputs for api in guide.of("gcp:projects/service:Service")} == {
        f"guide-{api}": {"service": f"{api}.googleapis.com", "disableOnDestroy": False} for api in APIS
    }


def test_private_nodes_reach_the_internet_through_a_nat(guide: Recording) -> None:
    assert guide["Router", "guide-router"].inputs == {"region": "us-central1", "network": "default"}
    assert guide["RouterNat", "guide-nat"].inputs == {
        "region": "us-central1",
        "router": "guide-router-1234567",
        "natIpAllocateOption": "AUTO_ONLY",
        "sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS_ALL_IP_RANGES",
        "logConfig": {"enable": True, "filter": "ERRORS_ONLY"},
    }


def test_nothing_else_is_registered(guide: Recording) -> None:
    assert sorted(resource.type.partition(":")[2] for resource in guide.resources) == sorted(
        [
            "pulumi:Stack",
            "index:GkeGpuCluster",
            *["projects/service:Service"] * len(APIS),
            "serviceaccount/account:Account",
            "projects/iAMMember:IAMMember",
            "compute/router:Router",
            "compute/routerNat:RouterNat",
            "container/cluster:Cluster",
            *["container/nodePool:NodePool"] * 2,
            "providers:kubernetes",
        ]
    )


def test_every_child_has_the_component_as_parent_and_in_its_name(guide: Recording) -> None:
    children = [resource for resource in guide.resources if not resource.type.endswith((":Stack", ":GkeGpuCluster"))]
    assert {child.parent for child in children} == {"guide"}
    assert all(child.name.startswith("guide") for child in children)


def test_order(guide: Recording) -> None:
    apis = {f"guide-{api}" for api in APIS}
    for kind, name in (("Account", "guide-nodes"), ("Router", "guide-router"), ("RouterNat", "guide-nat")):
        assert apis <= guide[kind, name].depends_on(), name
    (grant,) = guide.of("IAMMember")
    assert {*apis, grant.name, "guide-nat"} <= guide["container/cluster:Cluster", "guide"].depends_on()
    assert "guide" in guide["NodePool", "guide-cpu"].depends_on()
    # users trip over 3 and 19: GPU nodes last, and after a pool that can hold GKE's own pods
    assert {"guide", "guide-cpu"} <= guide["NodePool", "guide-l4"].depends_on()
    # 21: whatever uses the provider is created after all nodes, and goes before them
    assert {"guide", "guide-cpu", "guide-l4"} <= guide["kubernetes", "guide-kubernetes"].depends_on()


@pytest.mark.parametrize(
    ("kind", "name", "ignored", "minutes", "deleted_first"),
    [
        pytest.param(
            "container/cluster:Cluster", "guide", ["nodeConfig", "initialNodeCount"], "60m", False, id="cluster"
        ),
        pytest.param("NodePool", "guide-cpu", ["initialNodeCount"], "45m", False, id="cpu pool"),
        # two pools of one name cannot be, nor may the quota of scarce GPUs suffice for both
        pytest.param("NodePool", "guide-l4", ["initialNodeCount"], "45m", True, id="gpu pool"),
    ],
)
def test_options(guide: Recording, kind: str, name: str, ignored: list[str], minutes: str, deleted_first: bool) -> None:
    request = guide[kind, name].request
    assert list(request.ignoreChanges) == ignored
    timeouts = request.customTimeouts
    assert (timeouts.create, timeouts.update, timeouts.delete) == (minutes, minutes, minutes)
    assert request.deleteBeforeReplace is deleted_first


def test_further_pools_without_accelerators() -> None:
    convert = {"machineType": "n2-standard-16", "minNodes": 0, "maxNodes": 1, "diskSizeGb": 200}
    recording = record_cluster(cpuPools={"convert": convert}, nodeLocations=["us-central1-a"])
    assert recording.error is None
    pool = recording["NodePool", "guide-convert"]
    assert (pool.inputs["name"], pool.inputs["initialNodeCount"]) == ("convert", 0)
    # nodes come and go with the pods that want them
    assert pool.inputs["autoscaling"] == {"totalMinNodeCount": 0, "totalMaxNodeCount": 1, "locationPolicy": "ANY"}
    node = pool.inputs["nodeConfig"]
    assert (node["machineType"], node["diskSizeGb"], node["serviceAccount"]) == ("n2-standard-16", 200, EMAIL)
    assert {"guestAccelerators", "gvnic"} & node.keys() == set()
    assert pool.request.deleteBeforeReplace is True
    # it needs none before it, as GPU nodes do
    assert "guide-cpu" not in pool.depends_on()
    # what runs on the cluster needs its nodes
    assert "guide-convert" in recording["kubernetes", "guide-kubernetes"].depends_on()
    outputs = recording["GkeGpuCluster", "guide"].outputs or {}
    assert outputs["poolNames"] == ["guide-cpu-1234567", "convert", "l4"]


def test_outputs(guide: Recording) -> None:
    outputs = dict(guide["GkeGpuCluster", "guide"].outputs or {})
    secret = outputs.pop("kubeconfig")
    assert outputs.pop("provider")["urn"].endswith("pulumi:providers:kubernetes::guide-kubernetes")
    assert outputs == {
        "name": "guide-1234567",
        "clusterId": "guide-id",
        "endpoint": "192.0.2.10",
        "caCertificate": "Y2E=",
        "location": "us-central1",
        "project": "test-project",
        "workloadPool": "test-project.svc.id.goog",
        "nodeServiceAccount": EMAIL,
        "networkTags": ["web", "sftp"],
        "poolNames": ["guide-cpu-1234567", "l4"],
    }
    assert secret["4dabf18193072939515e22adb298388d"] == "1b47061264138c4ac30d75fd1eb44270"
    assert secret["value"] == kubeconfig("guide-1234567", "192.0.2.10", "Y2E=")


def test_the_provider_has_the_secret_kubeconfig_and_outlives_its_changes(guide: Recording) -> None:
    provider = guide["kubernetes", "guide-kubernetes"]
    assert provider.secret("kubeconfig") == kubeconfig("guide-1234567", "192.0.2.10", "Y2E=")
    assert provider.inputs["clusterIdentifier"] == "guide-id"


def test_kubeconfig() -> None:
    parsed = yaml.safe_load(kubeconfig("one", "192.0.2.10", "Y2E="))
    assert (parsed["apiVersion"], parsed["kind"], parsed["current-context"]) == ("v1", "Config", "one")
    assert parsed["clusters"] == [
        {"name": "one", "cluster": {"server": "https://192.0.2.10", "certificate-authority-data": "Y2E="}}
    ]
    assert parsed["contexts"] == [{"name": "one", "context": {"cluster": "one", "user": "one"}}]
    (user,) = parsed["users"]
    assert user["name"] == "one"
    assert user["user"]["exec"]["command"] == "gke-gcloud-auth-plugin"
    assert user["user"]["exec"]["apiVersion"] == "client.authentication.k8s.io/v1beta1"
    # no key, no token: whoever uses it authenticates as himself
    assert set(user["user"]) == {"exec"}


def test_two_clusters_in_one_program_do_not_collide() -> None:
    def program() -> None:
        for name in ("east", "west"):
            GkeGpuCluster(name, cluster_args())

    recording = record(program, config={"gcp:project": "test-project"})
    assert recording.error is None
    accounts = {account.inputs["accountId"] for account in recording.of("Account")}
    assert accounts == {"east-test-nodes", "west-test-nodes"}


def test_a_preview_registers_the_same_although_nothing_is_known_yet(guide: Recording) -> None:
    preview = record_cluster(preview=True)
    assert preview.error is None
    assert {(r.type, r.name, r.parent) for r in preview.resources} == {
        (r.type, r.name, r.parent) for r in guide.resources
    }
    # unknown, not empty
    assert isinstance(preview["kubernetes", "guide-kubernetes"].secret("kubeconfig"), type(pulumi.UNKNOWN))


def test_a_refused_cluster_registers_nothing() -> None:
    recording = record_cluster(changed(CLUSTER, {"location": "nowhere"}))
    assert isinstance(recording.error, ConfigurationError)
    assert [resource.type for resource in recording.resources] == ["pulumi:pulumi:Stack"]
