"""The limits of a tenancy, by stubs that answer as the oci SDK's clients do: its requests and answers were recorded."""

from types import SimpleNamespace
from typing import Any

from cli.online import oci_limits
from cli.online.oci_limits import OciClients, check_oci_limits, oci_clients
from components.quota import Quota, Scope

TENANCY = "ocid1.tenancy.oc1..tenancy"
DOMAINS = ("AD-1", "AD-2", "AD-3")


def gpus(*domains: str) -> Quota:
    return Quota(
        cloud="oci",
        metric="gpu4-count",
        scope=Scope.AVAILABILITY_DOMAIN,
        region="us-ashburn-1",
        domains=domains,
        needed=8,
        most=8,
    )


ADDRESS = Quota(
    cloud="oci", service="vcn", metric="reserved-public-ip-count", region="us-ashburn-1", needed=1, most=1
)  # fmt: skip


class RefusedError(Exception):
    """As oci.exceptions.ServiceError has it."""

    def __init__(self, message: str) -> None:
        super().__init__({"status": 404, "message": message})
        self.message = message


class Tenancy:
    """Three availability domains, and what is left in them of each limit: available and used."""

    def __init__(self, left: dict[tuple[str, str | None], tuple[int | None, int | None]]) -> None:
        self.left = left
        self.asked: list[tuple[Any, ...]] = []

    def list_availability_domains(self, compartment_id: str) -> Any:
        assert compartment_id == TENANCY
        return SimpleNamespace(data=[SimpleNamespace(name=f"qIZq:US-ASHBURN-{domain}") for domain in DOMAINS])

    def get_resource_availability(
        self, service_name: str, limit_name: str, compartment_id: str, availability_domain: str | None = None
    ) -> Any:
        assert compartment_id == TENANCY
        self.asked.append((service_name, limit_name, availability_domain))
        end = availability_domain and availability_domain.removeprefix("qIZq:US-ASHBURN-")
        if (limit_name, end) not in self.left:
            raise RefusedError("Authorization failed or requested resource not found.")
        available, used = self.left[limit_name, end]
        return SimpleNamespace(data=SimpleNamespace(available=available, used=used))

    def clients(self) -> OciClients:
        return OciClients(self, self, (RefusedError,))


def test_one_domain_with_enough_is_enough() -> None:
    tenancy = Tenancy({("gpu4-count", "AD-1"): (0, 0), ("gpu4-count", "AD-2"): (8, 0), ("gpu4-count", "AD-3"): (0, 8)})
    answer = check_oci_limits(TENANCY, [gpus(*DOMAINS)], tenancy.clients())
    assert (answer.findings, answer.skipped) == ((), ())
    assert [asked[2] for asked in tenancy.asked] == [f"qIZq:US-ASHBURN-{domain}" for domain in DOMAINS]


def test_only_the_domains_that_are_tried_count() -> None:
    tenancy = Tenancy({("gpu4-count", "AD-1"): (0, 0), ("gpu4-count", "AD-2"): (8, 0)})
    (finding,) = check_oci_limits(TENANCY, [gpus("AD-1")], tenancy.clients()).findings
    assert (finding.severity, finding.code, finding.path) == ("error", "quota-too-small", "quota.gpu4-count")
    assert "us-ashburn-1, AD-1" in finding.message
    assert "Governance" in finding.remedy


def test_what_is_taken_is_a_warning_since_it_may_be_by_the_stack_itself() -> None:
    tenancy = Tenancy({("gpu4-count", "AD-1"): (0, 8)})
    (finding,) = check_oci_limits(TENANCY, [gpus("AD-1")], tenancy.clients()).findings
    assert (finding.severity, finding.code) == ("warning", "quota-taken")


def test_a_limit_of_the_region_is_asked_without_a_domain() -> None:
    tenancy = Tenancy({("reserved-public-ip-count", None): (1, None)})
    assert check_oci_limits(TENANCY, [ADDRESS], tenancy.clients()).findings == ()
    assert tenancy.asked == [("vcn", "reserved-public-ip-count", None)]


def test_what_oracle_does_not_tell_is_skipped() -> None:
    answer = check_oci_limits(TENANCY, [gpus("AD-1"), gpus("AD-9")], Tenancy({}).clients())
    assert answer.findings == ()
    assert answer.skipped == (
        "gpu4-count of compute: Authorization failed or requested resource not found.",
        "gpu4-count: the tenancy has none of AD-9",
    )


def test_without_the_sdk_it_is_skipped(monkeypatch: Any) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(oci_limits, "import_module", missing)
    (reason,) = check_oci_limits(TENANCY, [ADDRESS], oci_clients("us-ashburn-1")).skipped
    assert "pip install 'llm-serving[online]'" in reason
