"""gRPC connections that know nothing of earlier ones of this process."""

from __future__ import annotations

from pulumi.runtime import _grpc_settings

FRESH = ("grpc.use_local_subchannel_pool", 1)
"""Channel option without which all channels of a process to one address share what is known of it. An engine that is
gone leaves "connection refused" there for a while, and another engine that happens to get its port would be taken for
dead: the program then ends with "Resource monitor has terminated"."""


def connect_freshly() -> None:
    """Let the channels that Pulumi's SDK opens from now on share nothing. It has no other place for options."""
    if FRESH not in _grpc_settings._GRPC_CHANNEL_OPTIONS:
        _grpc_settings._GRPC_CHANNEL_OPTIONS.append(FRESH)
