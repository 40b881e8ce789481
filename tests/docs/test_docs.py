"""What the documentation shows is what the project does."""

import re
from pathlib import Path

import pytest
import yaml

from components.cost import hourly_cost
from components.gke.gpu_cluster_args import GkeGpuClusterArgs, node_pools
from tests.recording import record

PROJECT = Path(__file__).parents[2]
README = PROJECT / "README.md"
PAGES = [README, PROJECT / "CONTRIBUTING.md", *sorted((PROJECT / "docs").rglob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)


def test_the_program_of_the_readme_runs() -> None:
    (program,) = blocks(README, "python")
    recording = record(
        lambda: exec(compile(program, "README.md", "exec"), {}),
        config={"gcp:project": "test-project", "llm-serving:huggingFaceToken": "hf_token"},
        secrets=("llm-serving:huggingFaceToken",),
    )
    assert recording.error is None
    assert recording.messages == []
    counts = {
        kind: len(recording.of(kind)) for kind in (":GkeGpuCluster", ":NodePool", ":InferenceService", ":Address")
    }
    assert counts == {":GkeGpuCluster": 1, ":NodePool": 2, ":InferenceService": 1, ":Address": 0}
    assert recording.stack_outputs()["access"].startswith("port-forward: kubectl ")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_exist(page: Path) -> None:
    makefile = (PROJECT / "Makefile").read_text()
    for target in re.findall(r"`make ([a-z-]+)|^\$ make ([a-z-]+)", page.read_text(), re.MULTILINE):
        name = next(filter(None, target))
        assert re.search(rf"^{name}:", makefile, re.MULTILINE), name


def test_the_price_of_the_recipe_is_the_catalogues() -> None:
    config = yaml.safe_load((PROJECT / "Pulumi.mixtral-tgi-gke-l4.yaml").read_text())["config"]
    cluster = GkeGpuClusterArgs.parse(config["llm-serving:cluster"])
    cost = hourly_cost(cluster.location, node_pools(cluster).values())
    assert cost is not None
    minimum, maximum = f"{cost['minimum']:.2f}", f"{cost['maximum']:.2f}"
    assert f"| {minimum} to {maximum} |" in README.read_text()
    page = (PROJECT / "docs/recipes/mixtral-tgi-gke-l4.md").read_text()
    assert f"**{minimum} USD per hour**" in page
    assert f"**{maximum} USD per hour**" in page


def test_every_code_that_a_page_names_exists() -> None:
    sources = "".join(
        path.read_text() for folder in ("components", "stacks") for path in (PROJECT / folder).rglob("*.py")
    )
    for page in sorted((PROJECT / "docs/recipes").glob("*.md")):
        for code in re.findall(r"(?:refused as|as) `([a-z]+(?:-[a-z]+)+)`", page.read_text()):
            assert f'"{code}"' in sources, code
