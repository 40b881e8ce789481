"""How operations, durations and values are put in words."""

import json
from dataclasses import dataclass
from typing import Any

from cli.progress import Progress, ResourceProgress, Status
from cli.result import Output


@dataclass(frozen=True)
class Wording:
    """How an operation of the engine is called."""

    sign: str
    style: str
    doing: str
    done: str
    planned: str


OPERATIONS = {
    "create": Wording("+", "green", "creating", "created", "to create"),
    "update": Wording("~", "yellow", "updating", "updated", "to update"),
    "replace": Wording("±", "magenta", "replacing", "replaced", "to replace"),
    "create-replacement": Wording("±", "magenta", "creating the replacement", "replacement created", "to replace"),
    "delete-replaced": Wording("±", "magenta", "deleting the replaced", "replaced one deleted", "to replace"),
    "delete": Wording("-", "red", "deleting", "deleted", "to delete"),
    "read": Wording(">", "cyan", "reading", "read", "to read"),
    "refresh": Wording(" ", "dim", "reading back", "as it was", "to read back"),
    "same": Wording(" ", "dim", "looking at", "unchanged", "unchanged"),
}
FIRST_OUTPUTS = ("endpoint", "loadBalancerIp")
"""What most people want to see of the outputs."""


def wording(operation: str | None) -> Wording:
    """Return how `operation` is called; an uncommon one keeps the engine's own name."""
    return OPERATIONS.get(operation or "", Wording(" ", "dim", *[operation or ""] * 3))


def status_text(progress: Progress, resource: ResourceProgress) -> str:
    """Tell in a word what the operation is doing, has done, or would do with `resource`."""
    # Once the engine has counted its changes all steps of a replacement are past.
    words = wording(resource.operation if progress.changes else resource.step)
    if resource.status is Status.FAILED:
        return f"{words.doing} failed"
    if resource.status is Status.WAITING:
        return "waiting"
    if progress.operation == "preview":
        return words.planned
    return words.doing if resource.status is Status.RUNNING else words.done


def change_text(resource: ResourceProgress) -> str:
    """Tell which properties an update or a replacement is about."""
    if resource.step == "delete-replaced" and resource.status is Status.RUNNING:
        return ""
    if resource.operation == "replace" and resource.replacing:
        return f"because of {', '.join(resource.replacing)}"
    return ", ".join(resource.changed) if resource.operation in ("update", "replace") else ""


def summary_text(operation: str, changes: dict[str, int]) -> str:
    """Tell how many resources were created, changed and so on, in the order of `OPERATIONS`."""
    counted: dict[str, int] = {}
    for name, count in changes.items():
        if name not in ("create-replacement", "delete-replaced"):  # both are parts of a `replace`
            words = wording(name)
            text = words.planned if operation == "preview" else words.done
            counted[text] = counted.get(text, 0) + count
    order = [word for words in OPERATIONS.values() for word in (words.done, words.planned)]
    parts = sorted(counted, key=lambda text: order.index(text) if text in order else len(order))
    return ", ".join(f"{counted[text]} {text}" for text in parts) or "nothing to do"


def duration_text(seconds: float) -> str:
    """Write a duration as people say it."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min"


def output_lines(outputs: dict[str, Output]) -> list[str]:
    """Return the outputs as aligned lines, secrets hidden, the most wanted first."""
    names = [name for name in FIRST_OUTPUTS if name in outputs]
    names += [name for name in outputs if name not in FIRST_OUTPUTS]
    width = max((len(name) for name in names), default=0)
    return [f"{name:<{width}}  {_value(outputs[name], width + 2)}" for name in names]


def _value(output: Output, indent: int) -> str:
    value: Any = output.value  # whatever the program exports
    if output.secret:
        return "[secret]"
    text = value if isinstance(value, str) else "none" if value is None else json.dumps(value)
    return text.replace("\n", "\n" + " " * indent)
