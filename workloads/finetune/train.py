"""The fine-tune of one candidate: ROUGE, training, ROUGE again, the adapter."""

import contextlib
import gc
import json
import logging
import os
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, cast

import torch
from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError
from peft import LoraConfig, PeftModel
from pydantic import BaseModel
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PrinterCallback,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    set_seed,
)
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from .checkpoints import Checkpoints, newest
from .data import fitting, load_examples
from .rouge import rouge
from .settings import PREEMPTED, RefusedError, Settings

log = logging.getLogger(__name__)


class Result(BaseModel, frozen=True):
    """What became of one candidate. Its file is written last, so that where it is, all else is."""

    model: str
    adapter: Path
    """Folder of the adapter."""
    before: dict[str, float]
    """ROUGE of the base model."""
    after: dict[str, float]
    """ROUGE with the adapter."""
    losses: list[float]
    """Loss of each step."""


def fine_tune(settings: Settings, name: str) -> Result:
    """Return the result of the candidate of that name, which is not trained again if that was done.

    Raises:
        RefusedError: its weights or the data cannot be had.
        SystemExit: it was told to stop, and goes on from there when it is called again.
    """
    folder = settings.folder(name)
    file = folder / "result.json"
    if file.exists():
        log.info("%s is trained already", name)
        return Result.model_validate_json(file.read_text())
    log.info("fine-tuning %s in %s", name, folder)
    folder.mkdir(parents=True, exist_ok=True)
    test = load_examples(settings, settings.test_split, settings.test_examples)
    tokenizer = load_tokenizer(name)
    train = fitting(load_examples(settings, settings.train_split, settings.train_examples), tokenizer, settings)
    model = load_model(name, settings)
    with _tracked(settings, name, folder) as track:
        before = _once(folder / "before.json", lambda: rouge(model, tokenizer, test, settings))
        log.info("ROUGE-L before: %.4f", before["rougeL"])
        track({f"before/{kind}": value for kind, value in before.items()})
        trained, losses = _train(settings, folder, model, tokenizer, train)
        after = rouge(trained, tokenizer, test, settings)
        log.info("ROUGE-L after: %.4f", after["rougeL"])
        track({f"after/{kind}": value for kind, value in after.items()})
    adapter = folder / "adapter"
    trained.save_pretrained(str(adapter))
    tokenizer.save_pretrained(adapter)
    result = Result(model=name, adapter=adapter, before=before, after=after, losses=losses)
    file.write_text(result.model_dump_json(indent=2))
    return result


def load_tokenizer(name: str) -> PreTrainedTokenizerBase:
    """Return the tokenizer of a model, with a token to pad with.

    Raises:
        RefusedError: it cannot be had, or writes no chats.
    """
    tokenizer = _load(AutoTokenizer.from_pretrained, name)
    if tokenizer.chat_template is None:
        raise RefusedError(f"{name} has no chat template: it is no chat model. Choose its Instruct variant.")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.unk_token or tokenizer.eos_token
    return tokenizer


def load_model(name: str, settings: Settings) -> PreTrainedModel:
    """Return the weights of a model, on the device.

    Raises:
        RefusedError: they cannot be had, or there is no such device.
    """
    if settings.device == "cuda" and not torch.cuda.is_available():
        raise RefusedError(
            f"there is no GPU that PyTorch {torch.__version__} can use. Is one given to the container, and does its"
            " driver know that version of CUDA? On GKE, select nodes with the latest driver."
        )
    log.info("loading the weights of %s", name)
    # room for them: the trainer of the candidate before refers to itself
    gc.collect()
    torch.cuda.empty_cache()
    return _load(AutoModelForCausalLM.from_pretrained, name, dtype=settings.dtype, device_map={"": settings.device})


def _load(load: Callable[..., Any], name: str, **how: Any) -> Any:  # Any: the library types neither
    try:
        return load(name, **how)
    except OSError as failed:
        # the library's own error hides what the hub said, which tells whether another try can help
        causes = (failed, failed.__cause__, failed.__context__)
        if any(isinstance(cause, GatedRepoError) for cause in causes):
            raise RefusedError(
                f"{name} is gated: accept its terms on Hugging Face, and set HF_TOKEN to a token of that account."
            ) from None
        if any(isinstance(cause, RepositoryNotFoundError | HFValidationError) for cause in causes):
            raise RefusedError(f"{name} is neither a folder nor a repository on Hugging Face.") from None
        raise


