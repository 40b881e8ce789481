"""The page of `llama-jetstream-tpu` says what the stack does."""

import re
from pathlib import Path
from typing import Any

import pytest

from components.jobs.conversion_checks import converter_seconds
from components.sizing import largest_batch
from components.storage.checkpoints import jetstream_models, jetstream_names
from tests.components.guide import GONE
from tests.stacks.stack_file import JETSTREAM, run

PAGE = (Path(__file__).parents[2] / "docs/recipes/llama-jetstream-tpu.md").read_text()


def table(heading: str) -> list[list[str]]:
    """The rows of the table below a heading or line, without its head."""
    lines = PAGE.partition(heading)[2].splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("|---"))
    rows: list[list[str]] = []
    for line in lines[first + 1 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def changes() -> list[tuple[str, str]]:
    """Every `pulumi config set --path KEY VALUE` of the page, however its lines are broken."""
    return re.findall(r"pulumi config set --path\s+(\S+)\s+([^\s`]+)", PAGE)


def test_the_table_of_models() -> None:
    named: dict[str, list[str]] = {}
    for model in jetstream_models():
        names = jetstream_names(model)
        batch = largest_batch(model, "tpu-v5-lite-podslice", 8, 2048, quantize_weights=False, quantize_kv_cache=False)
        named[f"`{model}`"] = [
            f"`--model_name={names.model_name} --size={names.size}`",
            f"`{names.folder}`",
            f"{batch}",
        ]
    assert {model: rest for model, *rest in table("## Models")} == named


def test_the_cost() -> None:
    cost = run(JETSTREAM).stack_outputs()["hourlyCost"]
    assert f"**{cost['minimum']:.2f} USD per hour**" in PAGE
    assert f"**{cost['maximum']:.2f}**" in PAGE


def test_the_quota() -> None:
    quota = {metric.strip("`"): (needed, most) for metric, needed, most in table("| quota in us-west4")}
    # two hosts of eight chips; two e2-standard-4, at most three; one n2-standard-16; boot disks of 100, 50 and 150 GB
    assert quota == {
        "TPU_LITE_PODSLICE_V5": ("16", "16"),
        "CPUS": ("8", "12"),
        "N2_CPUS": ("16", "16"),
        "SSD_TOTAL_GB": ("450", "500"),
        # of the NAT
        "IN_USE_ADDRESSES`, `STATIC_ADDRESSES": ("1", "1"),
    }
    pools = [pool.inputs for pool in run(JETSTREAM).of("container/nodePool:NodePool")]
    assert {pool["nodeConfig"]["machineType"]: pool["nodeConfig"].get("diskSizeGb", 100) for pool in pools} == {
        "e2-standard-4": 50,
        "n2-standard-16": 150,
        "ct5lp-hightpu-8t": 100,
    }


def test_the_time_of_the_converter() -> None:
    minutes = converter_seconds("meta-llama/Llama-2-7b-hf") // 60
    assert f"after {minutes} minutes" in PAGE


def test_every_change_that_the_page_shows_is_accepted() -> None:
    shown = dict(changes())
    assert {"service.storage.bucket", "service.server", "service.storage.kind", "bucket.forceDestroy"} <= set(shown)
    for path, value in shown.items():
        alone: dict[str, Any] = {path: {"true": True, "false": False}.get(value, value)}
        if path == "service.storage.bucket":
            assert "pulumi config rm bucket" in PAGE
            alone["bucket"] = GONE
        assert run(JETSTREAM, alone).error is None, path


@pytest.mark.parametrize(
    "settings",
    [
        {"conversion.ownWeights": True},
        {"tpuPool.spot": True},
        {"tpuPool.minNodes": 0, "tpuPool.nodes": 0},
        {"workloadIdentity.projectRoles": ["roles/storage.objectUser", "roles/storage.insightsCollectorService"]},
        {"service.storage.kind": "claim", "disk.sizeGb": 100},
        {"service.storage.kind": "claim", "service.storage.claim": "mine"},
        {"service.replicas": GONE, "service.autoscaling": {"minReplicas": 1, "maxReplicas": 2}},
        {"tpuPool.flexStart": True, "tpuPool.nodes": 0, "tpuPool.minNodes": 0},
        {"tpuPool.reservation": "ours"},
    ],
)
def test_every_setting_that_the_page_names_is_accepted(settings: dict[str, Any]) -> None:
    for path in settings:
        assert path.rpartition(".")[2] in PAGE
    assert run(JETSTREAM, settings).error is None


def test_every_object_that_a_command_names_is_made() -> None:
    made = {
        f"{r.type.rpartition(':')[2]}::{r.name}" for r in run(JETSTREAM, {"service.storage.kind": "claim"}).resources
    }
    targets = re.findall(r"--replace '\*\*:(\S+)'", PAGE)
    assert len(targets) == 2
    assert set(targets) <= made
    assert {f"Service::{name}" for name in re.findall(r"port-forward service/(\S+)", PAGE)} <= made
    (name, container) = re.findall(r"logs deployment/(\S+) -c (\S+)", PAGE)[0]
    (server, _) = run(JETSTREAM)["Deployment", name].inputs["spec"]["template"]["spec"]["containers"]
    assert server["name"] == container
