"""The quota of a project, asked with Google's own SDK of a stand-in for Compute Engine on this machine."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from cli.online import google_quota
from cli.online.google_quota import check_google_quota
from components.quota import Quota, Scope
from tests.cli.online.web_server import WebServer

PROJECT, REGION = "/compute/v1/projects/mine", "/compute/v1/projects/mine/regions/us-central1"
L4 = Quota(metric="NVIDIA_L4_GPUS", region="us-central1", needed=4, most=8)
ALL = Quota(metric="GPUS_ALL_REGIONS", scope=Scope.GLOBAL, region="us-central1", needed=4, most=8)


@pytest.fixture
def credentials(tmp_path: Path, web: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a service account that there is not, whose key was made just now."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    account = {
        "type": "service_account",
        "project_id": "mine",
        "private_key_id": "1",
        "private_key": key.decode(),
        "client_email": "nobody@mine.iam.gserviceaccount.com",
        "token_uri": f"{web.url}/token",
    }
    file = tmp_path / "credentials.json"
    file.write_text(json.dumps(account))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    monkeypatch.setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE", web.url)
    web.answers["/token"] = (200, {}, {"access_token": "t", "expires_in": 3600, "token_type": "Bearer"})


def told(**quotas: tuple[float, float]) -> tuple[int, dict[str, str], Any]:
    listed = [{"metric": metric, "limit": limit, "usage": usage} for metric, (limit, usage) in quotas.items()]
    return 200, {}, {"quotas": listed}


@pytest.mark.usefixtures("credentials")
def test_enough_of_everything(web: WebServer) -> None:
    web.answers |= {PROJECT: told(GPUS_ALL_REGIONS=(8, 0)), REGION: told(NVIDIA_L4_GPUS=(16, 4), CPUS=(1, 1))}
    answer = check_google_quota("mine", [L4, ALL])
    assert (answer.findings, answer.skipped) == ((), ())
    assert {path.partition("?")[0] for path in web.paths()} - {"/token"} == {PROJECT, REGION}


@pytest.mark.usefixtures("credentials")
def test_too_little(web: WebServer) -> None:
    web.answers |= {PROJECT: told(GPUS_ALL_REGIONS=(0, 0)), REGION: told(NVIDIA_L4_GPUS=(6, 4))}
    findings = check_google_quota("mine", [L4, ALL]).findings
    assert [(finding.severity, finding.code, finding.path) for finding in findings] == [
        ("warning", "quota-taken", "quota.NVIDIA_L4_GPUS"),
        ("warning", "quota-below-most", "quota.NVIDIA_L4_GPUS"),
        ("error", "quota-too-small", "quota.GPUS_ALL_REGIONS"),
    ]
    assert "the limit of GPUS_ALL_REGIONS in global is 0" in findings[2].message
    assert "at least 4" in findings[2].remedy


@pytest.mark.usefixtures("credentials")
def test_spot_machines_take_from_the_rest_where_nothing_is_for_them_alone(web: WebServer) -> None:
    spot = Quota(metric="PREEMPTIBLE_NVIDIA_L4_GPUS", region="us-central1", needed=4, most=4, instead="NVIDIA_L4_GPUS")
    web.answers |= {PROJECT: told(), REGION: told(PREEMPTIBLE_NVIDIA_L4_GPUS=(0, 0), NVIDIA_L4_GPUS=(4, 0))}
    assert check_google_quota("mine", [spot]).findings == ()
    web.answers[REGION] = told(PREEMPTIBLE_NVIDIA_L4_GPUS=(1, 0), NVIDIA_L4_GPUS=(4, 0))
    (finding,) = check_google_quota("mine", [spot]).findings
    assert (finding.code, finding.path) == ("quota-too-small", "quota.PREEMPTIBLE_NVIDIA_L4_GPUS")


@pytest.mark.usefixtures("credentials")
def test_what_compute_engine_does_not_tell_is_skipped(web: WebServer) -> None:
    web.answers |= {PROJECT: told(), REGION: told(CPUS=(8, 0))}
    answer = check_google_quota("mine", [L4])
    assert answer.findings == ()
    assert answer.skipped[0].startswith("NVIDIA_L4_GPUS: Compute Engine tells no such quota")


@pytest.mark.usefixtures("credentials")
def test_without_the_right_it_is_skipped(web: WebServer) -> None:
    refusal = {"error": {"code": 403, "message": "Required 'compute.regions.get' permission"}}
    web.answers |= {PROJECT: told(GPUS_ALL_REGIONS=(8, 0)), REGION: (403, {}, refusal)}
    answer = check_google_quota("mine", [L4, ALL])
    assert answer.findings == ()
    (reason,) = answer.skipped
    assert reason.startswith("quota of mine in us-central1: 403")
    assert "compute.regions.get" in reason


@pytest.mark.usefixtures("credentials")
def test_without_a_network_it_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE", "http://127.0.0.1:1")
    answer = check_google_quota("mine", [L4, ALL])
    assert answer.findings == ()
    assert len(answer.skipped) == 2


def test_without_credentials_it_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    answer = check_google_quota("mine", [L4])
    assert answer.findings == ()
    (reason,) = answer.skipped
    assert "gcloud auth application-default login" in reason


def test_without_the_sdk_it_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if it were not installed: its package is shadowed by one that cannot be imported."""
    (tmp_path / "google" / "cloud").mkdir(parents=True)
    for folder in (tmp_path / "google", tmp_path / "google" / "cloud"):
        (folder / "__init__.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (reason,) = check_google_quota("mine", [L4]).skipped
    assert "pip install 'llm-serving[online]'" in reason


def test_a_program_that_breaks_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("raise ValueError('no such thing')")
    monkeypatch.setattr(google_quota, "PROGRAM", broken)
    assert check_google_quota("mine", [L4]).skipped == ("quota of Google Cloud: ValueError: no such thing",)
