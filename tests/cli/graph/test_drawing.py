"""What a picture shows of what a program registers."""

from typing import Any

from cli.diff.recording import Recording, Step
from cli.graph.drawing import picture_of
from cli.graph.mermaid import mermaid
from cli.graph.picture import Box, Picture

CLUSTER, POOL = "gcp:container/cluster:Cluster", "gcp:container/nodePool:NodePool"
DEPLOYMENT, SERVICE = "kubernetes:apps/v1:Deployment", "kubernetes:core/v1:Service"
BUCKET, MEMBER = "gcp:storage/bucket:Bucket", "gcp:storage/bucketIAMMember:BucketIAMMember"
PROVIDER = "pulumi:providers:kubernetes"


class Program:
    """What a program registers, written down by hand."""

    def __init__(self) -> None:
        self.recording = Recording("preview")
        self.stack = self.add("pulumi:pulumi:Stack", "dev", custom=False)

    def add(self, kind: str, name: str, parent: str | None = None, *needs: str, **more: Any) -> str:
        urn = f"urn:pulumi:dev::tiny::{kind}::{name}"
        fields = {"custom": True, "operation": "create", "new": {}, **more}
        self.recording.steps[urn] = Step(urn, kind, parent=parent or getattr(self, "stack", None), **fields)
        self.recording.dependencies[urn] = frozenset(needs)
        return urn

    def cluster(self) -> tuple[str, str]:
        component = self.add("llm-serving:index:GkeGpuCluster", "gke", custom=False)
        self.add(CLUSTER, "gke", component, new={"location": "us-central1", "network": "default"})
        return component, self.add(PROVIDER, "gke-kubernetes", component)

    def pool(self, name: str, component: str, **config: Any) -> str:
        return self.add(POOL, name, component, new={"name": name, "nodeCount": 1, "nodeConfig": config})

    def pods(self, name: str, provider: str, *needs: str, labels: str = "server", **spec: Any) -> str:
        template = {"metadata": {"labels": {"app": labels}}, "spec": spec}
        inputs = {"metadata": {"name": name}, "spec": {"template": template}}
        return self.add(DEPLOYMENT, name, None, *needs, new=inputs, provider=provider)

    def picture(self, operation: str | None = None) -> Picture:
        return picture_of("dev", self.recording, operation)


def box(picture: Picture, title: str) -> Box:
    (found,) = [each for each in picture.boxes if each.title == title]
    return found


def around(picture: Picture, title: str) -> list[str]:
    """The titles of the boxes that one is in, from the inside."""
    boxes = {each.id: each for each in picture.boxes}
    titles: list[str] = []
    parent = box(picture, title).parent
    while parent:
        titles.append(boxes[parent].title)
        parent = boxes[parent].parent
    return titles


def arrows(picture: Picture) -> list[tuple[str, str, str]]:
    return [(picture.title_of(each.start), picture.title_of(each.end), each.text) for each in picture.arrows]


L4 = {"machineType": "g2-standard-48", "guestAccelerators": [{"type": "nvidia-l4", "count": 4}]}


def test_pods_are_in_the_pool_that_they_choose() -> None:
    program = Program()
    component, provider = program.cluster()
    program.pool("gpu", component, **L4)
    program.pool("cpu", component, machineType="e2-standard-4")
    program.pods("server", provider, nodeSelector={"cloud.google.com/gke-accelerator": "nvidia-l4"})
    picture = program.picture()
    assert around(picture, "Pods") == ["Node pool gpu", "GKE cluster", "Network default", "Google Cloud"]
    assert box(picture, "Node pool gpu").lines == ("1 machine, g2-standard-48", "4 x NVIDIA L4 each")
    assert box(picture, "Node pool cpu").lines == ("1 machine, e2-standard-4", "CPU only")
    assert box(picture, "Network default").exists


def test_pods_that_several_pools_would_do_for_are_in_none() -> None:
    program = Program()
    component, provider = program.cluster()
    program.pool("one", component, machineType="e2-standard-4")
    program.pool("two", component, machineType="e2-standard-8")
    program.pods("server", provider)
    assert around(program.picture(), "Pods")[0] == "GKE cluster"


def test_pods_without_accelerators_are_not_on_nodes_that_have_them() -> None:
    program = Program()
    component, provider = program.cluster()
    program.pool("gpu", component, **L4)
    program.pool("cpu", component, machineType="e2-standard-4")
    program.pods("page", provider)
    assert around(program.picture(), "Pods")[0] == "Node pool cpu"


def test_pods_of_tpus_are_on_the_machines_that_have_them() -> None:
    program = Program()
    component, provider = program.cluster()
    program.pool("tpu", component, machineType="ct5lp-hightpu-8t")
    program.pool("gpu", component, **L4)
    chosen = {
        "cloud.google.com/gke-tpu-accelerator": "tpu-v5-lite-podslice",
        "cloud.google.com/gke-tpu-topology": "2x4",
    }
    program.pods("server", provider, nodeSelector=chosen)
    assert around(program.picture(), "Pods")[0] == "Node pool tpu"


