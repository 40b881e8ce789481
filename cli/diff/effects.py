"""What the users of a stack notice of a change: the endpoint down, moved or restarted, data lost."""

import functools
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from cli.diff.report import Effect, EffectKind, OutputChange, ResourceChange
from cli.progress import short_type

ENDPOINT = "endpoint"
"""The output that says where the stack serves."""


def effects_of(
    resources: Iterable[ResourceChange], outputs: Iterable[OutputChange], *, serves: bool, kept: frozenset[str]
) -> tuple[Effect, ...]:
    """Return what users notice, the most dangerous first.

    Args:
        resources: what is done.
        outputs: which outputs change.
        serves: whether the base had an endpoint.
        kept: URNs of what the cloud keeps when the stack gives it up.
    """
    found = list(_of_resources(resources, kept))
    if any(output.name == ENDPOINT for output in outputs):
        found.append(Effect(kind=EffectKind.ENDPOINT_MOVES, reason=f"output {ENDPOINT}"))
    if not serves:
        found = [effect for effect in found if effect.kind is EffectKind.DATA_LOST]
    return tuple(sorted(dict.fromkeys(found), key=lambda effect: list(EffectKind).index(effect.kind)))


def _of_resources(resources: Iterable[ResourceChange], kept: frozenset[str]) -> Iterator[Effect]:
    lists = _lists()
    for each in resources:
        gone = each.operation in ("replace", "delete") and each.urn not in kept
        beside = any(component in each.urn for component in lists["bystanders"])
        what = f"{short_type(each.type)} {each.name}"
        reason = f"{what} is {'replaced' if each.operation == 'replace' else 'deleted'}"
        if gone and each.type in lists["data"]:
            yield Effect(kind=EffectKind.DATA_LOST, reason=reason)
        if gone and each.type in lists["addresses"]:
            yield Effect(kind=EffectKind.ENDPOINT_MOVES, reason=reason)
        if beside:
            continue
        if gone and each.type in lists["serving"]:
            yield Effect(kind=EffectKind.ENDPOINT_DOWN, reason=reason)
        elif (
            each.operation == "update"
            and each.type in lists["workloads"]
            and any(field.path.startswith("spec.template") for field in each.fields)
        ):
            yield Effect(kind=EffectKind.ENDPOINT_RESTARTS, reason=f"{what} gets other pods")


@functools.cache
def _lists() -> dict[str, list[str]]:
    return tomllib.loads(Path(__file__).with_name("effects.toml").read_text(encoding="utf-8"))
