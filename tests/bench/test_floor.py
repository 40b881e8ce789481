"""The floor is a floor only if it registers the very resources that the rehearsal does."""

import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bench.compare import STACK
from bench.floor import is_default_provider, read_state
from bench.rehearsed import environment, project_copy, record
from cli.isolation import isolated_environment
from engine import find_pulumi

KEPT = ("type", "parent", "customTimeouts", "ignoreChanges", "additionalSecretOutputs", "protect", "retainOnDelete")


def described(resources: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """What a program says of each resource, by URN."""
    return {
        each["urn"]: {
            **{key: each.get(key) for key in KEPT},
            "inputs": {key: value for key, value in each.get("inputs", {}).items() if not key.startswith("__")},
            "dependencies": sorted(each.get("dependencies", [])),
            # where it was made: the places differ, and half of the state are such places
            "stackTrace": bool(each.get("stackTrace")),
            "provider": each.get("provider", "").rpartition("::")[0],
            # resources of the cloud have other outputs than echoes have
            "outputs": None if each["custom"] else set(each.get("outputs", {})),
        }
        for each in resources
        if not is_default_provider(each)
    }


def test_floor_registers_what_the_rehearsal_registers(tmp_path: Path) -> None:
    pulumi_cli = find_pulumi()
    state = tmp_path / "recorded.json"
    with project_copy(STACK) as project:
        record(STACK, project, pulumi_cli, state)
    rehearsed = described(read_state(state))
    command = [sys.executable, "-m", "bench.floor", "up", state, tmp_path, pulumi_cli]
    subprocess.run(command, env=environment(pulumi_cli), check=True, capture_output=True)
    exported = tmp_path / "exported.json"
    with isolated_environment(tmp_path):
        command = [pulumi_cli, "stack", "export", "--show-secrets", "--stack", STACK, "--file", exported]
        subprocess.run(command, cwd=tmp_path, check=True)
    floor = described(read_state(exported))

    assert len(rehearsed) > 20
    assert floor.keys() == rehearsed.keys()
    for urn, resource in rehearsed.items():
        assert floor[urn] == resource
