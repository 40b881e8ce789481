"""ROUGE of what a model answers on examples that it was not trained on."""

import logging
import math
from typing import Any, cast

import evaluate
import torch
from datasets import Dataset, Features, Value
from peft import PeftModel
from rouge_score.rouge_scorer import RougeScorer
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from .data import chat_text
from .settings import Settings

KINDS = ("rouge1", "rouge2", "rougeL", "rougeLsum")

log = logging.getLogger(__name__)


class Rouge(evaluate.Metric):
    """The F-measures' means. `evaluate.load("rouge")` would download code and run it, of the same few lines."""

    def _info(self) -> evaluate.MetricInfo:
        features = Features({"predictions": Value("string"), "references": Value("string")})
        return evaluate.MetricInfo(description="ROUGE", citation="Lin 2004", features=features)

    def _compute(
        self, *, predictions: list[str] | None = None, references: list[str] | None = None, **_: Any
    ) -> dict[str, float]:  # Any: options, of which there are none
        scorer = RougeScorer(KINDS, use_stemmer=True)
        scores = [
            scorer.score(wanted, given) for given, wanted in zip(predictions or [], references or [], strict=True)
        ]
        return {kind: math.fsum(score[kind].fmeasure for score in scores) / len(scores) for kind in KINDS}


def rouge(
    model: PreTrainedModel | PeftModel, tokenizer: PreTrainedTokenizerBase, examples: Dataset, settings: Settings
) -> dict[str, float]:
    """Return ROUGE, each from 0 to 1, of the model's greedy answers to the examples."""
    metric, size = Rouge(), settings.evaluation_batch_size
    model.eval()
    for start in range(0, len(examples), size):
        batch = examples[start : start + size]
        references = [completion[-1]["content"] for completion in batch["completion"]]
        metric.add_batch(predictions=answers(model, tokenizer, batch["prompt"], settings), references=references)
        log.info("answered %d of %d", start + len(references), len(examples))
    return metric.compute() or {}


@torch.inference_mode()
def answers(
    model: PreTrainedModel | PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: list[list[dict[str, str]]],
    settings: Settings,
) -> list[str]:
    """Return the model's answer to each of the chats."""
    texts = [chat_text(tokenizer, prompt, answer=True) for prompt in prompts]
    # answers begin where prompts end; the template has written the special tokens
    inputs = tokenizer(texts, padding=True, padding_side="left", add_special_tokens=False, return_tensors="pt")
    generated = cast(Any, model).generate(  # Any: its type is that of a tensor, as any attribute's of a module
        **inputs.to(model.device),
        do_sample=False,
        # of published generation configurations, which only sampling reads
        temperature=None,
        top_p=None,
        max_new_tokens=settings.max_new_tokens,
        pad_token_id=tokenizer.pad_token_id,
        use_cache=True,
    )
    return tokenizer.batch_decode(generated[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
