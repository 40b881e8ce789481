"""Nothing waits for the SDK of a cloud that it does not use: each takes a second or two."""

import subprocess
import sys

import pytest

import components
import stacks

GOOGLE, ORACLE = "pulumi_gcp", "pulumi_oci"


def loaded(program: str) -> set[str]:
    """The SDKs of which a new process has loaded something, when it has run `program`: `import` alone loads nothing."""
    told = "\nimport sys\nprint(*(name.partition('.')[0] for name in sys.modules if name.endswith('._inputs')))"
    done = subprocess.run([sys.executable, "-c", program + told], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("program", "unused"),
    [
        ("import cli.app, components", {GOOGLE, ORACLE, "pulumi_kubernetes"}),
        ("from components import GkeGpuCluster, InferenceService", {ORACLE}),
        *[(f"import stacks; stacks.RECIPES['{name}']", {ORACLE}) for name in stacks.RECIPES if "oci" not in name],
    ],
)
def test_an_sdk_that_is_not_used_is_not_loaded(program: str, unused: set[str]) -> None:
    assert not loaded(program) & unused


def test_everything_that_is_exported_is_there() -> None:
    assert loaded("from components import *") == {GOOGLE, ORACLE, "pulumi_kubernetes"}
    assert all(getattr(components, name).__module__.startswith("components.") for name in components.__all__)
    with pytest.raises(AttributeError):
        getattr(components, "NoSuchComponent")  # noqa: B009
