"""Triton and JetStream on this machine, as they speak gRPC.

Triton's messages are those of NVIDIA's own package; JetStream's are written byte by byte, after its published numbers.
"""

import contextlib
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from tritonclient.grpc import service_pb2, service_pb2_grpc

from tests.cli.servers.behavior import Asked, Behavior

STATUSES = {429: grpc.StatusCode.RESOURCE_EXHAUSTED, 500: grpc.StatusCode.INTERNAL}


def _tokens(behavior: Behavior, context: grpc.ServicerContext) -> Iterator[str]:
    """Give the tokens as the behavior has it."""
    ended = threading.Event()
    # nobody is left to wait for the next one
    context.add_callback(ended.set)
    if behavior.status != 200:
        context.abort(STATUSES[behavior.status], behavior.message)
    for index, token in enumerate(behavior.tokens):
        if behavior.cut_after == index:
            context.abort(grpc.StatusCode.UNAVAILABLE, "Connection reset by peer")
        behavior.wait_for_step(index)
        if ended.wait(behavior.delay(index)):
            return
        yield token


def _input(request: Any, name: str) -> Any:
    index = [each.name for each in request.inputs].index(name)
    kind, raw = request.inputs[index].datatype, request.raw_input_contents[index]
    assert list(request.inputs[index].shape) == [1, 1]
    if kind == "BYTES":
        (length,) = struct.unpack_from("<I", raw)
        assert len(raw) == 4 + length
        return raw[4:].decode()
    (value,) = struct.unpack({"INT32": "<i", "BOOL": "<?", "FP32": "<f", "UINT64": "<Q"}[kind], raw)
    return value


class _Triton(service_pb2_grpc.GRPCInferenceServiceServicer):
    def __init__(self, behavior: Behavior) -> None:
        self.behavior = behavior

    def ModelReady(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        self.behavior.health_asked += 1
        return service_pb2.ModelReadyResponse(ready=self.behavior.health_asked > self.behavior.unhealthy)

    def ModelStreamInfer(self, requests: Any, context: grpc.ServicerContext) -> Iterator[Any]:  # noqa: N802
        for request in requests:
            inputs = {each.name: _input(request, each.name) for each in request.inputs}
            metadata = {str(key): str(value) for key, value in context.invocation_metadata()}
            self.behavior.asked.append(Asked(request.model_name, metadata, inputs))
            for index, token in enumerate(_tokens(self.behavior, context)):
                if self.behavior.report_after == index:
                    yield service_pb2.ModelStreamInferResponse(error_message=self.behavior.message)
                    return
                yield self.response("text_output", token)
            yield service_pb2.ModelStreamInferResponse(infer_response=service_pb2.ModelInferResponse(model_name="e"))

    def response(self, name: str, token: str) -> Any:
        data = token.encode()
        response = service_pb2.ModelInferResponse(model_name="ensemble", model_version="1")
        response.outputs.add(name="cum_log_probs", datatype="FP32", shape=[1, 1])
        response.outputs.add(name=name, datatype="BYTES", shape=[1, 1])
        response.raw_output_contents.extend([struct.pack("<f", 0.5), struct.pack("<I", len(data)) + data])
        return service_pb2.ModelStreamInferResponse(infer_response=response)


def _block(number: int, content: bytes) -> bytes:
    """Write a field of text, bytes or a message of less than 128 bytes."""
    assert len(content) < 128
    return bytes([number << 3 | 2, len(content)]) + content


def _fields(data: bytes) -> dict[int, bytes | int]:
    """Read fields whose numbers and lengths are less than 128 and 16384."""
    found: dict[int, bytes | int] = {}

    def varint() -> int:
        nonlocal data
        value = shift = 0
        while True:
            value |= (data[0] & 127) << shift
            more, data, shift = data[0] & 128, data[1:], shift + 7
            if not more:
                return value

    while data:
        tag = varint()
        found[tag >> 3] = varint()
        if tag & 7 == 2:
            length = found[tag >> 3]
            assert isinstance(length, int)
            found[tag >> 3], data = data[:length], data[length:]
    return found


class _Jetstream(grpc.GenericRpcHandler):
    def __init__(self, behavior: Behavior) -> None:
        self.behavior = behavior

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        methods = {
            "/jetstream_proto.Orchestrator/Decode": grpc.unary_stream_rpc_method_handler(self.decode),
            "/jetstream_proto.Orchestrator/HealthCheck": grpc.unary_unary_rpc_method_handler(self.health),
        }
        return methods.get(handler_call_details.method)

    def decode(self, request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        fields = _fields(request)
        content = fields[5]
        assert isinstance(content, bytes)
        prompt = _fields(content)[1]
        assert isinstance(prompt, bytes)
        metadata = {str(key): str(value) for key, value in context.invocation_metadata()}
        self.behavior.asked.append(Asked("Decode", metadata, {"prompt": prompt.decode(), "max_tokens": fields[4]}))
        for index, token in enumerate(_tokens(self.behavior, context)):
            sample = _block(1, token.encode()) + _block(2, bytes([index]))
            yield _block(3, _block(1, sample))

    def health(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        self.behavior.health_asked += 1
        return b"\x08\x01" if self.behavior.health_asked > self.behavior.unhealthy else b""


@contextlib.contextmanager
def grpc_server(name: str, behavior: Behavior, tls: grpc.ServerCredentials | None = None) -> Iterator[str]:
    """Run `triton` or `jetstream`, and give its URL."""
    server = grpc.server(ThreadPoolExecutor(300), maximum_concurrent_rpcs=None)
    if name == "triton":
        service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(_Triton(behavior), server)
    else:
        server.add_generic_rpc_handlers((_Jetstream(behavior),))
    address = "127.0.0.1:0"
    port = server.add_secure_port(address, tls) if tls else server.add_insecure_port(address)
    server.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    finally:
        server.stop(grace=None).wait()
