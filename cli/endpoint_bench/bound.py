"""Compares what was measured with what is possible: docs/sizing.md tells how that is worked out."""

import re
from dataclasses import dataclass

from cli.endpoint_bench.report import Bound, LoadReport
from cli.errors import RefusedError
from components.catalog import load_catalog
from components.decoding import step_bound

ACCELERATORS = re.compile(r"(?P<count>[1-9]\d*) x (?P<name>\S+)")


@dataclass(frozen=True)
class Hardware:
    """What serves the model."""

    model: str
    """Repository on Hugging Face."""
    name: str
    """Of the accelerator."""
    count: int
    """Accelerators of one replica."""
    quantization: str | None
    """None: weights as published."""
    replicas: int

    def bound(self, measured: LoadReport) -> Bound:
        """Return what is possible at best under the load that was measured."""
        together = -(-measured.most_under_way // self.replicas)
        # the mean over a request's answer, of which the least is taken: a token's step reads what was before it
        prompt = measured.prompt_tokens.least if measured.prompt_tokens else 0
        output = measured.output_tokens.least if measured.output_tokens else 0
        cached = prompt + output / 2
        alone, all_together = (
            step_bound(self.model, self.quantization, self.name, self.count, batch=batch, cached_tokens=cached).seconds
            for batch in (1, together)
        )
        return Bound(
            model=self.model,
            accelerators=f"{self.count} x {self.name}",
            quantization=self.quantization,
            replicas=self.replicas,
            time_per_output_token_seconds=alone,
            tokens_per_second=self.replicas * together / all_together,
        )


def hardware(model: str, accelerators: str, quantization: str | None, replicas: int) -> Hardware:
    """Return what is written as `COUNT x NAME`, if the catalogue knows it.

    Raises:
        RefusedError: it does not.
    """
    catalog = load_catalog()
    written = ACCELERATORS.fullmatch(accelerators.strip())
    if written is None or written["name"] not in catalog.accelerators:
        raise RefusedError(
            f"{accelerators!r} must be a number and an accelerator, such as '2 x nvidia-l4'. Accelerators: "
            f"{', '.join(catalog.accelerators)}."
        )
    if model not in catalog.models:
        raise RefusedError(f"The catalogue does not know the model {model!r}. Models: {', '.join(catalog.models)}.")
    if quantization is not None and quantization not in catalog.quantizations:
        raise RefusedError(
            f"The catalogue does not know the quantization {quantization!r}. "
            f"Quantizations: {', '.join(catalog.quantizations)}."
        )
    return Hardware(model, written["name"], int(written["count"]), quantization, replicas)
