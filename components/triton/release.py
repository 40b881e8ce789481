"""The release of Triton with TensorRT-LLM that the set-up and the profile agree on: facts of `triton.toml`."""

import datetime
import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path

from ..catalog import Fact, Record


class Image(Fact):
    """One way to have the serving image, and where it holds what is called."""

    image: str
    """Name and tag."""
    disk_gb: int
    """Disk that it takes while it comes and afterwards, 10^9 bytes."""
    models: str
    """Folder of the model repository's templates."""
    fill_template: str
    """Script that fills them."""
    launch: str
    """Script that starts one server for each GPU."""
    examples: str
    """Folder of TensorRT-LLM's examples, with the scripts that convert checkpoints."""


class BuiltImage(Image):
    """The image that is built from source, and the source."""

    repository: str
    tag: str
    dockerfile: str


class Version(Fact):
    """Versions that go together."""

    triton: str
    tensorrt_llm: str
    driver_branch: int
    """Branch of NVIDIA's driver that the image was made for."""


class Release(Record):
    """All that is pinned."""

    release: Version
    ready: Image
    """NVIDIA's own image."""
    built: BuiltImage
    """The guide's image."""
    converters: Mapping[str, str]
    """By model: the folder of the examples whose script converts it."""


@functools.cache
def load_release() -> Release:
    """Return the pinned release."""
    tables = tomllib.loads(Path(__file__).with_name("releases.toml").read_text(encoding="utf-8"))
    date: datetime.date = tables.pop("date")
    converters = {name: value for name, value in tables.pop("converters").items() if name != "source"}
    return Release.model_validate(
        {"converters": converters, **{name: {"date": date, **table} for name, table in tables.items()}}
    )