def test_requests_come_through_the_service_that_selects_the_pods() -> None:
    program = Program()
    _, provider = program.cluster()
    program.pods("server", provider)
    program.pods("other", provider, labels="other")
    spec = {
        "type": "LoadBalancer",
        "selector": {"app": "server"},
        "ports": [{"port": 80}],
        "loadBalancerSourceRanges": ["192.0.2.0/24"],
    }
    program.add(SERVICE, "entry", None, new={"spec": spec}, provider=provider)
    picture = program.picture()
    assert [each[:2] for each in arrows(picture)] == [("Clients", "Load balancer"), ("Load balancer", "Pods")]
    assert picture.arrows[1].end.endswith("::server")
    assert box(picture, "Clients").lines == ("from 192.0.2.0/24 alone",)
    assert box(picture, "Load balancer").lines == ("Service entry", "public address, port 80")


def test_a_service_of_no_pods_gets_no_requests() -> None:
    program = Program()
    _, provider = program.cluster()
    program.add(SERVICE, "entry", None, new={"spec": {"ports": [{"port": 80}]}}, provider=provider)
    assert arrows(program.picture()) == []


def test_rights_on_a_bucket_are_those_of_the_identity() -> None:
    program = Program()
    _, provider = program.cluster()
    bucket = program.add(BUCKET, "weights", None, new={"location": "us-west4"})
    component = program.add("llm-serving:index:WorkloadIdentityBinding", "reader", custom=False)
    account = program.add("kubernetes:core/v1:ServiceAccount", "reader", component, provider=provider)
    program.add(MEMBER, "reader-bucket", component, bucket, new={"role": "roles/storage.objectViewer"})
    mount = {"csi": {"readOnly": True, "volumeAttributes": {"bucketName": "weights"}}}
    program.pods("server", provider, bucket, account, volumes=[mount])
    picture = program.picture()
    assert arrows(picture) == [
        ("Pods", "Bucket", "reads files of the model"),
        ("Pods", "Identity reader", "acts as it"),
        ("Identity reader", "Bucket", "may read"),
    ]
    assert [each.rights for each in picture.arrows] == [False, True, True]
    identity = box(picture, "Identity reader")
    assert identity.summary == "Kubernetes service account, role"
    assert identity.operation == "create"


def test_the_hub_is_there_for_pods_that_download() -> None:
    for environment, expected in (([], []), ([{"name": "HF_TOKEN"}], ["Hugging Face Hub"])):
        program = Program()
        _, provider = program.cluster()
        program.pods("server", provider, containers=[{"image": "example.com/server:1", "env": environment}])
        assert [each[1] for each in arrows(program.picture())] == expected


def test_what_has_no_box_belongs_to_one_and_marks_it() -> None:
    program = Program()
    component, provider = program.cluster()
    program.add("gcp:projects/service:Service", "gke-compute", component, operation="same")
    program.add("gcp:projects/service:Service", "gke-iam", component, operation="delete", new=None, old={})
    for step in program.recording.steps.values():
        if step.type == CLUSTER:
            step.operation = "same"
    cluster = box(program.picture(), "GKE cluster")
    assert cluster.summary == "2 Google APIs"
    assert [(each.text, each.operation) for each in cluster.members] == [
        ("gcp:Service gke-compute", "same"),
        ("gcp:Service gke-iam", "delete"),
    ]
    assert (cluster.operation, cluster.marks) == ("same", "inside")
    assert provider not in {each.id for each in program.picture().boxes}


def test_values_that_are_not_known_or_secret_are_not_drawn() -> None:
    program = Program()
    component, provider = program.cluster()
    program.pool("gpu", component, machineType="[not known yet]")
    program.pods("server", provider, containers=[{"image": "[secret]"}])
    text = program.picture().model_dump_json()
    assert "[not known yet]" not in text
    assert "[secret]" not in text


def test_a_stack_without_known_types_is_its_cloud() -> None:
    program = Program()
    program.add("kubernetes:core/v1:ConfigMap", "page")
    (cluster,) = program.picture().boxes
    assert (cluster.title, cluster.summary) == ("Kubernetes cluster of the kubeconfig", "configuration file")


def test_all_of_a_removed_stack_is_deleted() -> None:
    program = Program()
    component, _ = program.cluster()
    program.pool("gpu", component, **L4)
    made = [each for each in program.picture("delete").boxes if not each.exists]
    assert [each.operation for each in made] == ["delete", "delete"]


def test_mermaid_nests_as_the_picture_does_and_escapes() -> None:
    program = Program()
    component, provider = program.cluster()
    program.pool('gpu"]\nend', component, **L4)
    program.pods("server", provider, nodeSelector={"cloud.google.com/gke-accelerator": "nvidia-l4"})
    lines = mermaid(program.picture()).splitlines()
    assert lines[0] == "flowchart TB"
    opened = [line for line in lines if line.strip().startswith("subgraph ")]
    assert len(opened) == 4
    assert [line.strip() for line in lines].count("end") == 4
    (pods,) = [line for line in lines if "<b>Pods</b>" in line]
    assert pods.startswith(" " * 10)
    assert all(line.count('"') in (0, 2) for line in lines)
