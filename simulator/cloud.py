"""What the simulated clouds hold, in one SQLite file: it survives the end of the process at any moment."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import sqlite3
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from simulator.errors import CloudError
from simulator.values import Properties

State: TypeAlias = Literal["creating", "ready", "tainted", "deleting"]

_TABLES = """
CREATE TABLE IF NOT EXISTS resource (
    key INTEGER PRIMARY KEY,
    parent INTEGER REFERENCES resource ON DELETE CASCADE,
    type TEXT NOT NULL, scope TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, urn TEXT NOT NULL,
    state TEXT NOT NULL, orphan INTEGER NOT NULL, created TEXT NOT NULL, inputs TEXT NOT NULL, outputs TEXT NOT NULL,
    UNIQUE (type, scope, id)
);
CREATE INDEX IF NOT EXISTS resource_parent ON resource (parent, type);
CREATE INDEX IF NOT EXISTS resource_urn ON resource (urn);
CREATE INDEX IF NOT EXISTS resource_endpoint ON resource (type, json_extract(outputs, '$.endpoint'));
CREATE INDEX IF NOT EXISTS resource_address ON resource (type, json_extract(outputs, '$.address'));
CREATE TABLE IF NOT EXISTS address (
    address TEXT PRIMARY KEY, use TEXT NOT NULL,
    resource INTEGER NOT NULL REFERENCES resource ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS address_resource ON address (resource, use);
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_COLUMNS = "key, parent, type, scope, id, name, urn, state, orphan, created, inputs, outputs"
_DOCUMENTATION_RANGES = ("192.0.2", "198.51.100", "203.0.113")
"""RFC 5737: addresses that nothing on the Internet has."""
_ADDRESSES = [f"{block}.{host}" for block in _DOCUMENTATION_RANGES for host in range(1, 255)]


@dataclass(frozen=True)
class CloudResource:
    """A resource that exists in a simulated cloud. Secrets in it are digests."""

    type: str
    """Type token, for example `gcp:container/cluster:Cluster`."""
    id: str
    name: str
    """Name on the cloud."""
    urn: str
    state: State
    """`tainted`: it exists, but never became ready."""
    inputs: Properties
    outputs: Properties
    scope: str = ""
    """The cluster of a Kubernetes object."""
    created: str = ""
    """When, RFC 3339 in UTC."""
    orphan: bool = False
    """Whether an interrupted run left it behind, so that no stack knows it."""
    parent: int | None = None
    key: int = 0
    """Of the row; 0 before it is added."""

    @property
    def provider(self) -> str:
        """The provider's name: `gcp`, `oci` or `kubernetes`."""
        return self.type.partition(":")[0]


class Cloud:
    """The resources of all simulated clouds. Safe to use from several threads."""

    def __init__(self, file: Path) -> None:
        self._lock = threading.RLock()
        file.touch(mode=0o600)
        self._database = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        # the log makes commits cheap and loses nothing when the process is killed
        self._database.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; {_TABLES}")
        self._database.execute("PRAGMA foreign_keys=ON")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Everything in it happens, or nothing."""
        with self._lock:
            if self._database.in_transaction:
                yield
                return
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def find(self, type_: str, id_: str, scope: str = "") -> CloudResource | None:
        """The resource of this type and id."""
        return next(self._select("type = ? AND scope = ? AND id = ?", type_, scope, id_), None)

    def of_type(self, type_: str, scope: str = "", part: str = "") -> list[CloudResource]:
        """All resources of this type whose ids contain `part`, the oldest first."""
        return list(self._select("type = ? AND scope = ? AND instr(id, ?)", type_, scope, part))

    def at(self, type_: str, output: Literal["endpoint", "address"], value: str) -> list[CloudResource]:
        """The resources of this type that are reached there. However many others there are, it takes no longer."""
        return list(self._select(f"type = ? AND json_extract(outputs, '$.{output}') = ?", type_, value))

    def of_urn(self, urn: str) -> list[CloudResource]:
        """All resources that were made for this URN: two while it is replaced."""
        return list(self._select("urn = ?", urn))

    def children(self, resource: CloudResource, type_: str | None = None) -> list[CloudResource]:
        """What lives in this resource, or what of this type does."""
        if type_ is None:
            return list(self._select("parent = ?", resource.key))
        return list(self._select("parent = ? AND type = ?", resource.key, type_))

    def all(self) -> list[CloudResource]:
        """Everything that exists, the oldest first."""
        return list(self._select("TRUE"))

    def add(self, resource: CloudResource) -> CloudResource:
        """Add a resource. Returns it with its key."""
        with self._lock:
            cursor = self._database.execute(
                f"INSERT INTO resource ({_COLUMNS}) VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                _row(resource),
            )
            return replace(resource, key=cursor.lastrowid or 0)

    def save(self, resource: CloudResource) -> CloudResource:
        """Write a resource that was changed."""
        columns = ", ".join(f"{column} = ?" for column in _COLUMNS.split(", ")[1:])
        with self._lock:
            self._database.execute(
                f"UPDATE resource SET {columns} WHERE key = ?",  # noqa: S608
                (*_row(resource), resource.key),
            )
        return resource

    def remove(self, resource: CloudResource) -> None:
        """Remove a resource and everything that lives in it."""
        with self._lock:
            self._database.execute("DELETE FROM resource WHERE key = ?", (resource.key,))

    def address_of(self, resource: CloudResource, use: str = "") -> str:
        """The IPv4 address of a resource, from the ranges of RFC 5737 even where a cloud would take an internal one.

        No two uses or resources have the same one. It follows from the resource's id unless another took it before.
        """
        return self._pick(resource, use, len(_ADDRESSES), _ADDRESSES.__getitem__)

    def private_address_of(self, resource: CloudResource, subnet: str, network: ipaddress.IPv4Network) -> str:
        """The address of a resource within a subnet, whose first two and last addresses are the cloud's own."""
        found = self._pick(
            resource, subnet, max(network.num_addresses - 3, 0), lambda index: f"{network[2 + index]} {subnet}"
        )
        return found.partition(" ")[0]

    def _pick(self, resource: CloudResource, use: str, count: int, address_at: Callable[[int], str]) -> str:
        seed = hashlib.sha256(f"{resource.type} {resource.scope} {resource.id} {use}".encode()).digest()
        start = int.from_bytes(seed[:4])
        with self.transaction():
            held = self._database.execute(
                "SELECT address FROM address WHERE resource = ? AND use = ?", (resource.key, use)
            ).fetchone()
            if held:
                return held[0]
            for offset in range(count):
                address = address_at((start + offset) % count)
                added = self._database.execute(
                    "INSERT OR IGNORE INTO address VALUES (?, ?, ?)", (address, use, resource.key)
                )
                if added.rowcount:
                    return address
        raise CloudError(429, f"The {count} addresses that a simulated cloud can hand out are all in use.")

    def setting(self, name: str) -> str | None:
        """A fact that outlives every resource, such as an API that was left enabled."""
        with self._lock:
            row = self._database.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def set_setting(self, name: str, value: str | None) -> None:
        """Write such a fact; None takes it away."""
        with self._lock:
            if value is None:
                self._database.execute("DELETE FROM setting WHERE name = ?", (name,))
            else:
                self._database.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, value))

    def _select(self, condition: str, *values: str | int) -> Iterator[CloudResource]:
        with self._lock:
            rows = self._database.execute(
                f"SELECT {_COLUMNS} FROM resource WHERE {condition} ORDER BY key",  # noqa: S608 (all ours)
                values,
            ).fetchall()
        return map(_resource, rows)


def _row(resource: CloudResource) -> tuple[object, ...]:
    return (
        resource.parent,
        resource.type,
        resource.scope,
        resource.id,
        resource.name,
        resource.urn,
        resource.state,
        resource.orphan,
        resource.created,
        json.dumps(resource.inputs),
        json.dumps(resource.outputs),
    )


def _resource(row: tuple[Any, ...]) -> CloudResource:  # Any: a row of the database
    key, parent, type_, scope, id_, name, urn, state, orphan, created, inputs, outputs = row
    return CloudResource(
        type=type_,
        id=id_,
        name=name,
        urn=urn,
        state=state,
        inputs=json.loads(inputs),
        outputs=json.loads(outputs),
        scope=scope,
        orphan=bool(orphan),
        created=created,
        parent=parent,
        key=key,
    )
