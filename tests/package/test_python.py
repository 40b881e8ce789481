"""The Python package as its users have it: built, installed away from the repository, imported, type-checked."""

from __future__ import annotations

import ast
import email
import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pulumi

import components
from tests.package.conftest import PROJECT, Installed, build_wheel, run
from tests.upgrades.states import FOLDER as UPGRADES

(SAMPLE,) = re.findall(r"```python\n(.*?)```", (PROJECT / "package/python/README.md").read_text(), re.DOTALL)
LIBRARY = tomllib.loads((PROJECT / "package/python/pyproject.toml").read_text())
COMMAND = tomllib.loads((PROJECT / "pyproject.toml").read_text())

RECORDED = """
import importlib, json, pkgutil, runpy, sys
import importlib.util

assert importlib.util.find_spec("components") is None, "the repository can be seen"
sys.path.append(".")
from recording import record

config = {"gcp:project": "test-project", "oci:region": "us-ashburn-1", "oci:tenancyOcid": "ocid1.tenancy.oc1..test"}
config["llm-serving:huggingFaceToken"] = "hf_token"
recording = record(lambda: runpy.run_path(sys.argv[1]), config=config, secrets=("llm-serving:huggingFaceToken",))
if recording.error:
    raise recording.error
import pulumi_llm_serving
for each in pkgutil.walk_packages(pulumi_llm_serving.__path__, "pulumi_llm_serving."):
    importlib.import_module(each.name)
print(json.dumps({"made": [each.type for each in recording.resources], "file": pulumi_llm_serving.__file__}))
"""


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_wheel_holds_all_that_the_components_are_and_read(checkout: Path, wheel: Path) -> None:
    wanted = {
        str(Path("pulumi_llm_serving", part, path.relative_to(checkout / folder))): path.read_bytes()
        for folder, part in (("components", ""), ("workloads", "workloads"))
        for path in (checkout / folder).rglob("*")
        if path.is_file()
    }
    found = contents(wheel)
    assert "pulumi_llm_serving/py.typed" in wanted
    assert {name: found.get(name) for name in wanted} == wanted
    assert {name.partition("/")[0] for name in found.keys() - wanted.keys()} == {
        f"pulumi_llm_serving-{components.__version__}.dist-info"
    }


def test_a_source_distribution_gives_the_same_wheel(checkout: Path, wheel: Path, tmp_path: Path) -> None:
    # in a copy, since a build leaves files in its folder
    shutil.copytree(checkout, tmp_path / "checkout", symlinks=True)
    backend = f"import setuptools.build_meta as backend; backend.build_sdist({str(tmp_path)!r})"
    run("-c", backend, cwd=tmp_path / "checkout/package/python")
    (archive,) = tmp_path.glob("*.tar.gz")
    shutil.unpack_archive(archive, tmp_path / "unpacked")
    (source,) = (tmp_path / "unpacked").iterdir()
    assert contents(build_wheel(source, tmp_path / "dist")) == contents(wheel)


def test_the_two_distributions_agree(wheel: Path) -> None:
    (name,) = [each for each in contents(wheel) if each.endswith("/METADATA")]
    metadata = email.message_from_bytes(contents(wheel)[name])
    assert metadata["Name"] == "pulumi-llm-serving"
    assert metadata["Version"] == components.__version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert SAMPLE in metadata.get_payload()
    # the command line's own version is the same attribute
    assert COMMAND["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "components.__version__"}
    for key in ("dependencies", "requires-python", "license"):
        assert LIBRARY["project"][key] == COMMAND["project"][key]


def test_what_it_imports_is_what_it_says_that_it_needs() -> None:
    trees = [ast.walk(ast.parse(path.read_text())) for path in (PROJECT / "components").rglob("*.py")]
    nodes = [node for tree in trees for node in tree]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and node.level == 0}
    imported = {name.partition(".")[0] for name in names} - sys.stdlib_module_names
    distributions = importlib.metadata.packages_distributions()
    owners = {owner.lower().replace("_", "-") for name in imported for owner in distributions[name]}
    declared = {re.split("[>=<]", each)[0] for each in LIBRARY["project"]["dependencies"]}
    assert owners - {"pydantic-core"} == declared  # which pydantic pins


def recorded(installed: Installed, program: str) -> list[str]:
    """Types of what the program makes where only the package is."""
    shutil.copy(PROJECT / "tests/recording.py", installed.folder)
    (installed.folder / "sample.py").write_text(program)
    result = json.loads(installed.run(RECORDED, "sample.py"))
    assert Path(result["file"]).is_relative_to(installed.folder)
    return result["made"]


def test_the_sample_of_its_readme_runs_where_only_the_package_is(installed: Installed) -> None:
    made = recorded(installed, SAMPLE)
    assert made.count("gcp:container/nodePool:NodePool") == 2
    assert made.count("kubernetes:apps/v1:Deployment") == 1


def test_every_component_finds_its_files_there(installed: Installed) -> None:
    program = (UPGRADES / "every_component/__main__.py").read_text()
    made = recorded(installed, program.replace("from components import", "from pulumi_llm_serving import"))
    exported = [getattr(components, name) for name in components.__all__]
    classes = [each for each in exported if isinstance(each, type) and issubclass(each, pulumi.ComponentResource)]
    assert {f"llm-serving:index:{each.__name__}" for each in classes} <= set(made)


def test_programs_are_type_checked_against_it(installed: Installed, tmp_path: Path) -> None:
    programs = {
        "right.py": SAMPLE,
        "wrong_argument.py": SAMPLE.replace('machine_type="n2d-standard-4"', "machine_type=4"),
        "wrong_output.py": SAMPLE.replace("service.try_it", "service.tried"),
    }
    for name, text in programs.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    options = ["--outputjson", "--pythonpath", str(installed.python), "-p", str(tmp_path)]
    done = subprocess.run([sys.executable, "-m", "pyright", *options], capture_output=True, text=True, check=False)
    told = {(Path(each["file"]).name, each["rule"]) for each in json.loads(done.stdout)["generalDiagnostics"]}
    assert {name for name, _ in told} == {"wrong_argument.py", "wrong_output.py"}
    assert {("wrong_argument.py", "reportArgumentType"), ("wrong_output.py", "reportAttributeAccessIssue")} <= told
