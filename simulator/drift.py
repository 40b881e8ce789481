"""What somebody else has changed of an object since it was applied."""

from __future__ import annotations

from typing import Any

from simulator.values import Properties, is_list, is_object, is_secret, secret

_ABSENT = object()


def drifted(inputs: Properties, wanted: Properties, live: Properties) -> Properties:
    """The inputs as the live object has them.

    Only what differs between `live` and `wanted`, which the API server would make of the inputs, was changed by
    somebody: an API server itself writes some values in another form, and sets what the inputs leave open.
    """
    return _drifted(inputs, wanted, live)


def _drifted(given: Any, wanted: Any, live: Any) -> Any:  # Any: any JSON
    if is_object(given) and is_object(wanted) and is_object(live):
        found = {key: _drifted(item, wanted.get(key, _ABSENT), live.get(key, _ABSENT)) for key, item in given.items()}
        return {key: item for key, item in found.items() if item is not _ABSENT}
    if is_list(given) and is_list(wanted) and is_list(live) and len(given) == len(wanted) == len(live):
        return [_drifted(*items) for items in zip(given, wanted, live, strict=True)]
    if wanted == live or wanted is _ABSENT:
        return given
    return secret(live) if is_secret(given) and live is not _ABSENT else live
