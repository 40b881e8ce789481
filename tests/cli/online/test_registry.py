"""An image, asked of a registry on this machine."""

import pytest

from cli.online.registry import DOCKER_HUB, check_image, split_image
from tests.cli.online.web_server import WebServer


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("ghcr.io/huggingface/tgi:1.4.3", ("ghcr.io", "huggingface/tgi", "1.4.3")),
        ("docker.io/vllm/vllm-openai:v0.11.1", (DOCKER_HUB, "vllm/vllm-openai", "v0.11.1")),
        ("busybox", (DOCKER_HUB, "library/busybox", "latest")),
        ("open-webui/open-webui:v1", (DOCKER_HUB, "open-webui/open-webui", "v1")),
        ("localhost/name:1", ("localhost", "name", "1")),
        ("127.0.0.1:5000/a/b", ("127.0.0.1:5000", "a/b", "latest")),
        ("ghcr.io/a/b@sha256:abc", ("ghcr.io", "a/b", "sha256:abc")),
        ("ghcr.io/a/b:1@sha256:abc", ("ghcr.io", "a/b", "sha256:abc")),
    ],
)
def test_the_parts_of_an_image(image: str, parts: tuple[str, str, str]) -> None:
    assert split_image(image) == parts


def test_an_image_that_is_there(web: WebServer) -> None:
    web.answers["/v2/a/b/manifests/1"] = (200, {}, {})
    answer = check_image(f"127.0.0.1:{web.port}/a/b:1")
    assert (answer.findings, answer.skipped) == ((), ())
    (asked,) = web.asked
    assert asked.method == "HEAD"
    assert "application/vnd.oci.image.index.v1+json" in asked.headers["Accept"]


def test_an_image_that_is_not(web: WebServer) -> None:
    (finding,) = check_image(f"127.0.0.1:{web.port}/a/b:2").findings
    assert (finding.severity, finding.code, finding.path) == ("error", "image-not-found", "service.image")
    assert "/a/b:2'" in finding.message


def test_a_registry_that_gives_a_token_to_whoever_asks(web: WebServer) -> None:
    web.needs_token = "anonymous"
    realm = f'Bearer realm="{web.url}/token",service="registry",scope="repository:a/b:pull"'
    web.answers = {
        "/v2/a/b/manifests/1:refused": (401, {"WWW-Authenticate": realm}, {}),
        "/token": (200, {}, {"token": "anonymous"}),
        "/v2/a/b/manifests/1": (200, {}, {}),
    }
    answer = check_image(f"127.0.0.1:{web.port}/a/b:1")
    assert (answer.findings, answer.skipped) == ((), ())
    assert web.paths()[1] == "/token?service=registry&scope=repository%3Aa%2Fb%3Apull"
    assert web.asked[2].headers["Authorization"] == "Bearer anonymous"


def test_a_private_registry_is_skipped(web: WebServer) -> None:
    web.answers["/v2/a/b/manifests/1"] = (401, {"WWW-Authenticate": 'Basic realm="private"'}, {})
    answer = check_image(f"127.0.0.1:{web.port}/a/b:1")
    assert answer.findings == ()
    assert answer.skipped == (f"127.0.0.1:{web.port}/a/b:1: its registry answers with status 401",)


def test_without_a_registry_it_is_skipped(web: WebServer) -> None:
    # a port on which nothing listens: that of the token's server is taken, and its neighbour 1 never is
    answer = check_image("127.0.0.1:1/a/b:1")
    assert answer.findings == ()
    assert "cannot be reached" in answer.skipped[0]
