"""Settings of a fine-tune: from flags, else from `FINETUNE_...` variables, else from the TOML file `FINETUNE_SETTINGS`.

No secret is among them. The libraries read the tokens from `HF_TOKEN` and `WANDB_API_KEY` themselves.
"""

import difflib
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    CliSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

PREFIX = "FINETUNE_"
FILE_VARIABLE = "FINETUNE_SETTINGS"
"""Variable that names the file."""

PREEMPTED = 143
"""Exit status of a run that was told to stop by SIGTERM, and goes on when it is started again."""

NOT_OF_THE_TRAINING = {"models", "output", "device", "evaluation_batch_size", "save", "push_to", "private"} | {
    "wandb",
    "wandb_project",
}
"""Settings that a trained adapter does not depend on."""


class RefusedError(Exception):
    """What was asked for cannot be done, however often it is tried. Its text is for people."""


class Settings(BaseSettings):
    """LoRA fine-tune of chat models for summarization."""

    model_config = SettingsConfigDict(
        cli_avoid_json=True,
        cli_exit_on_error=False,
        cli_kebab_case=True,
        cli_prog_name="finetune",
        env_prefix=PREFIX,
        extra="forbid",
        frozen=True,
        protected_namespaces=(),
        use_attribute_docstrings=True,
    )

    output: Path
    """Folder for checkpoints, scores and the best model. A bucket's mount will do."""
    models: list[str] = Field(
        default=["mistralai/Mistral-7B-Instruct-v0.3", "meta-llama/Llama-3.2-3B-Instruct"], min_length=1
    )
    """Candidates: repositories on Hugging Face, or folders. Each is trained, and the one with the best ROUGE-L kept."""

    dataset: str = "knkarthick/samsum"
    """Repository on Hugging Face, or a folder. The first one of samsum is gone, and this is a copy of it; its licence,
    CC BY-NC-ND 4.0, allows no commercial use."""
    dataset_revision: str | None = None
    """Commit or tag of the data. The newest if there is none."""
    prompt_column: str = "dialogue"
    """Column of what is to be summarized."""
    answer_column: str = "summary"
    """Column of the summary."""
    messages_column: str | None = None
    """Column of whole chats, lists of `role` and `content` that end with the assistant; in place of the two others."""
    instruction: str = "Summarise the dialogue in one sentence."
    """What is written before each prompt of `prompt_column`."""
    train_split: str = "train"
    """Split to train on."""
    test_split: str = "test"
    """Split for ROUGE, which nothing is trained on."""
    train_examples: int | None = Field(default=None, ge=1)
    """How many of the first split. All if there is none."""
    test_examples: int = Field(default=200, ge=1)
    """How many of the other at the most."""

    rank: int = Field(default=16, ge=1, le=512)
    """Rank of the LoRA matrices."""
    alpha: int = Field(default=32, ge=1)
    """Their scale is `alpha / rank`."""
    dropout: float = Field(default=0.05, ge=0, lt=1)
    """Dropout before them."""
    epochs: float = Field(default=1, gt=0)
    """Passes over the data."""
    max_steps: int | None = Field(default=None, ge=1)
    """Optimizer steps, in place of `epochs`."""
    learning_rate: float = Field(default=2e-4, gt=0, lt=1)
    """Peak learning rate; it falls with a cosine."""
    warmup_steps: int = Field(default=10, ge=0)
    """Steps until that peak."""
    batch_size: int = Field(default=2, ge=1)
    """Examples on the GPU at a time."""
    gradient_accumulation: int = Field(default=8, ge=1)
    """Batches of one optimizer step."""
    max_length: int = Field(default=1024, ge=16)
    """Tokens of prompt and answer together. Longer examples are left out of the training."""
    gradient_checkpointing: bool = True
    """Compute activations twice rather than keep them."""
    checkpoint_steps: int = Field(default=25, ge=1)
    """Steps from one checkpoint to the next: what a run that is killed without notice loses."""
    seed: int = Field(default=42, ge=0, lt=2**32)
    """Seed of everything random."""

    max_new_tokens: int = Field(default=96, ge=1)
    """Tokens of a generated summary at the most."""
    evaluation_batch_size: int = Field(default=8, ge=1)
    """Summaries that are generated at a time."""

    device: Literal["cuda", "cpu"] = "cuda"
    """What to run on."""
    dtype: Literal["bfloat16", "float16", "float32"] = "bfloat16"
    """Type of the base model's weights. GPUs before Ampere, as the T4, have no bfloat16."""

    save: Literal["merged", "adapter"] = "merged"
    """What is left in the folder `best`: a whole model, or the adapter alone, which is served with its base model."""
    push_to: str | None = Field(default=None, pattern=r"^[\w.-]+/[\w.-]+$")
    """Repository on Hugging Face that takes `best`. Nothing is pushed if there is none."""
    private: bool = True
    """Whether that repository is private."""
    wandb: bool = False
    """Track the run with Weights & Biases."""
    wandb_project: str = "finetune"
    """Project there."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 the library's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 likewise
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources, the first of which wins."""
        file = os.environ.get(FILE_VARIABLE)
        sources = (init_settings, env_settings)
        return (*sources, TomlConfigSettingsSource(settings_cls, Path(file))) if file else sources

    def folder(self, model: str) -> Path:
        """Return the folder of a candidate: another one for each set of settings that its training depends on."""
        known = self.model_dump(mode="json", exclude=NOT_OF_THE_TRAINING) | {"model": model}
        digest = hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:8]
        return self.output / "runs" / f"{model.strip('/').replace('/', '--')}-{digest}"


