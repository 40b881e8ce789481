"""Failures on demand: what goes wrong, where and how often."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

Kind: TypeAlias = Literal["quota", "stockout", "throttle", "timeout", "partial"]

GPU_POOLS = "nvidia-"
"""Where a fault strikes that names no target: what fails most often on the real cloud. Throttling slows everything."""

BACKOFF_SECONDS = (1, 2, 4)
"""How long a provider waits before each further attempt when a cloud says that it is asked too often. One operation is
throttled no more often than that."""


@dataclass(frozen=True)
class Fault:
    """One failure to play."""

    kind: Kind
    """`quota`: the project has no quota for it. `stockout`: the zone or availability domain has no machine left.
    `throttle`: the cloud says that it is asked too often; the provider asks again by itself, so this only slows.
    `timeout`: it takes longer than the provider waits. `partial`: it is made but fails before it is ready."""
    target: str
    """Part of a type token, of a resource's name or of its accelerator type, on Oracle Cloud also of its shape or
    availability domain, upper or lower case; empty: everything."""
    count: int | None = None
    """How often it strikes in one run; None: always."""

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Read `KIND[:TARGET[:COUNT]]`, for example `quota`, `timeout:Deployment` or `stockout:gpu:1`.

        Raises:
            ValueError: the text is no fault; the message says what is.
        """
        kind, _, rest = text.partition(":")
        if kind not in get_args(Kind):
            raise ValueError(f'"{text}" is no fault: it has to start with one of {", ".join(get_args(Kind))}')
        # a target may be a type token, which has colons of its own
        target, _, count = rest.rpartition(":")
        if not re.fullmatch(r"[-+]?\d+", count):
            target, count = rest, ""
        if count and int(count) < 1:
            raise ValueError(f'"{text}" is no fault: it strikes at least once, not {count} times')
        return cls(
            kind,  # pyright: ignore[reportArgumentType] (it is one of them)
            target or ("" if kind == "throttle" else GPU_POOLS),
            int(count) if count else None,
        )

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.kind, self.target, self.count) if part is not None)


class Faults:
    """The faults of one run, counted down as they strike."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._lock = threading.Lock()
        self._left: dict[int, int | None] = {index: fault.count for index, fault in enumerate(faults)}
        self._struck: set[int] = set()
        self._faults = faults

    def strikes(self, kind: Kind, resource: str) -> bool:
        """Whether a fault of this kind strikes the resource that these words describe now. Counts it."""
        with self._lock:
            for index, fault in enumerate(self._faults):
                left = self._left[index]
                if fault.kind == kind and left != 0 and fault.target.lower() in resource.lower():
                    self._struck.add(index)
                    self._left[index] = None if left is None else left - 1
                    return True
        return False

    def unused(self) -> list[Fault]:
        """The faults that have not struck: likely their target is misspelled."""
        return [fault for index, fault in enumerate(self._faults) if index not in self._struck]
