import json
from itertools import islice
from pathlib import Path

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from cli.endpoint_bench.load import WORDS, Load, Prompts, loads
from cli.endpoint_bench.tokens import CountTokens, load_tokenizer
from cli.errors import RefusedError
from cli.prompts import load_prompts

GUIDE = load_prompts()["tgi"]


def prompts_of(tokens: int, seed: int, key: str = "1 of 1", count: CountTokens | None = None) -> list[str]:
    source = Prompts(GUIDE, seed, count=count)
    load = Load(concurrency=1, prompt_tokens=tokens, output_tokens=9)
    return [each.prompt for each in islice(source.requests(load, key), 5)]


def test_all_combinations_in_order() -> None:
    found = loads([1, 4], [0.5], "poisson", [16, 32], [8])
    assert [each.title for each in found] == [
        "1 at a time, 16 tokens in, 8 out",
        "4 at a time, 16 tokens in, 8 out",
        "0.5/s poisson, 16 tokens in, 8 out",
        "1 at a time, 32 tokens in, 8 out",
        "4 at a time, 32 tokens in, 8 out",
        "0.5/s poisson, 32 tokens in, 8 out",
    ]
    assert [each.arrivals for each in found[:3]] == [None, None, "poisson"]


def test_the_guides_prompt_and_parameters() -> None:
    load = Load(concurrency=1, output_tokens=9)
    (request,) = islice(Prompts(GUIDE, 1, stream=False).requests(load, ""), 1)
    assert (request.prompt, request.max_output_tokens, request.stream) == (GUIDE.prompt, 9, False)
    assert request.parameters == GUIDE.parameters
    (request,) = islice(Prompts(GUIDE, 1, prompt="Why?").requests(load, ""), 1)
    assert (request.prompt, request.parameters) == ("Why?", GUIDE.parameters)


def test_made_up_prompts_differ_and_come_again_with_the_seed() -> None:
    found = prompts_of(64, 1)
    assert len(set(found)) == 5
    assert {len(each.split()) for each in found} == {64}
    assert found == prompts_of(64, 1)
    assert not set(found) & set(prompts_of(64, 2))
    assert not set(found) & set(prompts_of(64, 1, key="2 of 2"))


def test_made_up_prompts_are_as_long_as_the_tokenizer_says() -> None:
    assert {len(each.split()) for each in prompts_of(64, 1, count=lambda text: 2 * len(text.split()))} == {32}


@pytest.fixture
def tokenizer_file(tmp_path: Path) -> Path:
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(["?", *WORDS])}, unk_token="?"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    return tmp_path / "tokenizer.json"


def test_a_tokenizer_from_a_file(tokenizer_file: Path) -> None:
    count = load_tokenizer(str(tokenizer_file))
    assert count("time and people, world!") == 6
    assert count("") == 0


def test_special_tokens_are_not_counted(tokenizer_file: Path) -> None:
    document = json.loads(tokenizer_file.read_text())
    part = {"SpecialToken": {"id": "?", "type_id": 0}}
    document["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [part, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
        "special_tokens": {"?": {"id": "?", "ids": [0], "tokens": ["?"]}},
    }
    tokenizer_file.write_text(json.dumps(document))
    assert load_tokenizer(str(tokenizer_file))("time world") == 2


def test_a_file_that_is_no_tokenizer(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(RefusedError, match=r"--tokenizer .*tokenizer\.json: neither a tokenizer\.json nor"):
        load_tokenizer(str(tmp_path / "tokenizer.json"))
