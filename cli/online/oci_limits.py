"""Asks Oracle Cloud for the service limits of a tenancy."""

from collections.abc import Iterable
from importlib import import_module
from typing import Any, NamedTuple

from cli.online.answer import SECONDS, Answer, first_line
from cli.online.limits import Limit, compare
from components.findings import Finding, Severity
from components.quota import Quota

ASK = "in the console under Governance, Limits, Quotas and Usage"


class OciClients(NamedTuple):
    """What asks Oracle Cloud. `Any`: the SDK, an extra requirement, has no types."""

    limits: Any
    """A LimitsClient."""
    identity: Any
    """An IdentityClient."""
    failures: tuple[type[Exception], ...]
    """What they raise where rights or the network are missing."""


def oci_clients(region: str) -> OciClients | str:
    """Return clients with the credentials of the OCI CLI's configuration file, or why there are none."""
    try:
        # not at the top, since offline checks do without it
        oci: Any = import_module("oci")
    except ImportError:
        return "the oci SDK is not installed: pip install 'llm-serving[online]'"
    try:
        config = {**oci.config.from_file(), "region": region}
        settings = {"timeout": SECONDS, "retry_strategy": oci.retry.NoneRetryStrategy()}
        limits, identity = oci.limits.LimitsClient(config, **settings), oci.identity.IdentityClient(config, **settings)
    except (oci.exceptions.ConfigFileNotFound, oci.exceptions.InvalidConfig, ValueError, OSError) as refused:
        return f"no credentials: run `oci setup config` ({first_line(refused)})"
    return OciClients(limits, identity, (oci.exceptions.ServiceError, oci.exceptions.RequestException, OSError))


def check_oci_limits(tenancy: str, quotas: Iterable[Quota], clients: OciClients | str) -> Answer:
    """Return which of `quotas` the tenancy does not have. Limits that Oracle does not tell are skipped."""
    if isinstance(clients, str):
        return Answer(skipped=(f"limits of Oracle Cloud: {clients}",))
    answer = Answer()
    for quota in quotas:
        try:
            answer += _answer(tenancy, quota, clients)
        except clients.failures as failed:
            # a refusal and a lack of network are told alike; the message says which it is
            reason: str = getattr(failed, "message", None) or first_line(failed)
            answer += Answer(skipped=(f"{quota.metric} of {quota.service}: {reason}",))
    return answer


def _answer(tenancy: str, quota: Quota, clients: OciClients) -> Answer:
    if not quota.domains:
        return Answer(tuple(compare(quota, _limit(tenancy, quota, None, clients), quota.metric, ASK)))
    known: list[str] = [each.name for each in clients.identity.list_availability_domains(tenancy).data]
    answers = [
        compare(quota, _limit(tenancy, quota, name, clients), quota.metric, ASK)
        for name in known
        if name.endswith(quota.domains)
    ]
    if not answers:
        return Answer(skipped=(f"{quota.metric}: the tenancy has none of {', '.join(quota.domains)}",))
    # the stack goes where there is room, so the best of them counts
    return Answer(tuple(min(answers, key=_badness)))


def _badness(found: list[Finding]) -> int:
    return sum(2 if each.severity is Severity.ERROR else 1 for each in found)


def _limit(tenancy: str, quota: Quota, domain: str | None, clients: OciClients) -> Limit:
    where = {} if domain is None else {"availability_domain": domain}
    told = clients.limits.get_resource_availability(quota.service, quota.metric, tenancy, **where).data
    used: float = told.used or 0
    return Limit(limit=used + (told.available or 0), used=used)
