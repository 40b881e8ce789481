"""How a simulated cloud refuses."""

from __future__ import annotations

import grpc

_STATUS = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    409: grpc.StatusCode.ALREADY_EXISTS,
    422: grpc.StatusCode.INVALID_ARGUMENT,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    500: grpc.StatusCode.INTERNAL,
    503: grpc.StatusCode.UNAVAILABLE,
}


class CloudError(Exception):
    """The cloud refuses, and nothing was made or changed."""

    def __init__(self, http_status: int, message: str) -> None:
        super().__init__(message)
        # the engine forgets what it knows after codes that it cannot tell, such as UNKNOWN
        self.status = _STATUS.get(http_status, grpc.StatusCode.FAILED_PRECONDITION)
