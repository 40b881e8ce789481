"""What a program in YAML is checked against when it configures a simulated provider."""

import importlib.metadata
import json

import pytest

from simulator.provider_schema import provider_schema


@pytest.mark.parametrize("name", ["gcp", "kubernetes", "oci"])
def test_it_is_named_and_versioned_as_the_installed_sdk(name: str) -> None:
    schema = json.loads(provider_schema(name))
    assert (schema["name"], schema["version"]) == (name, importlib.metadata.version(f"pulumi-{name}"))
    assert set(schema) == {"name", "version", "provider"}


def test_it_has_the_settings_of_the_sdk() -> None:
    kubernetes = json.loads(provider_schema("kubernetes"))["provider"]["inputProperties"]
    assert kubernetes["kubeconfig"] == {"type": "string"}
    assert kubernetes["enableServerSideApply"] == {"type": "boolean"}
    # an object
    assert kubernetes["kubeClientSettings"] == {"$ref": "pulumi.json#/Any"}
    oci = json.loads(provider_schema("oci"))["provider"]["inputProperties"]
    assert oci["ignoreDefinedTags"] == {"type": "array", "items": {"type": "string"}}
    assert oci["retryDurationSeconds"] == {"type": "integer"}
