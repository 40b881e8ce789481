"""The handler in TorchServe's archive, on a stand-in of its example, which needs PyTorch and a GPU."""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from ts.utils.util import PredictionException, list_classes_from_module

from components.jobs.gpt_fast import WORKLOAD

LONGEST = 128


class Example:
    """What the example's GptHandler is to a subclass."""

    def __init__(self) -> None:
        self.model, self.tokenizer = SimpleNamespace(setup_caches=self.setup_caches), "tokenizer"
        self.device, self.local_rank, self.stream, self.prompt_length = "cuda:0", 0, False, 0
        self.done: list[Any] = []

    def initialize(self, ctx: Any) -> None:
        self.stream = ctx.model_yaml_config["handler"]["stream"]
        self.done.append("load")

    def setup_caches(self, *, max_batch_size: int, max_seq_length: int) -> None:
        self.done.append((max_batch_size, max_seq_length))

    def generate(self, encoded: list[str], max_new_tokens: int, **_: Any) -> None:
        self.done.append((len(encoded), max_new_tokens, self.stream))

    def preprocess(self, requests: Any) -> dict[str, Any]:
        data = requests[0]["body"]
        self.prompt_length = len(data["prompt"].split())
        return {"encoded": data["prompt"], "max_new_tokens": data.get("max_new_tokens", 50)}


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    @contextmanager
    def device(_: str) -> Iterator[None]:
        yield

    def encode_tokens(tokenizer: str, text: str, *, bos: bool, device: str) -> list[str]:
        return text.split()

    for name, content in {
        "torch": {"device": device},
        "generate": {"encode_tokens": encode_tokens},
        "handler": {"GptHandler": Example},
    }.items():
        stand_in = ModuleType(name)
        vars(stand_in).update(content)
        monkeypatch.setitem(sys.modules, name, stand_in)
    spec = importlib.util.spec_from_file_location("warm_handler", WORKLOAD / "warm_handler.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "warm_handler", module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("READY_FILE", str(tmp_path / "ready"))
    return tmp_path / "ready"


def started(module: ModuleType, *, rank: int = 0, stream: bool = True) -> Any:
    handler = module.WarmHandler()
    handler.local_rank = rank
    config = {"handler": {"stream": stream, "max_sequence_length": LONGEST}}
    handler.initialize(SimpleNamespace(model_yaml_config=config))
    return handler


def test_torchserve_finds_the_one_class(module: ModuleType) -> None:
    (only,) = list_classes_from_module(module)  # two are refused
    assert only is module.WarmHandler


def test_it_is_compiled_for_the_longest_request_before_it_is_ready(module: ModuleType, ready: Path) -> None:
    handler = started(module)
    load, caches, *runs = handler.done
    assert (load, caches) == ("load", (1, LONGEST))
    # prompts of different length, long enough for a graph to be replayed, and answered to nobody
    assert len({length for length, _, _ in runs}) == 2
    assert all(tokens >= 4 and streamed is False for _, tokens, streamed in runs)
    assert handler.stream is True
    assert ready.exists()


def test_it_is_not_ready_while_it_loads(module: ModuleType, ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ready.touch()  # of a worker that died
    monkeypatch.setattr(Example, "generate", lambda *_, **__: (_ for _ in ()).throw(RuntimeError("no memory")))
    with pytest.raises(RuntimeError):
        started(module)
    assert not ready.exists()


def test_the_first_of_several_processes_says_so(module: ModuleType, ready: Path) -> None:
    started(module, rank=1, stream=False)
    assert not ready.exists()


def asked(module: ModuleType, body: Any) -> Any:
    return started(module).preprocess([{"body": body}])


def test_an_answer_ends_where_the_caches_do(module: ModuleType, ready: Path) -> None:
    assert asked(module, {"prompt": "a b c", "max_new_tokens": 10})["max_new_tokens"] == 10
    assert asked(module, {"prompt": "a b c", "max_new_tokens": 100_000})["max_new_tokens"] == LONGEST - 3
    assert asked(module, {"prompt": "a b c"})["max_new_tokens"] == 50


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"max_new_tokens": 10}, "prompt"),
        (None, "prompt"),
        ({"prompt": "a", "max_new_tokens": "many"}, "NUMBER"),
        ({"prompt": "a", "max_new_tokens": 1}, "at least 2"),
        ({"prompt": "a " * (LONGEST - 1)}, "the prompt has 127 tokens, and prompt and answer have 128"),
    ],
)
def test_the_clients_mistakes(module: ModuleType, ready: Path, body: Any, says: str) -> None:
    with pytest.raises(PredictionException) as refused:
        asked(module, body)
    assert refused.value.error_code == 400
    assert says in refused.value.message
