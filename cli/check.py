"""What is known of stacks before anything is made: findings, quota and cost, without an engine, account or network."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pulumi.runtime import reset_options, set_all_config

from cli.online import Answer, ask_online
from cli.overrides import overridden
from cli.project import Project
from cli.settings import Settings, rehearsal_settings, revealed
from components.findings import Finding
from stacks import Examination, Needs, examine

ACCOUNTS = ("gcp:project", "oci:tenancyOcid")
"""Configuration that says whose quota it is."""


@dataclass(frozen=True)
class StackCheck:
    """What is known of one stack."""

    stack: str
    recipe: str | None
    """None if the settings name none."""
    findings: tuple[Finding, ...]
    needs: Needs | None
    """None while there are errors."""
    stand_ins: Mapping[str, str]
    """What stood in for account values that the stack file has not, as text."""
    placeholders: tuple[str, ...]
    """Encrypted settings of the stack file in whose place a placeholder stood."""
    skipped: tuple[str, ...] = ()
    """What an online check left out, and why."""

    @property
    def refused(self) -> bool:
        """Whether an error stops the deployment."""
        return any(finding.severity == "error" for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it. `Any`: JSON."""
        needs = self.needs
        return {
            "stack": self.stack,
            "recipe": self.recipe,
            "findings": [asdict(finding) for finding in self.findings],
            "quota": None if needs is None else [_quota(asdict(quota)) for quota in needs.quotas],
            "hourlyCost": None if needs is None else needs.cost,
            "standIns": dict(self.stand_ins),
            "placeholders": list(self.placeholders),
            "skipped": list(self.skipped),
        }


def _quota(quota: dict[str, Any]) -> dict[str, Any]:  # Any: JSON
    return {name: value for name, value in quota.items() if value is not None}


def check_stack(
    project: Project, stack: str, overrides: Iterable[str] = (), *, stand_ins: bool = True, online: bool = False
) -> StackCheck:
    """Return what is known of one stack of `project`.

    Args:
        project: where the stack's settings are.
        stack: name of the stack.
        overrides: `KEY=VALUE`, as for rehearsals.
        stand_ins: whether the recipe's account values that nothing else sets are made up.
        online: whether the account, Hugging Face and the image's registry are asked, too.

    Raises:
        RefusedError: the stack file cannot be read, or an override is no `KEY=VALUE`.
    """
    settings = rehearsal_settings(project, stack, overrides=overrides, stand_ins=stand_ins)
    config = configuration(project, settings)
    found, needs = asyncio.run(_examine(project, stack, config))
    answer = Answer()
    if online and needs is not None:
        own = [key for key in ACCOUNTS if key in config and key not in settings.stand_ins]
        answer = ask_online(needs, {key: _text(revealed(config[key])) for key in own})
    return StackCheck(
        stack=stack,
        recipe=found.recipe.name if found.recipe else None,
        findings=found.findings + answer.findings,
        needs=needs,
        stand_ins=settings.stand_ins,
        placeholders=tuple(settings.placeholders),
        skipped=answer.skipped,
    )


def configuration(project: Project, settings: Settings) -> dict[str, Any]:
    """Return the configuration with overrides, by full key. `Any`: whatever YAML can say, and `Secret`s."""
    config = {**project.defaults(), **settings.config}
    for path, value in settings.overrides.items():
        config = overridden(config, path, value.value, project.name)
    return config


async def _examine(
    project: Project, stack: str, config: Mapping[str, Any]
) -> tuple[Examination, Needs | None]:  # Any: as `configuration`
    """Examine the stack as its program does. In a coroutine, since Pulumi's secrets want an event loop."""
    reset_options(project=project.name, stack=stack)
    try:
        secret = [key for key, value in config.items() if revealed(value) != value]
        set_all_config({key: _text(revealed(value)) for key, value in config.items()}, secret)
        found = examine()
        return found, found.needs()
    finally:
        reset_options()


def _text(value: Any) -> str:  # Any: JSON
    """Return a value as the engine hands it to a program."""
    return value if isinstance(value, str) else json.dumps(value)
