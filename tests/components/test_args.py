"""The base of all arguments: what is taken, what is refused, and where a message says the mistake stands."""

from enum import StrEnum
from typing import Any

import pulumi
import pytest
from pydantic import Field

from components.args import ComponentArgs, Input, given
from components.findings import ConfigurationError
from tests.recording import record


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Wheel(ComponentArgs):
    size_inches: int = Field(ge=1)
    maker: str | None = None


class Cart(ComponentArgs):
    owner: Input[str]
    colour: Colour | None = None
    wheels: list[Wheel] | None = None
    spare_wheels: dict[str, Wheel] | None = None
    front_wheel: Wheel | None = None
    notes: dict[str, str] | None = None
    tags: list[str] | None = None
    load_kg: float | None = None
    covered: bool | None = None


def refused(**settings: Any) -> list[tuple[str, str, str, str]]:
    with pytest.raises(ConfigurationError) as refusal:
        Cart.parse({"owner": "me", **settings}, "cart")
    return [(found.code, found.path, found.message, found.remedy) for found in refusal.value.findings]


def test_both_spellings_mean_the_same() -> None:
    camel = Cart.parse({"owner": "me", "spareWheels": {"a": {"sizeInches": 20}}, "loadKg": 3})
    snake = Cart.parse({"owner": "me", "spare_wheels": {"a": {"size_inches": 20}}, "load_kg": 3})
    assert camel == snake
    assert camel.spare_wheels == {"a": Wheel(size_inches=20)}


def test_a_model_is_taken_as_it_is() -> None:
    cart = Cart(owner="me")
    assert Cart.parse(cart) is cart


def test_whole_floats_are_whole_numbers() -> None:
    # as counts come from programs in other languages
    assert Wheel.parse({"sizeInches": 20.0}).size_inches == 20


def test_an_input_may_be_an_output() -> None:
    seen: list[str] = []

    def program() -> None:
        owner = Cart.parse({"owner": pulumi.Output.from_input("later")}).owner
        pulumi.Output.from_input(owner).apply(seen.append)

    assert record(program).error is None
    assert seen == ["later"]


@pytest.mark.parametrize(
    ("settings", "path", "message", "remedy"),
    [
        ({"ownr": 1}, "cart.ownr", "'ownr' is not a setting.", "Did you mean 'owner'?"),
        (
            {"zzz": 1},
            "cart.zzz",
            "'zzz' is not a setting.",
            "Known here: owner, colour, wheels, spareWheels, frontWheel, notes, tags, loadKg, covered.",
        ),
        (
            {"frontWheel": {"sizeInches": 1, "makr": "x"}},
            "cart.frontWheel.makr",
            "'makr' is not a setting.",
            "Did you mean 'maker'?",
        ),
        (
            {"spareWheels": {"a": {"sizeInch": 1, "sizeInches": 1}}},
            "cart.spareWheels.a.sizeInch",
            "'sizeInch' is not a setting.",
            "Did you mean 'sizeInches'?",
        ),
        (
            {"wheels": [{"sizeInches": 1}, {"sizeInches": 1, "qqq": 1}]},
            "cart.wheels.1.qqq",
            "'qqq' is not a setting.",
            "Known here: sizeInches, maker.",
        ),
    ],
)
def test_unknown_settings(settings: dict[str, Any], path: str, message: str, remedy: str) -> None:
    assert refused(**settings) == [("unknown-setting", path, message, remedy)]


def test_missing_settings() -> None:
    assert [found[:3] for found in refused(wheels=[{}])] == [
        ("missing-setting", "cart.wheels.0.sizeInches", "this setting is required.")
    ]


@pytest.mark.parametrize(
    ("settings", "path", "message"),
    [
        # one finding, although three members of the union refuse it
        ({"owner": 5}, "cart.owner", "Input should be a valid string, not 5 (int)."),
        ({"owner": None}, "cart.owner", "Input should be a valid string, not a NoneType."),
        ({"owner": ["secret"]}, "cart.owner", "Input should be a valid string, not a list."),
        ({"colour": "green"}, "cart.colour", "Input should be 'red' or 'blue', not a str."),
        ({"loadKg": True}, "cart.loadKg", "Input should be a number, not True (bool)."),
        (
            {"frontWheel": {"sizeInches": True}},
            "cart.frontWheel.sizeInches",
            "Input should be a number, not True (bool).",
        ),
        (
            {"frontWheel": {"sizeInches": 1.5}},
            "cart.frontWheel.sizeInches",
            "Input should be a valid integer, got a number with a fractional part, not 1.5 (float).",
        ),
        (
            {"frontWheel": {"sizeInches": 0}},
            "cart.frontWheel.sizeInches",
            "Input should be greater than or equal to 1, not 0 (int).",
        ),
        (
            {"frontWheel": {"sizeInches": 2**31}},
            "cart.frontWheel.sizeInches",
            "Input should be a number of at most 2147483647, not 2147483648 (int).",
        ),
        (
            {"frontWheel": {"sizeInches": "9" * 400}},
            "cart.frontWheel.sizeInches",
            "Input should be a number of at most 2147483647, not a str.",
        ),
        ({"wheels": "two"}, "cart.wheels", "Input should be a valid list, not a str."),
        ({"notes": ["x"]}, "cart.notes", "Input should be a valid dictionary, not a list."),
        ({"notes": {"a": 1}}, "cart.notes.a", "Input should be a valid string, not 1 (int)."),
        ({"tags": ["a", None]}, "cart.tags.1", "Input should be a valid string, not a NoneType."),
        (
            {"covered": "maybe"},
            "cart.covered",
            "Input should be a valid boolean, unable to interpret input, not a str.",
        ),
    ],
)
def test_wrong_values(settings: dict[str, Any], path: str, message: str) -> None:
    assert [found[:3] for found in refused(**settings)] == [("wrong-value", path, message)]


def test_everything_wrong_is_told_at_once() -> None:
    assert {found[1] for found in refused(owner=1, colour="green", qqq=2)} == {"cart.owner", "cart.colour", "cart.qqq"}


def test_text_is_never_shown_since_it_may_be_a_secret() -> None:
    told = str(refused(owner={"hf": "hf_secret"}, tags="hf_secret", frontWheel="hf_secret"))
    assert "hf_secret" not in told


def test_a_refusal_has_no_traceback_of_the_validator() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        Cart.parse({})
    assert refusal.value.__suppress_context__


def test_given() -> None:
    assert given(a=None, b=0, c="", d=[]) == {"b": 0, "c": "", "d": []}
