"""What each server is asked unless the command line says otherwise."""

import datetime
import functools
import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from cli.clients import GenerationRequest


class Prompt(BaseModel):
    """The request of a guide."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    """Where it is published."""
    date: datetime.date
    """When it was read there."""
    prompt: str
    max_output_tokens: int
    parameters: dict[str, Any] = Field(default_factory=dict[str, Any])
    """Under the server's own names. `Any`: JSON."""

    def request(
        self, prompt: str | None = None, max_output_tokens: int | None = None, *, stream: bool = True
    ) -> GenerationRequest:
        """Return it as a request, with another prompt or length where one is given."""
        return GenerationRequest(
            prompt=self.prompt if prompt is None else prompt,
            max_output_tokens=max_output_tokens or self.max_output_tokens,
            stream=stream,
            parameters=self.parameters,
        )


@functools.cache
def load_prompts() -> dict[str, Prompt]:
    """Return the request of each server, by the server's name."""
    tables = tomllib.loads(Path(__file__).with_name("prompts.toml").read_text(encoding="utf-8"))
    return {name: Prompt.model_validate(table) for name, table in tables.items()}