def read_settings(flags: Sequence[str]) -> Settings:
    """Return the settings that flags, variables and file mean.

    Raises:
        RefusedError: something is wrong with them, or a token is missing.
        SystemExit: a request for help.
    """
    _refuse_unknown(flags)
    file = os.environ.get(FILE_VARIABLE)
    if file and not Path(file).is_file():
        raise RefusedError(f"{FILE_VARIABLE} names {file}, which is no file.")
    try:
        source: CliSettingsSource[object] = CliSettingsSource(Settings, cli_parse_args=list(flags))
        settings = Settings(_cli_settings_source=source)  # pyright: ignore[reportCallIssue] the sources give the rest
    except ValidationError as invalid:
        # never the value, which may be a secret in the wrong place
        lines = [f"  {'.'.join(map(str, detail['loc']))}: {detail['msg']}." for detail in invalid.errors()]
        raise RefusedError("these settings are wrong:\n" + "\n".join(lines)) from None
    except (SettingsError, ValueError) as invalid:
        raise RefusedError(f"the settings cannot be read: {invalid}.") from None
    _refuse_missing_tokens(settings, os.environ)
    return settings


def _refuse_unknown(flags: Sequence[str]) -> None:
    """Refuse what the library passes over, or shows with its value, which may be a secret."""
    known = {f"--{name.replace('_', '-')}" for name in Settings.model_fields} | {"--help"}
    given = [flag.partition("=")[0] for flag in flags if flag.startswith("--")]
    variables = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | {FILE_VARIABLE}
    named = sorted(name for name in os.environ if name.startswith(PREFIX))
    for name, allowed in [(flag, known) for flag in given] + [(name, variables) for name in named]:
        if name not in allowed:
            close = difflib.get_close_matches(name, allowed, n=1)
            raise RefusedError(f"{name} is no setting.{f' Did you mean {close[0]}?' if close else ''}")


def _refuse_missing_tokens(settings: Settings, variables: Mapping[str, str]) -> None:
    if settings.push_to and not variables.get("HF_TOKEN"):
        raise RefusedError("push_to needs a Hugging Face token that may write, in the variable HF_TOKEN.")
    if settings.wandb and not variables.get("WANDB_API_KEY") and variables.get("WANDB_MODE") != "offline":
        raise RefusedError("wandb needs an API key, in the variable WANDB_API_KEY; or WANDB_MODE=offline.")
