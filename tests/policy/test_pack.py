"""The pack in the real engine: what it lets pass, what it stops, and how it is configured."""

import json
import re
import shutil
from pathlib import Path

import pytest
from llm_serving_policy import POLICIES
from pulumi_policy import EnforcementLevel

import components
from cli.errors import RefusedError
from cli.rehearsal import Rehearsal
from cli.result import Outcome, Result
from stacks import RECIPES
from tests.simulator.harness import pass_over_abandoned_programs

PROJECT = Path(__file__).parents[2]
PACK = PROJECT / "policy"
TOKEN = "hf_" + "a" * 34
NAMES = {each.name for each in POLICIES}

PROGRAM = f'''
import pulumi_gcp as gcp
import pulumi_kubernetes as kubernetes

cluster = gcp.container.Cluster("cluster", location="us-central1-a", initial_node_count=1)
gcp.container.NodePool(
    "gpus",
    cluster=cluster.id,
    node_count=99,
    node_config={{
        "machine_type": "a2-highgpu-1g",
        "guest_accelerators": [{{"type": "nvidia-tesla-a100", "count": 1}}],
    }},
)
gcp.compute.Firewall("open", network="default", allows=[{{"protocol": "tcp"}}], source_ranges=["0.0.0.0/0"])
gcp.storage.Bucket("bucket", location="US")
kubernetes.core.v1.Service("public", spec={{"type": "LoadBalancer", "ports": [{{"port": 80}}]}})
kubernetes.core.v1.ConfigMap("settings", data={{"token": "{TOKEN}"}})
kubernetes.core.v1.Pod("pod", spec={{"containers": [{{"name": "llm", "image": "vllm/vllm-openai"}}]}})
'''
"""Breaks every policy once, with resources that are none of this project's."""


@pytest.fixture(autouse=True)
def _abandoned_programs() -> None:
    pass_over_abandoned_programs()


def judged(result: Result) -> dict[str, str]:
    """How severe each policy's report is, by the policy's name."""
    marks = ((re.search(r"\[([\w-]+)\]$", each.message), each.severity) for each in result.diagnostics)
    return {mark[1]: severity for mark, severity in marks if mark and mark[1] in NAMES}


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: broken\nruntime: python\n")
    (tmp_path / "Pulumi.it.yaml").write_text("config:\n  gcp:project: example\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    return tmp_path


@pytest.mark.parametrize("stack", RECIPES)
def test_every_stack_of_this_project_passes(tmp_path: Path, stack: str) -> None:
    for path in [*PROJECT.glob("Pulumi*.yaml"), PROJECT / "__main__.py"]:
        shutil.copy(path, tmp_path)
    up = Rehearsal(stack, folder=tmp_path, policy_packs=[PACK]).up()

    assert up.outcome is Outcome.SUCCEEDED, up.diagnostics
    on_gke = any(each.type == "gcp:container/cluster:Cluster" for each in up.resources)
    # the networks from which a stack is administered are not this project's to know
    assert judged(up) == ({"control-planes-restricted": "warning"} if on_gke else {})
    assert len(up.diagnostics) == on_gke


def test_a_program_that_breaks_every_policy_is_told_so_and_stopped(broken: Path) -> None:
    preview = Rehearsal("it", folder=broken, policy_packs=[PACK]).preview()

    assert preview.outcome is Outcome.FAILED
    advisory = {each.name for each in POLICIES if each.enforcement_level is EnforcementLevel.ADVISORY}
    assert advisory == {"control-planes-restricted"}
    assert judged(preview) == {name: "warning" if name in advisory else "error" for name in NAMES}
    assert TOKEN not in str([each.message for each in preview.diagnostics])
    firewall = next(each for each in preview.diagnostics if "no-open-ranges" in each.message)
    assert firewall.urn is not None
    assert firewall.urn.endswith("::open")
    assert firewall.message.startswith("sourceRanges[0]: 0.0.0.0/0 lets in everybody. Name the ranges")


def test_without_the_pack_it_is_not(broken: Path) -> None:
    assert Rehearsal("it", folder=broken).preview().outcome is Outcome.SUCCEEDED


def test_levels_and_settings_are_configured(broken: Path, tmp_path: Path) -> None:
    config = tmp_path / "policies.json"
    config.write_text(
        json.dumps(
            {
                "all": "advisory",
                "images-pinned": "disabled",
                "control-planes-restricted": "mandatory",
                "hourly-cost-ceiling": {"enforcementLevel": "mandatory", "maximumUsd": 100000},
            }
        )
    )
    preview = Rehearsal("it", folder=broken, policy_packs=[PACK], policy_configs=[config]).preview()

    assert preview.outcome is Outcome.FAILED
    expected = dict.fromkeys(NAMES - {"images-pinned", "hourly-cost-ceiling"}, "warning")
    assert judged(preview) == expected | {"control-planes-restricted": "error"}


def test_a_setting_that_no_policy_has_is_refused(broken: Path, tmp_path: Path) -> None:
    config = tmp_path / "policies.json"
    config.write_text(json.dumps({"hourly-cost-ceiling": {"maximumUsd": "many"}}))
    preview = Rehearsal("it", folder=broken, policy_packs=[PACK], policy_configs=[config]).preview()
    assert preview.outcome is Outcome.FAILED
    assert any("maximumUsd" in each.message for each in preview.diagnostics), preview.diagnostics


@pytest.mark.parametrize(
    ("packs", "configs", "message"),
    [
        (["nothing"], [], "no PulumiPolicy.yaml"),
        (["policy"], ["nothing.json"], "no such file"),
        ([], ["policy/PulumiPolicy.yaml"], "each belongs to a --policy-pack"),
    ],
)
def test_what_is_not_there_is_refused(packs: list[str], configs: list[str], message: str) -> None:
    with pytest.raises(RefusedError, match=message):
        Rehearsal(
            "dev", policy_packs=[PROJECT / each for each in packs], policy_configs=[PROJECT / each for each in configs]
        )


def test_the_pack_has_the_version_of_the_components() -> None:
    assert f"version: {components.__version__}\n" in (PACK / "PulumiPolicy.yaml").read_text()
