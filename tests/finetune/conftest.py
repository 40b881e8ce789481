"""A model, a tokenizer and data so small that a fine-tune takes seconds, and how tests run one."""

import json
import logging
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedTokenizerFast,
    TrainerCallback,
)

from tests.waiting import PATIENCE_SECONDS, wait_until
from workloads.finetune import __main__ as command
from workloads.finetune import train

torch.set_num_threads(1)

TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}{{ eos_token }}"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SECRETS = {"HF_TOKEN": "hf_notarealtoken0123456789", "WANDB_API_KEY": "0123456789abcdef0123456789abcdef01234567"}
NAMES, THINGS = ("Amanda", "Jerry", "Hannah", "Eric"), ("cookies", "bread", "a cake", "soup", "rice", "pasta")
STEPS = 24


def dialogue(number: int) -> dict[str, str]:
    name, thing = NAMES[number % len(NAMES)], THINGS[number % len(THINGS)]
    other = NAMES[(number + 1) % len(NAMES)]
    return {
        "dialogue": f"{name}: I made {thing}. Do you want some?\r\n{other}: Sure!",
        "summary": f"{name} made {thing} and will bring {other} some.",
    }


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    rows = [dialogue(number) for number in range(60)]
    broken, longer = {"dialogue": None, "summary": "none"}, {"dialogue": "cookies " * 400, "summary": "long"}
    for split, part in (("train", [broken, longer, *rows[:48]]), ("test", rows[48:])):
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in part))
    return folder


@pytest.fixture(scope="session")
def candidates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A Llama and a Mistral of random weights."""
    folder = tmp_path_factory.mktemp("models")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<s>", "</s>", "<unk>", "<|user|>", "<|assistant|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    rows = [dialogue(number) for number in range(60)]
    tokenizer.train_from_iterator([text for row in rows for text in row.values()], trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>", chat_template=TEMPLATE
    )
    shape: dict[str, Any] = {
        "vocab_size": len(fast),
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "initializer_range": 0.2,
        "bos_token_id": 0,
        "eos_token_id": 1,
    }
    torch.manual_seed(0)
    made = {"llama": LlamaForCausalLM(LlamaConfig(**shape)), "mistral": MistralForCausalLM(MistralConfig(**shape))}
    for name, model in made.items():
        model.save_pretrained(folder / name)
        fast.save_pretrained(folder / name)
    return {name: folder / name for name in made}


@pytest.fixture(scope="session")
def flags(data: Path, candidates: dict[str, Path]) -> Callable[..., list[str]]:
    """Flags of a fine-tune of both candidates, with changes."""

    def make(output: Path, **changes: Any) -> list[str]:
        chosen: dict[str, Any] = {
            "output": output,
            "models": ",".join(map(str, candidates.values())),
            "dataset": data,
            "device": "cpu",
            "dtype": "float32",
            "rank": 8,
            "max_steps": STEPS,
            "learning_rate": 2e-2,
            "batch_size": 4,
            "gradient_accumulation": 1,
            "warmup_steps": 1,
            "checkpoint_steps": 4,
            "max_length": 128,
            "max_new_tokens": 24,
            **changes,
        }
        return [f"--{name.replace('_', '-')}={value}" for name, value in chosen.items() if value is not None]

    return make


@dataclass
class Run:
    """How a fine-tune ended, and what it said."""

    status: int
    log: str


class Pause(TrainerCallback):
    """Holds the training after a step."""

    def __init__(self, step: int, hold: Callable[[], None]) -> None:
        self.step, self.hold = step, hold

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == self.step:
            self.hold()


class Child:
    """A fine-tune in a process of its own: a fork, since the imports take most of the time."""

    BEFORE = -1
    """To pause before the training rather than after a step."""

    def __init__(
        self, flags: list[str], folder: Path, *, pause: int = 0, variables: dict[str, str] | None = None
    ) -> None:
        folder.mkdir(parents=True)
        self.log, self.at, self.go = folder / "log", folder / "at", folder / "go"
        self.variables = {**SECRETS, **(variables or {})}
        self.process = multiprocessing.get_context("fork").Process(target=self._run, args=(flags, pause))
        self.process.start()

    def _run(self, flags: list[str], pause: int) -> None:
        file = os.open(self.log, os.O_WRONLY | os.O_CREAT)
        os.dup2(file, 1)
        os.dup2(file, 2)
        sys.stdout, sys.stderr = os.fdopen(1, "w", buffering=1), os.fdopen(2, "w", buffering=1)
        os.environ.update(self.variables)
        sys.argv = ["finetune", *flags]
        if pause:
            made = train.SFTTrainer

            def trainer(*args: Any, **kwargs: Any) -> Any:
                result = made(*args, **kwargs)
                if pause == self.BEFORE:
                    self.hold()
                result.callback_handler.callbacks.insert(0, Pause(pause, self.hold))
                return result

            train.SFTTrainer = trainer
        # those of pytest, else what the fine-tune sets up has no effect
        logging.getLogger().handlers.clear()
        sys.exit(command.main())

    def hold(self) -> None:
        """Tell the parent, and wait for it."""
        self.at.touch()
        while not self.go.exists():
            time.sleep(0.01)

    def kill(self, number: signal.Signals) -> Run:
        """Send a signal where the training pauses, and let it go on."""

        def holds() -> bool:
            assert self.process.is_alive(), self.log.read_text()
            return self.at.exists()

        wait_until(holds)
        os.kill(self.process.pid or 0, number)
        self.go.touch()
        return self.wait()

    def wait(self) -> Run:
        self.process.join(PATIENCE_SECONDS)
        assert self.process.exitcode is not None, self.log.read_text()
        return Run(self.process.exitcode, self.log.read_text())
