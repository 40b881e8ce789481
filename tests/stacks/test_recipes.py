"""What holds for every recipe."""

import pytest

import stacks
from stacks.recipe import Recipe
from tests.stacks.stack_file import (
    DEV,
    JETSTREAM,
    MISTRAL,
    MIXTRAL,
    ROOT,
    TORCHSERVE,
    TRITON,
    defaults,
    run,
    stack_file,
)

# design.md, section 5
OUTPUTS = {
    "endpoint",
    "loadBalancerIp",
    "healthUrl",
    "metricsUrl",
    "access",
    "tryIt",
    "model",
    "server",
    "accelerators",
    "hourlyCost",
    "kubeconfig",
}
# without Kubernetes there is a shell on the hosts instead
OF_HOSTS = (OUTPUTS - {"kubeconfig"}) | {"sshCommand", "setupLog"}
EVERY = pytest.mark.parametrize("name", list(stacks.RECIPES))


def test_the_recipes() -> None:
    assert set(stacks.RECIPES) == {MIXTRAL, MISTRAL, TORCHSERVE, JETSTREAM, TRITON, DEV}
    assert all(recipe.name == name and recipe.title for name, recipe in stacks.RECIPES.items())


def test_every_stack_file_has_a_recipe_and_every_recipe_one() -> None:
    files = {path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in ROOT.glob("Pulumi.*.yaml")}
    assert files == set(stacks.RECIPES)


@EVERY
def test_the_stack_file_chooses_its_recipe(name: str) -> None:
    assert stack_file(name)["llm-serving:recipe"] == name


@EVERY
def test_what_belongs_to_an_account_is_in_no_stack_file(name: str) -> None:
    recipe: Recipe = stacks.RECIPES[name]
    assert not set(recipe.account_values) & set(stack_file(name))
    for key, value in recipe.account_values.items():
        setting = key.removeprefix("llm-serving:")
        assert "pulumi config set" in value.help
        assert setting in value.help
        assert ("--secret" in value.help) is value.secret


@EVERY
@pytest.mark.parametrize("preview", [False, True])
def test_with_stand_ins_it_plans_without_a_word(name: str, preview: bool) -> None:
    recording = run(name, preview=preview)
    assert recording.error is None
    assert recording.messages == []


@EVERY
def test_every_recipe_has_the_same_outputs(name: str) -> None:
    # an output that is None is no property of the stack, so the names are those of `deploy`
    recording = run(name)
    assert recording.error is None
    without_value = {
        DEV: {"loadBalancerIp", "hourlyCost", "kubeconfig"},
        JETSTREAM: {"loadBalancerIp"},
        MISTRAL: {"loadBalancerIp"},
        TORCHSERVE: {"loadBalancerIp"},
    }.get(name, set[str]())
    assert set(recording.stack_outputs()) | without_value == (OF_HOSTS if name == TRITON else OUTPUTS)


@EVERY
def test_the_default_kubernetes_provider_is_disabled_but_in_dev(name: str) -> None:
    disabled = stack_file(name).get("pulumi:disable-default-providers", [])
    assert disabled == ([] if name == DEV else ["kubernetes"])


@EVERY
def test_nothing_on_a_cluster_is_left_to_the_default_provider(name: str) -> None:
    on_cluster = [resource for resource in run(name).resources if resource.type.startswith("kubernetes:")]
    assert bool(on_cluster) is (name != TRITON)
    assert all(resource.provider() for resource in on_cluster)


def test_pulumi_yaml_describes_every_setting() -> None:
    own = {field.alias for recipe in stacks.RECIPES.values() for field in recipe.settings.model_fields.values()}
    described = {key.removeprefix("llm-serving:"): value for key, value in defaults().items()}
    assert set(described) == own
    # so that a stack which does not mention one is as if the schema were not there
    assert all(not value for value in described.values())
