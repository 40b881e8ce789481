"""Names that clouds accept."""

import hashlib


def bounded(name: str, limit: int) -> str:
    """Return `name`, or if it is longer than `limit` its beginning and a hash of the whole, so that names differ."""
    if len(name) <= limit:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:6]
    return f"{name[: limit - len(digest) - 1].rstrip('-')}-{digest}"
