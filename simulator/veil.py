"""Digests in place of secrets, so that none is ever written to the disk, with which Kubernetes does as with them."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from simulator.values import is_list, is_object, is_secret


def veiled(value: Any, *, hidden: bool = False) -> Any:  # Any: any JSON
    """Put a digest in place of each text that is secret, or, where `hidden`, of every one."""
    if is_secret(value):
        return veiled(value["value"], hidden=True)
    if is_object(value):
        return {key: veiled(item, hidden=hidden) for key, item in value.items()}
    if is_list(value):
        return [veiled(item, hidden=hidden) for item in value]
    return _digest_of(value) if hidden and isinstance(value, str) else value


def _digest_of(text: str) -> str:
    """A JSON object's digest is one too, also in base64: of some types of Secret Kubernetes looks at the content."""
    digest = hashlib.sha256(json.dumps(text).encode()).hexdigest()
    in_json = json.dumps({"digest": digest})
    if _is_json_object(text):
        return in_json
    try:
        decoded = base64.b64decode(text, validate=True).decode()
    except ValueError:  # not base64, not ASCII, or not a text
        return digest
    # a hexadecimal digest of 64 digits is valid as base64, which the data of a Secret has to be
    return base64.b64encode(in_json.encode()).decode() if _is_json_object(decoded) else digest


def _is_json_object(text: str) -> bool:
    try:
        return is_object(json.loads(text))
    except ValueError:
        return False
