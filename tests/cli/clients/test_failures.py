"""Each way in which a request fails ends in one clear line."""

import asyncio
import socket
from pathlib import Path

import pytest

from cli.clients import Endpoint, GenerationError, GenerationRequest
from cli.clients.generation import ignore
from cli.clients.reading import Reading
from cli.errors import RefusedError
from tests.cli.clients.asking import ALL, GRPC, HTTP, ask, check_health, serve
from tests.cli.servers.behavior import Behavior
from tests.cli.servers.certificate import grpc_tls, server_tls, write_certificate
from tests.cli.servers.grpc_server import grpc_server
from tests.cli.servers.http_server import http_server

REQUEST = GenerationRequest("What is a mixture of experts?", 64)
WHOLE = GenerationRequest("What is a mixture of experts?", 64, stream=False)
SECRET = "tell-nobody-7f3a"


def failure(name: str, url: str, request: GenerationRequest = REQUEST, **limits: float) -> tuple[str, str]:
    """Return kind and text of what a request to `url` comes to, with the URL as `URL`."""
    endpoint = Endpoint(url, {"Authorization": f"Bearer {SECRET}"}, **limits)
    with pytest.raises(GenerationError) as raised:
        ask(name, endpoint, request)
    text = str(raised.value)
    assert "\n" not in text
    assert SECRET not in text
    assert SECRET not in repr(endpoint)
    return raised.value.kind, text.replace(url, "URL")


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("request_", [REQUEST, WHOLE], ids=["stream", "whole"])
def test_too_many_requests(name: str, request_: GenerationRequest) -> None:
    behavior = Behavior(status=429, message="Model is overloaded.", answer_headers={"Retry-After": "20"})
    with serve(name, behavior) as url:
        kind, text = failure(name, url, request_)
    assert kind == "status"
    if name in GRPC:
        advice = "It is busy: send fewer requests at a time, or start more replicas."
        assert text == f"URL answered RESOURCE_EXHAUSTED: Model is overloaded. {advice}"
    else:
        path = behavior.asked[0].path
        assert text == f"URL{path} answered 429: Model is overloaded. Retry after 20 s."
    assert len(behavior.asked) <= 1  # it is not sent again


@pytest.mark.parametrize("name", ALL)
def test_internal_error(name: str) -> None:
    with serve(name, Behavior(status=500, message="CUDA out of memory")) as url:
        kind, text = failure(name, url)
    assert kind == "status"
    assert "CUDA out of memory. Its log says more." in text


@pytest.mark.parametrize("name", ALL)
def test_a_key_that_the_server_repeats(name: str) -> None:
    with serve(name, Behavior(status=500, message=f"Incorrect key: {SECRET}")) as url:
        assert "Incorrect key: [secret]" in failure(name, url)[1]


@pytest.mark.parametrize("name", ["vllm", "triton:grpc"])
def test_a_key_that_is_repeated_in_the_answer(name: str) -> None:
    with serve(name, Behavior(report_after=2, message=f"Incorrect key: {SECRET}")) as url:
        assert "gave up: Incorrect key: [secret]." in failure(name, url)[1]


def test_a_key_that_something_else_repeats() -> None:
    with serve("tgi", Behavior(raw=f"<html>no {SECRET}</html>".encode())) as url:
        assert "answered '<html>no [secret]</html>', which" in failure("tgi", url)[1]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("request_", [REQUEST, WHOLE], ids=["stream", "whole"])
def test_an_answer_that_is_cut_off(name: str, request_: GenerationRequest) -> None:
    with serve(name, Behavior(cut_after=2)) as url:
        kind, text = failure(name, url, request_)
    assert kind == "cut off"
    assert text == (
        "URL stopped in the middle of an answer. Did the server, the port-forward or a load balancer's timeout end the "
        "connection?"
    )


@pytest.mark.parametrize("name", ["tgi", "vllm", "vllm:chat", "llama-cpp"])
def test_an_answer_that_ends_without_its_end_is_cut_off(name: str) -> None:
    # the body ends as it should, since something in front of the server has ended it
    raw = {
        "tgi": b'data:{"token":{"text":"A","special":false},"generated_text":null,"details":null}\n\n',
        "vllm": b'data: {"choices":[{"text":"A"}]}\n\n',
        "vllm:chat": b'data: {"choices":[{"delta":{"content":"A"}}]}\n\n',
        "llama-cpp": b'data: {"content":"A","stop":false}\n\n',
    }
    with serve(name, Behavior(raw=raw[name])) as url:
        assert failure(name, url)[0] == "cut off"


@pytest.mark.parametrize("name", ["vllm-generate", "jetstream"])
def test_a_document_that_does_not_end_is_cut_off(name: str) -> None:
    raw = {"vllm-generate": b'{"text": ["A"]}\n{"text": ["A b', "jetstream": b'{"text": "A"}{"text": "b'}
    with serve(name, Behavior(raw=raw[name])) as url:
        assert failure(name, url)[0] == "cut off"


@pytest.mark.parametrize("name", ["tgi", "vllm", "vllm:chat", "triton", "llama-cpp", "triton:grpc"])
def test_a_failure_that_is_told_in_the_answer(name: str) -> None:
    with serve(name, Behavior(report_after=2, message="Request failed during generation")) as url:
        kind, text = failure(name, url)
    assert (kind, text) == ("reported", "URL gave up: Request failed during generation. Its log says more.")


