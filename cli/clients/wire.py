"""The messages of two gRPC services, as far as they are used, by the numbers that their published definitions give.

Written out, because the generated modules come in packages that bring NumPy, or JAX, with them. Fields that are not
here are passed over, as protobuf does. Sources: protobuf/grpc_service.proto of triton-inference-server/common, r25.04;
jetstream/core/proto/jetstream.proto of AI-Hypercomputer/JetStream, v0.2.2; both on GitHub.
"""

from collections.abc import Mapping
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

Messages = Mapping[str, type[Any]]
"""Message classes by name. `Any`: their fields are known only when they run."""

_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "bool": _Field.TYPE_BOOL,
    "bytes": _Field.TYPE_BYTES,
    "int32": _Field.TYPE_INT32,
    "int64": _Field.TYPE_INT64,
    "string": _Field.TYPE_STRING,
}


def _messages(package: str, definitions: Mapping[str, Mapping[str, tuple[int, str]]]) -> Messages:
    """Return the classes of `definitions`: number and type of each field of each message, `*` where it is repeated."""
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    for name, fields in definitions.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            label = _Field.LABEL_REPEATED if kind.endswith("*") else _Field.LABEL_OPTIONAL
            scalar = _SCALARS.get(kind.rstrip("*"))
            if scalar is None:
                type_name = f".{package}.{kind.rstrip('*')}"
                message.field.add(
                    name=field, number=number, label=label, type=_Field.TYPE_MESSAGE, type_name=type_name
                )  # fmt: skip
            else:
                message.field.add(name=field, number=number, label=label, type=scalar)
    # a pool of its own: programs that import the generated modules have the same names in the common one
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}")) for name in definitions
    }


TRITON = _messages(
    "inference",
    {
        "ModelReadyRequest": {"name": (1, "string")},
        "ModelReadyResponse": {"ready": (1, "bool")},
        "Tensor": {"name": (1, "string"), "datatype": (2, "string"), "shape": (3, "int64*")},
        "ModelInferRequest": {
            "model_name": (1, "string"),
            "inputs": (5, "Tensor*"),
            "raw_input_contents": (7, "bytes*"),
        },
        "ModelInferResponse": {"outputs": (5, "Tensor*"), "raw_output_contents": (6, "bytes*")},
        "ModelStreamInferResponse": {"error_message": (1, "string"), "infer_response": (2, "ModelInferResponse")},
    },
)

JETSTREAM = _messages(
    "jetstream_proto",
    {
        "TextContent": {"text": (1, "string")},
        "DecodeRequest": {"max_tokens": (4, "int32"), "text_content": (5, "TextContent")},
        "Sample": {"text": (1, "string"), "token_ids": (2, "int32*")},
        "StreamContent": {"samples": (1, "Sample*")},
        "DecodeResponse": {"stream_content": (3, "StreamContent")},
        "HealthCheckRequest": {},
        "HealthCheckResponse": {"is_live": (1, "bool")},
    },
)
