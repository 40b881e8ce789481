"""Policy on container images."""

from collections.abc import Iterator
from typing import Any, cast

from pulumi_policy import PolicyConfigSchema

from .rule import Config, Inputs, Violation, get, resource_policy, walk

FLOATING_TAGS = ("latest", "nightly", "main", "master", "dev", "edge", "stable")
"""Tags that are moved to newer images."""
LISTS = ("containers", "initContainers", "ephemeralContainers")


def check_images(_resource_type: str, inputs: Inputs, config: Config) -> Iterator[Violation]:
    """Find images of pods, and of anything else that has containers, which may be others tomorrow."""
    floating = {str(tag) for tag in config.get("floatingTags", FLOATING_TAGS)}
    for path, value in walk(inputs):
        for at, image in _images(path, value):
            if "@sha256:" in image:
                continue
            tag = image.rpartition("/")[2].partition(":")[2]
            if not tag or tag in floating:
                yield Violation(
                    at,
                    f"{image} {f'has the tag {tag}' if tag else 'has no tag'}, which may name another image tomorrow.",
                    "Name the tag of a release, or a digest.",
                )
            elif config.get("digest") is True:
                yield Violation(
                    at,
                    f"{image} has no digest, which this pack is configured to ask for.",
                    f"Append the digest of that tag: {image}@sha256:...",
                )


def _images(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(value, dict):
        return
    entries = cast("Inputs", value)
    for name in LISTS:
        containers = entries.get(name)
        for index, container in enumerate(cast("list[Any]", containers) if isinstance(containers, list) else []):
            image = get(container, "image")
            if isinstance(image, str):
                yield f"{path}.{name}[{index}].image".removeprefix("."), image
    volume = get(entries, "image.reference")
    if isinstance(volume, str):
        yield f"{path}.image.reference".removeprefix("."), volume


IMAGES_PINNED = resource_policy(
    "images-pinned",
    "A container image is named by the tag of a release or by a digest.",
    check_images,
    PolicyConfigSchema(
        {
            "digest": {"type": "boolean", "default": False},
            "floatingTags": {"type": "array", "items": {"type": "string"}, "default": list(FLOATING_TAGS)},
        }
    ),
)