def _train(
    settings: Settings, folder: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, data: Any
) -> tuple[PeftModel, list[float]]:
    # as in a run that had computed nothing before
    set_seed(settings.seed)
    checkpoints = Checkpoints()
    trainer = SFTTrainer(
        model=model,
        processing_class=tokenizer,
        train_dataset=data,
        peft_config=LoraConfig(
            task_type="CAUSAL_LM",
            r=settings.rank,
            lora_alpha=settings.alpha,
            lora_dropout=settings.dropout,
            target_modules="all-linear",
        ),
        args=SFTConfig(
            output_dir=str(folder / "checkpoints"),
            num_train_epochs=settings.epochs,
            max_steps=settings.max_steps or -1,
            learning_rate=settings.learning_rate,
            lr_scheduler_type="cosine",
            warmup_steps=settings.warmup_steps,
            per_device_train_batch_size=settings.batch_size,
            gradient_accumulation_steps=settings.gradient_accumulation,
            gradient_checkpointing=settings.gradient_checkpointing,
            max_length=settings.max_length,
            completion_only_loss=True,
            bf16=settings.dtype == "bfloat16",
            fp16=settings.dtype == "float16",
            use_cpu=settings.device == "cpu",
            seed=settings.seed,
            save_strategy="steps",
            save_steps=settings.checkpoint_steps,
            save_total_limit=2,
            # what was not logged when a run stops is not in its history
            logging_steps=1,
            disable_tqdm=True,
            report_to="wandb" if settings.wandb else "none",
        ),
        callbacks=[checkpoints, Progress()],
    )
    trainer.remove_callback(PrinterCallback)
    last = newest(folder / "checkpoints")
    if last:
        log.info("going on from %s", last.name)
    with checkpoints:
        trainer.train(resume_from_checkpoint=str(last) if last else None)
    if checkpoints.asked:
        raise SystemExit(PREEMPTED)
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return cast(PeftModel, trainer.model), losses


class Progress(TrainerCallback):
    """Tells how far the training is, at most once in ten seconds."""

    def __init__(self) -> None:
        self.first: tuple[int, float] | None = None
        self.told = 0.0

    def on_log(
        self,
        args: TrainingArguments,  # noqa: ARG002 the library's signature, as below
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002
        logs: dict[str, float] | None = None,
        **_: Any,  # Any: the trainer's parts, unused
    ) -> None:
        """Tell the step, its loss, and the time that is left."""
        now, step, last = time.monotonic(), state.global_step, state.max_steps
        self.first = self.first or (step, now)
        if "loss" not in (logs or {}) or (now - self.told < 10 and step < last):
            return
        self.told = now
        done, since = step - self.first[0], now - self.first[1]
        left = f", {(last - step) * since / done / 60:.0f} minutes left" if done else ""
        log.info("step %d of %d, loss %.4f%s", step, last, (logs or {})["loss"], left)


@contextlib.contextmanager
def _tracked(settings: Settings, name: str, folder: Path) -> Generator[Callable[[dict[str, float]], None]]:
    """Yield what takes scores: a run of Weights & Biases, the same one when the training goes on, or nothing."""
    if not settings.wandb:
        yield lambda _: None
        return
    import wandb

    os.environ["WANDB_PROJECT"] = settings.wandb_project  # for the trainer's callback
    with wandb.init(
        project=settings.wandb_project,
        id=folder.name,
        name=folder.name,
        resume="allow",
        config={**settings.model_dump(mode="json"), "model": name},
    ) as run:
        yield run.summary.update


def _once(file: Path, compute: Callable[[], dict[str, float]]) -> dict[str, float]:
    """Return what the file holds, or if there is none what `compute` returns, which is kept there."""
    if file.exists():
        try:
            return json.loads(file.read_text())
        except json.JSONDecodeError:
            log.info("%s is half-written, and is made anew", file.name)
    values = compute()
    file.write_text(json.dumps(values))
    return values
