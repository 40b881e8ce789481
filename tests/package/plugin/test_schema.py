"""What programs in other languages see of the components, and that it stays as the repository keeps it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

import components
from engine.find import PROJECT
from package.plugin.compatibility import breaking_changes, may_break
from package.plugin.schema import SECRETS
from package.plugin.schema_files import CURRENT, RELEASED, current, text

SCHEMA = current()


def all_properties() -> Iterator[tuple[str, dict[str, Any]]]:
    for token, part in {**SCHEMA["resources"], **SCHEMA["types"]}.items():
        for group in ("inputProperties", "properties"):
            for name, each in part.get(group, {}).items():
                yield f"{token.rpartition(':')[2]}.{name}", each


def test_the_repository_keeps_it() -> None:
    assert CURRENT.read_text(encoding="utf-8") == text(SCHEMA), "run `make schema`, and look at what has changed"


def test_no_change_breaks_users_unless_the_version_tells() -> None:
    released = json.loads(RELEASED.read_text(encoding="utf-8"))
    assert may_break(released, SCHEMA) or breaking_changes(released, SCHEMA) == []


def test_it_has_every_component_and_the_version_of_all() -> None:
    assert {token.rpartition(":")[2] for token in SCHEMA["resources"]} == {
        name for name in components.__all__ if f"{name}Args" in components.__all__
    }
    assert (SCHEMA["name"], SCHEMA["version"]) == ("llm-serving", components.__version__)
    # SDKs are generated without the schema of any other package
    assert SCHEMA["dependencies"] == []


def test_everything_is_described_and_typed() -> None:
    parts = {**SCHEMA["resources"], **SCHEMA["types"]}
    assert [token for token, part in parts.items() if not part["description"]] == []
    assert [name for name, each in all_properties() if not each.get("description")] == []
    assert [name for name, each in all_properties() if not ("type" in each or "$ref" in each)] == []
    values = [value for part in SCHEMA["types"].values() for value in part.get("enum", [])]
    assert len(values) > 20
    assert all(value["description"] for value in values)


def test_every_reference_leads_to_a_type() -> None:
    references = set(re.findall(r'"\$ref": "#/types/([^"]+)"', text(SCHEMA)))
    assert references == set(SCHEMA["types"])
    # the languages put `Args` behind it
    assert [token for token in SCHEMA["types"] if token.endswith("Args")] == []
    # where one name stood for a component and for a type, both would get the same class
    assert set(SCHEMA["types"]) & set(SCHEMA["resources"]) == set()


def test_secrets_are_marked() -> None:
    sounds_secret = {
        name
        for name, each in all_properties()
        if re.search(r"token|password|secret|kubeconfig|(?i:api|private)_?key", name.rpartition(".")[2], re.IGNORECASE)
        and each.get("type") == "string"
    }
    marked = {name for name, each in all_properties() if each.get("secret")}
    # it names a secret of Oracle Cloud's vault, and holds none
    assert sounds_secret - marked == {"OciGpuHost.tokenSecretId"}
    assert {name.rpartition(".")[2] for name in marked} == SECRETS


def test_what_may_come_from_another_resource_is_no_plain_input() -> None:
    inputs = {
        **SCHEMA["resources"]["llm-serving:index:GkeGpuCluster"]["inputProperties"],
        **SCHEMA["resources"]["llm-serving:index:InferenceService"]["inputProperties"],
    }
    assert {name for name, part in inputs.items() if not part.get("plain")} == {
        "project",
        "network",
        "subnetwork",
        "token",
        "serviceAccount",
        "namespace",
    }


def test_what_is_required_and_what_is_optional() -> None:
    cluster = SCHEMA["resources"]["llm-serving:index:GkeGpuCluster"]
    service = SCHEMA["resources"]["llm-serving:index:InferenceService"]
    assert cluster["requiredInputs"] == ["location"]
    assert service["requiredInputs"] == ["model", "resources", "server", "storage"]
    assert SCHEMA["types"]["llm-serving:index:GpuPool"]["required"] == ["machineType", "maxNodes", "minNodes"]
    # there is no address without a load balancer, and one server has no metrics
    assert set(service["properties"]) - set(service["required"]) == {"loadBalancerIp", "metricsUrl"}


def test_the_provider_is_for_python_alone() -> None:
    cluster = SCHEMA["resources"]["llm-serving:index:GkeGpuCluster"]
    assert "provider" not in cluster["properties"]
    assert "provider" not in cluster["required"]
    assert "kubeconfig" in cluster["properties"]


@pytest.mark.parametrize(("language", "example"), [("yaml", "yaml/Pulumi.yaml"), ("typescript", "typescript/index.ts")])
def test_what_the_documentation_shows_is_what_is_rehearsed(language: str, example: str) -> None:
    page = (PROJECT / "docs" / "other-languages.md").read_text(encoding="utf-8")
    (shown,) = re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)
    assert (PROJECT / "examples" / example).read_text(encoding="utf-8").endswith(shown)
