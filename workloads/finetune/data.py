"""Data of a fine-tune, in one form: a prompt of chat messages, and the assistant's answer."""

import logging
from collections.abc import Mapping
from typing import Any, cast

from datasets import Dataset, load_dataset
from transformers import PreTrainedTokenizerBase

from .settings import RefusedError, Settings

log = logging.getLogger(__name__)


def load_examples(settings: Settings, split: str, most: int | None) -> Dataset:
    """Return the first `most` examples of a split, in the columns `prompt` and `completion`, both lists of messages.

    Raises:
        RefusedError: there is no such split or column, or nothing in it.
    """
    try:
        # as text: a path that is no folder is a repository
        data = load_dataset(settings.dataset, split=split, revision=settings.dataset_revision)
    except ValueError as unknown:  # of the split, or of a folder without data
        raise RefusedError(f"dataset {settings.dataset}: {unknown}") from None
    except FileNotFoundError as missing:
        raise RefusedError(
            f"dataset {settings.dataset} is neither a folder nor a repository that can be read: {missing}"
        ) from None
    columns = (
        [settings.messages_column] if settings.messages_column else [settings.prompt_column, settings.answer_column]
    )
    for column in columns:
        if column not in data.column_names:
            raise RefusedError(
                f"dataset {settings.dataset} has no column '{column}', but {', '.join(data.column_names)}."
            )
    # samsum's copy has a row without a dialogue
    data = data.filter(lambda row: all(row[column] for column in columns))
    if most is not None:
        data = data.select(range(min(most, len(data))))
    if len(data) == 0:
        raise RefusedError(f"split '{split}' of dataset {settings.dataset} is empty.")
    return data.map(lambda row: example(row, settings), remove_columns=data.column_names)


def example(row: Mapping[str, Any], settings: Settings) -> dict[str, Any]:  # Any: a row has columns of any type
    """Return one row as prompt and completion."""
    if settings.messages_column:
        *prompt, answer = row[settings.messages_column]
        return {"prompt": prompt, "completion": [answer]}
    question = f"{settings.instruction}\n\n{row[settings.prompt_column]}"
    return {
        "prompt": [{"role": "user", "content": question}],
        "completion": [{"role": "assistant", "content": row[settings.answer_column]}],
    }


def chat_text(tokenizer: PreTrainedTokenizerBase, messages: list[dict[str, str]], *, answer: bool) -> str:
    """Return a chat as the model reads it, up to where its answer begins if one is wanted."""
    return cast(str, tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=answer))


def fitting(data: Dataset, tokenizer: PreTrainedTokenizerBase, settings: Settings) -> Dataset:
    """Return the examples of at most `max_length` tokens: cut ones would teach to stop anywhere.

    Raises:
        RefusedError: all are longer.
    """

    def fits(row: Mapping[str, Any]) -> bool:  # Any: as above
        text = chat_text(tokenizer, row["prompt"] + row["completion"], answer=False)
        return len(tokenizer(text, add_special_tokens=False)["input_ids"]) <= settings.max_length

    kept = data.filter(fits)
    if len(kept) == 0:
        raise RefusedError(f"every example is longer than max_length, {settings.max_length} tokens.")
    if len(kept) < len(data):
        log.info("%d of %d examples are longer than %d tokens", len(data) - len(kept), len(data), settings.max_length)
    return kept
