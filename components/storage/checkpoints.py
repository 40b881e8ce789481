"""Where JetStream's checkpoints lie in a bucket or on a disk: the one place from which job, mount and flags take it.

Source of the names: the guide in inference-servers/jetstream of ai-on-gke/tutorials-and-examples, 2026-11-21.
"""

from ..catalog import JetStreamNames, load_catalog

MOUNT_PATH = "/models"
"""Where pods mount the bucket or the disk."""

CHECKPOINT_FILE = "model.safetensors"
"""The converted weights, in a checkpoint's folder."""

TOKENIZER_FILE = "tokenizer.model"
"""The tokenizer, in the same folder."""


def jetstream_models() -> list[str]:
    """Return the models that JetStream serves, as far as the catalogue knows."""
    return [name for name, model in load_catalog().models.items() if model.jetstream]


def jetstream_names(model: str) -> JetStreamNames:
    """Return what JetStream calls `model`, a repository on Hugging Face.

    Raises:
        ValueError: JetStream does not serve it, as far as the catalogue knows.
    """
    known = load_catalog().models.get(model)
    if known is None or known.jetstream is None:
        raise ValueError(f"JetStream does not serve '{model}'; it serves {', '.join(jetstream_models())}.")
    return known.jetstream


def checkpoint_folder(model: str, *, quantized: bool) -> str:
    """Return the folder of the converted checkpoint, for example `pytorch/llama-2-7b/final/bf16`.

    Raises:
        ValueError: JetStream does not serve it, as far as the catalogue knows.
    """
    return f"pytorch/{jetstream_names(model).folder}/final/{'int8' if quantized else 'bf16'}"


def base_folder(model: str) -> str:
    """Return the folder of weights of your own that are still to be converted, for example `llama-2-7b/base`.

    Raises:
        ValueError: JetStream does not serve it, as far as the catalogue knows.
    """
    return f"{jetstream_names(model).folder}/base"


def checkpoint_path(model: str, *, quantized: bool) -> str:
    """Return the path of the converted weights in a pod.

    Raises:
        ValueError: JetStream does not serve it, as far as the catalogue knows.
    """
    return f"{MOUNT_PATH}/{checkpoint_folder(model, quantized=quantized)}/{CHECKPOINT_FILE}"


def tokenizer_path(model: str, *, quantized: bool) -> str:
    """Return the path of the tokenizer in a pod.

    Raises:
        ValueError: JetStream does not serve it, as far as the catalogue knows.
    """
    return f"{MOUNT_PATH}/{checkpoint_folder(model, quantized=quantized)}/{TOKENIZER_FILE}"
