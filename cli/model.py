"""The base of documents that are printed as JSON and read back."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Model(BaseModel):
    """Nothing changes after it is made, unknown keys are refused, and keys of JSON are camelCase."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, alias_generator=to_camel, populate_by_name=True
    )
