"""What accelerators, machines, regions and models are, as published: facts in TOML files, read into typed records.

Every table of those files names its `source` and the `date` on which the source was read. Prices and zones age: they
are there to catch mistakes and to estimate, not to promise capacity or to bill. A project can add to them, and correct
them, in a file of its own: docs/catalog.md.
"""

from .hardware import (
    Accelerator,
    Fact,
    Machine,
    OciRegion,
    Partition,
    Record,
    Region,
    Shape,
    Topologies,
    Zone,
)
from .models import Assumption, JetStreamNames, Model, Quantization
from .reading import (
    KINDS,
    OWN_FILE,
    OWN_FILE_VARIABLE,
    Catalog,
    CatalogError,
    chips_of,
    load_catalog,
    read_catalog,
)

__all__ = [
    "KINDS",
    "OWN_FILE",
    "OWN_FILE_VARIABLE",
    "Accelerator",
    "Assumption",
    "Catalog",
    "CatalogError",
    "Fact",
    "JetStreamNames",
    "Machine",
    "Model",
    "OciRegion",
    "Partition",
    "Quantization",
    "Record",
    "Region",
    "Shape",
    "Topologies",
    "Zone",
    "chips_of",
    "load_catalog",
    "read_catalog",
]
