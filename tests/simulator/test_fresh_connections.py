"""An engine that gets the port of an earlier one is reached."""

import concurrent.futures
import socket

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime import _grpc_settings
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from simulator.fresh_connections import connect_freshly


class Engine(engine_pb2_grpc.EngineServicer):
    def Log(self, request: engine_pb2.LogRequest, context: grpc.ServicerContext) -> empty_pb2.Empty:  # noqa: N802
        return empty_pb2.Empty()


def ask(address: str) -> None:
    """Say something to the engine there, by a channel that stays open, as those of a program that failed do."""
    channel = grpc.insecure_channel(address, options=_grpc_settings._GRPC_CHANNEL_OPTIONS)
    CHANNELS.append(channel)
    engine_pb2_grpc.EngineStub(channel).Log(engine_pb2.LogRequest())


CHANNELS: list[grpc.Channel] = []


def test_an_engine_at_the_port_of_one_that_is_gone() -> None:
    connect_freshly()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(grpc.RpcError):
        ask(address)
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(1))
    engine_pb2_grpc.add_EngineServicer_to_server(Engine(), server)
    assert server.add_insecure_port(address)
    server.start()
    try:
        ask(address)
    finally:
        server.stop(None).wait()
        for each in CHANNELS:
            each.close()
