"""What one connection of the engine to a provider is configured with."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from simulator.fresh_connections import FRESH
from simulator.values import Properties


@dataclass
class Connection:
    """One instance of a provider in the engine, which has a connection of its own."""

    engine_address: str = ""
    config: Properties = field(default_factory=dict[str, object])
    cancelled: threading.Event = field(default_factory=threading.Event)

    def warn(self, urn: str, message: str) -> None:
        """Show a warning among the engine's messages."""
        request = engine_pb2.LogRequest(severity=engine_pb2.WARNING, message=message, urn=urn)
        with grpc.insecure_channel(self.engine_address, options=[FRESH]) as channel:
            engine_pb2_grpc.EngineStub(channel).Log(request)  # pyright: ignore[reportUnknownMemberType] (the generated stub has no types)


class Connections:
    """The connections of one provider, by the engine's end of each."""

    def __init__(self) -> None:
        self._by_peer: dict[str, Connection] = {}
        self._latest = Connection()

    def open(self, peer: str, engine_address: str) -> None:
        """Remember a new connection."""
        self._latest = self._by_peer[peer] = Connection(engine_address)

    def cancel(self) -> None:
        """Let nothing wait any longer."""
        for connection in self._by_peer.values():
            connection.cancelled.set()

    def of(self, context: grpc.ServicerContext) -> Connection:
        """The connection of a call. Requests do not tell their provider instance; only the connection does."""
        # a connection that was idle for long comes back from another port
        return self._by_peer.get(context.peer(), self._latest)
