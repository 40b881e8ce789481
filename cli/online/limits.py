"""What a stack needs of a quota, against what the account has of it."""

from dataclasses import dataclass

from components.findings import Finding, error, warning
from components.quota import Quota


@dataclass(frozen=True)
class Limit:
    """One quota of the account."""

    limit: float
    used: float
    """By everything in the account, this stack included if it is up."""


def compare(quota: Quota, have: Limit, metric: str, ask: str) -> list[Finding]:
    """Return why `have` of `metric` is not enough for `quota`. `ask` says where to ask for more."""
    path, where = f"quota.{metric}", f"{metric} in {quota.place}"
    free = have.limit - have.used
    if quota.needed > have.limit:
        message = f"{quota.needed} are needed to come up, and the limit of {where} is {have.limit:.0f}."
        return [error("quota-too-small", path, message, f"Ask for at least {quota.needed}, {ask}.")]
    findings: list[Finding] = []
    if quota.needed > free:
        message = (
            f"{quota.needed} are needed to come up, and of the {have.limit:.0f} of {where} {have.used:.0f} are taken."
        )
        remedy = f"If this stack is not among those that take it, ask for {quota.needed + have.used:.0f}, {ask}."
        findings.append(warning("quota-taken", path, message, remedy))
    if quota.most > have.limit:
        message = f"at its largest the stack takes {quota.most}, and the limit of {where} is {have.limit:.0f}."
        findings.append(
            warning("quota-below-most", path, message, f"Ask for {quota.most}, {ask}, or set smaller maxima.")
        )
    return findings
