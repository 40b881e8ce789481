"""Policy packs that a rehearsal is judged by."""

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from pulumi.automation import Stack

from cli.errors import RefusedError

ANALYZER = "pulumi-analyzer-policy-python"
"""What the engine starts for a pack in Python where it has no language host, as the one that is built here."""


class PolicyOptions(TypedDict):
    """What the Automation API is told of packs."""

    policy_packs: list[str]
    policy_pack_configs: list[str]


def policy_options(packs: Sequence[Path], configs: Sequence[Path]) -> PolicyOptions:
    """Return how an operation of the Automation API is told of `packs`, and of what configures them.

    Raises:
        RefusedError: a pack or a configuration is not there, or there are more configurations than packs.
    """
    for pack in packs:
        if not (pack / "PulumiPolicy.yaml").is_file():
            raise RefusedError(f"--policy-pack {pack}: the folder has no PulumiPolicy.yaml.")
    for config in configs:
        if not config.is_file():
            raise RefusedError(f"--policy-pack-config {config}: there is no such file.")
    if len(configs) > len(packs):
        raise RefusedError("--policy-pack-config: each belongs to a --policy-pack, in their order.")
    return {
        "policy_packs": [str(each.resolve()) for each in packs],
        "policy_pack_configs": [str(each.resolve()) for each in configs],
    }


def offer_analyzer(stack: Stack, folder: Path) -> None:
    """Let the engine of `stack` find an analyzer in `folder` that runs packs with this Python."""
    folder.mkdir(exist_ok=True)
    analyzer = folder / ANALYZER
    # The address of the engine and the folder of the pack; the options of the pack's runtime, which follow, are for a
    # language host, and the module takes them for its own.
    command = f'{shlex.quote(sys.executable)} -u -m pulumi.policy "$1" "$2"'
    analyzer.write_text(f"#!/bin/sh\nexec {command}\n", encoding="utf-8")
    analyzer.chmod(0o755)
    path = f"{folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    stack.workspace.env_vars = {**stack.workspace.env_vars, "PATH": path}
