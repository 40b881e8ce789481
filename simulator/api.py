"""A Kubernetes API server as a client of it sees it: objects by kind and name."""

from __future__ import annotations

import http.client
import json
import threading
import urllib.error
import urllib.parse
from dataclasses import dataclass
from typing import Any

from simulator.control_plane import ControlPlane
from simulator.values import Properties, at

FIELD_MANAGER = "pulumi-kubernetes"
"""Under this name the real provider applies."""


class ApiError(Exception):
    """The API server refuses; the message is its own."""

    def __init__(self, status: int, message: str, about: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.about = about
        """Kind of the object that the refusal is about, in lower case and plural; empty if it does not tell."""


class NoMatchError(ApiError):
    """The API server does not know the kind."""


class UnreachableError(ApiError):
    """The API server does not answer."""


@dataclass(frozen=True)
class _Kind:
    plural: str
    namespaced: bool


# Where an API server would drop a field that it does not know, it refuses it. To apply server-side does so in any case.
_STRICT = {"fieldValidation": "Strict"}


class Api:
    """The objects of one cluster. Safe to use from several threads.

    A field that Kubernetes does not know is refused.
    """

    def __init__(self, control_plane: ControlPlane) -> None:
        self._control_plane = control_plane
        self._lock = threading.Lock()
        self._kinds: dict[tuple[str, str], _Kind] = {}

    def apply(self, manifest: Properties, *, dry_run: bool = False, force: bool = False) -> Properties:
        """Create the object, or change what this field manager has set of it. Returns the object.

        Raises:
            ApiError: it is refused; `force` takes over fields that another manager has set.
        """
        query = {**_STRICT, "fieldManager": FIELD_MANAGER, "force": str(force).lower()}
        if dry_run:
            query["dryRun"] = "All"
        path = f"{self._path_of(manifest)}?{urllib.parse.urlencode(query)}"
        return self._ask("PATCH", path, manifest, "application/apply-patch+yaml")

    def create(self, manifest: Properties) -> Properties:
        """Create the object, its status included where the kind lets clients set that. Raises ApiError."""
        path = self._path_of(manifest).rpartition("/")[0]
        return self._ask("POST", f"{path}?{urllib.parse.urlencode(_STRICT)}", manifest)

    def merge(self, manifest: Properties) -> None:
        """Change what `manifest` says beside the object's name. Raises ApiError."""
        self._ask("PATCH", self._path_of(manifest), manifest, "application/merge-patch+json")

    def evict(self, pod: Properties) -> bool:
        """Evict a pod. Returns False where a disruption budget forbids it for now. Raises ApiError."""
        metadata = {key: pod["metadata"][key] for key in ("name", "namespace")}
        path = self._path_of({"apiVersion": "v1", "kind": "Pod", "metadata": metadata})
        try:
            self._ask("POST", f"{path}/eviction", {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata})
        except ApiError as error:
            if error.status == http.HTTPStatus.TOO_MANY_REQUESTS:
                return False
            if error.status != http.HTTPStatus.NOT_FOUND:
                raise
        return True

    def set_status(self, manifest: Properties) -> None:
        """Change the status of the object to that of `manifest`, merged. Raises ApiError."""
        status = {"status": manifest["status"]}
        self._ask("PATCH", f"{self._path_of(manifest)}/status", status, "application/merge-patch+json")

    def get(self, manifest: Properties) -> Properties | None:
        """The object of the kind, namespace and name of `manifest`; None where there is none.

        Raises:
            NoMatchError: there is no such kind.
        """
        path = self._path_of(manifest)
        try:
            return self._ask("GET", path)
        except ApiError as error:
            if error.status != 404:
                raise
            return None

    def list(self, api_version: str, kind: str, namespace: str = "") -> list[Properties]:
        """All objects of a kind, in one namespace or, if that is empty, in all. Raises ApiError."""
        return self._ask("GET", self._collection(api_version, kind, namespace))["items"]

    def delete(self, manifest: Properties, *, at_once: bool = False) -> None:
        """Delete the object after what it owns; `at_once`: as if its machine were gone. None is no error.

        Raises:
            ApiError: it is refused.
        """
        options: Properties = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Foreground"}
        if at_once:
            options |= {"propagationPolicy": "Background", "gracePeriodSeconds": 0}
        try:
            self._ask("DELETE", self._path_of(manifest), options)
        except ApiError as error:
            if error.status != 404:
                raise

    def _path_of(self, manifest: Properties) -> str:
        namespace = at(manifest, "metadata", "namespace") or "default"
        return f"{self._collection(manifest['apiVersion'], manifest['kind'], namespace)}/{manifest['metadata']['name']}"

    def _collection(self, api_version: str, kind: str, namespace: str) -> str:
        found = self._kind(api_version, kind)
        prefix = _prefix(api_version)
        return f"{prefix}/namespaces/{namespace}/{found.plural}" if namespace and found.namespaced else (
            f"{prefix}/{found.plural}"
        )  # fmt: skip

    def _kind(self, api_version: str, kind: str) -> _Kind:
        with self._lock:
            if (api_version, kind) not in self._kinds:
                self._discover(api_version)
            found = self._kinds.get((api_version, kind))
        if found is None:
            raise NoMatchError(404, f'no matches for kind "{kind}" in version "{api_version}"')
        return found

    def _discover(self, api_version: str) -> None:
        try:
            resources = self._ask("GET", _prefix(api_version))["resources"]
        except ApiError as error:
            if error.status != 404:
                raise
            return
        for resource in resources:
            if "/" not in resource["name"]:
                self._kinds[api_version, resource["kind"]] = _Kind(resource["name"], resource["namespaced"])

    def _ask(self, method: str, path: str, body: object = None, content: str = "application/json") -> Any:  # Any: JSON
        try:
            return self._control_plane.request(method, path, body, content=content)
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
            try:
                told = json.loads(text)
            except ValueError:
                told = {"message": text}
            about = str(at(told, "details", "kind") or "")
            raise ApiError(error.code, str(told.get("message")), about) from error
        except (OSError, http.client.HTTPException) as error:
            raise UnreachableError(503, f"the API server does not answer: {error}") from error


def _prefix(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
