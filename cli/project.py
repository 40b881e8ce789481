"""The Pulumi project that a rehearsal runs, and its stack files."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from cli.errors import RefusedError
from cli.yaml_files import read_yaml_map

STACK_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}")
"""What Pulumi accepts as the name of a stack."""


@dataclass(frozen=True)
class Project:
    """A folder that holds a Pulumi.yaml and the `__main__.py` of its program."""

    folder: Path
    name: str

    def stacks(self) -> list[str]:
        """Return the names of the stacks that have a settings file."""
        return sorted(
            path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in self.folder.glob("Pulumi.*.yaml")
        )

    def stack_file(self, stack: str) -> Path:
        """Return the path of the settings of `stack`.

        Raises:
            RefusedError: there is no such file.
        """
        path = self.folder / f"Pulumi.{stack}.yaml"
        if not path.is_file():
            known = ", ".join(self.stacks()) or "none"
            raise RefusedError(
                f"No stack {stack!r}: {self.folder} has no {path.name}. Stacks with a settings file: {known}."
            )
        return path

    def defaults(self) -> dict[str, Any]:
        """Return what Pulumi.yaml sets for every stack, by full key. `Any`: settings are whatever YAML can say.

        Raises:
            RefusedError: the file is no YAML, or its `config:` is no map.
        """
        values: dict[str, Any] = {}
        for key, entry in _config_of(self.folder / "Pulumi.yaml").items():
            # `value` and `default` of a setting that is described, or the value alone
            described = cast("dict[str, Any]", entry if isinstance(entry, dict) else {"value": entry})
            for name in ("default", "value"):
                if name in described:
                    values[key if ":" in key else f"{self.name}:{key}"] = described[name]
        return values

    def stack_config(self, stack: str) -> dict[str, Any]:
        """Return the `config:` section of the settings of `stack`. `Any`: settings are whatever YAML can say.

        Raises:
            RefusedError: the file is missing, is no YAML, or its `config:` is no map.
        """
        return _config_of(self.stack_file(stack))


def _config_of(path: Path) -> dict[str, Any]:  # Any: settings are whatever YAML can say
    config: object = read_yaml_map(path).get("config") or {}
    if not isinstance(config, dict):
        # its content may hold a secret
        raise RefusedError(f"{path.name}: `config:` must be a map of settings, and is a {type(config).__name__}.")
    return cast("dict[str, Any]", config)


def check_stack_name(stack: str) -> str:
    """Return `stack`, which is also to be the name of a folder.

    Raises:
        RefusedError: it cannot name a stack.
    """
    if not STACK_NAME.fullmatch(stack):
        raise RefusedError(f"{stack!r} cannot name a stack: letters, digits, '_' and '-' can, at most 100 of them.")
    return stack


def find_project(start: Path) -> Project:
    """Return the project that `start` lies in, or else the one that this command line belongs to.

    Raises:
        RefusedError: neither has a Pulumi.yaml, or it names no project.
    """
    own = Path(__file__).resolve().parent.parent
    for folder in (start.resolve(), *start.resolve().parents, own):
        if (folder / "Pulumi.yaml").is_file():
            name = read_yaml_map(folder / "Pulumi.yaml").get("name")
            if not isinstance(name, str):
                raise RefusedError(f"{folder / 'Pulumi.yaml'} has no `name:` of a project.")
            return Project(folder, name)
    raise RefusedError(f"No Pulumi.yaml in {start.resolve()} or above it. Run this inside a clone of the project.")
