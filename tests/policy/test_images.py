"""Images that may be others tomorrow."""

from typing import Any

import pytest
from llm_serving_policy.images import IMAGES_PINNED

from tests.policy.judging import UNKNOWN, judge, paths

DEPLOYMENT = "kubernetes:apps/v1:Deployment"
DIGEST = "@sha256:" + "0" * 64


def deployment(image: str) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [{"name": "llm", "image": image}]}}}}


@pytest.mark.parametrize(
    "image",
    ["vllm/vllm-openai", "vllm/vllm-openai:latest", "registry:5000/vllm", "docker.io/vllm/vllm-openai:nightly"],
)
def test_floating_images_are_found(image: str) -> None:
    assert paths(IMAGES_PINNED, DEPLOYMENT, deployment(image)) == ["spec.template.spec.containers[0].image"]


@pytest.mark.parametrize("image", ["vllm/vllm-openai:v0.11.1", f"vllm{DIGEST}", f"vllm:latest{DIGEST}", UNKNOWN])
def test_pinned_images_pass(image: str) -> None:
    assert judge(IMAGES_PINNED, DEPLOYMENT, deployment(image)) == []


@pytest.mark.parametrize(
    ("resource_type", "inputs", "path"),
    [
        ("kubernetes:core/v1:Pod", {"spec": {"initContainers": [{"image": "a:1"}, {"image": "b"}]}},
         "spec.initContainers[1].image"),
        ("kubernetes:batch/v1:CronJob",
         {"spec": {"jobTemplate": {"spec": {"template": {"spec": {"containers": [{"image": "a"}]}}}}}},
         "spec.jobTemplate.spec.template.spec.containers[0].image"),
        ("kubernetes:core/v1:Pod", {"spec": {"volumes": [{"name": "model", "image": {"reference": "model"}}]}},
         "spec.volumes[0].image.reference"),
        ("kubernetes:ray.io/v1:RayCluster",
         {"spec": {"headGroupSpec": {"template": {"spec": {"containers": [{"image": "ray"}]}}}}},
         "spec.headGroupSpec.template.spec.containers[0].image"),
        ("gcp:cloudrunv2/service:Service", {"template": {"containers": [{"image": "us-docker.pkg.dev/p/r/i"}]}},
         "template.containers[0].image"),
    ],
)  # fmt: skip
def test_images_are_found_wherever_containers_are(resource_type: str, inputs: dict[str, Any], path: str) -> None:
    assert paths(IMAGES_PINNED, resource_type, inputs) == [path]


def test_digests_are_asked_for_where_configured() -> None:
    assert judge(IMAGES_PINNED, DEPLOYMENT, deployment(f"vllm:v1{DIGEST}"), {"digest": True}) == []
    (report,) = judge(IMAGES_PINNED, DEPLOYMENT, deployment("vllm:v1"), {"digest": True})
    assert "has no digest" in report


def test_which_tags_float_is_configured() -> None:
    assert judge(IMAGES_PINNED, DEPLOYMENT, deployment("vllm:canary")) == []
    (report,) = judge(IMAGES_PINNED, DEPLOYMENT, deployment("vllm:canary"), {"floatingTags": ["canary"]})
    assert "vllm:canary has the tag canary" in report
