"""Every example in Python, in the real engine on simulated clouds and judged by the policy pack: up, again, gone."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.errors import RefusedError
from cli.rehearsal import Rehearsal
from cli.result import Outcome, Result

PROJECT = Path(__file__).parents[2]
EXAMPLES = PROJECT / "examples"
PACK = PROJECT / "policy"
SERVING = "mixtral-tgi-gke-l4"

GOOGLE = ["gcp:project=example"]
ORACLE = ["oci:tenancyOcid=ocid1.tenancy.oc1..example", "compartmentId=ocid1.compartment.oc1..example"]
RANGES = ["sourceRanges[0]=198.51.100.0/24"]
TOKEN = "hf_of_nobody"

Example = Callable[[str], Path]


def values(result: Result) -> dict[str, Any]:
    return {name: output.value for name, output in result.outputs.items()}


def count(result: Result, resource_type: str) -> int:
    return sum(each.type == resource_type for each in result.resources)


def up_and_down(rehearsal: Rehearsal) -> Result:
    """Bring it up, find that nothing is to be done, take it down, and return how it came up."""
    up = rehearsal.up()
    assert up.outcome is Outcome.SUCCEEDED, up.diagnostics
    assert not [each for each in up.diagnostics if each.severity == "error"]
    assert set(rehearsal.up().changes) == {"same"}
    destroyed = rehearsal.destroy()
    assert destroyed.outcome is Outcome.SUCCEEDED, destroyed.diagnostics
    assert set(destroyed.changes) - {"discard"} == {"delete"}  # what was only read is discarded
    assert TOKEN not in str(up.to_json())
    return up


def test_a_cluster_that_is_there_already(example: Example) -> None:
    up = up_and_down(Rehearsal("dev", folder=example("existing-cluster"), policy_packs=[PACK]))

    assert {each.type.partition(":")[0] for each in up.resources} == {"pulumi", "kubernetes", "llm-serving"}
    assert count(up, "llm-serving:index:InferenceService") == 1
    assert values(up)["endpoint"] == "http://qwen-service.default.svc.cluster.local/v1/completions"
    assert values(up)["access"].startswith("port-forward: kubectl --namespace default")


def test_the_namespace_of_a_cluster_that_is_there_is_a_setting(example: Example) -> None:
    rehearsal = Rehearsal("dev", folder=example("existing-cluster"), overrides=["namespace=models"])
    preview = rehearsal.preview()
    assert preview.outcome is Outcome.SUCCEEDED, preview.diagnostics
    deployment = next(each for each in preview.resources if each.type == "kubernetes:apps/v1:Deployment")
    assert deployment.new is not None
    assert deployment.new["metadata"]["namespace"] == "models"


def test_two_models_on_one_cluster(example: Example) -> None:
    folder = example("two-models-one-cluster")
    up = up_and_down(Rehearsal("dev", folder=folder, overrides=GOOGLE, policy_packs=[PACK]))

    assert count(up, "gcp:container/cluster:Cluster") == 1
    assert count(up, "llm-serving:index:InferenceService") == 2
    assert values(up)["smallEndpoint"] == "http://small-service.default.svc.cluster.local/v1/completions"
    assert values(up)["largeEndpoint"] == "http://large-service.default.svc.cluster.local/v1/completions"
    assert up.outputs["kubeconfig"].secret
    pods = {
        each.name: each.new["spec"]["template"]["spec"]
        for each in up.resources
        if each.type == "kubernetes:apps/v1:Deployment" and each.new
    }
    pools = {name: pod["nodeSelector"]["cloud.google.com/gke-nodepool"] for name, pod in pods.items()}
    assert pools == {"small": "small", "large": "large"}


def test_one_model_on_two_clouds(example: Example) -> None:
    up = up_and_down(
        Rehearsal(
            "dev",
            folder=example("gke-and-oci"),
            overrides=[*GOOGLE, *ORACLE, *RANGES],
            secret_overrides=[f"huggingFaceToken={TOKEN}"],
            policy_packs=[PACK],
        )
    )

    assert count(up, "gcp:container/cluster:Cluster") == 1
    assert count(up, "oci:Core/instance:Instance") == 1
    on_google, on_oracle = values(up)["endpoints"]
    assert re.fullmatch(r"http://[\d.]+/generate", on_google)
    assert re.fullmatch(r"http://[\d.]+:8000/v2/models/ensemble/generate", on_oracle)


def test_an_application_asks_the_model_of_another_stack(example: Example, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    for path in [*PROJECT.glob("Pulumi*.yaml"), PROJECT / "__main__.py"]:
        shutil.copy(path, project)
    folder = example("stack-reference")
    with pytest.raises(RefusedError, match="nothing is up there"):
        Rehearsal("dev", folder=folder, references=[project]).up()

    serving = Rehearsal(SERVING, folder=project).up()
    assert serving.outcome is Outcome.SUCCEEDED, serving.diagnostics
    up = up_and_down(Rehearsal("dev", folder=folder, references=[project], policy_packs=[PACK]))

    assert values(up)["endpoint"] == values(serving)["endpoint"]
    settings = next(each for each in up.resources if each.type == "kubernetes:core/v1:ConfigMap")
    assert settings.new is not None
    assert settings.new["data"] == {key.upper(): values(serving)[key] for key in ("model", "endpoint")}


PYTHON = sorted(path.parent for path in EXAMPLES.glob("*/__main__.py"))


@pytest.mark.parametrize("folder", PYTHON, ids=lambda folder: folder.name)
def test_an_example_is_told_of_and_keeps_clusters_apart(folder: Path) -> None:
    assert f"`{folder.name}`" in (EXAMPLES / "README.md").read_text()
    assert (folder / "requirements.txt").is_file()
    project = yaml.safe_load((folder / "Pulumi.yaml").read_text())
    assert project["name"] == folder.name
    config = yaml.safe_load((folder / "Pulumi.dev.yaml").read_text())["config"]
    assert config["pulumi:disable-default-providers"] == ["kubernetes"]
