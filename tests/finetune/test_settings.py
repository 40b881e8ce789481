"""Settings: where they come from, and what is said of wrong ones, each once and without a traceback."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.finetune.conftest import SECRETS, Child
from workloads.finetune.settings import RefusedError, read_settings

OUTPUT = "--output=/models/finetune"


@pytest.fixture(autouse=True)
def _no_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_TOKEN", "WANDB_API_KEY", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)


def test_defaults() -> None:
    settings = read_settings([OUTPUT])
    assert settings.models == ["mistralai/Mistral-7B-Instruct-v0.3", "meta-llama/Llama-3.2-3B-Instruct"]
    assert settings.dataset == "knkarthick/samsum"
    assert (settings.push_to, settings.private, settings.wandb) == (None, True, False)


def test_flags_win_over_variables_and_these_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('output = "/file"\nrank = 4\nalpha = 4\nseed = 4\nmodels = ["a/b"]\n')
    monkeypatch.setenv("FINETUNE_SETTINGS", str(file))
    monkeypatch.setenv("FINETUNE_RANK", "8")
    monkeypatch.setenv("FINETUNE_ALPHA", "8")
    settings = read_settings(["--rank=16"])
    assert (settings.rank, settings.alpha, settings.seed, settings.models) == (16, 8, 4, ["a/b"])
    assert settings.output == Path("/file")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ([], "output: Field required"),
        ([OUTPUT, "--rank=0"], "rank: Input should be greater than or equal to 1"),
        ([OUTPUT, "--rank=513"], "rank: Input should be less than or equal to 512"),
        ([OUTPUT, "--rank=many"], "rank: Input should be a valid integer"),
        ([OUTPUT, "--dtype=int8"], "dtype: Input should be 'bfloat16', 'float16' or 'float32'"),
        ([OUTPUT, "--save=both"], "save: Input should be 'merged' or 'adapter'"),
        ([OUTPUT, "--dropout=1"], "dropout: Input should be less than 1"),
        ([OUTPUT, "--push-to=mine"], "push_to: String should match pattern"),
        ([OUTPUT, "--push-to=me/mine"], "HF_TOKEN"),
        ([OUTPUT, "--wandb=true"], "WANDB_API_KEY"),
        ([OUTPUT, "--ranks=3"], "--ranks is no setting. Did you mean --rank?"),
        ([OUTPUT, "--rank"], "cannot be read"),
        ([OUTPUT, "stray"], "cannot be read"),
    ],
)
def test_wrong_flags(flags: list[str], said: str) -> None:
    with pytest.raises(RefusedError) as refused:
        read_settings(flags)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"FINETUNE_RANKS": "3"}, "FINETUNE_RANKS is no setting. Did you mean FINETUNE_RANK?"),
        ({"FINETUNE_RANK": "0"}, "rank: "),
        ({"FINETUNE_MODELS": "a/b"}, "models"),
        ({"FINETUNE_SETTINGS": "/nowhere.toml"}, "/nowhere.toml, which is no file"),
    ],
)
def test_wrong_variables(variables: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(RefusedError) as refused:
        read_settings([OUTPUT])
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("text", "said"), [("rank = 3\nrnk = 3\n", "rnk: Extra inputs are not permitted"), ("rank =", "cannot be read")]
)
def test_wrong_files(text: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text(text)
    monkeypatch.setenv("FINETUNE_SETTINGS", str(tmp_path / "settings.toml"))
    with pytest.raises(RefusedError) as refused:
        read_settings([OUTPUT])
    assert said in str(refused.value)


def test_the_command_refuses_in_a_line_and_never_shows_a_secret() -> None:
    for flags in (["--hf-token=" + SECRETS["HF_TOKEN"]], ["--rank=" + SECRETS["HF_TOKEN"], OUTPUT]):
        done = subprocess.run(
            [sys.executable, "-m", "workloads.finetune", *flags],
            env=os.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 78
        assert done.stderr.startswith("error: ")
        assert "Traceback" not in done.stderr
        assert SECRETS["HF_TOKEN"] not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"prompt_column": "chat"}, "has no column 'chat', but dialogue, summary"),
        ({"messages_column": "chat"}, "has no column 'chat'"),
        ({"test_split": "held"}, 'Unknown split "held"'),
        ({"dataset": "/nowhere/data"}, "/nowhere/data"),
        ({"max_length": 16}, "every example is longer than max_length, 16 tokens"),
        ({"device": "cuda"}, "there is no GPU that PyTorch"),
        ({"models": "/nowhere/model"}, "/nowhere/model is neither a folder nor a repository"),
    ],
)
def test_what_shows_later_is_refused_too(
    changes: dict[str, Any], said: str, flags: Callable[..., list[str]], tmp_path: Path
) -> None:
    run = Child(flags(tmp_path / "output", **changes), tmp_path / "run").wait()
    assert run.status == 78, run.log
    assert said in run.log
    assert "Traceback" not in run.log


def test_a_base_model_is_no_chat_model(
    flags: Callable[..., list[str]], candidates: dict[str, Path], tmp_path: Path
) -> None:
    model = tmp_path / "model"
    model.mkdir()
    for path in candidates["llama"].iterdir():
        if path.name != "chat_template.jinja":
            (model / path.name).write_bytes(path.read_bytes())
    assert "chat_template" not in json.loads((model / "tokenizer_config.json").read_text())
    run = Child(flags(tmp_path / "output", models=model), tmp_path / "run").wait()
    assert run.status == 78, run.log
    assert "has no chat template" in run.log
