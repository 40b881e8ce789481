"""A Pulumi resource provider that creates nothing: the same for all clouds."""
# The methods have the protocol's names and signatures, and do what the protocol says:
# ruff: noqa: D102, N802

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Callable, Sequence
from typing import NoReturn, TypeAlias

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from simulator import schema
from simulator.connection import Connection, Connections
from simulator.diff import REPLACING, detailed_diff
from simulator.errors import CloudError
from simulator.naming import DEFAULTS, is_autonamed, named_inputs
from simulator.operations import HalfMadeError, Operations
from simulator.package import Package, Request, request_of
from simulator.provider_schema import provider_schema
from simulator.rules import TypeRules
from simulator.values import Properties, at, each_at, from_struct, is_unknown, merge, plain, to_struct, unseal

Context: TypeAlias = grpc.ServicerContext
_NOT_YET_KNOWN = "(simulated: known after the deployment)"
"""Stands in for an unknown value of the configuration in a preview. The engine would skip all checks of a provider that
is configured with unknown values, so that mistakes in what runs on a new cluster came out only when it is there."""


class SimulatedProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Serves one provider, such as `gcp`, to the engine."""

    def __init__(self, name: str, package: Package, operations: Operations, warn: Callable[[str], None]) -> None:
        self._name = name
        self._package = package
        self._operations = operations
        self._warn = warn
        self._warned: set[str] = set()
        self._connections = Connections()

    def cancel(self) -> None:
        """Let no operation wait any longer: what is not ready stays half-made."""
        self._connections.cancel()

    def Handshake(
        self, request: provider_pb2.ProviderHandshakeRequest, context: Context
    ) -> provider_pb2.ProviderHandshakeResponse:
        self._connections.open(context.peer(), request.engine_address)
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=True, accept_resources=False, accept_outputs=False, supports_autonaming_configuration=True
        )

    def GetPluginInfo(self, request: empty_pb2.Empty, context: Context) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=importlib.metadata.version(f"pulumi-{self._name}"))

    def GetSchema(self, request: provider_pb2.GetSchemaRequest, context: Context) -> provider_pb2.GetSchemaResponse:
        return provider_pb2.GetSchemaResponse(schema=provider_schema(self._name))

    def Attach(self, request: plugin_pb2.PluginAttach, context: Context) -> empty_pb2.Empty:
        return empty_pb2.Empty()

    def CheckConfig(self, request: provider_pb2.CheckRequest, context: Context) -> provider_pb2.CheckResponse:
        news = from_struct(request.news)
        checked_class = schema.input_class(f"pulumi:providers:{self._name}")
        problems = schema.check(_decoded(news, checked_class), checked_class) if checked_class else []
        inputs = {key: _NOT_YET_KNOWN if is_unknown(value) else value for key, value in news.items()}
        return provider_pb2.CheckResponse(
            inputs=to_struct(inputs),
            failures=[provider_pb2.CheckFailure(property=problem.path, reason=problem.reason) for problem in problems],
        )

    def DiffConfig(self, request: provider_pb2.DiffRequest, context: Context) -> provider_pb2.DiffResponse:
        old, new = from_struct(request.old_inputs), from_struct(request.news)
        changed = [key for key in {**old, **new} if old.get(key) != new.get(key) and key != "version"]
        return provider_pb2.DiffResponse(
            changes=_changes(changed), diffs=changed, replaces=self._package.config_replaces(old, new)
        )

    def Configure(self, request: provider_pb2.ConfigureRequest, context: Context) -> provider_pb2.ConfigureResponse:
        self._connections.of(context).config = plain(from_struct(request.args))
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Cancel(self, request: empty_pb2.Empty, context: Context) -> empty_pb2.Empty:
        self._connections.of(context).cancelled.set()
        return empty_pb2.Empty()

    def Check(self, request: provider_pb2.CheckRequest, context: Context) -> provider_pb2.CheckResponse:
        connection = self._connections.of(context)
        rules = self._package.rules.of(request.type)
        news = from_struct(request.news)
        if not rules.known and schema.input_class(request.type) and request.type not in self._warned:
            self._warned.add(request.type)
            message = (
                f"The simulator does not know {request.type}: its inputs are checked and echoed, but nothing of what "
                "the cloud would add or refuse."
            )
            self._warn(message)
            connection.warn(request.urn, message)
        inputs, failures = named_inputs(
            request, rules, news, from_struct(request.olds), self._package.rules.data["autoname_digits"]
        )
        if not (_is_known(connection) and self._package.judges(plain(inputs), connection.config)):
            problems = schema.check_resource(request.type, plain(news))
            failures = {problem.path: problem.reason for problem in problems} | failures
        if _is_known(connection):
            failures |= self._package.check(plain(news), rules, connection.config)
        for path, allowed in rules.values.items():
            for value in each_at(plain(news), path.split(".")):
                if value not in allowed and not is_unknown(value):
                    failures[path] = f'Expected one of {", ".join(allowed)}, got "{value}"'
        return provider_pb2.CheckResponse(
            inputs=to_struct(inputs),
            failures=[provider_pb2.CheckFailure(property=path, reason=why) for path, why in failures.items()],
        )

    def Diff(self, request: provider_pb2.DiffRequest, context: Context) -> provider_pb2.DiffResponse:
        rules = self._package.rules.of(request.type)
        token_class = schema.input_class(request.type)
        old, new = plain(from_struct(request.old_inputs)), plain(from_struct(request.news))
        config = self._connections.of(context).config
        if _NOT_YET_KNOWN not in config.values():
            old, new = (self._package.complete(inputs, rules, config) for inputs in (old, new))

        def replaces_at(names: tuple[str, ...]) -> bool:
            # a rule may name a key of a map, which no class declares
            declared = schema.declared_path(token_class, names)
            return rules.replaced_by(".".join(declared)) or rules.replaced_by(".".join(names))

        changes = detailed_diff(old, new, replaces_at)
        replaces = [path for path, change in changes.items() if change.kind in _REPLACING_KINDS]
        return provider_pb2.DiffResponse(
            changes=_changes(list(changes)),
            diffs=list(dict.fromkeys(path.partition(".")[0].partition("[")[0] for path in changes)),
            replaces=replaces,
            deleteBeforeReplace=bool(replaces) and _keeps_name(rules, old, new),
            detailedDiff=changes,
            hasDetailedDiff=True,
        )

    def Create(self, request: provider_pb2.CreateRequest, context: Context) -> provider_pb2.CreateResponse:
        asked = self._request(request.urn, request.type, from_struct(request.properties), context, request.timeout)
        try:
            if request.preview:
                return provider_pb2.CreateResponse(properties=to_struct(self._planned(asked, {})))
            id_, outputs = self._operations.create(asked)
        except (CloudError, HalfMadeError) as error:
            _abort(context, error)
        return provider_pb2.CreateResponse(id=id_, properties=to_struct(outputs))

    def Update(self, request: provider_pb2.UpdateRequest, context: Context) -> provider_pb2.UpdateResponse:
        asked = self._request(request.urn, request.type, from_struct(request.news), context, request.timeout)
        try:
            if request.preview:
                before = from_struct(request.olds)
                return provider_pb2.UpdateResponse(properties=to_struct(self._planned(asked, before)))
            outputs = self._operations.update(asked, request.id)
        except (CloudError, HalfMadeError) as error:
            _abort(context, error)
        return provider_pb2.UpdateResponse(properties=to_struct(outputs))

    def Read(self, request: provider_pb2.ReadRequest, context: Context) -> provider_pb2.ReadResponse:
        inputs = from_struct(request.inputs)
        asked = self._request(request.urn, request.type, inputs, context)
        try:
            resource = self._operations.read(asked, request.id)
        except CloudError as error:
            _abort(context, error)
        if resource is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=resource.id,
            inputs=to_struct(unseal(resource.inputs, inputs)),
            properties=to_struct(unseal(resource.outputs, merge(from_struct(request.properties), inputs))),
        )

    def Delete(self, request: provider_pb2.DeleteRequest, context: Context) -> empty_pb2.Empty:
        asked = self._request(request.urn, request.type, from_struct(request.old_inputs), context, request.timeout)
        try:
            self._operations.delete(asked, request.id)
        except CloudError as error:
            _abort(context, error)
        return empty_pb2.Empty()

    def Invoke(self, request: provider_pb2.InvokeRequest, context: Context) -> provider_pb2.InvokeResponse:
        config = self._connections.of(context).config
        found = self._package.invoke(request.tok, plain(from_struct(request.args)), config)
        if found is None:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"The simulator does not know the function {request.tok}.")
        response = provider_pb2.InvokeResponse()
        # "return" is no name in Python
        getattr(response, "return").CopyFrom(to_struct(found))
        return response

    def _request(self, urn: str, token: str, raw: Properties, context: Context, timeout: float = 0) -> Request:
        connection = self._connections.of(context)
        return request_of(
            urn, self._package.rules.of(token), raw, self._package, connection.config, connection.cancelled, timeout
        )

    def _planned(self, request: Request, before: Properties) -> Properties:
        """Outputs to show in a preview. What is missing is not known yet. Raises CloudError."""
        if _NOT_YET_KNOWN in request.config.values():
            return {}
        self._package.dry_run(request, exists=bool(before))
        outputs = merge(merge(before, self._package.planned(request.inputs, request.rules)), request.raw)
        outputs.pop(DEFAULTS, None)
        return outputs


_REPLACING_KINDS = frozenset(REPLACING.values())


def _is_known(connection: Connection) -> bool:
    return _NOT_YET_KNOWN not in connection.config.values()


def _changes(changed: Sequence[str]) -> provider_pb2.DiffResponse.DiffChanges.ValueType:
    return provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE


def _keeps_name(rules: TypeRules, old: Properties, new: Properties) -> bool:
    """Whether the new resource needs the very name of the old one, which must therefore go first."""
    if rules.name is None:
        return False
    path = rules.name.property.split(".")
    where = ("metadata", "namespace")
    return not is_autonamed(rules.name, new) and at(old, *path) == at(new, *path) and at(old, *where) == at(new, *where)


def _decoded(config: Properties, checked_class: type) -> Properties:
    """Provider configuration with the values that the SDK writes as JSON read again."""
    declared = schema.properties(checked_class)
    decoded: Properties = {}
    for key, value in config.items():
        if key in ("version", "pluginDownloadURL") or (isinstance(value, str) and is_unknown(value)):
            continue
        decoded[key] = value
        if isinstance(value, str) and key in declared and declared[key].kind != schema.Kind(scalar=str):
            try:
                decoded[key] = json.loads(value)
            except ValueError:
                continue
    return decoded


class _Status(grpc.Status):
    """A status with details for the engine."""

    def __init__(self, code: grpc.StatusCode, details: str, status: status_pb2.Status) -> None:
        self.code = code
        self.details = details
        self.trailing_metadata = (("grpc-status-details-bin", status.SerializeToString()),)


def _abort(context: Context, error: CloudError | HalfMadeError) -> NoReturn:
    if isinstance(error, CloudError):
        context.abort(error.status, str(error))
    code = grpc.StatusCode.FAILED_PRECONDITION
    status = status_pb2.Status(code=code.value[0], message=str(error))  # pyright: ignore[reportIndexIssue]
    status.details.add().Pack(
        provider_pb2.ErrorResourceInitFailed(id=error.id, properties=to_struct(error.outputs), reasons=error.problems)
    )
    context.abort_with_status(_Status(code, str(error), status))
    raise error
