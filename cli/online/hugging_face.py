"""Asks Hugging Face whether a model can be downloaded.

Source: github.com/huggingface/huggingface_hub, hf_api.py, `model_info` and `auth_check`, 2026-11-21.
"""

import os
from urllib.parse import quote

from cli.online.answer import Answer
from cli.online.web import UnreachableError, ask
from components.findings import error

TOKEN, ENDPOINT = "HF_TOKEN", "HF_ENDPOINT"
"""Environment variables that Hugging Face's own tools read, too."""


def check_model_access(model: str) -> Answer:
    """Return why the model cannot be downloaded with the token of the environment."""
    token = os.environ.get(TOKEN)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    url = f"{os.environ.get(ENDPOINT, 'https://huggingface.co')}/api/models/{quote(model)}"
    try:
        told = ask(url, headers)
        if told.status in (401, 404):
            shown = "to this token" if token else "without a token"
            message = f"Hugging Face shows no repository '{model}' {shown}."
            return Answer((error("model-not-found", "service.model", message, "Correct the name, or set HF_TOKEN."),))
        if told.status != 200:
            return Answer(skipped=(f"{model}: Hugging Face answers with status {told.status}",))
        if not told.json()["gated"]:
            return Answer()
        if not token:
            return Answer(skipped=(f"{model}: it is gated, and {TOKEN} is not set in the environment",))
        if ask(f"{url}/auth-check", headers).status == 200:
            return Answer()
    except UnreachableError as failed:
        return Answer(skipped=(f"{model}: Hugging Face cannot be reached ({failed})",))
    message = f"'{model}' is gated, and the owner of the token has not been let in."
    remedy = "Accept the terms on its page."
    return Answer((error("model-gate-closed", "huggingFaceToken", message, remedy),))
