"""Names that clouds accept."""

import hashlib
import re

from .findings import Finding, error


def bounded(name: str, limit: int) -> str:
    """Return `name`, or if it is longer than `limit` its beginning and a hash of the whole, so that names differ."""
    if len(name) <= limit:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:6]
    return f"{name[: limit - len(digest) - 1].rstrip('-')}-{digest}"


def account_id(name: str) -> str:
    """Return the ID of a Google service account that is called `name`: 6 to 30 characters, a letter first.

    Names of components and stacks may hold others than the letters, digits and hyphens that are allowed.
    """
    cleaned = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if len(cleaned) < 6 or not cleaned[0].isalpha():
        cleaned = f"account-{cleaned}".strip("-")
    return bounded(cleaned, 30)


def check_name(name: str, longest: int, refused: str) -> list[Finding]:
    """Return why a component cannot be called `name`, after which it names what Kubernetes or a cloud has to take.

    Args:
        name: of the component.
        longest: characters that the longest name made of it leaves.
        refused: what it cannot do, such as `cannot name a Job`.
    """
    if re.fullmatch(rf"[a-z]([-a-z0-9]{{0,{longest - 2}}}[a-z0-9])?", name):
        return []
    remedy = f"Use at most {longest} lower-case letters, digits and hyphens, beginning with a letter."
    return [error("name-invalid", "name", f"'{name}' {refused}.", remedy)]