@pytest.mark.parametrize("name", [name for name in HTTP if name != "torchserve"])
@pytest.mark.parametrize("request_", [REQUEST, WHOLE], ids=["stream", "whole"])
@pytest.mark.parametrize(
    "raw", [b"<html>It works!</html>", b'{"hello": 1}', b'data: {"hello": 1}\n\n', b'data: {"hel\n\n', b""]
)
def test_an_answer_of_something_else(name: str, request_: GenerationRequest, raw: bytes) -> None:
    with serve(name, Behavior(raw=raw)) as url:
        kind, text = failure(name, url, request_)
    assert kind == "unexpected answer"
    assert "which is not this kind of server's answer." in text
    assert ("URL answered nothing," if not raw else "URL answered '") in text


def test_text_of_torchserve_that_is_no_text() -> None:
    with serve("torchserve", Behavior(raw=b"\xff\xfe\x00")) as url:
        assert failure("torchserve", url)[0] == "unexpected answer"


@pytest.mark.parametrize("name", ALL)
def test_a_first_piece_that_does_not_come(name: str) -> None:
    with serve(name, Behavior(first_token_seconds=3600)) as url:
        kind, text = failure(name, url, first_piece_seconds=0.3)
    assert kind == "first piece timeout"
    assert text.startswith("URL did not begin to answer within 0.3 s. Is it still warming up")


@pytest.mark.parametrize("name", ["tgi", "triton:grpc"])
def test_an_answer_that_does_not_end(name: str) -> None:
    with serve(name, Behavior(token_seconds=3600)) as url:
        kind, text = failure(name, url, first_piece_seconds=60, total_seconds=3)
    assert kind == "total timeout"
    assert text.startswith("URL did not end its answer within 3 s.")


def test_the_limit_of_the_first_piece_ends_with_it() -> None:
    async def read() -> list[float | None]:
        reading = Reading(REQUEST, ignore)
        async with reading.limits(Endpoint("http://x", first_piece_seconds=60)):
            assert reading._beginning
            before = reading._beginning.when()
            reading.take("")
            assert reading._beginning.when() == before
            reading.take("A")
            return [before, reading._beginning.when()]

    before, after = asyncio.run(read())
    assert before is not None
    assert after is None


@pytest.mark.parametrize("name", ["tgi", "triton:grpc"])
def test_a_whole_answer_has_the_total_limit_alone(name: str) -> None:
    with serve(name, Behavior(first_token_seconds=3600)) as url:
        assert failure(name, url, WHOLE, first_piece_seconds=0.1, total_seconds=0.5)[0] == "total timeout"


@pytest.mark.parametrize("name", ALL)
def test_nothing_listens(name: str) -> None:
    # bound, so that nobody else gets it, and not listening
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        kind, text = failure(name, f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert kind == "connection"
    assert text.startswith("Nothing answers at URL: ")
    assert "onnection refused" in text
    assert "sourceRanges" in text


@pytest.mark.parametrize("name", ["tgi", "triton:grpc"])
def test_no_such_host(name: str) -> None:
    kind, text = failure(name, "http://no-such-host.invalid:80")
    assert kind == "connection"
    assert text.startswith("Nothing answers at URL: ")


@pytest.mark.parametrize("name", ["tgi", "triton:grpc"])
def test_a_certificate_that_nobody_has_signed(name: str, tmp_path: Path) -> None:
    file = write_certificate(tmp_path)
    http = http_server("tgi", Behavior(), server_tls(file))
    with grpc_server("triton", Behavior(), grpc_tls(file)) if name in GRPC else http as url:
        assert url.startswith("https://")
        kind, text = failure(name, url)
    assert kind == "tls"
    assert text.startswith("The certificate of URL is not to be trusted")
    if name == "tgi":
        assert "not to be trusted: self-signed certificate. Use the name" in text


@pytest.mark.parametrize("name", ["tgi", "triton:grpc"])
def test_tls_to_a_server_that_speaks_none(name: str) -> None:
    with serve(name, Behavior()) as url:
        kind, text = failure(name, url.replace("http:", "https:"))
    assert kind == "tls"
    assert "not speak TLS" in text


def test_a_connection_that_ends_before_an_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        async def hang_up() -> tuple[str, str]:
            def accept() -> None:
                listening.accept()[0].close()

            accepting = asyncio.get_running_loop().run_in_executor(None, accept)
            url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            found = await asyncio.to_thread(failure, "tgi", url)
            await accepting
            return found

        kind, text = asyncio.run(hang_up())
    assert kind == "connection"
    assert text.startswith("Nothing answers at URL: ")


def test_a_key_that_is_missing() -> None:
    with serve("torchserve", Behavior(key="poZXAlqe")) as url:
        with pytest.raises(GenerationError, match="400: Token Authorization failed"):
            check_health("torchserve", Endpoint(url))
        check_health("torchserve", Endpoint(url, {"Authorization": "Bearer poZXAlqe"}))


@pytest.mark.parametrize("name", ALL)
def test_a_server_that_is_not_healthy(name: str) -> None:
    with serve(name, Behavior(unhealthy=1)) as url:
        with pytest.raises(GenerationError) as raised:
            check_health(name, Endpoint(url))
        check_health(name, Endpoint(url))
    assert raised.value.kind == "status"
    assert "answered 503: Loading model" in str(raised.value) or "the model is not ready" in str(raised.value)


def test_a_parameter_that_triton_has_not() -> None:
    request = GenerationRequest("Hello", 8, parameters={"watermark": True})
    with (
        serve("triton:grpc", Behavior()) as url,
        pytest.raises(RefusedError, match=r"no input watermark\. It has: text_input"),
    ):
        ask("triton:grpc", Endpoint(url), request)
