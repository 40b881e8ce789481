"""The API reference: fresh, and with a word on everything."""

from __future__ import annotations

import re
from enum import Enum

import pytest
from pydantic import BaseModel
from pydantic.alias_generators import to_camel
from typer.testing import CliRunner

import components
from cli.app import app
from package.plugin.schema import SECRETS
from package.reference import FOLDER, arguments_of, component_classes, docstrings, outputs_of, pages, types_of
from tests.package.conftest import PROJECT

COMPONENTS = component_classes()
TYPES = list({each: None for component in COMPONENTS for each in types_of(arguments_of(component))})
MODELS = [each for each in TYPES if issubclass(each, BaseModel)]
ENUMERATIONS = [each for each in TYPES if issubclass(each, Enum)]


def named(each: type) -> str:
    return each.__name__


def test_the_pages_are_what_the_docstrings_make() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    assert written == pages(), "run `make reference`"


def test_every_component_and_type_is_found_and_exported() -> None:
    assert len(COMPONENTS) >= 12
    assert len(ENUMERATIONS) >= 10
    assert {each.__name__ for each in (*COMPONENTS, *TYPES)} <= set(components.__all__)
    assert not [each for each in (*COMPONENTS, *TYPES) if "__doc__" not in vars(each) or not each.__doc__]


@pytest.mark.parametrize("model", MODELS, ids=named)
def test_every_argument_is_described_with_its_default(model: type[BaseModel]) -> None:
    for name, field in model.model_fields.items():
        meaning, stated, default = (field.description or "").partition("Default:")
        assert meaning, f"{model.__name__}.{name} has no meaning"
        if field.is_required():
            assert not stated, f"{model.__name__}.{name} is required"
        else:
            assert default.strip() or "Required" in meaning, f"{model.__name__}.{name} states no default"
        assert ("a secret" in meaning) == (to_camel(name) in SECRETS), f"{model.__name__}.{name}: a secret, or none?"


@pytest.mark.parametrize("component", COMPONENTS, ids=named)
def test_every_output_is_described(component: type) -> None:
    outputs = outputs_of(component)
    assert outputs
    described = docstrings(component)
    assert {name for name in outputs if not described.get(name)} == set()
    for name in outputs:
        assert described[name].startswith("Secret") == (to_camel(name) in SECRETS), name


@pytest.mark.parametrize("enumeration", ENUMERATIONS, ids=named)
def test_every_value_is_described(enumeration: type[Enum]) -> None:
    assert {member.name for member in enumeration} == set(docstrings(enumeration))


def test_the_command_line_tells_the_version() -> None:
    told = CliRunner().invoke(app, ["--version"])
    assert (told.exit_code, told.output) == (0, f"{components.__version__}\n")


def test_the_changelog_has_the_version() -> None:
    changelog = (PROJECT / "CHANGELOG.md").read_text()
    assert re.search(rf"^## \[{re.escape(components.__version__)}\] - (\d{{4}}-\d\d-\d\d|unreleased)$", changelog, re.M)
