"""Model servers: how each is started, reached, probed and measured. One file per server, all of one shape."""

from components.servers import llama_cpp, tgi
from components.servers.profile import ModelServer, Serving

SERVERS: dict[str, ModelServer] = {server.name: server for server in (tgi.SERVER, llama_cpp.SERVER)}
"""Every server by name."""

__all__ = ["SERVERS", "ModelServer", "Serving"]
