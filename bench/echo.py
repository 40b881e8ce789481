"""Resource providers that do nothing but give back what they are given: the least that the engine can talk to."""

import concurrent.futures
from collections.abc import Generator, Iterable
from contextlib import contextmanager

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

_THREADS = 64


class EchoProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Takes every input and returns it as output. It checks, computes and keeps nothing."""

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:  # noqa: D102, N802 (the protocol's names and meanings, here and below)
        return plugin_pb2.PluginInfo(version="1.0.0")

    def Attach(self, request: plugin_pb2.PluginAttach, context: grpc.ServicerContext) -> empty_pb2.Empty:  # noqa: D102, N802
        return empty_pb2.Empty()

    def CheckConfig(  # noqa: D102, N802
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        return provider_pb2.CheckResponse(inputs=request.news)

    def Configure(  # noqa: D102, N802
        self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Check(self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext) -> provider_pb2.CheckResponse:  # noqa: D102, N802
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:  # noqa: D102, N802
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Diff(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:  # noqa: D102, N802
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Create(self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext) -> provider_pb2.CreateResponse:  # noqa: D102, N802
        return provider_pb2.CreateResponse(id="" if request.preview else request.urn, properties=request.properties)


@contextmanager
def echo_providers(names: Iterable[str]) -> Generator[str]:
    """Serve an echo provider for each of `names`, and give the value of PULUMI_DEBUG_PROVIDERS that attaches them."""
    ports: dict[str, int] = {}
    servers: list[grpc.Server] = []
    for name in names:
        server = grpc.server(concurrent.futures.ThreadPoolExecutor(_THREADS, thread_name_prefix=name))
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(EchoProvider(), server)
        ports[name] = server.add_insecure_port("127.0.0.1:0")
        server.start()
        servers.append(server)
    try:
        yield ",".join(f"{name}:{port}" for name, port in ports.items())
    finally:
        for stopped in [server.stop(grace=None) for server in servers]:
            stopped.wait()
