"""What an operation will have to do, and in which order, before it does it."""

from collections.abc import Iterable, Mapping
from typing import Any

from cli.progress import Progress, ResourceProgress


def foresee_plan(previewed: Progress, plan: Mapping[str, Any]) -> dict[str, ResourceProgress]:
    """Return the resources of an `up` in the order in which the program registers them.

    Args:
        previewed: the preview that made the plan.
        plan: the update plan of `pulumi preview --save-plan`. `Any`: JSON.
    """
    plans: Mapping[str, Mapping[str, Any]] = plan["resourcePlans"]
    goals: dict[str, Mapping[str, Any]] = {urn: each["goal"] for urn, each in plans.items() if each.get("goal")}
    return {
        urn: ResourceProgress(urn, each.type, each.parent, dependencies=dependencies_of(goals.get(urn, {})))
        for urn, each in previewed.resources.items()
    }


def foresee_deletions(state: Iterable[Mapping[str, Any]]) -> dict[str, ResourceProgress]:
    """Return the resources of a `destroy`: each waits for those that depend on it.

    Args:
        state: the resources of the stack as `pulumi stack export` tells them. `Any`: JSON.
    """
    resources = {
        each["urn"]: ResourceProgress(each["urn"], each["type"], each.get("parent")) for each in reversed(list(state))
    }
    for each in state:
        for urn in dependencies_of(each) | {each.get("parent")}:
            if urn in resources:
                resources[urn].dependencies |= {each["urn"]}
    return resources


def dependencies_of(resource: Mapping[str, Any]) -> frozenset[str]:  # Any: JSON
    """Return the URNs of what a resource of a state or of a plan depends on; both name it alike."""
    provider = str(resource.get("provider") or "").rpartition("::")[0]
    explicit: list[str] = resource.get("dependencies") or []
    by_property: dict[str, list[str] | None] = resource.get("propertyDependencies") or {}
    through_properties = (urn for urns in by_property.values() for urn in urns or ())
    return frozenset(urn for urn in (provider, *explicit, *through_properties) if urn)
