"""The stack files of this repository, run without an engine, with what a test changes in them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

import stacks
from tests.components.guide import changed
from tests.recording import Recording, record

ROOT = Path(__file__).parents[2]
MIXTRAL, JETSTREAM, TRITON, DEV = "mixtral-tgi-gke-l4", "llama-jetstream-tpu", "mixtral-triton-oci", "dev"
MISTRAL, TORCHSERVE = "mistral-vllm-autopilot", "mixtral-torchserve-gke"


def stack_file(stack: str) -> dict[str, Any]:
    """The configuration in the stack's file."""
    return yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]


def defaults() -> dict[str, Any]:
    """What the Pulumi CLI fills in from Pulumi.yaml for keys that a stack does not mention."""
    schema = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    return {f"llm-serving:{key}": entry["default"] for key, entry in schema.items() if "default" in entry}


def configuration(stack: str, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The stack's file with stand-ins for what belongs to the account, and `changes` by path."""
    values = stacks.RECIPES[stack].account_values
    settings = {**defaults(), **stack_file(stack), **{key: value.stand_in for key, value in values.items()}}
    return changed(settings, {_qualified(path): value for path, value in (changes or {}).items()})


def run(
    stack: str,
    changes: Mapping[str, Any] | None = None,
    *,
    plain: tuple[str, ...] = (),
    secret: tuple[str, ...] = (),
    preview: bool = False,
) -> Recording:
    """What the program registers; `plain` and `secret` say of which keys, against the account values' own wish."""
    secrets = {key for key, value in stacks.RECIPES[stack].account_values.items() if value.secret}
    secrets = secrets - set(map(_qualified, plain)) | set(map(_qualified, secret))
    return run_configuration(configuration(stack, changes), tuple(secrets), preview=preview)


def run_configuration(settings: Mapping[str, Any], secrets: tuple[str, ...], *, preview: bool = False) -> Recording:
    """What the program registers with these settings."""
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in settings.items()}
    return record(stacks.main, config=texts, secrets=secrets, preview=preview)


def _qualified(path: str) -> str:
    return path if ":" in path else f"llm-serving:{path}"
