"""What a rehearsal hides from the program and from the engine."""

import os
import sys
from pathlib import Path

import pytest

from cli.isolation import isolated_environment, project_as_current


def test_settings_and_credentials_are_hidden_and_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "key.json")
    monkeypatch.setenv("PULUMI_ACCESS_TOKEN", "token")
    monkeypatch.setenv("KUBECONFIG", "production")
    monkeypatch.setenv("CLOUDSDK_CORE_PROJECT", "production")
    before = dict(os.environ)
    with isolated_environment(tmp_path):
        assert not os.environ.keys() & {
            "GOOGLE_APPLICATION_CREDENTIALS",
            "PULUMI_ACCESS_TOKEN",
            "CLOUDSDK_CORE_PROJECT",
        }
        assert Path(os.environ["KUBECONFIG"]).read_text() == ""
        assert Path(os.environ["PULUMI_HOME"]).is_relative_to(tmp_path)
        assert os.environ["PULUMI_BACKEND_URL"] == f"file://{tmp_path}/backend?metadata=skip"
        os.environ["PULUMI_DEBUG_PROVIDERS"] = "gcp:1"
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    "name", ["GRPC_TRACE", "GRPC_GO_LOG_SEVERITY_LEVEL", "GODEBUG", "OTEL_EXPORTER_OTLP_ENDPOINT", "TF_LOG"]
)
def test_what_makes_others_print_what_passes_is_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "all")
    with isolated_environment(tmp_path):
        assert name not in os.environ
    assert os.environ[name] == "all"


def test_a_program_runs_in_its_folder_and_imports_from_it(tmp_path: Path) -> None:
    before = (Path.cwd(), list(sys.path))
    with project_as_current(tmp_path):
        assert Path.cwd() == tmp_path
        assert sys.path[0] == str(tmp_path)
    assert (Path.cwd(), sys.path) == before
