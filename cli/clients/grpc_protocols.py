"""The gRPC of Triton and of JetStream, checked against its source in the version that the project pins."""

import struct
from collections.abc import AsyncIterable
from typing import Any

import grpc.aio

from cli.clients import wire
from cli.clients.endpoint import Endpoint
from cli.clients.generation import GenerationRequest
from cli.clients.grpc_client import GrpcProtocol
from cli.clients.protocols import TRITON_MODEL, triton_inputs
from cli.clients.reading import Reading
from cli.errors import RefusedError

Metadata = tuple[tuple[str, str], ...]

TENSORS = {
    "text_input": ("BYTES", ""),
    "bad_words": ("BYTES", ""),
    "stop_words": ("BYTES", ""),
    "max_tokens": ("INT32", "<i"),
    "top_k": ("INT32", "<i"),
    "top_p": ("FP32", "<f"),
    "temperature": ("FP32", "<f"),
    "length_penalty": ("FP32", "<f"),
    "repetition_penalty": ("FP32", "<f"),
    "presence_penalty": ("FP32", "<f"),
    "frequency_penalty": ("FP32", "<f"),
    "min_length": ("INT32", "<i"),
    "random_seed": ("UINT64", "<Q"),
    "end_id": ("INT32", "<i"),
    "pad_id": ("INT32", "<i"),
    "exclude_input_in_output": ("BOOL", "<?"),
    "stream": ("BOOL", "<?"),
}
"""Data type of each input of the ensemble, and how `struct` writes it. Source: its config.pbtxt, as in `protocols`."""


def _bytes(name: str, value: Any) -> bytes:  # Any: JSON
    form = TENSORS[name][1]
    if form:
        return struct.pack(form, value)
    text = str(value).encode()
    return struct.pack("<I", len(text)) + text


def triton_request(request: GenerationRequest, model: str) -> Any:  # Any: a message
    """Return the request as tensors of one row.

    Raises:
        RefusedError: a parameter is no input of the ensemble.
    """
    inputs = triton_inputs(request)
    if unknown := inputs.keys() - TENSORS:
        known = ", ".join(TENSORS)
        raise RefusedError(f"Triton's ensemble has no input {', '.join(sorted(unknown))}. It has: {known}.")
    return wire.TRITON["ModelInferRequest"](
        model_name=model,
        inputs=[{"name": name, "datatype": TENSORS[name][0], "shape": [1, 1]} for name in inputs],
        raw_input_contents=[_bytes(name, value) for name, value in inputs.items()],
    )


def _start_triton(
    channel: grpc.aio.Channel, request: GenerationRequest, endpoint: Endpoint, metadata: Metadata
) -> AsyncIterable[Any]:
    call = channel.stream_stream(
        "/inference.GRPCInferenceService/ModelStreamInfer",
        request_serializer=wire.TRITON["ModelInferRequest"].SerializeToString,
        response_deserializer=wire.TRITON["ModelStreamInferResponse"].FromString,
    )
    return call(iter([triton_request(request, endpoint.model or TRITON_MODEL)]), metadata=metadata)


def _read_triton(_: Reading, message: Any) -> str:
    response = message.infer_response
    names = [output.name for output in response.outputs]
    if not names:  # an empty last response, with a flag alone
        return ""
    raw: bytes = response.raw_output_contents[names.index("text_output")]
    (length,) = struct.unpack_from("<I", raw)
    return raw[4 : 4 + length].decode(errors="replace")


async def _triton_ready(channel: grpc.aio.Channel, endpoint: Endpoint, metadata: Metadata, seconds: float) -> bool:
    call = channel.unary_unary(
        "/inference.GRPCInferenceService/ModelReady",
        request_serializer=wire.TRITON["ModelReadyRequest"].SerializeToString,
        response_deserializer=wire.TRITON["ModelReadyResponse"].FromString,
    )
    question = wire.TRITON["ModelReadyRequest"](name=endpoint.model or TRITON_MODEL)
    return (await call(question, metadata=metadata, timeout=seconds)).ready


TRITON_GRPC = GrpcProtocol(
    start=_start_triton,
    read=_read_triton,
    error=lambda message: message.error_message,
    is_healthy=_triton_ready,
)
"""ModelStreamInfer, which alone has several responses to a request. Source: docs/protocol/extension_binary_data.md of
github.com/triton-inference-server/server, r25.04, for the bytes of tensors."""


def _start_jetstream(
    channel: grpc.aio.Channel, request: GenerationRequest, _: Endpoint, metadata: Metadata
) -> AsyncIterable[Any]:
    call = channel.unary_stream(
        "/jetstream_proto.Orchestrator/Decode",
        request_serializer=wire.JETSTREAM["DecodeRequest"].SerializeToString,
        response_deserializer=wire.JETSTREAM["DecodeResponse"].FromString,
    )
    content = {"text": request.prompt}
    question = wire.JETSTREAM["DecodeRequest"](text_content=content, max_tokens=request.max_output_tokens)
    return call(question, metadata=metadata)


def _read_jetstream(reading: Reading, message: Any) -> str:
    sample = message.stream_content.samples[0]
    reading.output_tokens = (reading.output_tokens or 0) + len(sample.token_ids)
    return sample.text


async def _jetstream_live(channel: grpc.aio.Channel, _: Endpoint, metadata: Metadata, seconds: float) -> bool:
    call = channel.unary_unary(
        "/jetstream_proto.Orchestrator/HealthCheck",
        request_serializer=wire.JETSTREAM["HealthCheckRequest"].SerializeToString,
        response_deserializer=wire.JETSTREAM["HealthCheckResponse"].FromString,
    )
    return (await call(wire.JETSTREAM["HealthCheckRequest"](), metadata=metadata, timeout=seconds)).is_live


JETSTREAM_GRPC = GrpcProtocol(
    start=_start_jetstream, read=_read_jetstream, error=lambda _: "", is_healthy=_jetstream_live
)
"""Decode of the Orchestrator, always streamed. The server's own flags say how it samples."""
