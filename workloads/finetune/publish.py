"""The best candidate as a folder that can be served, and on the Hugging Face Hub."""

import json
import logging
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError
from peft import PeftModel

from .settings import RefusedError, Settings
from .train import Result, load_model, load_tokenizer

MARKER = "finetune.json"
"""File of the folder that is written after all others: what has it is whole. It says what the folder holds."""

log = logging.getLogger(__name__)


def best_of(results: Sequence[Result]) -> Result:
    """Return the candidate with the best ROUGE-L after its training."""
    best = max(results, key=lambda result: result.after["rougeL"])
    for result in results:
        log.info("%s: ROUGE-L %.4f, before %.4f", result.model, result.after["rougeL"], result.before["rougeL"])
    if best.after["rougeL"] <= best.before["rougeL"]:
        log.warning("the training made %s no better on the test split", best.model)
    return best


def export(settings: Settings, best: Result) -> Path:
    """Return the folder `best`, with the adapter or the merged weights. Nothing is done if it is there already."""
    folder = settings.output / "best"
    about = {
        "model": best.model,
        "run": best.adapter.parent.name,
        "kind": settings.save,
        "before": best.before,
        "after": best.after,
    }
    marker = folder / MARKER
    if marker.exists() and json.loads(marker.read_text()) == about:
        log.info("%s is there already", folder)
        return folder
    log.info("writing %s to %s", "the merged weights" if settings.save == "merged" else "the adapter", folder)
    # first, so that nobody takes for whole what is neither the old nor the new
    marker.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    if settings.save == "adapter":
        shutil.copytree(best.adapter, folder, copy_function=shutil.copyfile)
    else:
        merged = PeftModel.from_pretrained(load_model(best.model, settings), str(best.adapter)).merge_and_unload()
        with tempfile.TemporaryDirectory() as local:
            # copied from there, since a bucket's mount takes files best from their beginning to their end
            merged.save_pretrained(local, max_shard_size="2GB")
            load_tokenizer(str(best.adapter)).save_pretrained(local)
            shutil.copytree(local, folder, copy_function=shutil.copyfile)
    (folder / "README.md").write_text(card(settings, best))
    marker.write_text(json.dumps(about, indent=2))
    return folder


def card(settings: Settings, best: Result) -> str:
    """Return the model card."""
    rows = "\n".join(f"| {kind} | {best.before[kind]:.4f} | {best.after[kind]:.4f} |" for kind in best.after)
    return f"""---
base_model: {best.model}
datasets: [{settings.dataset}]
library_name: {"transformers" if settings.save == "merged" else "peft"}
pipeline_tag: text-generation
tags: [lora, summarization]
---

# {best.model}, fine-tuned on {settings.dataset}

LoRA of rank {settings.rank}, alpha {settings.alpha}, seed {settings.seed}, {len(best.losses)} steps.
The licences of the base model and of the data hold.

| on at most {settings.test_examples} examples of `{settings.test_split}` | before | after |
|---|---|---|
{rows}
"""


def push(folder: Path, repository: str, *, private: bool) -> None:
    """Upload a folder to the Hub.

    Raises:
        RefusedError: the repository is public and should not be, or the token may not write to it.
    """
    api = HfApi()
    try:
        api.create_repo(repository, private=private, exist_ok=True)
        if private and not api.model_info(repository).private:
            raise RefusedError(f"{repository} exists and is public. Make it private, or set private to false.")
        log.info("pushing to %s, %s", repository, "private" if private else "public")
        api.upload_folder(repo_id=repository, folder_path=folder, commit_message="Fine-tuned model")
    except HfHubHTTPError as failed:
        status = failed.response.status_code
        if status in (401, 403):
            raise RefusedError(f"HF_TOKEN may not write to {repository} (HTTP {status}).") from None
        raise
