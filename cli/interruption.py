"""Brings the state of a stack in order after a run that was interrupted."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from cli.foresight import dependencies_of
from cli.session import Session


def recover(session: Session, say: Callable[[str], None], *, record_unknown: bool) -> list[dict[str, Any]]:
    """Drop what the state has as under way, and return the resources of the state. `Any`: JSON.

    Args:
        session: the stack, on which no operation runs, and what exists.
        say: called with a line for people when something was under way.
        record_unknown: whether what was being created, and does exist, enters the state; for operations that work from
            the state alone. An `up` leaves it out, as its program asks for it again.
    """
    if session.fresh:
        return []
    # not as the Automation API does: it would have the secrets decrypted, and write them to a temporary file
    exported: dict[str, Any] = json.loads(session.engine.ask(session.stack, "stack", "export"))
    deployment: dict[str, Any] = exported["deployment"]
    resources: list[dict[str, Any]] = deployment.setdefault("resources", [])
    under_way: list[Mapping[str, Any]] = deployment.pop("pending_operations", None) or []
    if not under_way:
        return resources
    ids = {each.urn: each.id for each in session.clouds.resources()}
    known = {each["urn"] for each in resources}
    for operation in under_way:
        resource = operation["resource"]
        if record_unknown and operation["type"] == "creating" and resource["urn"] in ids.keys() - known:
            resources.append({**resource, "id": ids[resource["urn"]], "outputs": resource.get("inputs", {})})
        deleted = resource.get("id")  # a component has none, and the engine takes it out again
        if operation["type"] == "deleting" and deleted and session.clouds.has_deleted(resource["type"], deleted):
            rest = [each for each in resources if (each["urn"], each.get("id")) != (resource["urn"], deleted)]
            # what is replaced goes before those that depend on it, and the engine finishes that by itself
            if not any(resource["urn"] in dependencies_of(each) | {each.get("parent")} for each in rest):
                resources[:] = rest
    session.engine.ask(session.stack, "stack", "import", given=json.dumps(exported))
    done = ", ".join(f"{each['type']} {each['resource']['urn'].rpartition('::')[2]}" for each in under_way)
    say(f"The last run was interrupted while {done}; going on from there.")
    return resources
