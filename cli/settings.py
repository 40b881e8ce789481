"""The settings a rehearsal runs with: the stack file, what the command line overrides, and stand-ins for the rest."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, cast

from pulumi.automation import ConfigMap, ConfigValue

from cli.errors import RefusedError
from cli.project import Project

Path = tuple[str | int, ...]
"""Keys of maps and positions in lists that lead to a value."""


@dataclass(frozen=True)
class Secret:
    """A value that Pulumi is to hold encrypted."""

    value: str


@dataclass(frozen=True)
class StandIn:
    """What is used in place of a value that only the account's holder can set."""

    value: str | list[str]
    secret: bool = False


@dataclass
class Settings:
    """What the rehearsed stack is configured with."""

    config: dict[str, Any] = field(default_factory=dict[str, Any])
    """What the stack file says, and stand-ins. `Any`: whatever YAML can say, and `Secret`s."""
    overrides: ConfigMap = field(default_factory=dict[str, ConfigValue])
    """What is set over it, as `pulumi config set --path` does."""
    stand_ins: dict[str, str] = field(default_factory=dict[str, str])
    """What stands in for account values that nothing else sets, as text, by full configuration key."""
    placeholders: list[str] = field(default_factory=list[str])
    """Paths of the encrypted values of the stack file, which a rehearsal cannot and does not decrypt."""

    def plain(self) -> dict[str, Any]:
        """Return `config` as a stack file may hold it, with empty text where a secret belongs. `Any` as there."""
        return cast("dict[str, Any]", _without_secrets(self.config))

    def assignments(self) -> ConfigMap:
        """Return what Pulumi itself has to put into the stack file: what stands in for secrets, and plain overrides."""
        made_up = {_text(path): ConfigValue(secret.value, secret=True) for path, secret in _secrets((), self.config)}
        return {**made_up, **{path: value for path, value in self.overrides.items() if not value.secret}}

    def secrets(self) -> dict[str, str]:
        """Return the overrides that are secrets, by path. Nobody but Pulumi may be told of them."""
        return {path: value.value for path, value in self.overrides.items() if value.secret}


def rehearsal_settings(
    project: Project,
    stack: str,
    *,
    overrides: Iterable[str] = (),
    secret_overrides: Iterable[str] = (),
    stand_ins: bool = True,
) -> Settings:
    """Return the settings to rehearse `stack` with.

    Args:
        project: where the stack's settings are.
        stack: name of the stack.
        overrides: `KEY=VALUE`, the key a path such as `service.gpus`, both as `pulumi config set --path` takes them.
        secret_overrides: the same, held encrypted. `KEY=@FILE`: the value is what the file holds.
        stand_ins: whether the recipe's account values that nothing else sets are made up.

    Raises:
        RefusedError: the stack file or the file of a secret cannot be read, or an override is no `KEY=VALUE`.
    """
    settings = Settings()
    for key, value in project.stack_config(stack).items():
        settings.config[key] = _with_placeholders(settings, (key,), value)
    for written in overrides:
        key, equals, value = written.partition("=")
        if not key or not equals:
            raise RefusedError(f"--config {written}: must be KEY=VALUE, with a key like service.gpus or gcp:project.")
        settings.overrides[key] = ConfigValue(value)
    for written in secret_overrides:
        key, equals, value = written.partition("=")
        if not key or not equals:
            # what was written is not shown: it may be the secret
            raise RefusedError("--config-secret: must be KEY=@FILE or KEY=VALUE, with a key like huggingFaceToken.")
        settings.overrides[key] = ConfigValue(_secret_from(key, value), secret=True)
    if stand_ins:
        _stand_in(settings, project)
    return settings


def _secret_from(key: str, value: str) -> str:
    """Return `value`, or what the file that it names holds, as `pulumi config set` reads it: without a last newline."""
    if not value.startswith("@"):
        return value
    try:
        return FilePath(value[1:]).read_text(encoding="utf-8").rstrip("\n")
    except (OSError, ValueError):
        raise RefusedError(
            f"--config-secret {key}=@...: this file cannot be read. A value that begins with @ "
            "has to be in a file itself."
        ) from None


def _with_placeholders(settings: Settings, path: Path, value: object) -> object:
    if isinstance(value, dict):
        entries = cast("dict[str, object]", value)
        if set(entries) == {"secure"}:
            settings.placeholders.append(_text(path))
            return Secret(f"rehearsal-placeholder-{_text(path)}")
        return {key: _with_placeholders(settings, (*path, key), item) for key, item in entries.items()}
    if isinstance(value, list):
        items = cast("list[object]", value)
        return [_with_placeholders(settings, (*path, index), item) for index, item in enumerate(items)]
    return value


def _stand_in(settings: Settings, project: Project) -> None:
    name = _recipe_of(settings, project)
    if not name:  # another project's program
        return
    from stacks import RECIPES  # here, because it takes seconds, which help and outputs need not wait for

    recipe = RECIPES.get(name)
    if recipe is None:  # the program itself refuses it, with the list of recipes
        return
    values = {key: StandIn(each.stand_in, each.secret) for key, each in recipe.account_values.items()}
    stand_in(settings, project, {recipe.name: values})


def _recipe_of(settings: Settings, project: Project) -> str:
    chosen = settings.overrides.get("recipe") or settings.overrides.get(f"{project.name}:recipe")
    return str(chosen.value if chosen else settings.config.get(f"{project.name}:recipe", ""))


def stand_in(settings: Settings, project: Project, known: Mapping[str, Mapping[str, StandIn]]) -> None:
    """Make up the account values that `settings` have not.

    Args:
        settings: what is completed.
        project: whose settings they are.
        known: by recipe and full configuration key.
    """
    overridden = {_full_key(key, project) for key in settings.overrides}
    for key, made_up in known.get(_recipe_of(settings, project), {}).items():
        if key in settings.config or key in overridden:
            continue
        shown = made_up.value if isinstance(made_up.value, str) else ", ".join(made_up.value)
        settings.stand_ins[key] = "a placeholder secret" if made_up.secret else shown
        settings.config[key] = Secret(shown) if made_up.secret else made_up.value


def _full_key(path: str, project: Project) -> str:
    first = re.split(r"[.\[]", path, maxsplit=1)[0]
    return first if ":" in first else f"{project.name}:{first}"


def _secrets(path: Path, value: object) -> list[tuple[Path, Secret]]:
    if isinstance(value, Secret):
        return [(path, value)]
    if isinstance(value, dict):
        entries = list(cast("dict[str | int, object]", value).items())
    elif isinstance(value, list):
        entries = list(enumerate(cast("list[object]", value)))
    else:
        return []
    return [found for step, item in entries for found in _secrets((*path, step), item)]


def _without_secrets(value: object) -> object:
    if isinstance(value, Secret):
        return ""
    if isinstance(value, Mapping):
        return {key: _without_secrets(item) for key, item in cast("Mapping[str, object]", value).items()}
    if isinstance(value, list):
        return [_without_secrets(item) for item in cast("list[object]", value)]
    return value


def revealed(value: object) -> object:
    """Return `value` with what its `Secret`s hold."""
    if isinstance(value, Secret):
        return value.value
    if isinstance(value, Mapping):
        return {key: revealed(item) for key, item in cast("Mapping[str, object]", value).items()}
    if isinstance(value, list):
        return [revealed(item) for item in cast("list[object]", value)]
    return value


def _text(path: Path) -> str:
    """Write a path as `pulumi config set --path` reads it."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif re.search(r'[.\[\]"]', step):
            text += f"[{json.dumps(step)}]"
        else:
            text += f".{step}" if text else step
    return text
