"""Model servers: how each is started, reached, probed and measured. One file per server, all of one shape."""

from . import jetstream, llama_cpp, tgi, torchserve, triton, vllm, vllm_tpu
from .profile import ModelServer, Serving, Sidecar

SERVERS: dict[str, ModelServer] = {
    server.name: server
    for server in (
        tgi.SERVER,
        llama_cpp.SERVER,
        jetstream.SERVER,
        vllm_tpu.SERVER,
        vllm.SERVER,
        vllm.GENERATE_SERVER,
        triton.SERVER,
        torchserve.SERVER,
    )
}
"""Every server by name."""

__all__ = ["SERVERS", "ModelServer", "Serving", "Sidecar"]
