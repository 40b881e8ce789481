"""The simulated clouds asked for each resource of a program by the program itself, without an engine."""

from pathlib import Path
from typing import Any, NoReturn, Self

import grpc
from pulumi.runtime import mocks
from pulumi.runtime.proto import provider_pb2

from simulator.clouds import SimulatedClouds
from simulator.values import from_struct, to_struct

CONFIG = {"project": "test-project"}


class Asking(grpc.ServicerContext):
    """The connection of one provider instance."""

    def __init__(self, instance: str) -> None:
        self.instance = instance

    def peer(self) -> str:
        return self.instance

    def abort(self, code: grpc.StatusCode, details: str) -> NoReturn:
        raise AssertionError(f"{code}: {details}")


Asking.__abstractmethods__ = frozenset()  # what else a connection can do, no provider asks


class CloudsWithoutEngine(mocks.Mocks):
    """Checks and creates each resource, as `pulumi up` would."""

    def __init__(self, folder: Path) -> None:
        self.clouds = SimulatedClouds(folder)

    def __enter__(self) -> Self:
        self.clouds.__enter__()
        self.providers = {each._name: each for each in self.clouds._providers}
        self._open("gcp", "", CONFIG)
        return self

    def __exit__(self, *_: object) -> None:
        self.clouds.__exit__(None, None, None)

    def _open(self, package: str, instance: str, config: dict[str, Any]) -> None:
        provider, asking = self.providers[package], Asking(instance)
        provider.Handshake(provider_pb2.ProviderHandshakeRequest(), asking)
        provider.Configure(provider_pb2.ConfigureRequest(args=to_struct(config)), asking)

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        if not args.custom:
            return "", dict(args.inputs)
        if args.typ.startswith("pulumi:providers:"):
            self._open(args.typ.rpartition(":")[2], args.name, args.inputs)
            return args.name, dict(args.inputs)
        provider = self.providers[args.typ.partition(":")[0]]
        asking = Asking((args.provider or "").rpartition("::")[2])
        urn = f"urn:pulumi:test::llm-serving::{args.typ}::{args.name}"
        checked = provider.Check(
            provider_pb2.CheckRequest(
                urn=urn, type=args.typ, name=args.name, news=to_struct(args.inputs), randomSeed=args.name.encode()
            ),
            asking,
        )
        assert not checked.failures, checked.failures
        made = provider.Create(
            provider_pb2.CreateRequest(urn=urn, type=args.typ, name=args.name, properties=checked.inputs), asking
        )
        return made.id, from_struct(made.properties)

    def call(self, args: mocks.MockCallArgs) -> dict[str, Any]:
        raise AssertionError(f"unexpected call of {args.token}")
