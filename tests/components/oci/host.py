"""The host of seeds/003, with its mistakes repaired, and how tests change it."""

from typing import Any

from components.findings import Finding
from components.oci.checks import check_oci_gpu_host
from components.oci.gpu_host import OciGpuHost
from components.oci.gpu_host_args import OciGpuHostArgs
from tests.components.guide import TOKEN, changed
from tests.recording import Recording, record

COMPARTMENT = "ocid1.compartment.oc1..compartment"
TENANCY = "ocid1.tenancy.oc1..tenancy"
CONFIG = {"oci:region": "us-ashburn-1", "oci:tenancyOcid": TENANCY}
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 someone@example.com"

HOST: dict[str, Any] = {
    "shape": "BM.GPU4.8",
    "triton": {"model": "mistralai/Mixtral-8x7B-Instruct-v0.1"},
    "compartmentId": COMPARTMENT,
    "token": TOKEN,
    "sourceRanges": ["198.51.100.0/24"],
}


def record_host(
    changes: dict[str, Any] | None = None,
    *,
    config: dict[str, str] = CONFIG,
    preview: bool = False,
    full: tuple[str, ...] = (),
) -> Recording:
    """What a program with the hosts `triton` registers. `changes` by path."""
    args: Any = changed(HOST, changes or {})
    return record(lambda: OciGpuHost("triton", args), config=config, preview=preview, full=full)


def found(
    changes: dict[str, Any] | None = None, *, name: str = "triton", config: dict[str, str] = CONFIG
) -> list[Finding]:
    """What is wrong with the hosts."""
    findings: list[Finding] = []
    args = OciGpuHostArgs.parse(changed(HOST, changes or {}))
    recording = record(lambda: findings.extend(check_oci_gpu_host(name, args)), config=config)
    assert recording.error is None
    return findings
