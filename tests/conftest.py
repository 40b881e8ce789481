"""What holds for every test."""

import pytest

PROJECT_VARIABLES = ("GOOGLE_PROJECT", "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "CLOUDSDK_CORE_PROJECT")


@pytest.fixture(autouse=True)
def _no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may be logged in to a cloud; no test may see it."""
    for variable in (*PROJECT_VARIABLES, "GOOGLE_REGION", "GOOGLE_ZONE", "KUBECONFIG", "PULUMI_CONFIG"):
        monkeypatch.delenv(variable, raising=False)
