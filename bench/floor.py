"""The floor: registers what a rehearsal has registered, raw, against providers that only echo.

`python -m bench.floor up|preview STATE FOLDER PULUMI` does it once, in a stack of its own in FOLDER, and prints one
line of JSON; an `up` in the same folder again finds nothing to do. It shares with a rehearsal what no program can do
without: Python, the SDKs' classes of the same types, the Automation API, the engine with a file backend, event handling
(of nothing), and gRPC providers in this process. It has no components, no settings, no checks, no computed values and
no store, and is told where the engine is.
"""

import json
import os
import sys
import time
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import pulumi
from pulumi._types import resource_pulumi_to_py_names
from pulumi.automation import LocalWorkspace, OpType, ProjectSettings, Stack
from pulumi.runtime import rpc

from bench.echo import echo_providers
from cli.engine_command import EngineCommand
from cli.isolation import isolated_environment

State = Mapping[str, Any]
"""One resource of an exported state. `Any`: JSON."""

PROVIDER_TYPE = "pulumi:providers:"


# Of classes like these alone, which are what the SDKs have, Pulumi tells the engine where in the program a resource was
# made. The engine keeps that, and it is half of the state.
class _Provider(pulumi.ProviderResource):
    def __init__(self, package: str, name: str, inputs: Mapping[str, Any], options: pulumi.ResourceOptions) -> None:
        super().__init__(package, name, dict(inputs), options)


class _Component(pulumi.ComponentResource):
    def __init__(self, token: str, name: str, options: pulumi.ResourceOptions) -> None:
        super().__init__(token, name, None, options)


def read_state(path: Path) -> list[State]:
    """Return the resources of a state that `pulumi stack export --show-secrets` has written to `path`."""
    return json.loads(path.read_text(encoding="utf-8"))["deployment"]["resources"]


def sdk_classes(resources: list[State]) -> dict[str, type[pulumi.CustomResource]]:
    """Load the SDKs' classes of the resources' types, as any program that makes them does, and return them by type."""
    found: dict[str, type[pulumi.CustomResource]] = {}
    for token in {each["type"] for each in resources}:
        package, module, name = token.split(":")
        if package == "gcp":
            found[token] = getattr(import_module(f"pulumi_gcp.{module.partition('/')[0].lower()}"), name)
        elif package == "kubernetes":
            group, _, version = module.rpartition("/")
            found[token] = getattr(import_module(f"pulumi_kubernetes.{group.partition('.')[0]}.{version}"), name)
    return found


def register(resources: list[State], classes: Mapping[str, type[pulumi.CustomResource]]) -> None:
    """Register `resources` as they are in the state: types, names, inputs, options, parents, order and outputs.

    `classes` are the SDKs' own, by type. They turn inputs and outputs into their types, in any program.
    """
    by_urn = {each["urn"]: each for each in resources}
    made: dict[str, pulumi.Resource] = {}
    for each in resources:
        name = each["urn"].rpartition("::")[2]
        if each["type"] == "pulumi:pulumi:Stack" or is_default_provider(each):
            continue
        options = _options(each, by_urn, made)
        if not each["custom"]:
            made[each["urn"]] = _Component(each["type"], name, options)
            continue
        inputs = {key: _value(value, made) for key, value in each.get("inputs", {}).items() if key[:2] != "__"}
        if each["type"].startswith(PROVIDER_TYPE):
            del inputs["version"]
            package = each["type"].removeprefix(PROVIDER_TYPE)
            made[each["urn"]] = _Provider(package, name, inputs, options)
        else:
            sdk_class = classes[each["type"]]
            names = resource_pulumi_to_py_names(sdk_class)
            given = {names[key]: value for key, value in inputs.items()}
            made[each["urn"]] = sdk_class(name, opts=options, **given)
    for each in resources:
        outputs = {key: _value(value, made) for key, value in each.get("outputs", {}).items()}
        if each["type"] == "pulumi:pulumi:Stack":
            for key, value in outputs.items():
                pulumi.export(key, value)
        elif not each["custom"]:
            cast("pulumi.ComponentResource", made[each["urn"]]).register_outputs(outputs)


def is_default_provider(resource: State) -> bool:
    """Tell whether the engine itself has made this provider."""
    return resource["type"].startswith(PROVIDER_TYPE) and resource["urn"].rpartition("::")[2].startswith("default")


def _options(state: State, by_urn: Mapping[str, State], made: Mapping[str, pulumi.Resource]) -> pulumi.ResourceOptions:
    # a reference to a provider ends with its id
    provider = state.get("provider", "").rpartition("::")[0]
    timeouts = {kind: f"{seconds}s" for kind, seconds in state.get("customTimeouts", {}).items()}
    version = None
    if state["type"].startswith(PROVIDER_TYPE):
        version = state["inputs"]["version"]
    elif provider and provider not in made:
        version = by_urn[provider]["inputs"]["version"]
    return pulumi.ResourceOptions(
        parent=made.get(state.get("parent", "")),
        depends_on=[made[urn] for urn in state.get("dependencies", [])],
        provider=cast("pulumi.ProviderResource | None", made.get(provider)),
        version=version,
        protect=state.get("protect"),
        retain_on_delete=state.get("retainOnDelete"),
        ignore_changes=state.get("ignoreChanges"),
        custom_timeouts=pulumi.CustomTimeouts(**timeouts) if timeouts else None,
    )


def _value(value: Any, made: Mapping[str, pulumi.Resource]) -> Any:  # Any: JSON in, the same with Outputs out
    if isinstance(value, list):
        return [_value(item, made) for item in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    entries = cast("dict[str, Any]", value)
    mark = entries.get(rpc._special_sig_key)
    if mark == rpc._special_secret_sig:
        return pulumi.Output.secret(json.loads(entries["plaintext"]))
    if mark == rpc._special_resource_sig:
        return made[entries["urn"]]
    return {key: _value(item, made) for key, item in entries.items()}


def main(operation: str, state: Path, folder: Path, pulumi_cli: Path) -> None:
    """Do `operation` once, and print how long it took without start and imports, and how many resources it created."""
    resources = read_state(state)
    classes = sdk_classes(resources)
    stack_name, project_name = resources[0]["urn"].removeprefix("urn:pulumi:").split("::")[:2]
    packages = sorted({each["type"].partition(":")[0] for each in resources if each.get("provider")})
    with isolated_environment(folder):
        started = time.monotonic()
        with echo_providers(packages) as debug_providers:
            os.environ["PULUMI_DEBUG_PROVIDERS"] = debug_providers
            workspace = LocalWorkspace(
                work_dir=str(folder),
                program=lambda: register(resources, classes),
                project_settings=ProjectSettings(name=project_name, runtime="python"),
                pulumi_command=EngineCommand(pulumi_cli),
            )
            stack = Stack.create_or_select(stack_name, workspace)
            if operation == "preview":
                created = stack.preview(on_event=lambda _: None).change_summary.get(OpType.CREATE, 0)
            else:
                created = (stack.up(on_event=lambda _: None).summary.resource_changes or {}).get(OpType.CREATE, 0)
        seconds = time.monotonic() - started
    print(json.dumps({"seconds": seconds, "created": created}))


if __name__ == "__main__":
    main(sys.argv[1], *(Path(each) for each in sys.argv[2:]))
