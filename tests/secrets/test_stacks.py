"""A token in every secret setting of every stack: nowhere to be read, and in the state all the same."""

from pathlib import Path
from typing import Any, get_args

import pytest

from stacks import RECIPES
from tests.secrets.canary import Canary
from tests.secrets.expedition import Expedition

TOKEN = "huggingFaceToken"
FOR_ORACLE = ("oci:privateKey", "oci:privateKeyPassword")
SECRETS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(RECIPES, (TOKEN,)),
    "mistral-vllm-autopilot": (TOKEN, "wandbApiKey"),
    "mixtral-triton-oci": (TOKEN, *FOR_ORACLE),
}
"""The secret settings of each stack."""

OPTIONS: dict[str, dict[str, Any]] = {
    "mistral-vllm-autopilot": {
        "fineTune": {"models": ["mistralai/Mistral-7B-Instruct-v0.3"], "settings": {"wandb_project": "tuning"}},
        "chatPage": {},
    },
}
"""What makes a stack use its secrets where it does not as it is."""

FAULTS = {"mixtral-tgi-gke-l4": "quota", "mixtral-torchserve-gke": "stockout"}


def test_every_secret_setting_is_among_them() -> None:
    for name, recipe in RECIPES.items():
        fields = recipe.settings.model_fields.values()
        secret = {field.alias for field in fields if any("Output" in str(part) for part in get_args(field.annotation))}
        assert secret == set(SECRETS[name]) - set(FOR_ORACLE)


@pytest.mark.parametrize("stack", RECIPES)
def test_a_stack_keeps_its_secrets(tmp_path: Path, stack: str) -> None:
    canaries = {name: Canary() for name in SECRETS[stack]}
    if "oci:privateKey" in canaries:
        canaries["oci:privateKey"] = Canary("\n+/second line=\n")
    expedition = Expedition(tmp_path / "expedition", canaries)
    expedition.change(stack, **OPTIONS.get(stack, {}))
    up = ("rehearse", "up", stack, "--time-scale", "inf", *expedition.secrets)
    if stack in FAULTS:
        assert expedition.run(*up, "--fault", FAULTS[stack], "--debug") == 1
    assert expedition.run(*up, "--json") == 0, expedition.last_printed()
    held = expedition.secrets_of(stack)
    for name, canary in canaries.items():
        # the provider that Pulumi makes of `oci:` settings holds them in a text of its own
        assert any(canary.text in each or canary.forms_in(each.encode()) for each in held), name
    assert not expedition.leaks()
