"""Asks a registry whether it has a container image.

Source: github.com/opencontainers/distribution-spec, spec.md, and distribution.github.io/distribution/spec/auth/token,
2026-11-21.
"""

import re
from urllib.parse import urlencode

from cli.online.answer import Answer
from cli.online.web import Reply, UnreachableError, ask
from components.findings import error

ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)

DOCKER_HUB = "registry-1.docker.io"
"""Who answers for `docker.io`, which images without a registry come from."""


def check_image(image: str) -> Answer:
    """Return whether there is no such image. Nothing is pulled, and no credentials are used."""
    host, repository, reference = split_image(image)
    # as container engines do, without TLS on this machine
    scheme = "http" if re.match(r"(localhost|127\.0\.0\.1)(:|$)", host) else "https"
    url = f"{scheme}://{host}/v2/{repository}/manifests/{reference}"
    try:
        told = ask(url, {"Accept": ACCEPT}, "HEAD")
        if told.status == 401 and (token := _anonymous_token(told)):
            told = ask(url, {"Accept": ACCEPT, "Authorization": f"Bearer {token}"}, "HEAD")
    except UnreachableError as failed:
        return Answer(skipped=(f"{image}: its registry cannot be reached ({failed})",))
    if told.status == 404:
        message = f"the registry has no image '{image}'."
        return Answer((error("image-not-found", "service.image", message, "Correct its name or tag."),))
    if told.status != 200:
        return Answer(skipped=(f"{image}: its registry answers with status {told.status}",))
    return Answer()


def split_image(image: str) -> tuple[str, str, str]:
    """Return registry, repository, and tag or digest of an image."""
    first, slash, rest = image.partition("/")
    # a name with a dot or a port, and no other, is a registry
    host, path = (first, rest) if slash and re.search(r"[.:]|^localhost$", first) else ("docker.io", image)
    path, at, digest = path.partition("@")
    name, colon, tag = path.rpartition(":")
    repository, reference = (name, tag) if colon else (path, "latest")
    if host == "docker.io":
        host, repository = DOCKER_HUB, repository if "/" in repository else f"library/{repository}"
    return host, repository, digest if at else reference


def _anonymous_token(refused: Reply) -> str | None:
    """Return the token that a registry gives to whoever asks, as its refusal tells; None if it gives none."""
    challenge = refused.headers.get("www-authenticate", "")
    wanted: dict[str, str] = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    realm = wanted.pop("realm", "")
    if not challenge.lower().startswith("bearer ") or not re.match(r"https?://", realm):
        return None
    given: dict[str, str] = ask(f"{realm}?{urlencode(wanted)}", {}).json() or {}
    return given.get("token") or given.get("access_token")
