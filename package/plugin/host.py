"""Serves the components to Pulumi's engine."""

import inspect
import json
from typing import Any, cast

import pulumi
from pulumi.errors import InputPropertiesError
from pulumi.provider import ConstructResult
from pulumi.provider.experimental.analyzer import ComponentDefinition
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.provider.server import ComponentInitError
from pulumi.runtime import settings
from pulumi.runtime.proto import resource_pb2

import components
from components import ConfigurationError
from package.plugin.schema import HIDDEN_OUTPUTS, NAME, complete

COMPONENTS: list[type[pulumi.ComponentResource]] = [
    each
    for each in (getattr(components, name) for name in components.__all__)
    if isinstance(each, type) and issubclass(each, pulumi.ComponentResource)
]
"""Every component that the library has."""


class Host(ComponentProvider):
    """The SDK's host, which takes what a component makes of its inputs and errors as it is."""

    def __init__(self) -> None:
        super().__init__(COMPONENTS, NAME, version=components.__version__)
        arguments = {each.__name__: inspect.get_annotations(each.__init__)["args"] for each in COMPONENTS}
        for definition in self._component_defs.values():
            for name in HIDDEN_OUTPUTS:
                definition.outputs.pop(name, None)
        self.schema = json.dumps(complete(json.loads(self.schema or ""), arguments, self._type_defs))

    def map_inputs(self, inputs: pulumi.Inputs, component_def: ComponentDefinition) -> pulumi.Inputs:
        """Return the `inputs` as they came.

        The SDK would leave out names that it does not know and convert some of the values. The components' arguments
        take the schema's own names, refuse others, and turn whole numbers, which arrive as floats, back.
        """
        del component_def
        return inputs

    def construct(
        self, name: str, resource_type: str, inputs: pulumi.Inputs, options: pulumi.ResourceOptions | None = None
    ) -> ConstructResult:
        """Register a component.

        Raises:
            InputPropertiesError: its configuration is refused. Pulumi shows the findings, each with its property.
        """
        # A program in YAML registers a component as a custom resource, which never gets an ID: an invoke that waits for
        # one in the engine is not answered. Without this feature the SDK waits by itself, and not for these.
        features = cast("set[int]", settings.SETTINGS.monitor_features)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] seen as a method
        features.discard(resource_pb2.RESOURCE_MONITOR_FEATURE_INVOKE_DEPENDS_ON)
        try:
            return super().construct(name, resource_type, inputs, options)
        except ComponentInitError as failed:
            if isinstance(failed.inner, ConfigurationError):
                raise refusal(failed.inner) from None
            raise


def refusal(refused: ConfigurationError) -> InputPropertiesError:
    """Return what tells Pulumi of `refused`."""
    details: list[Any] = [  # Any: the SDK's own type for these is not exported
        {"property_path": each.path, "reason": f"[{each.code}] {each.message} {each.remedy}"}
        for each in refused.findings
    ]
    return InputPropertiesError("The configuration is refused, and nothing of this component was changed.", details)
