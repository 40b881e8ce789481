"""The guide's handler, ready only when the model is compiled, and bounded in the tokens of one request.

TorchServe loads it from the archive, beside `handler.py` of its example examples/large_models/gpt_fast.
"""

import os
from pathlib import Path
from typing import Any

import torch
from generate import encode_tokens
from handler import GptHandler
from ts.utils.util import PredictionException

PROMPTS = ("The capital of France", "What is a mixture of experts, and what is it good for?")
"""Two, of different length, since the compiler specializes on the first."""

TOKENS = 8
"""A CUDA graph is recorded on the second run of a step and replayed from the third on."""

FEWEST = 2
"""Tokens of an answer: the example's own loop breaks with fewer."""


class WarmHandler(GptHandler):
    """Compiles before it serves, and says in the file READY_FILE that it has."""

    def initialize(self, ctx: Any) -> None:  # Any: TorchServe has no types
        """Load the model, make its caches as large as they can get, and compile it."""
        ready = Path(os.environ["READY_FILE"])
        ready.unlink(missing_ok=True)
        super().initialize(ctx)
        self.longest = int(ctx.model_yaml_config["handler"]["max_sequence_length"])
        # a longer request would otherwise make larger ones, and compile again while it waits
        with torch.device(self.device):
            self.model.setup_caches(max_batch_size=1, max_seq_length=self.longest)
        stream, self.stream = self.stream, False  # there is nobody to answer
        for prompt in PROMPTS:
            encoded = encode_tokens(self.tokenizer, prompt, bos=True, device=self.device)
            self.generate(encoded, TOKENS, temperature=0.8, top_k=1)
        self.stream = stream
        if self.local_rank == 0:
            ready.touch()

    def preprocess(self, requests: Any) -> Any:
        """Return the request as the example does, shortened to what the caches hold.

        Raises:
            PredictionException: the client's mistake, with status 400.
        """
        try:
            data = super().preprocess(requests)
            wanted = int(data["max_new_tokens"])
        except (KeyError, TypeError, ValueError):
            raise PredictionException('send {"prompt": TEXT, "max_new_tokens": NUMBER}', 400) from None
        room = self.longest - self.prompt_length
        if room < FEWEST:
            raise PredictionException(
                f"the prompt has {self.prompt_length} tokens, and prompt and answer have {self.longest}", 400
            )
        if wanted < FEWEST:
            raise PredictionException(f"max_new_tokens is at least {FEWEST}", 400)
        return {**data, "max_new_tokens": min(wanted, room)}
