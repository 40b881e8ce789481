"""The resources of a stack, as a picture asks for them."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from cli.diff.recording import HIDDEN, NOT_KNOWN, Properties, Recording, Step

STACK = "pulumi:pulumi:Stack"


class Resources:
    """What one run of a stack's program has registered, ordered by name."""

    def __init__(self, recording: Recording, operation: str | None = None) -> None:
        """`operation` is what is done to all of them instead, as when a stack is removed."""
        self.outputs = recording.outputs
        self._operation = operation
        self._steps = dict(sorted(recording.steps.items(), key=lambda item: (item[0].rpartition("::")[2], item[0])))
        self._dependencies = recording.dependencies
        # the engine counts providers among the resources; no cloud does
        self._of_the_cloud = {each.urn for each in recording.of_the_cloud() if not each.type.startswith("pulumi:")}

    def of_the_cloud(self) -> list[Step]:
        """Return those that a cloud has."""
        return [each for each in self._steps.values() if each.urn in self._of_the_cloud]

    def of(self, *types: str) -> list[Step]:
        """Return those of the given types."""
        return [each for each in self._steps.values() if each.type in types]

    def operation(self, step: Step) -> str:
        """Return what is done to one: create, update, replace, delete or same."""
        return self._operation or (
            step.operation if step.operation in ("create", "update", "replace", "delete") else "same"
        )

    def component(self, step: Step) -> Step | None:
        """Return the component that one belongs to; None: the stack itself."""
        parent = self._steps.get(step.parent or "")
        return None if parent is None or parent.type == STACK else parent

    def components(self, step: Step) -> Iterator[Step]:
        """Return the components that one belongs to, from the nearest outwards."""
        parent = self.component(step)
        while parent:
            yield parent
            parent = self.component(parent)

    def siblings(self, step: Step, *types: str) -> list[Step]:
        """Return what belongs to the same component, and is of the given types."""
        return [each for each in self.of(*types) if each.parent == step.parent]

    def needs(self, step: Step, *types: str) -> list[Step]:
        """Return what one depends on, of the given types."""
        needed = self._dependencies.get(step.urn, frozenset())
        return [each for each in self.of(*types) if each.urn in needed]

    def provider(self, step: Step) -> Step | None:
        """Return the provider that makes one."""
        return self._steps.get(step.provider or "")


def name_of(step: Step) -> str:
    """Return the name of a resource in the program."""
    return step.urn.rpartition("::")[2]


def inputs_of(step: Step) -> Properties:
    """Return what a resource is to be or, if it goes, what it was."""
    return step.new or step.old or {}


def get(value: Any, *keys: str | int) -> Any:  # Any: whatever JSON can say
    """Return what is at `keys`; None where there is nothing, or where it is secret or not known."""
    for key in keys:
        if isinstance(value, Mapping):
            value = cast("Mapping[str | int, Any]", value).get(key)
        elif isinstance(value, list) and isinstance(key, int):
            items = cast("list[Any]", value)
            value = items[key] if key < len(items) else None
        else:
            return None
    return None if value in (HIDDEN, NOT_KNOWN) else value


def items_of(value: Any, *keys: str | int) -> list[Any]:  # Any: whatever JSON can say
    """Return the items of the list at `keys`; none where there is no list."""
    found = get(value, *keys)
    return cast("list[Any]", found) if isinstance(found, list) else []


def entries_of(value: Any, *keys: str | int) -> dict[str, Any]:  # Any: whatever JSON can say
    """Return the entries of the map at `keys`; none where there is no map."""
    found = get(value, *keys)
    return dict(cast("Mapping[str, Any]", found)) if isinstance(found, Mapping) else {}
